// SPDX-License-Identifier: Apache-2.0
// How long async events take from the ring to their delivery. One event at a time is watched on this
// way, so that an emission costs one read of a variable and no clock: a busy plugin's events are
// watched one in some dozens, a quiet one's each.
// A producer begins a watch, with the GIL; the holder of the consumer lock follows and ends it.
#include "async_event/async_event.h"
#include <stdlib.h>
#include <string.h>

#define FORGET_NS 5000000000u // a watched event that was sent and is not returned by then never is

void fk_latency_open(fk_latency *l) {
	l->entry = FK_NO_ENTRY;
	l->is_back = false;
	atomic_store(&l->count, 0);
	atomic_store(&l->watched, 0);
}

// Before the event at `position` of the ring is committed: then nobody can have taken it yet.
void fk_latency_begin(fk_latency *l, uint64_t position) {
	if (atomic_load_explicit(&l->watched, memory_order_acquire)) return;
	l->since_ns = fk_now();
	atomic_store_explicit(&l->watched, position + 1, memory_order_release);
}

// With the consumer lock, as all that follow: the event at `position` is about to be sent.
void fk_latency_sent(fk_latency *l, uint64_t position, uint64_t entry) {
	if (atomic_load_explicit(&l->watched, memory_order_acquire) == position + 1) l->entry = entry;
}

// The host has returned an event, or refused it.
void fk_latency_returned(fk_latency *l, uint64_t entry) {
	if (l->entry == entry) l->is_back = true;
}

static void end(fk_latency *l) {
	l->entry = FK_NO_ENTRY;
	l->is_back = false;
	atomic_store_explicit(&l->watched, 0, memory_order_release);
}

void fk_latency_look(fk_latency *l, uint64_t now) {
	if (l->entry == FK_NO_ENTRY) return;
	uint64_t ns = now - l->since_ns;
	if (l->is_back) {
		uint32_t at = atomic_load_explicit(&l->count, memory_order_relaxed);
		uint64_t us = ns / 1000 + 1; // 0 would say that there was none
		atomic_store_explicit(&l->us[at % FK_LATENCIES],
		                      us > UINT32_MAX ? UINT32_MAX : (uint32_t)us, memory_order_relaxed);
		atomic_store_explicit(&l->count, at + 1, memory_order_relaxed);
		end(l);
	} else if (ns > FORGET_NS)
		end(l);
}

void fk_latency_cancel(fk_latency *l, uint64_t entry) {
	if (l->entry == entry) end(l);
}

static int compare(const void *a, const void *b) {
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

// Any thread: of the last FK_LATENCIES, in us; 0: there were none.
void fk_latency_read(fk_latency *l, uint32_t *p50, uint32_t *p99) {
	uint32_t us[FK_LATENCIES], n = atomic_load_explicit(&l->count, memory_order_relaxed);
	if (n > FK_LATENCIES) n = FK_LATENCIES;
	for (uint32_t i = 0; i < n; i++) us[i] = atomic_load_explicit(&l->us[i], memory_order_relaxed);
	qsort(us, n, sizeof *us, compare);
	*p50 = n ? us[n / 2] : 0;
	*p99 = n ? us[n * 99 / 100] : 0;
}
