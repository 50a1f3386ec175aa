// SPDX-License-Identifier: Apache-2.0
// Owns the interface of declared JSON fields: a program (what json_field() declared, as bytes) is
// run on an event's payload, without Python. What operators mean is in docs/json-fields.md;
// falcokit/runtime/json/evaluate.py is the same in Python.
#pragma once

#include "plugin_api.h"
#include "memory/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One field's declaration, checked and immutable: any thread.
typedef struct fk_jprogram fk_jprogram;
// What is known of the event at hand: one per plugin state, one thread at a time.
typedef struct fk_jdoc fk_jdoc;

typedef struct fk_jevent {
	const uint8_t *payload; // the host's until the call that has given it returns
	size_t len;
	uint64_t ts, number;
	const char *source;      // NULL: none
	uint32_t payload_offset; // of the payload in the whole event
} fk_jevent;

// Copies the bytes. NULL with a text in `err` when they are not a program, or there is no memory.
fk_jprogram *fk_jprogram_load(const void *bytes, size_t len, char *err, size_t errlen);
void fk_jprogram_free(fk_jprogram *program);

// Keeps at most 5 MiB, whatever the size of events; a run may take 10 MiB more while it lasts.
fk_jdoc *fk_jdoc_new(void);
void fk_jdoc_free(fk_jdoc *doc);

// From here on runs are about this event; costs the same for every size. The payload must stay as it
// is until the next begin; the source only during runs.
void fk_jdoc_begin(fk_jdoc *doc, const fk_jevent *event);

// Whether the last run has failed because it took more work than it may (json/work.h).
bool fk_jdoc_spent(const fk_jdoc *doc);
// For tests: runs may do so much, and a step for each byte of the payload.
void fk_jdoc_limit(fk_jdoc *doc, uint32_t steps);

// Fills field->res and res_len from the arena: SUCCESS, with res_len 0 for no value; or FAILURE, with
// res_len 0 and a text in `err`: an argument that does not fit, or a limit of docs/json-fields.md.
// With `offsets`, *start and *length get one entry per value: of the value's source in the whole event
// (a string's without its quotes), {0,0} for what was computed.
ss_plugin_rc fk_jprogram_run(const fk_jprogram *program, fk_jdoc *doc,
                             ss_plugin_extract_field *field, fk_arena *arena,
                             ss_plugin_extract_value_offsets *offsets, char *err, size_t errlen);
