// SPDX-License-Identifier: Apache-2.0
// What travels in a packaged library, and how an item of it becomes a file that can be opened.
//
// An item lies in a section of the entry library, or (the `dir` layout) in a folder beside it. It
// is checked against its SHA-256 and opened from a sealed memfd; where that is not to be had (no
// /proc, a system that refuses executable memfds), from a cache folder whose files are named by
// their hash. The entry library opens the store, loads libpython and the glue out of it, and gives
// it to the glue, which keeps it for as long as the process lives. Compiled into both of them.
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fk_item {
	const char *name; // of the file; for an extension module what follows `module:`
	const char *module;
	uint64_t offset, size; // in the section
	unsigned char sha256[32];
	const int16_t *needs; // items that must be loaded before this one; -1 at the end
} fk_item;

// Written into the entry library by `falcokit package`.
typedef struct fk_payload {
	const char *folder;        // of the dir layout, beside the library; NULL for one file
	const unsigned char *blob; // the section; NULL in the dir layout
	uint64_t blob_size;
	const fk_item *items;
	int count, glue, archive; // the glue, and the zip of all Python code
} fk_payload;

typedef struct fk_store {
	fk_item *items;
	int count, glue, archive;
	int fd; // of the library itself, or of a copy of the section; -1 in the dir layout
	uint64_t base;
	char *folder;
	char **paths;          // of the items placed so far
	void **handles;        // of the items loaded so far
	_Atomic bool no_memfd; // found out at the first one
	_Atomic bool damaged;  // an item could not be placed
	bool adopted;          // the glue has it, and keeps it
	pthread_mutex_t lock;
	pthread_t archiver;
	bool archiving;
} fk_store;

// All of these write a sentence for a person into `err` when they fail.
// `library` is where the entry library was when it was loaded.
fk_store *fk_store_open(const fk_payload *payload, const char *library, char *err, size_t errlen);

// Of a store that no Python uses: what it has placed and not loaded goes away with it. To be called by
// the library that opened it: with RTLD_DEEPBIND that has another free than the glue.
void fk_store_close(fk_store *store);

// `other` is of the same content: what could not be placed is looked for where that one looks.
void fk_store_mend(fk_store *store, const fk_store *other);

// Begins to place the zip of all code on a thread of its own, while libpython and the glue are loaded
// here: each takes some milliseconds of hashing that the host would wait for one after the other.
void fk_store_begin_archive(fk_store *store);
const char *fk_store_archive(fk_store *store, char *err, size_t errlen);
void fk_store_settle(fk_store *store); // waits for that thread

// The path by which an item can be opened now, checked; the string is the store's.
const char *fk_store_place(fk_store *store, int item, char *err, size_t errlen);

// The flags to load a library with. A Python whose functions are global in this process (a host in
// Python, a development build) must not be found before the payload's own.
int fk_store_flags(const fk_store *store);

// Loads what the item needs, and with `itself` the item too. Returns the item's handle, or any
// other non-NULL value without `itself`.
void *fk_store_load(fk_store *store, int item, bool itself, char *err, size_t errlen);
