// SPDX-License-Identifier: Apache-2.0
// A channel: encoded events on their way from a source's Python side to next_batch, in order,
// bounded. Producers hold the GIL, so there is one at a time; the consumer is the host's thread,
// which needs no GIL. Events lie in segments of memory: the producer fills the last one and
// publishes each event by moving `used`; the consumer hands out what is published, and gives a
// segment back when the host no longer needs the batches that lie in it.
#pragma once
#include <stddef.h>
#include "async_event/async_event.h"

#define FK_CHANNEL_BYTES (2u << 20) // waiting in one channel, unless a single event is larger

typedef struct fk_segment {
	struct fk_segment *below; // in a list of spares
	_Atomic(struct fk_segment *) next;
	size_t size;
	_Atomic size_t used; // multiple of 8
	uint64_t bytes[];
} fk_segment;

enum fk_host_state {
	FK_HOST_AWAY,
	FK_HOST_NAPS,  // looks again by itself: woken for many events only
	FK_HOST_SLEEPS // woken for the first event
};

#define FK_LINE \
	64 // bytes of a cache line: neither side writes into one that the other writes all the time

typedef struct fk_channel {
	_Atomic int refs; // the queue object, the open instance
	// The producer's.
	_Alignas(FK_LINE) fk_segment *last, *kept;
	uint64_t max_events;
	size_t next_size;
	_Atomic uint64_t put, put_bytes;
	_Atomic uint64_t dropped_size, dropped_full;
	// The consumer's.
	_Alignas(FK_LINE) fk_segment *oldest,
		*first; // of the batch that the host has; where the next begins
	size_t at;
	_Atomic uint64_t taken, taken_bytes;
	// Both sides', and seldom written.
	_Alignas(FK_LINE) _Atomic(fk_segment *) spares;
	_Atomic int host_state;
	_Atomic bool idle;   // the source said that it has nothing now
	_Atomic bool ended;  // no event follows; rc and err say why
	_Atomic bool shut;   // nobody takes events any more
	_Atomic bool asked;  // the host has asked for events: the opening of the capture is over
	_Atomic int waiting; // for room
	pthread_mutex_t lock;
	pthread_cond_t events, room;
	fk_sleeper sleeper;
	int rc;
	char err[FK_ERRLEN];
} fk_channel;

fk_channel *fk_channel_new(uint64_t max_events);
void fk_channel_ref(fk_channel *ch);
void fk_channel_unref(fk_channel *ch);
bool fk_channel_room(const fk_channel *ch, size_t len);
uint8_t *fk_channel_reserve(fk_channel *ch, size_t len);
void fk_channel_wake(fk_channel *ch, bool for_all);
bool fk_channel_wait_room(fk_channel *ch, uint64_t ns);
void fk_channel_ask(fk_channel *ch);
void fk_channel_wait_asked(fk_channel *ch);
void fk_channel_end(fk_channel *ch, int rc, const char *err);
void fk_channel_shut(fk_channel *ch);
uint32_t fk_channel_take(fk_channel *ch, ss_plugin_event **out, uint32_t max, uint64_t *bytes);
bool fk_channel_empty(const fk_channel *ch);
bool fk_channel_wait(fk_channel *ch, enum fk_host_state how, uint64_t until);

static inline fk_channel *fk_channel_of(fk_sleeper *sleeper) {
	return (fk_channel *)((char *)sleeper - offsetof(fk_channel, sleeper));
}

extern bool fk_barriers_here; // the kernel has no barrier for other threads

static inline size_t fk_rounded(size_t len) { return (len + 7) & ~(size_t)7; }

// Publishes the event written to what fk_channel_reserve gave.
static inline void fk_channel_commit(fk_channel *ch, size_t len) {
	size_t size = fk_rounded(len),
		   used = atomic_load_explicit(&ch->last->used, memory_order_relaxed);
	uint64_t put = atomic_load_explicit(&ch->put, memory_order_relaxed);
	uint64_t bytes = atomic_load_explicit(&ch->put_bytes, memory_order_relaxed);
	atomic_store_explicit(&ch->put, put + 1, memory_order_relaxed);
	atomic_store_explicit(&ch->put_bytes, bytes + size, memory_order_relaxed);
	if (atomic_load_explicit(&ch->idle, memory_order_relaxed))
		atomic_store_explicit(&ch->idle, false, memory_order_relaxed);
	atomic_store_explicit(&ch->last->used, used + size, memory_order_release);
	// The host sets host_state and looks, we store and look: between the two stands a barrier on both
	// sides. Here it would wait for the whole payload to be written, so the host makes ours too.
	if (fk_barriers_here)
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&ch->host_state, memory_order_relaxed)) fk_channel_wake(ch, false);
}
