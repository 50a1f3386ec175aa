// SPDX-License-Identifier: Apache-2.0
// From set_async_event_handler with a handler to the call with NULL: opens and closes the handler, runs
// the author's start and stop hooks, and owns the pacer, a thread that never takes the GIL, starts
// delivery after a pause and notices when nothing is returned. Runs on the host's threads.
#include "async_event/async_event.h"
#include "python/python.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WATCH_NS     100000000u  // between two looks of the pacer while something is in flight
#define HELD_LOOK_NS 1000000000u // and while events wait for their time: the clock may be set

bool fk_async_open(fk_impl *impl, const char *const *names) {
	fk_async *a = impl->async = calloc(1, sizeof *a);
	if (!a) return false;
	while (names[a->nnames]) a->nnames++;
	a->names = calloc(a->nnames + 1, sizeof *a->names);
	if (!a->names || !fk_ring_open(&a->ring)) return false;
	for (uint32_t i = 0; i < a->nnames; i++)
		snprintf(a->names[i], sizeof a->names[i], "%s", names[i]);
	fk_later_open(&a->later);
	fk_flight_open(a);
	pthread_mutex_init(&a->lock, NULL);
	fk_cond_init(&a->room);
	fk_cond_init(&a->wake);
	return true;
}

void fk_async_close(fk_async *a) {
	if (!a) return;
	fk_ring_close(&a->ring);
	fk_later_close(&a->later);
	free(a->names);
	free(a);
}

// ---- the pacer --------------------------------------------------------------------------------------

// Until it is woken, or an event is due.
static void nap(fk_async *a, uint64_t until) {
	uint64_t now = fk_now(), held = fk_later_due_in(&a->later);
	if (atomic_load(&a->pacer_armed) || atomic_load(&a->pacer_quit)) return;
	if (held == 0 && (atomic_load(&a->blocked) || atomic_load(&a->inflight)))
		held = UINT64_MAX; // it is sent when the host returns others
	if (held != 0) fk_cond_wait_until(&a->wake, &a->lock, held < until - now ? now + held : until);
}

// There is nothing to send, and nothing to wait for.
static bool is_idle(fk_async *a) {
	return !fk_deliver_pending(a) && !atomic_load(&a->inflight) && !atomic_load(&a->passed);
}

static void *pacer_main(void *arg) {
	fk_impl *impl = arg;
	fk_async *a = impl->async;
	char err[PLUGIN_MAX_ERRLEN];
	pthread_mutex_lock(&a->lock);
	while (!atomic_load(&a->pacer_quit)) {
		uint64_t now = fk_now(), pause = atomic_load(&a->pause_until);
		bool left = fk_deliver_pending(a) && !atomic_load(&a->blocked);
		bool flying = atomic_load(&a->inflight) != 0;
		if (left && !flying && now < pause)
			fk_cond_wait_until(&a->wake, &a->lock, pause);
		else if (left || flying || atomic_load(&a->passed)) {
			pthread_mutex_unlock(&a->lock);
			atomic_store(&a->pacer_armed, false);
			if (fk_deliver_expire(a))
				fk_log(impl, SS_PLUGIN_LOG_SEV_WARNING,
				       "the host does not hand async events back to the plugin: they are sent "
				       "directly, and what it drops can only be counted when it does");
			fk_deliver_start(a, err);
			pthread_mutex_lock(&a->lock);
			nap(a, fk_now() + WATCH_NS);
		} else {
			atomic_store(&a->pacer_armed, false);
			atomic_store(&a->pacer_asleep, true);
			if (is_idle(a) && atomic_load(&a->later.count))
				nap(a, fk_now() + HELD_LOOK_NS);
			else if (is_idle(a))
				pthread_cond_wait(&a->wake, &a->lock);
			atomic_store(&a->pacer_asleep, false);
			// Stays awake for a while, so that a steady trickle of events need not wake it each time.
			nap(a, fk_now() + WATCH_NS);
		}
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

static bool pacer_start(fk_impl *impl) {
	fk_async *a = impl->async;
	atomic_store(&a->pacer_quit, false);
	return a->pacer_on = fk_thread_start(&a->pacer, "falcokit-pacer", pacer_main, impl);
}

static void pacer_end(fk_async *a) {
	if (!a->pacer_on) return;
	atomic_store(&a->pacer_quit, true);
	fk_wake_pacer(a);
	pthread_join(a->pacer, NULL);
	a->pacer_on = false;
}

// ---- start and stop ---------------------------------------------------------------------------------

static void discard_unsent(fk_async *a) {
	a->count.discarded += fk_later_discard(&a->later);
	while (fk_ring_peek(&a->ring)) {
		fk_ring_pop(&a->ring);
		a->count.discarded++;
	}
}

// Closes the handler for all emitters, and counts the events that were not delivered.
static void close_capture(fk_impl *impl) {
	fk_async *a = impl->async;
	fk_handler_close(&a->live);
	pacer_end(a);
	fk_consumer_lock(a);
	discard_unsent(a);
	fk_flight_close(a);
	fk_consumer_unlock(a);
}

static void begin(fk_async *a, ss_plugin_owner_t *owner, ss_plugin_async_event_handler_t handler) {
	fk_consumer_lock(a);
	discard_unsent(a); // from an emit that was running when the last capture closed
	fk_latency_open(&a->latency);
	fk_consumer_unlock(a);
	a->busy = a->in_burst = false;
	a->burst_limit = 0;
	a->last_number = 0;
	a->first_sent_ns = a->overflow = 0;
	atomic_store(&a->reported, 0);
	atomic_store(&a->pause_until, 0);
	atomic_store(&a->refusal, 0);
	atomic_store(&a->stopping, false);
	atomic_store(&a->blocked, false);
	atomic_store(&a->starting, true);
	atomic_store(&a->pacer_armed, false);
	fk_handler_open(&a->live, owner, handler);
}

// Runs the author's stop first, while emitting is still possible. Producers that wait for room are
// released.
ss_plugin_rc fk_capture_stop(fk_impl *impl) {
	fk_async *a = impl->async;
	if (!impl->capturing) return SS_PLUGIN_SUCCESS;
	impl->capturing = false;
	pthread_mutex_lock(&a->lock);
	atomic_store(&a->stopping, true);
	pthread_cond_broadcast(&a->room);
	pthread_mutex_unlock(&a->lock);
	fk_call call = {.op = FK_OP_STOP};
	ss_plugin_rc rc = fk_worker_run(impl, &call, "stop_async", FK_SHORT_S);
	close_capture(impl);
	// FAILURE would make the host keep a handler that nobody uses and refuse the next capture. The
	// capture is closed either way, so the error is only logged.
	if (rc != SS_PLUGIN_SUCCESS)
		fk_log(impl, SS_PLUGIN_LOG_SEV_ERROR, "%s", impl->plugin->last_error);
	return SS_PLUGIN_SUCCESS;
}

ss_plugin_rc fk_capture_start(fk_impl *impl, ss_plugin_owner_t *owner,
                              ss_plugin_async_event_handler_t handler) {
	fk_capture_stop(impl);
	begin(impl->async, owner, handler);
	if (!pacer_start(impl)) {
		close_capture(impl);
		return fk_fail(impl->plugin, "cannot start a thread for async events: no resources");
	}
	fk_call call = {.op = FK_OP_START};
	ss_plugin_rc rc = fk_worker_run(impl, &call, "start_async", FK_LONG_S);
	fk_consumer_lock(impl->async);
	if (impl->async->first_sent_ns)
		impl->async->first_sent_ns = fk_now(); // from now on the host takes events
	atomic_store(&impl->async->starting, false);
	fk_consumer_unlock(impl->async);
	impl->capturing = rc == SS_PLUGIN_SUCCESS;
	if (!impl->capturing) close_capture(impl);
	return rc;
}

// A failure would end Falco, which throws and shows an unrelated text. The file is useful without the
// rest of this state, so an error is only logged.
ss_plugin_rc fk_capture_dump(fk_plugin *p, ss_plugin_owner_t *owner,
                             ss_plugin_async_event_handler_t handler) {
	fk_impl *impl = p->impl;
	fk_call call = {.op = FK_OP_DUMP};
	fk_handler_open(&impl->async->dump, owner, handler);
	if (fk_worker_run(impl, &call, "dump_state", FK_LONG_S) != SS_PLUGIN_SUCCESS)
		fk_log(impl, SS_PLUGIN_LOG_SEV_ERROR, "%s", impl->plugin->last_error);
	fk_handler_close(&impl->async->dump);
	return SS_PLUGIN_SUCCESS;
}
