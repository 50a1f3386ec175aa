// SPDX-License-Identifier: Apache-2.0
// Owns the counts of one capture. The engine's thread counts deliveries, the async handler counts
// refusals under the queue's lock, the control thread reads all of it while they go on.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fk_rejection { // the handler answered FAILURE
	FK_REJECTED_NO_HANDLER,
	FK_REJECTED_MALFORMED,
	FK_REJECTED_NAME,
	FK_REJECTED_SOURCE,
	FK_REJECTED_TID,
	FK_REJECTIONS,
};

enum fk_drop { // the handler answered SUCCESS, and the event is lost
	FK_DROPPED_FUTURE,
	FK_DROPPED_FULL,
	FK_DROPPED_CLOSE, // still queued when the capture ended
	FK_DROPS,
};

struct fk_text;
struct fk_counts {
	_Atomic uint64_t events, plugin_events, plugin_bytes, timeouts;
	_Atomic uint64_t rejected[FK_REJECTIONS], dropped[FK_DROPS];
};
extern struct fk_counts fk_counts;
extern _Atomic unsigned fk_queued; // async events in the queue, whose own it is

// One writer a counter: a plain addition that a reader on another thread may look at.
static inline void fk_count(_Atomic uint64_t *counter, uint64_t n) {
	uint64_t v = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, v + n, memory_order_relaxed);
}

unsigned fk_stats_row(const char *async_name); // the row of that name, made when new
void fk_stats_async(unsigned row, uint64_t ts, const char *data, size_t size);
void fk_stats_last(const struct fk_text *event); // a JSON object, copied
void fk_stats_reset(void);
void fk_stats_report(void);
