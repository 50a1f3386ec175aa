// SPDX-License-Identifier: Apache-2.0
// The slow paths of the arena: a call that needs more than the one before, and the reset after it.
#include "memory/arena.h"
#include <stdlib.h>

#define FIRST_BYTES 4096
#define KEPT_BYTES  (4u << 20) // a larger block is not kept from call to call

struct fk_arena_block {
	fk_arena_block *next;
	uint64_t bytes[];
};

static void free_blocks(fk_arena *arena) {
	while (arena->more) {
		fk_arena_block *block = arena->more;
		arena->more = block->next;
		free(block);
	}
	arena->more_bytes = 0;
}

// The next call will probably need as much as this one: makes one block of it, within the limit.
void fk_arena_reset_slow(fk_arena *arena) {
	size_t wanted = arena->used + arena->more_bytes;
	size_t size = arena->size ? arena->size : FIRST_BYTES;
	free_blocks(arena);
	arena->used = 0;
	while (size < wanted && size < KEPT_BYTES) size *= 2;
	if (size == arena->size) return;
	free(arena->base);
	arena->base = malloc(size);
	arena->size = arena->base ? size : 0;
}

void *fk_arena_alloc_slow(fk_arena *arena, size_t bytes) {
	if (bytes > SIZE_MAX / 2) return NULL;
	size_t rounded = (bytes + 7) & ~(size_t)7;
	fk_arena_block *block = malloc(sizeof *block + rounded);
	if (!block) return NULL;
	block->next = arena->more;
	arena->more = block;
	arena->more_bytes += rounded;
	return block->bytes;
}

void fk_arena_free(fk_arena *arena) {
	free_blocks(arena);
	free(arena->base);
	*arena = (fk_arena){0};
}
