// SPDX-License-Identifier: Apache-2.0
// Turns checked bytes into a file that has a path: in memory, or in the cache folder. Called by
// payload/store.c. A path that is returned is the caller's to free; what it names stays.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fk_source {
	int fd;
	uint64_t offset, size;
	const unsigned char *sha256;
	const char *name;
} fk_source;

// Both texts, one after the other, or NULL. Not by strdup or asprintf: the C library takes their memory
// from the host's allocator, and a library that was loaded with RTLD_DEEPBIND has another free.
char *fk_joined(const char *first, const char *second);

// Copies to `to` (or nowhere, with -1) what the item says, and checks it.
bool fk_copy_checked(const fk_source *from, int to, char *err, size_t errlen);

bool fk_can_execute(int fd);

// Closes what a path in memory stands for; other paths are left.
void fk_displace(const char *path);

// `refused` is set when the system, and not the payload, is the reason.
char *fk_place_in_memory(const fk_source *from, bool *refused, char *err, size_t errlen);

// $FALCOKIT_CACHE, or /var/cache/falcokit: owned by the user of the process, written by nobody else, and
// below folders in which nobody else can put another in its place.
char *fk_place_in_cache(const fk_source *from, char *err, size_t errlen);

// The dir layout: the file is there already, and is only checked.
char *fk_place_in_folder(const fk_source *from, const char *folder, char *err, size_t errlen);

// A memfd with a copy of the section, for a library whose own file cannot be opened; -1 on failure.
int fk_copy_section(const unsigned char *blob, uint64_t size, char *err, size_t errlen);
