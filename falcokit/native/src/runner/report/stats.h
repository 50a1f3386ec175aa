// SPDX-License-Identifier: Apache-2.0
// Owns the counters of one capture. The engine's thread counts deliveries, the async handler counts
// refusals under the owners' lock, and the control thread reads them at the same time.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fkr_rejection { // the handler answered FAILURE
	FKR_REJECTED_NO_HANDLER,
	FKR_REJECTED_MALFORMED,
	FKR_REJECTED_NAME,
	FKR_REJECTED_SOURCE,
	FKR_REJECTED_TID,
	FKR_REJECTIONS,
};

enum fkr_drop { // the handler answered SUCCESS, and the event is lost
	FKR_DROPPED_FUTURE,
	FKR_DROPPED_FULL,
	FKR_DROPPED_CLOSE, // still queued when the capture ended
	FKR_DROPS,
};

struct fkr_text;
struct fkr_counts {
	_Atomic uint64_t events, plugin_events, plugin_bytes, timeouts;
	_Atomic uint64_t rejected[FKR_REJECTIONS], dropped[FKR_DROPS];
};
extern struct fkr_counts fkr_counts;
extern _Atomic unsigned fkr_queued; // async events in the queue; written by runner/capture/queue.c

// Each counter has one writer at a time, so this is no atomic addition; readers see whole values.
static inline void fkr_count(_Atomic uint64_t *counter, uint64_t n) {
	uint64_t v = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, v + n, memory_order_relaxed);
}

void fkr_stats_code(unsigned code, size_t size); // an event of a replay, other than an async one
unsigned fkr_stats_row(const char *async_name);  // the row of that name, made when new
void fkr_stats_async(unsigned row, uint64_t ts, const char *data, size_t size);
void fkr_stats_last(const struct fkr_text *event); // a JSON object, copied
void fkr_stats_reset(void);
void fkr_stats_report(void);
