// SPDX-License-Identifier: Apache-2.0
// From the ring to the host, without loss. Producers only append; one event is sent directly when
// nothing is in flight (the kick), and when the host hands that one back to parse_event, the rest
// is sent from there: on the host's own thread nobody contends for its queue. docs/delivery.md
// tells why and how fast. No function here needs the GIL.
//
// What keeps this from harming the host's other events: a burst has a limit, after which the queue
// is left to run empty; the numbers of our events tell how many others passed in that pause, and
// where others do pass, each burst is followed by a pause of twice its length.
#include "async_event/async_event.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "async_event/async_event.h"
#include <sched.h>

#define WINDOW \
	32                           // in flight at once: enough never to run dry; a longer queue is a
	                             // slower one (it is a heap), and it is shared with other plugins
#define WINDOW_URGENT 2048       // half of the host's queue, for those who cannot wait
#define BURST_BUSY_NS 300000u    // beside a source that has events of its own
#define BURST_MIN_NS  25000000u  // beside one that has none, doubled as long as that stays so ...
#define BURST_MAX_NS  200000000u // ... up to here: so long may a source be kept waiting unnoticed
#define BUSY_PER_S    1000u      // other events a second that make a source a busy one
#define PAUSE_SHARE   2          // pause after a burst, in burst lengths
#define SILENT_NS     10000000000u // a host that hands nothing back for so long does not do it
#define BREATH_NS     50000u       // pause after a burst that was cut short, beside an idle source

// ---- the role: who may take from the ring -----------------------------------------------------------

static bool try_role(fk_async *a) {
	int none = 0;
	return atomic_compare_exchange_strong(&a->role, &none, 1);
}

void fk_lock_role(fk_async *a) {
	for (int spins = 0; !try_role(a); spins++) fk_relax(spins);
}

void fk_drop_role(fk_async *a) { atomic_store(&a->role, 0); }

// ---- handing over -----------------------------------------------------------------------------------

static ss_plugin_rc hand_over(fk_async *a, const ss_plugin_event *event, char *err) {
	return fk_outlet_call(a, &a->live, event, err);
}

// With the role held: the next emit tells, unless the one under way does.
static void remember_refusal(fk_async *a, const char *text) {
	snprintf(a->refusal_text, sizeof a->refusal_text, "%s", text);
	atomic_store(&a->refusal, 1);
}

static void make_room_known(fk_async *a) {
	if (!atomic_load(&a->waiting)) return;
	if (atomic_load(&a->ring.tail) - atomic_load(&a->ring.head) > a->ring.size / 2) return;
	pthread_mutex_lock(&a->lock);
	pthread_cond_broadcast(&a->room);
	pthread_mutex_unlock(&a->lock);
}

// Whether there is anything to send now.
bool fk_deliver_left(const fk_async *a) {
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

// With the role held: the oldest event, unless it has a timestamp and too many of those are waiting
// in the host's queue; what comes back changes that.
static ss_plugin_event *next_to_send(fk_async *a) {
	ss_plugin_event *event = oldest(a);
	bool blocked = event && event->ts != FK_NOT_SET && a->timed >= FK_TIMED_MAX;
	atomic_store(&a->blocked, blocked);
	return blocked ? NULL : event;
}

// With the role held: sends from the ring until so many are in flight.
static void send_ahead(fk_async *a, uint32_t window) {
	char err[PLUGIN_MAX_ERRLEN];
	ss_plugin_event *event;
	while (atomic_load_explicit(&a->inflight, memory_order_relaxed) < window &&
	       (event = next_to_send(a))) {
		uint64_t entry = fk_flight_enter(a, event, false);
		if (hand_over(a, event, err) != SS_PLUGIN_SUCCESS) {
			fk_flight_leave(a, entry);
			remember_refusal(a, err);
		}
		drop_oldest(a);
	}
	make_room_known(a);
}

// For who cannot wait for room: the host's own thread, and start_async, for which the host waits. Takes
// more of the host's queue than is good for speed.
void fk_deliver_ahead(fk_async *a) {
	fk_lock_role(a);
	a->clock_ns = fk_now();
	if (!a->first_sent_ns) a->first_sent_ns = a->clock_ns;
	send_ahead(a, WINDOW_URGENT);
	fk_drop_role(a);
}

// For a host that does not hand our events back: all of it, now. Should it begin to do so after all,
// it has dropped what was sent beyond the room in its queue.
static bool send_all(fk_async *a, char *err) {
	bool ok = true;
	ss_plugin_event *event;
	while ((event = oldest(a))) {
		uint64_t entry = fk_flight_enter(a, event, true);
		ok = hand_over(a, event, err) == SS_PLUGIN_SUCCESS;
		if (!ok) {
			fk_flight_leave(a, entry);
			remember_refusal(a, err);
		} else if (fk_flight_is_beyond(entry))
			a->beyond_room++;
		drop_oldest(a);
	}
	make_room_known(a);
	return ok;
}

static bool may_kick(fk_async *a) {
	uint64_t pause = atomic_load(&a->pause_until);
	return atomic_load(&a->inflight) == 0 && fk_deliver_left(a) && !atomic_load(&a->blocked) &&
	       (pause == 0 || fk_now() >= pause);
}

// Sends the oldest event from the caller's thread. False when the host refused it.
static bool kick(fk_async *a, char *err) {
	uint8_t small[2048];
	const ss_plugin_event *event = next_to_send(a);
	uint8_t *copy = !event ? NULL : event->len <= sizeof small ? small : malloc(event->len);
	if (!copy) {
		fk_drop_role(a);
		return true;
	}
	// The host may deliver it, and look for more, before the handler returns: so it must be out of the
	// ring and in flight by then, and the role free.
	memcpy(copy, event, event->len);
	a->clock_ns = fk_now();
	if (!a->first_sent_ns) a->first_sent_ns = a->clock_ns;
	uint64_t entry = fk_flight_enter(a, (ss_plugin_event *)copy, false);
	drop_oldest(a);
	fk_drop_role(a);
	make_room_known(a);
	bool ok = hand_over(a, (const ss_plugin_event *)copy, err) == SS_PLUGIN_SUCCESS;
	if (copy != small) free(copy);
	if (!ok) {
		fk_lock_role(a);
		fk_flight_leave(a, entry);
		remember_refusal(a, err);
		fk_drop_role(a);
	}
	return ok;
}

// Sends the oldest event when nothing is in flight. Called by producers after each append, and by the
// pacer. False when the last event tried was refused and nothing is left, and `err` says why: of a
// producer that has just appended, that was its own.
bool fk_deliver_kick(fk_async *a, char *err) {
	bool ok = true;
	while (may_kick(a) && try_role(a)) {
		if (!may_kick(a))
			fk_drop_role(a);
		else if (atomic_load(&a->reported) < 0) {
			ok = send_all(a, err);
			fk_drop_role(a);
		} else
			ok = kick(a, err);
	}
	// What a pause leaves behind is the pacer's, and it watches what is in flight.
	bool left = fk_deliver_left(a);
	if (left && !atomic_load(&a->inflight) && !atomic_load(&a->blocked)) {
		if (!atomic_exchange(&a->pacer_armed, true)) fk_wake_pacer(a);
	} else if (atomic_load(&a->inflight) && atomic_load(&a->pacer_asleep))
		fk_wake_pacer(a);
	return ok || left;
}

// One event at once from the caller's thread, past the ring, as other SDKs do it.
bool fk_deliver_direct(fk_async *a, ss_plugin_event *event, char *err) {
	fk_lock_role(a);
	a->clock_ns = fk_now();
	uint64_t entry = fk_flight_enter(a, event, true);
	// There is no room for it in the host's queue: SUCCESS will be its answer all the same. Counted
	// before: should it have room after all, the host may hand it back before the call returns.
	bool beyond = fk_flight_is_beyond(entry);
	bool silent = atomic_load(&a->reported) < 0;
	if (beyond && silent) a->beyond_room++;
	if (beyond && !silent) a->count.lost++;
	fk_drop_role(a);
	if (hand_over(a, event, err) == SS_PLUGIN_SUCCESS) return true;
	fk_lock_role(a);
	fk_flight_leave(a, entry);
	if (beyond && silent && a->beyond_room)
		a->beyond_room--;
	else if (beyond)
		a->count.lost--;
	fk_drop_role(a);
	return false;
}

// ---- coming back ------------------------------------------------------------------------------------

// The first of a burst came back: what passed since the last one tells what kind of source this is.
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

// The last of a burst came back: the queue is empty now, and the others' turn has come.
static void end_burst(fk_async *a, uint64_t now, uint64_t limit) {
	uint64_t length = now - a->burst_start;
	uint64_t pause = a->busy ? length * PAUSE_SHARE : length >= limit ? BREATH_NS : 0;
	a->in_burst = false;
	atomic_store(&a->pause_until, pause ? now + pause : 0);
	if (pause && fk_deliver_left(a) && !atomic_exchange(&a->pacer_armed, true)) fk_wake_pacer(a);
}

// The host hands an async event to parse_event: false when it is not one of ours.
// On the host's thread, which is where the ring is emptied.
bool fk_deliver_seen(fk_async *a, const ss_plugin_event_input *in) {
	char err[PLUGIN_MAX_ERRLEN];
	fk_lock_role(a);
	if (!fk_flight_strike(a, in->evt)) {
		fk_drop_role(a);
		return false;
	}
	// Off with the tag: the host's copy is what it shows and writes to files from here on.
	((ss_plugin_event *)in->evt)->len -= FK_TAG;
	if (!atomic_load(&a->live.handler)) { // left by a live capture, and no other has begun
		fk_drop_role(a);
		return true;
	}
	uint64_t now = a->clock_ns = fk_now();
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
	fk_drop_role(a);
	// A producer that appended meanwhile found the role taken and left it to us.
	if (may_kick(a)) fk_deliver_kick(a, err);
	return true;
}

// Called by the pacer: stops waiting for what did not come back in time. True when the host has been
// found not to hand events back at all. One that is merely slow to begin must not be taken for that,
// since its queue would overflow.
bool fk_deliver_overdue(fk_async *a) {
	bool silent = false;
	fk_lock_role(a);
	a->clock_ns = fk_now();
	if (fk_flight_write_off(a) && atomic_load(&a->inflight) == 0) {
		a->in_burst = false;
		atomic_store(&a->pause_until, 0);
	}
	if (atomic_load(&a->reported) == 0 && !atomic_load(&a->starting) && a->first_sent_ns &&
	    a->clock_ns - a->first_sent_ns >= SILENT_NS) {
		silent = true;
		atomic_store(&a->reported, -1);
	}
	fk_drop_role(a);
	return silent;
}

// ---- the outlet -------------------------------------------------------------------------------------

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
