// SPDX-License-Identifier: Apache-2.0
// The queue of async events: a binary heap of slots that keep their memory. The lock of runner/host/owner.h guards all of
// it and the handler's gates; producers push on any thread, the engine's thread pops.
#include "runner/capture/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "runner/host/owner.h"
#include "runner/report/clock.h"
#include "runner/report/stats.h"
#include "runner/report/text.h"

enum {
	FK_SLOT_KEEPS = 1 << 16
}; // a slot that held more gives its memory back

static pthread_cond_t fk_arrived;
static pthread_once_t fk_once = PTHREAD_ONCE_INIT;
static struct fk_async *fk_heap[FK_QUEUE_SLOTS];
static struct fk_async *fk_free[FK_QUEUE_SLOTS + 1]; // and the one that the engine holds
static unsigned fk_free_count;
static uint64_t fk_order;
static bool fk_engine_waits;
static struct fk_async *fk_held;

static void fk_setup(void) {
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&fk_arrived, &attr);
}

static bool fk_before(const struct fk_async *a, const struct fk_async *b) {
	uint64_t x = a->evt->ts, y = b->evt->ts;
	if (x != FK_NOT_SET && y != FK_NOT_SET && x != y) return x < y;
	return a->order < b->order;
}

bool fk_queue_push(const ss_plugin_event *evt, unsigned row) {
	unsigned i = atomic_load_explicit(&fk_queued, memory_order_relaxed);
	if (i == FK_QUEUE_SLOTS) return false;
	struct fk_async *slot;
	if (fk_free_count) {
		slot = fk_free[--fk_free_count];
	} else {
		slot = fk_must_alloc(NULL, sizeof *slot);
		*slot = (struct fk_async){0};
	}
	if (slot->room < evt->len) {
		slot->evt = fk_must_alloc(slot->evt, evt->len);
		slot->room = evt->len;
	}
	memcpy(slot->evt, evt, evt->len);
	slot->row = row;
	slot->order = fk_order++;
	for (; i && fk_before(slot, fk_heap[(i - 1) / 2]); i = (i - 1) / 2)
		fk_heap[i] = fk_heap[(i - 1) / 2];
	fk_heap[i] = slot;
	atomic_fetch_add_explicit(&fk_queued, 1, memory_order_release);
	if (fk_engine_waits) {
		fk_engine_waits = false;
		pthread_cond_signal(&fk_arrived);
	}
	return true;
}

static void fk_recycle(struct fk_async *slot) {
	if (slot->room > FK_SLOT_KEEPS) {
		free(slot->evt);
		*slot = (struct fk_async){0};
	}
	fk_free[fk_free_count++] = slot;
}

static void fk_give_back_held(void) {
	if (fk_held) fk_recycle(fk_held);
	fk_held = NULL;
}

static struct fk_async *fk_take_head(void) {
	struct fk_async *head = fk_heap[0];
	unsigned n = atomic_load_explicit(&fk_queued, memory_order_relaxed) - 1;
	struct fk_async *last = fk_heap[n];
	unsigned i = 0;
	for (unsigned child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && fk_before(fk_heap[child + 1], fk_heap[child])) child++;
		if (!fk_before(fk_heap[child], last)) break;
		fk_heap[i] = fk_heap[child];
	}
	fk_heap[i] = last;
	atomic_store_explicit(&fk_queued, n, memory_order_release);
	return head;
}

static bool fk_head_may_go(uint64_t not_after_ts) {
	if (!atomic_load_explicit(&fk_queued, memory_order_relaxed)) return false;
	uint64_t ts = fk_heap[0]->evt->ts;
	return ts == FK_NOT_SET || ts <= not_after_ts;
}

struct fk_async *fk_queue_pop(uint64_t not_after_ts) {
	if (!atomic_load_explicit(&fk_queued, memory_order_acquire)) return NULL;
	fk_owner_lock();
	fk_give_back_held();
	if (fk_head_may_go(not_after_ts)) fk_held = fk_take_head();
	fk_owner_unlock();
	return fk_held;
}

void fk_queue_wait(uint64_t at_most_ns) {
	uint64_t until = fk_monotonic_ns() + at_most_ns;
	struct timespec t = {.tv_sec = (time_t)(until / 1000000000u),
	                     .tv_nsec = (long)(until % 1000000000u)};
	pthread_once(&fk_once, fk_setup);
	fk_owner_lock();
	if (!fk_head_may_go(fk_wall_ns())) {
		fk_engine_waits = true;
		pthread_cond_timedwait(&fk_arrived, &fk_owners, &t);
		fk_engine_waits = false;
	}
	fk_owner_unlock();
}

unsigned fk_queue_length(void) { return atomic_load_explicit(&fk_queued, memory_order_relaxed); }

unsigned fk_queue_close(void) {
	fk_owner_lock();
	unsigned n = fk_queue_length();
	for (unsigned i = 0; i < n; i++) fk_recycle(fk_heap[i]);
	atomic_store(&fk_queued, 0);
	fk_give_back_held();
	fk_owner_unlock();
	return n;
}
