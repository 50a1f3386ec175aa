// SPDX-License-Identifier: Apache-2.0
// Owns the queue of async events between the plugins' threads and the engine. As in the framework it
// has 4096 slots and delivers the lowest timestamp first; events without a timestamp keep their
// order of arrival.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runner/host/host.h"

enum {
	FKR_QUEUE_SLOTS = 4096
};

struct fkr_async {
	ss_plugin_event *evt; // a copy of what the plugin sent; writable
	size_t room;
	uint64_t order;
	unsigned row; // in the statistics
};

bool fkr_queue_push(const ss_plugin_event *evt, unsigned row); // locked; false: full

// Engine's thread. The event stays valid until the next pop or close.
struct fkr_async *fkr_queue_pop(uint64_t not_after_ts); // NULL: none is due by then
void fkr_queue_wait(uint64_t at_most_ns); // until an event is due, or the time is over
unsigned fkr_queue_length(void);
unsigned fkr_queue_close(void); // discards all queued events, returns their number
