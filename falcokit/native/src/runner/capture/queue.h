// SPDX-License-Identifier: Apache-2.0
// Owns the queue of async events between the plugins' threads and the engine: 4096 slots, lowest
// timestamp first, a timestamp that is not set in the order of arrival - as in the framework.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runner/host/api.h"

enum {
	FK_QUEUE_SLOTS = 4096
};

struct fk_async {
	ss_plugin_event *evt; // a copy of what the plugin sent; writable
	size_t room;
	uint64_t order;
	unsigned row; // in the statistics
};

bool fk_queue_push(const ss_plugin_event *evt, unsigned row); // locked; false: full

// Engine's thread. The event stays valid until the next pop or close.
struct fk_async *fk_queue_pop(uint64_t not_after_ts); // NULL: none that may go before that
void fk_queue_wait(uint64_t at_most_ns);              // until an event can go, or so long
unsigned fk_queue_length(void);
unsigned fk_queue_close(void); // forgets what is queued, returns how much that was
