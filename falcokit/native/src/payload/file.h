// SPDX-License-Identifier: Apache-2.0
// Turns checked bytes into a file with a path: in memory, or in the cache folder. The caller frees the
// returned path; the file stays.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fk_extent {
	int fd;
	uint64_t offset, size;
	const unsigned char *sha256;
	const char *name;
} fk_extent;

// Both texts joined, or NULL. Not made with strdup or asprintf: the C library takes their memory from
// the host's allocator, and a library that was loaded with RTLD_DEEPBIND has another free.
char *fk_joined(const char *first, const char *second);

// Copies the item to `to` (-1: nowhere) and checks its hash.
bool fk_copy_checked(const fk_extent *from, int to, char *err, size_t errlen);

bool fk_can_execute(int fd);

// Closes the file of a path in memory; does nothing for other paths.
void fk_displace(const char *path);

// `*refused` is set when the system does not allow it; otherwise the payload is the reason.
char *fk_place_in_memory(const fk_extent *from, bool *refused, char *err, size_t errlen);

// In $FALCOKIT_CACHE, or /var/cache/falcokit: it must be owned by the user of the process, writable by
// nobody else, and below folders in which nobody else can replace it.
char *fk_place_in_cache(const fk_extent *from, char *err, size_t errlen);

// In the dir layout the file exists already, and is only checked.
char *fk_place_in_folder(const fk_extent *from, const char *folder, char *err, size_t errlen);

// A memfd with a copy of the section, for a library whose own file cannot be opened; -1 on failure.
int fk_copy_section(const unsigned char *blob, uint64_t size, char *err, size_t errlen);
