// SPDX-License-Identifier: Apache-2.0
// The host's handler, from the call that gives it to the call that takes it back: no call of it may
// be under way after that, on any thread.
#include "source/channel.h"
#include <sched.h>
#include <stdio.h>

void fk_relax(int spins) {
	if (spins >= 200) sched_yield();
#ifdef __x86_64__
	else
		__builtin_ia32_pause();
#endif
}

uint64_t fk_outlet_open(fk_outlet *outlet, ss_plugin_owner_t *owner,
                        ss_plugin_async_event_handler_t handler) {
	outlet->owner = owner;
	atomic_store(&outlet->handler, handler);
	return atomic_fetch_add(&outlet->generation, 1) + 1;
}

// After it no call of the handler is under way and none will be made.
void fk_outlet_shut(fk_outlet *outlet) {
	if (atomic_load(&outlet->generation) & 1) atomic_fetch_add(&outlet->generation, 1);
	atomic_store(&outlet->handler, NULL);
	for (int spins = 0; atomic_load(&outlet->calls); spins++) fk_relax(spins);
}

// Calls the host's handler unless it was taken back; `calls` lets that wait.
ss_plugin_rc fk_outlet_call(fk_async *a, fk_outlet *outlet, const ss_plugin_event *event,
                            char *err) {
	ss_plugin_rc rc = SS_PLUGIN_FAILURE;
	err[0] = 0;
	atomic_fetch_add(&outlet->calls, 1);
	ss_plugin_async_event_handler_t handler = atomic_load(&outlet->handler);
	if (handler)
		rc = handler(outlet->owner, event, err);
	else
		snprintf(err, PLUGIN_MAX_ERRLEN, "the capture is closed");
	atomic_fetch_sub(&outlet->calls, 1);
	err[PLUGIN_MAX_ERRLEN - 1] = 0;
	if (rc != SS_PLUGIN_SUCCESS)
		atomic_fetch_add_explicit(&a->count.refused[FK_REFUSED_HOST], 1, memory_order_relaxed);
	else if (outlet == &a->live) { // what is dumped is no part of the stream
		atomic_fetch_add_explicit(&a->count.sent, 1, memory_order_relaxed);
		fk_async_was_sent();
	}
	return rc;
}
