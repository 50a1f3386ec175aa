// SPDX-License-Identifier: Apache-2.0
// The queue of async events: a binary heap of slots, whose memory is reused. The lock of
// runner/host/host.h guards the queue and the handler's gates. Any thread pushes; the engine's
// thread pops.
#include "runner/capture/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "runner/host/host.h"
#include "runner/report/report.h"

enum {
	FKR_SLOT_KEEPS = 1 << 16
}; // a slot that held a larger event frees its memory

static pthread_cond_t fkr_arrived;
static pthread_once_t fkr_once = PTHREAD_ONCE_INIT;
static struct fkr_async *fkr_heap[FKR_QUEUE_SLOTS];
static struct fkr_async *fkr_free[FKR_QUEUE_SLOTS + 1]; // plus the one that the engine holds
static unsigned fkr_free_count;
static uint64_t fkr_order;
static bool fkr_engine_waits;
static struct fkr_async *fkr_held;

static void fkr_setup(void) {
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&fkr_arrived, &attr);
}

static bool fkr_before(const struct fkr_async *a, const struct fkr_async *b) {
	uint64_t x = a->evt->ts, y = b->evt->ts;
	if (x != FK_NOT_SET && y != FK_NOT_SET && x != y) return x < y;
	return a->order < b->order;
}

bool fkr_queue_push(const ss_plugin_event *evt, unsigned row) {
	unsigned i = atomic_load_explicit(&fkr_queued, memory_order_relaxed);
	if (i == FKR_QUEUE_SLOTS) return false;
	struct fkr_async *slot;
	if (fkr_free_count) {
		slot = fkr_free[--fkr_free_count];
	} else {
		slot = fkr_must_alloc(NULL, sizeof *slot);
		*slot = (struct fkr_async){0};
	}
	if (slot->room < evt->len) {
		slot->evt = fkr_must_alloc(slot->evt, evt->len);
		slot->room = evt->len;
	}
	memcpy(slot->evt, evt, evt->len);
	slot->row = row;
	slot->order = fkr_order++;
	for (; i && fkr_before(slot, fkr_heap[(i - 1) / 2]); i = (i - 1) / 2)
		fkr_heap[i] = fkr_heap[(i - 1) / 2];
	fkr_heap[i] = slot;
	atomic_fetch_add_explicit(&fkr_queued, 1, memory_order_release);
	if (fkr_engine_waits) {
		fkr_engine_waits = false;
		pthread_cond_signal(&fkr_arrived);
	}
	return true;
}

static void fkr_recycle(struct fkr_async *slot) {
	if (slot->room > FKR_SLOT_KEEPS) {
		free(slot->evt);
		*slot = (struct fkr_async){0};
	}
	fkr_free[fkr_free_count++] = slot;
}

static void fkr_give_back_held(void) {
	if (fkr_held) fkr_recycle(fkr_held);
	fkr_held = NULL;
}

static struct fkr_async *fkr_take_head(void) {
	struct fkr_async *head = fkr_heap[0];
	unsigned n = atomic_load_explicit(&fkr_queued, memory_order_relaxed) - 1;
	struct fkr_async *last = fkr_heap[n];
	unsigned i = 0;
	for (unsigned child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && fkr_before(fkr_heap[child + 1], fkr_heap[child])) child++;
		if (!fkr_before(fkr_heap[child], last)) break;
		fkr_heap[i] = fkr_heap[child];
	}
	fkr_heap[i] = last;
	atomic_store_explicit(&fkr_queued, n, memory_order_release);
	return head;
}

static bool fkr_head_may_go(uint64_t not_after_ts) {
	if (!atomic_load_explicit(&fkr_queued, memory_order_relaxed)) return false;
	uint64_t ts = fkr_heap[0]->evt->ts;
	return ts == FK_NOT_SET || ts <= not_after_ts;
}

struct fkr_async *fkr_queue_pop(uint64_t not_after_ts) {
	if (!atomic_load_explicit(&fkr_queued, memory_order_acquire)) return NULL;
	fkr_owner_lock();
	fkr_give_back_held();
	if (fkr_head_may_go(not_after_ts)) fkr_held = fkr_take_head();
	fkr_owner_unlock();
	return fkr_held;
}

void fkr_queue_wait(uint64_t at_most_ns) {
	uint64_t until = fkr_monotonic_ns() + at_most_ns;
	struct timespec t = {.tv_sec = (time_t)(until / 1000000000u),
	                     .tv_nsec = (long)(until % 1000000000u)};
	pthread_once(&fkr_once, fkr_setup);
	fkr_owner_lock();
	if (!fkr_head_may_go(fkr_wall_ns())) {
		fkr_engine_waits = true;
		pthread_cond_timedwait(&fkr_arrived, &fkr_owners, &t);
		fkr_engine_waits = false;
	}
	fkr_owner_unlock();
}

unsigned fkr_queue_length(void) { return atomic_load_explicit(&fkr_queued, memory_order_relaxed); }

unsigned fkr_queue_close(void) {
	fkr_owner_lock();
	unsigned n = fkr_queue_length();
	for (unsigned i = 0; i < n; i++) fkr_recycle(fkr_heap[i]);
	atomic_store(&fkr_queued, 0);
	fkr_give_back_held();
	fkr_owner_unlock();
	return n;
}
