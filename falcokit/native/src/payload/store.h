// SPDX-License-Identifier: Apache-2.0
// The payload of a packaged library, and how its items become files that can be opened.
//
// An item lies in a section of the entry library, or (the `dir` layout) in a folder next to it. It is
// checked against its SHA-256 and opened from a sealed memfd. Where that is unavailable (no /proc, or a
// system that forbids executable memfds), it is opened from a cache folder whose files are named by
// their hash. The entry library opens the store, loads libpython and the glue from it, and passes it to
// the glue, which keeps it until the process ends. This room is compiled into both libraries.
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fk_item {
	const char *name; // of the file; for an extension module the part after `module:`
	const char *module;
	uint64_t offset, size; // in the section
	unsigned char sha256[32];
	const int16_t *needs; // items that must be loaded before this one; -1 at the end
} fk_item;

// Written into the entry library by `falcokit package`.
typedef struct fk_payload {
	const char *folder;        // in the dir layout, next to the library; NULL for a single file
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
	_Atomic bool no_memfd; // known after the first item
	_Atomic bool damaged;  // an item could not be placed
	bool adopted;          // the glue keeps it
	pthread_mutex_t lock;
	pthread_t archiver;
	bool archiving;
} fk_store;

// All of these write a sentence for a person into `err` when they fail.
// `library` is where the entry library was when it was loaded.
fk_store *fk_store_open(const fk_payload *payload, const char *library, char *err, size_t errlen);

// For a store that no Python uses: frees it, with the files that were placed but not loaded. To be
// called by the library that opened it: with RTLD_DEEPBIND that has another free than the glue.
void fk_store_close(fk_store *store);

// `other` has the same content: an item that could not be placed is searched where `other` searches it.
void fk_store_mend(fk_store *store, const fk_store *other);

// Starts placing the zip of all code on a separate thread, while libpython and the glue are loaded
// here. Each takes some milliseconds of hashing, during which the host waits.
void fk_store_begin_archive(fk_store *store);
const char *fk_store_archive(fk_store *store, char *err, size_t errlen);
void fk_store_settle(fk_store *store); // waits for that thread

// Checks an item and returns a path by which it can be opened; the store owns the string.
const char *fk_store_place(fk_store *store, int item, char *err, size_t errlen);

// Closes an item that was placed and not loaded: its path is not valid any more.
void fk_store_displace(fk_store *store, int item);

// The flags for loading a library. If the process has a Python with global symbols (a host in Python, a
// development build), it must not be found before the payload's own.
int fk_store_flags(const fk_store *store);

// Loads what the item needs, and with `itself` the item too. Returns the item's handle, or any
// other non-NULL value without `itself`.
void *fk_store_load(fk_store *store, int item, bool itself, char *err, size_t errlen);
