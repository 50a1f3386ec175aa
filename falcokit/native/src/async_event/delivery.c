// SPDX-License-Identifier: Apache-2.0
// Delivers events from the ring to the host without losing any. No function here needs the GIL.
// docs/delivery.md has the measurements.
//
// Theory of operation
//
// The host offers one function, the async event handler. It copies an event into a queue that all
// plugins of a capture share, and that drops events silently when it is full (4096 events). The host's
// own thread takes events out of that queue between two calls of next_batch and hands each to
// parse_event of the plugins. To call the handler from many threads is slow, because all of them and
// the host's thread contend for the lock of the queue; and it is unsafe, because nobody knows how full
// the queue is. So:
//
// - The ring. Producers only append to the ring (ring.c), one at a time, because they hold the GIL.
//   Whoever takes from it holds the consumer lock, a spin lock: the holder only copies events and
//   updates counters, or is the host's own thread.
// - Delivery. When none of our events is in flight, the producer sends one event itself
//   (fk_deliver_start). The host returns that event to parse_event on its own thread
//   (fk_deliver_returned), and there the next events are sent from the ring: on that thread nobody
//   contends for the queue. At most WINDOW events are in flight at once, so the queue never fills up.
//   The chain goes on until the ring is empty.
// - In flight. in_flight.c tags each event that is sent and recognises it when it is returned. This is
//   how we know that an event was delivered, and which ones the host dropped.
// - The pacer. A thread per capture (capture.c) wakes up for what no call of the host triggers: it
//   starts delivery again after a pause, sends events whose time has come (later.c), and takes events
//   that were not returned for a second out of the window (fk_deliver_expire), so that a lost event
//   cannot stop the chain. It sleeps while there is nothing to do.
// - Silent hosts. A host may never call parse_event with our events. When that is certain, after
//   SILENT_NS, everything is sent at once from the producer's thread, without a window.
//
// The host's other events must not suffer. A burst, which is what is sent while the chain goes on, has
// a time limit; then the queue is allowed to run empty. The event numbers of our events show how many
// events of others passed during the pause after a burst. On a source with many events of its own the
// limit is short and each burst is followed by a pause of twice its length; on a quiet source the limit
// grows.
//
// Locks: the consumer lock is taken with or without the GIL, and nobody waits for the GIL while holding
// it. Under it the locks of later.c, of fk_async, of waiting.c and of the channels may be taken; no
// holder of those takes the consumer lock. On the host's thread, and for a silent host, the handler is
// called under it. A producer that sends the first event releases it before the call, because the host
// may return the event before the handler returns.
#include "async_event/async_event.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Events in flight at once: enough to keep the host busy. A longer queue is slower (it is a heap), and
// it is shared with other plugins.
#define WINDOW        32
#define WINDOW_URGENT 2048         // half of the host's queue, for threads that cannot wait
#define BURST_BUSY_NS 300000u      // the limit of a burst beside a busy source
#define BURST_MIN_NS  25000000u    // beside a quiet one, doubled while it stays quiet ...
#define BURST_MAX_NS  200000000u   // ... up to here: a longer wait of the source would be noticed
#define BUSY_PER_S    1000u        // other events per second from which on a source is busy
#define PAUSE_SHARE   2            // pause after a burst, in burst lengths
#define SILENT_NS     10000000000u // a host that returned nothing for this long never does
#define BREATH_NS     50000u // pause after a burst that reached its limit, beside a quiet source

// ---- the host's handler -----------------------------------------------------------------------------

static void spin(int spins) {
	if (spins >= 200) sched_yield();
#ifdef __x86_64__
	else
		__builtin_ia32_pause();
#endif
}

uint64_t fk_handler_open(fk_handler *to, ss_plugin_owner_t *owner,
                         ss_plugin_async_event_handler_t function) {
	to->owner = owner;
	atomic_store(&to->function, function);
	return atomic_fetch_add(&to->generation, 1) + 1;
}

// When this returns, no call of the handler is running and none will be made.
void fk_handler_close(fk_handler *to) {
	if (atomic_load(&to->generation) & 1) atomic_fetch_add(&to->generation, 1);
	atomic_store(&to->function, NULL);
	for (int spins = 0; atomic_load(&to->calls); spins++) spin(spins);
}

// Calls the host's handler, unless it was closed; `calls` makes fk_handler_close wait.
ss_plugin_rc fk_handler_call(fk_async *a, fk_handler *to, const ss_plugin_event *event, char *err) {
	ss_plugin_rc rc = SS_PLUGIN_FAILURE;
	err[0] = 0;
	atomic_fetch_add(&to->calls, 1);
	ss_plugin_async_event_handler_t function = atomic_load(&to->function);
	if (function)
		rc = function(to->owner, event, err);
	else
		snprintf(err, PLUGIN_MAX_ERRLEN, "the capture is closed");
	atomic_fetch_sub(&to->calls, 1);
	err[PLUGIN_MAX_ERRLEN - 1] = 0;
	if (rc != SS_PLUGIN_SUCCESS)
		atomic_fetch_add_explicit(&a->count.refused[FK_REFUSED_HOST], 1, memory_order_relaxed);
	else if (to == &a->live) { // dumped events are not counted
		atomic_fetch_add_explicit(&a->count.sent, 1, memory_order_relaxed);
		fk_async_was_sent();
	}
	return rc;
}

// ---- the consumer lock: who may take from the ring --------------------------------------------------

static bool try_consumer_lock(fk_async *a) {
	int none = 0;
	return atomic_compare_exchange_strong(&a->consumer, &none, 1);
}

void fk_consumer_lock(fk_async *a) {
	for (int spins = 0; !try_consumer_lock(a); spins++) spin(spins);
}

void fk_consumer_unlock(fk_async *a) { atomic_store(&a->consumer, 0); }

// ---- sending ----------------------------------------------------------------------------------------

// With the consumer lock: the next emit raises it, unless the current one does.
static void remember_refusal(fk_async *a, const char *text) {
	snprintf(a->refusal_text, sizeof a->refusal_text, "%s", text);
	atomic_store(&a->refusal, 1);
}

static void announce_room(fk_async *a) {
	if (!atomic_load(&a->waiting)) return;
	if (atomic_load(&a->ring.tail) - atomic_load(&a->ring.head) > a->ring.size / 2) return;
	pthread_mutex_lock(&a->lock);
	pthread_cond_broadcast(&a->room);
	pthread_mutex_unlock(&a->lock);
}

// Whether there is an event to send now.
bool fk_deliver_pending(const fk_async *a) {
	return !fk_ring_empty(&a->ring) || fk_later_due_in(&a->later) == 0;
}

static ss_plugin_event *oldest(fk_async *a) {
	ss_plugin_event *event = fk_later_peek(&a->later);
	return event ? event : fk_ring_peek(&a->ring);
}

static void drop_oldest(fk_async *a) {
	if (a->later.taken)
		fk_later_drop(&a->later);
	else
		fk_ring_pop(&a->ring);
}

// With the consumer lock: the oldest event, a copy of which may be given, goes on its way.
static uint64_t add_oldest(fk_async *a, ss_plugin_event *event, bool direct) {
	uint64_t entry = fk_flight_add(a, event, direct);
	if (!a->later.taken)
		fk_latency_sent(&a->latency, atomic_load_explicit(&a->ring.head, memory_order_relaxed),
		                entry);
	return entry;
}

// With the consumer lock: the oldest event, unless it has a timestamp and too many of those are in the
// host's queue; it is sent when some of them were returned.
static ss_plugin_event *next_to_send(fk_async *a) {
	ss_plugin_event *event = oldest(a);
	bool blocked = event && event->ts != FK_NOT_SET && a->timed >= FK_TIMED_MAX;
	atomic_store(&a->blocked, blocked);
	return blocked ? NULL : event;
}

// With the consumer lock: sends from the ring until `window` events are in flight.
static void send_ahead(fk_async *a, uint32_t window) {
	char err[PLUGIN_MAX_ERRLEN];
	ss_plugin_event *event;
	while (atomic_load_explicit(&a->inflight, memory_order_relaxed) < window &&
	       (event = next_to_send(a))) {
		uint64_t entry = add_oldest(a, event, false);
		if (fk_handler_call(a, &a->live, event, err) != SS_PLUGIN_SUCCESS) {
			fk_flight_cancel(a, entry);
			remember_refusal(a, err);
		}
		drop_oldest(a);
	}
	announce_room(a);
}

// For threads that cannot wait for room: the host's own thread, and start_async, for which the host
// waits. Uses more of the host's queue than is best for speed.
void fk_deliver_urgent(fk_async *a) {
	fk_consumer_lock(a);
	a->clock_ns = fk_now();
	if (!a->first_sent_ns) a->first_sent_ns = a->clock_ns;
	send_ahead(a, WINDOW_URGENT);
	fk_consumer_unlock(a);
}

// For a host that does not return our events: sends everything now. Should it begin to do so after all,
// it has dropped what exceeded its queue.
static bool send_all(fk_async *a, char *err) {
	bool ok = true;
	ss_plugin_event *event;
	while ((event = oldest(a))) {
		uint64_t entry = add_oldest(a, event, true);
		ok = fk_handler_call(a, &a->live, event, err) == SS_PLUGIN_SUCCESS;
		if (!ok) {
			fk_flight_cancel(a, entry);
			remember_refusal(a, err);
		} else if (fk_flight_is_untracked(entry))
			a->overflow++;
		drop_oldest(a);
	}
	announce_room(a);
	return ok;
}

static bool may_start(fk_async *a) {
	uint64_t pause = atomic_load(&a->pause_until);
	return atomic_load(&a->inflight) == 0 && fk_deliver_pending(a) && !atomic_load(&a->blocked) &&
	       (pause == 0 || fk_now() >= pause);
}

// Sends the oldest event from the caller's thread. False when the host refused it.
static bool send_first(fk_async *a, char *err) {
	uint8_t small[2048];
	const ss_plugin_event *event = next_to_send(a);
	uint8_t *copy = !event ? NULL : event->len <= sizeof small ? small : malloc(event->len);
	if (!copy) {
		fk_consumer_unlock(a);
		return true;
	}
	// The host may return it, and ask for more, before the handler returns: so the event must be out of
	// the ring and in flight by then, and the consumer lock free.
	memcpy(copy, event, event->len);
	a->clock_ns = fk_now();
	if (!a->first_sent_ns) a->first_sent_ns = a->clock_ns;
	uint64_t entry = add_oldest(a, (ss_plugin_event *)copy, false);
	drop_oldest(a);
	fk_consumer_unlock(a);
	announce_room(a);
	bool ok = fk_handler_call(a, &a->live, (const ss_plugin_event *)copy, err) == SS_PLUGIN_SUCCESS;
	if (copy != small) free(copy);
	if (!ok) {
		fk_consumer_lock(a);
		fk_flight_cancel(a, entry);
		remember_refusal(a, err);
		fk_consumer_unlock(a);
	}
	return ok;
}

// Sends the oldest event when nothing is in flight. For producers after each append, and for the pacer.
// False when the last event tried was refused and the ring is empty, with the reason in `err`: for a
// producer that has just appended, that event was its own.
bool fk_deliver_start(fk_async *a, char *err) {
	bool ok = true;
	while (may_start(a) && try_consumer_lock(a)) {
		if (!may_start(a))
			fk_consumer_unlock(a);
		else if (atomic_load(&a->reported) < 0) {
			ok = send_all(a, err);
			fk_consumer_unlock(a);
		} else
			ok = send_first(a, err);
	}
	// The pacer sends what remains after a pause, and watches what is in flight.
	bool pending = fk_deliver_pending(a);
	if (pending && !atomic_load(&a->inflight) && !atomic_load(&a->blocked)) {
		if (!atomic_exchange(&a->pacer_armed, true)) fk_wake_pacer(a);
	} else if (atomic_load(&a->inflight) && atomic_load(&a->pacer_asleep))
		fk_wake_pacer(a);
	return ok || pending;
}

// Sends one event at once from the caller's thread, bypassing the ring, as other SDKs do.
bool fk_deliver_direct(fk_async *a, ss_plugin_event *event, char *err) {
	fk_consumer_lock(a);
	a->clock_ns = fk_now();
	uint64_t entry = fk_flight_add(a, event, true);
	// Without room in its queue the host drops the event and still answers SUCCESS. This is counted
	// before the call: if there is room after all, the host may return the event before the call does.
	bool full = fk_flight_is_untracked(entry);
	bool silent = atomic_load(&a->reported) < 0;
	if (full && silent) a->overflow++;
	if (full && !silent) a->count.lost++;
	fk_consumer_unlock(a);
	if (fk_handler_call(a, &a->live, event, err) == SS_PLUGIN_SUCCESS) return true;
	fk_consumer_lock(a);
	fk_flight_cancel(a, entry);
	if (full && silent && a->overflow)
		a->overflow--;
	else if (full)
		a->count.lost--;
	fk_consumer_unlock(a);
	return false;
}

// ---- returned ---------------------------------------------------------------------------------------

// The first event of a burst was returned: the number of other events since the last one shows whether
// the source is busy.
static void begin_burst(fk_async *a, uint64_t number, uint64_t now) {
	a->in_burst = true;
	a->burst_start = now;
	if (a->burst_limit < BURST_MIN_NS) a->burst_limit = BURST_MIN_NS;
	if (!a->last_number || number <= a->last_number) return;
	uint64_t others = number - a->last_number - 1;
	uint64_t pause = now - a->last_seen_ns;
	if (pause < 100000) pause = 100000;
	bool busy = others * 1000000000u / pause > BUSY_PER_S;
	if (busy || a->busy)
		a->burst_limit = BURST_MIN_NS;
	else if (a->burst_limit < BURST_MAX_NS)
		a->burst_limit *= 2;
	a->busy = busy;
}

// The last event of a burst was returned: the queue is empty, and the source gets its turn.
static void end_burst(fk_async *a, uint64_t now, uint64_t limit) {
	uint64_t length = now - a->burst_start;
	uint64_t pause = a->busy ? length * PAUSE_SHARE : length >= limit ? BREATH_NS : 0;
	a->in_burst = false;
	atomic_store(&a->pause_until, pause ? now + pause : 0);
	if (pause && fk_deliver_pending(a) && !atomic_exchange(&a->pacer_armed, true)) fk_wake_pacer(a);
}

// The host passes an async event to parse_event: false when it is not one of ours. On the host's
// thread, where the ring is emptied.
bool fk_deliver_returned(fk_async *a, const ss_plugin_event_input *in) {
	char err[PLUGIN_MAX_ERRLEN];
	fk_consumer_lock(a);
	if (!fk_flight_returned(a, in->evt)) {
		fk_consumer_unlock(a);
		return false;
	}
	// Removes the tag: from here on the host shows this copy and writes it to files.
	((ss_plugin_event *)in->evt)->len -= FK_TAG;
	if (!atomic_load(&a->live.function)) { // from an earlier capture, and no new one is open
		fk_consumer_unlock(a);
		return true;
	}
	uint64_t now = a->clock_ns = fk_now();
	fk_latency_look(&a->latency, now);
	atomic_store_explicit(&a->reported, 1, memory_order_relaxed);
	atomic_store_explicit(&a->blocked, false, memory_order_relaxed);
	fk_async_was_seen();
	if (!a->in_burst) begin_burst(a, in->evtnum, now);
	uint64_t limit = a->busy ? BURST_BUSY_NS : a->burst_limit;
	if (atomic_load_explicit(&a->inflight, memory_order_relaxed) <= WINDOW / 2 &&
	    now - a->burst_start < limit)
		send_ahead(a, WINDOW);
	if (atomic_load(&a->inflight) == 0) end_burst(a, now, limit);
	a->last_number = in->evtnum;
	a->last_seen_ns = now;
	fk_consumer_unlock(a);
	// A producer that appended meanwhile found the consumer lock taken and left the event to us.
	if (may_start(a)) fk_deliver_start(a, err);
	return true;
}

// For the pacer: stops waiting for events that were not returned in time. True when the host was just
// found to be silent. One that is merely slow to start must not be mistaken for that, because its
// queue would overflow.
bool fk_deliver_expire(fk_async *a) {
	bool silent = false;
	fk_consumer_lock(a);
	a->clock_ns = fk_now();
	fk_latency_look(&a->latency, a->clock_ns);
	if (fk_flight_expire(a) && atomic_load(&a->inflight) == 0) {
		a->in_burst = false;
		atomic_store(&a->pause_until, 0);
	}
	if (atomic_load(&a->reported) == 0 && !atomic_load(&a->starting) && a->first_sent_ns &&
	    a->clock_ns - a->first_sent_ns >= SILENT_NS) {
		silent = true;
		atomic_store(&a->reported, -1);
	}
	fk_consumer_unlock(a);
	return silent;
}
