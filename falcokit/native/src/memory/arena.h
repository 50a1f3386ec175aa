// SPDX-License-Identifier: Apache-2.0
// Owns the memory of the results that one call passes to the host, such as extracted values. It is
// valid until the next call of its kind on the same state, which resets it. Used by one thread at a
// time; grows to the size that calls need, and frees large memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct fk_arena_block fk_arena_block;
typedef struct fk_arena {
	uint8_t *base; // the block that is kept from call to call
	size_t size, used;
	fk_arena_block *more; // what did not fit into it, until the reset
	size_t more_bytes;
} fk_arena;

void fk_arena_reset_slow(fk_arena *arena);
void *fk_arena_alloc_slow(fk_arena *arena, size_t bytes);
void fk_arena_free(fk_arena *arena);

static inline void fk_arena_reset(fk_arena *arena) {
	if (arena->more)
		fk_arena_reset_slow(arena);
	else
		arena->used = 0;
}

// Aligned to 8 bytes; NULL when there is no memory.
static inline void *fk_arena_alloc(fk_arena *arena, size_t bytes) {
	size_t room = arena->size - arena->used;
	if (bytes > room) return fk_arena_alloc_slow(arena, bytes);
	void *found = arena->base + arena->used;
	size_t rounded = (bytes + 7) & ~(size_t)7;
	arena->used += rounded < room ? rounded : room;
	return found;
}
