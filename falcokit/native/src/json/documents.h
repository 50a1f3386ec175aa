// SPDX-License-Identifier: Apache-2.0
// Owns the interface of declared documents: what JsonDocuments() declares, as bytes, splits a document
// of an event source into events, without Python. The expressions are those of declared fields, and so
// are their limits; docs/json-documents.md says what they mean here.
#pragma once

#include "json/field.h"

// A declaration, checked and immutable: any thread.
typedef struct fk_jdocuments fk_jdocuments;

// Copies the bytes. NULL with a text in `err` when they are not a valid declaration, or without memory.
fk_jdocuments *fk_jdocuments_load(const void *bytes, size_t len, char *err, size_t errlen);
void fk_jdocuments_free(fk_jdocuments *documents);

typedef struct fk_jfound {
	const uint8_t *data; // in the document, or in the memory of the split
	uint32_t len;
	bool timed;
	uint64_t ts; // of a declared time, otherwise 0
} fk_jfound;

// What was found in one document, until the next one: used by one thread at a time.
typedef struct fk_jsplit {
	const fk_jfound *events;
	uint32_t count;
	uint32_t not_kept, invalid; // events that are not in `events`
	uint64_t steps;             // of work that were spent
	char why[256];              // why the document is invalid, or the first invalid event
	fk_jdoc *doc;
	fk_arena memory;
	fk_jfound *room;
	uint32_t room_count;
} fk_jsplit;

// Keeps at most 5 MiB between documents. NULL: no memory.
fk_jsplit *fk_jsplit_new(void);
void fk_jsplit_free(fk_jsplit *split);

// Finds the events of a document, which must not change until they are no longer needed. `ts` and
// `number` are those of the document: event.ts and event.number. False with the reason in split->why:
// the document is invalid, and has no events.
bool fk_jsplit_run(const fk_jdocuments *documents, fk_jsplit *split, const uint8_t *document,
                   size_t len, uint64_t ts, uint64_t number);
