// SPDX-License-Identifier: Apache-2.0
// The ring of encoded async events between a plugin's producers and the host.
// One producer at a time (it holds the GIL), one consumer at a time (it holds the consumer lock of
// async_event/delivery.c). The memory is bounded by FK_RING_BYTES, and by FK_HEAP_BYTES for events
// larger than FK_INLINE_MAX, which get memory of their own.
#include "async_event/async_event.h"
#include <stdlib.h>
#include <string.h>

#define FK_RING_BYTES (1u << 20)
#define FK_INLINE_MAX (64u << 10)
#define FK_HEAP_BYTES (64u << 20)

// One record of the ring: this header, then the event, padded to 8 bytes.
typedef struct fk_record {
	uint32_t size; // including this header and the padding
	uint32_t kind; // FK_RECORD_*
} fk_record;
enum {
	FK_RECORD_EVENT,
	FK_RECORD_PAD,
	FK_RECORD_HEAP
};

static fk_record *record_at(const fk_ring *ring, uint64_t position) {
	return (fk_record *)(ring->bytes + (position & (ring->size - 1)));
}

bool fk_ring_open(fk_ring *ring) {
	memset(ring, 0, sizeof *ring);
	ring->size = FK_RING_BYTES;
	ring->bytes = aligned_alloc(64, ring->size);
	return ring->bytes != NULL;
}

void fk_ring_close(fk_ring *ring) {
	while (ring->bytes && fk_ring_peek(ring)) fk_ring_pop(ring);
	free(ring->bytes);
	ring->bytes = NULL;
}

bool fk_ring_empty(const fk_ring *ring) {
	return atomic_load(&ring->head) == atomic_load(&ring->tail);
}

static uint32_t record_size(uint32_t len) {
	uint32_t body = len > FK_INLINE_MAX ? (uint32_t)sizeof(uint8_t *) : len;
	return (uint32_t)sizeof(fk_record) + ((body + 7u) & ~7u);
}

// Room for an event of `len` bytes, to be filled and then committed; NULL while there is none.
uint8_t *fk_ring_reserve(fk_ring *ring, uint32_t len) {
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint32_t size = record_size(len);
	uint64_t to_end = ring->size - (tail & (ring->size - 1));
	uint64_t need = size > to_end ? to_end + size : size;
	if (ring->size - (tail - head) < need) return NULL;
	if (size > to_end) {
		fk_record *pad = record_at(ring, tail);
		*pad = (fk_record){.size = (uint32_t)to_end, .kind = FK_RECORD_PAD};
		tail += to_end;
		atomic_store_explicit(&ring->tail, tail, memory_order_release);
	}
	fk_record *record = record_at(ring, tail);
	if (len <= FK_INLINE_MAX) {
		*record = (fk_record){.size = size, .kind = FK_RECORD_EVENT};
		return (uint8_t *)(record + 1);
	}
	// A single event may exceed the bound when it is alone.
	uint64_t held = atomic_load_explicit(&ring->heap_bytes, memory_order_relaxed);
	uint8_t *memory = held && held + len > FK_HEAP_BYTES ? NULL : malloc(len);
	if (!memory) return NULL;
	atomic_fetch_add_explicit(&ring->heap_bytes, len, memory_order_relaxed);
	*record = (fk_record){.size = size, .kind = FK_RECORD_HEAP};
	memcpy(record + 1, &memory, sizeof memory);
	return memory;
}

void fk_ring_commit(fk_ring *ring) {
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	// Sequentially consistent: a producer that then finds the consumer lock taken relies on the consumer
	// seeing this store when it checks the ring once more after releasing the lock.
	atomic_fetch_add_explicit(&ring->count, 1, memory_order_relaxed);
	atomic_store(&ring->tail, tail + record_at(ring, tail)->size);
}

// The oldest event, or NULL. It stays valid until it is popped.
ss_plugin_event *fk_ring_peek(fk_ring *ring) {
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	while (head != atomic_load_explicit(&ring->tail, memory_order_acquire)) {
		fk_record *record = record_at(ring, head);
		if (record->kind == FK_RECORD_EVENT) return (ss_plugin_event *)(record + 1);
		if (record->kind == FK_RECORD_HEAP) {
			ss_plugin_event *event;
			memcpy(&event, record + 1, sizeof event);
			return event;
		}
		head += record->size;
		atomic_store_explicit(&ring->head, head, memory_order_release);
	}
	return NULL;
}

void fk_ring_pop(fk_ring *ring) {
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	fk_record *record = record_at(ring, head);
	if (record->kind == FK_RECORD_HEAP) {
		ss_plugin_event *event;
		memcpy(&event, record + 1, sizeof event);
		atomic_fetch_sub_explicit(&ring->heap_bytes, event->len, memory_order_relaxed);
		free(event);
	}
	atomic_fetch_sub_explicit(&ring->count, 1, memory_order_relaxed);
	atomic_store_explicit(&ring->head, head + record->size, memory_order_release);
}
