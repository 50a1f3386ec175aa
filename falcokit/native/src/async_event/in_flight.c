// SPDX-License-Identifier: Apache-2.0
// Tracks our events on their way through the host, whose queue drops events silently: which of them
// it returns through parse_event, and in which order, is the only information about it.
//
// Each event carries a tag: eight bytes after its last parameter, within its length. The host copies
// them with the event, and readers of the event ignore them, because they follow the lengths of the
// parameters. A tag is a random number of the plugin state plus the number of the event. So an equal
// event of another plugin is not mistaken for ours, and equal events of ours can be distinguished.
// (The plugin id that the host writes does not help: it is that of the open source, for all async
// plugins of a capture.) The tag is removed when the event is returned, before it is written to a
// file.
//
// There are two tables. `ordered` has events sent from the ring without a timestamp: the queue keeps
// their order, so an event that was not returned when one sent after it was, has been dropped.
// `unordered` has events that keep no order: direct ones, and those with a timestamp of their own,
// which may wait in the queue for long. All functions need the consumer lock.
#include "async_event/async_event.h"
#include <string.h>

#define PAYLOAD   42           // where an async event's name begins
#define UNTRACKED (1ull << 62) // in an entry: it is in no table
#define POSITION  (UNTRACKED - 1)
#define PLAUSIBLE (1ull << 20) // events sent since: one that is returned cannot be older
#define DIRECT_MS 100          // direct events of several threads may pass each other by this much

// Mixes values that no other state of the process has.
void fk_flight_open(fk_async *a) {
	uint64_t x = fk_now() ^ (uint64_t)(uintptr_t)a << 20;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	a->tag_base = x ^ x >> 31;
}

static uint8_t *state_at(fk_flight *f, uint64_t position) {
	return &f->state[position % FK_FLIGHT];
}

static uint32_t *time_at(fk_flight *f, uint64_t position) {
	return &f->sent_ms[position % FK_FLIGHT];
}

static uint32_t now_ms(const fk_async *a) { return (uint32_t)(a->clock_ns / 1000000u); }

static bool is_ended(uint8_t state) { return state == FK_RETURNED || state == FK_LOST; }

static void skip_ended(fk_flight *f) {
	while (f->head != f->tail && is_ended(*state_at(f, f->head))) f->head++;
}

// Removes an event from the counter of its state.
static void uncount(fk_async *a, uint8_t state) {
	switch (state) {
	case FK_IN_WINDOW: a->inflight--; break;
	case FK_TIMED:
		a->timed--;
		a->count.unconfirmed--;
		break;
	case FK_PASSED:
		a->passed--;
		a->count.unconfirmed--;
		break;
	case FK_OVERDUE:
	case FK_DIRECT: a->count.unconfirmed--; break;
	case FK_LEFT_BEHIND: a->count.undelivered--; break;
	case FK_LOST: a->count.lost--; break; // it was not, after all
	default: break;
	}
}

static void set_state(fk_async *a, fk_flight *f, uint64_t position, uint8_t state) {
	uncount(a, *state_at(f, position));
	*state_at(f, position) = state;
	if (state == FK_LOST) a->count.lost++;
}

// A later one was returned, so this one was probably dropped. It still has a second to be returned, in
// case timestamps of another plugin have changed the order of the queue.
static void mark_passed(fk_async *a, fk_flight *f, uint64_t position) {
	uint8_t *state = state_at(f, position);
	if (is_ended(*state) || *state == FK_PASSED || *state == FK_TIMED) return;
	uncount(a, *state);
	*state = FK_PASSED;
	*time_at(f, position) = now_ms(a);
	a->passed++;
	a->count.unconfirmed++;
}

static void put_tag(const fk_async *a, ss_plugin_event *event, uint64_t entry) {
	uint64_t tag = a->tag_base + entry;
	memcpy((uint8_t *)event + event->len - FK_TAG, &tag, sizeof tag);
}

// Whether the host's queue has no room for another one.
static bool is_full(const fk_async *a) {
	return a->inflight + a->count.unconfirmed - a->passed >= FK_FLIGHT;
}

// Adds an event that is about to be sent, and returns its entry. An event for which the host's queue
// has no room is in no table: see fk_flight_is_untracked.
uint64_t fk_flight_add(fk_async *a, ss_plugin_event *event, bool direct) {
	bool unordered = direct || event->ts != FK_NOT_SET;
	fk_flight *f = unordered ? &a->unordered : &a->ordered;
	uint64_t entry = UNTRACKED | a->untracked;
	if (unordered && is_full(a))
		a->untracked++;
	else {
		uint64_t position = f->tail++;
		if (position - f->head == FK_FLIGHT) { // the table is full
			if (!is_ended(*state_at(f, f->head))) set_state(a, f, f->head, FK_LOST);
			f->head++;
		}
		*time_at(f, position) = now_ms(a);
		*state_at(f, position) = !unordered ? FK_IN_WINDOW : direct ? FK_DIRECT : FK_TIMED;
		if (unordered)
			a->count.unconfirmed++;
		else
			a->inflight++;
		a->timed += unordered && !direct;
		entry = position | (unordered ? FK_UNORDERED : 0);
	}
	put_tag(a, event, entry);
	return entry;
}

bool fk_flight_is_untracked(uint64_t entry) { return !(entry & FK_UNORDERED) && entry & UNTRACKED; }

// Removes an event that the host refused.
void fk_flight_cancel(fk_async *a, uint64_t entry) {
	fk_latency_cancel(&a->latency, entry);
	fk_flight *f = entry & FK_UNORDERED ? &a->unordered : &a->ordered;
	uint64_t position = entry & POSITION;
	if (fk_flight_is_untracked(entry) || f->tail - position > FK_FLIGHT) return;
	set_state(a, f, position, FK_RETURNED);
	skip_ended(f);
}

// ---- returned ---------------------------------------------------------------------------------------

// An event of another plugin may have any lengths: the framework only checks the number of parameters.
static bool has_tag(const ss_plugin_event *event) {
	uint32_t lengths[3];
	if (event->nparams != 3 || event->len < PAYLOAD + FK_TAG) return false;
	memcpy(lengths, (const uint8_t *)event + sizeof *event, sizeof lengths);
	return lengths[0] == 4 && PAYLOAD + (uint64_t)lengths[1] + lengths[2] + FK_TAG == event->len;
}

static void returned_in_order(fk_async *a, uint64_t position) {
	fk_flight *f = &a->ordered;
	if (!a->timed) { // an event with a timestamp can change the order of all others
		if (f->passed < f->head) f->passed = f->head;
		for (; f->passed < position; f->passed++) mark_passed(a, f, f->passed);
	}
	set_state(a, f, position, FK_RETURNED);
}

static void returned_unordered(fk_async *a, uint64_t position) {
	fk_flight *f = &a->unordered;
	uint32_t sent = *time_at(f, position);
	if (f->passed < f->head) f->passed = f->head;
	if (*state_at(f, position) == FK_DIRECT)
		for (; f->passed < position && sent - *time_at(f, f->passed) > DIRECT_MS; f->passed++)
			mark_passed(a, f, f->passed);
	set_state(a, f, position, FK_RETURNED);
}

// An event that is in no table, or no longer; `left`: an earlier capture left it in the queue.
static bool returned_untracked(fk_async *a, bool left) {
	if (left && a->count.undelivered)
		a->count.undelivered--;
	else if (a->count.lost)
		a->count.lost--;
	else
		return false;
	return true;
}

static bool mark_returned(fk_async *a, uint64_t entry) {
	fk_flight *f = entry & FK_UNORDERED ? &a->unordered : &a->ordered;
	uint64_t position = entry & POSITION, behind = f->tail - position;
	if (fk_flight_is_untracked(entry))
		return a->untracked - position - 1 < PLAUSIBLE &&
		       returned_untracked(a, position < a->untracked_closed);
	if (entry & UNTRACKED || behind - 1 >= PLAUSIBLE) return false;
	if (behind > FK_FLIGHT) return returned_untracked(a, position < f->closed);
	if (*state_at(f, position) == FK_RETURNED) return false;
	if (position < f->head) // was counted as lost, or left in the queue by an earlier capture
		set_state(a, f, position, FK_RETURNED);
	else if (f == &a->ordered)
		returned_in_order(a, position);
	else
		returned_unordered(a, position);
	skip_ended(f);
	return true;
}

// Removes an event that the host returned; false when it is not one of ours.
bool fk_flight_returned(fk_async *a, const ss_plugin_event *event) {
	uint64_t tag;
	if (!has_tag(event)) return false;
	memcpy(&tag, (const uint8_t *)event + event->len - FK_TAG, sizeof tag);
	a->count.lost += a->overflow; // sent to a host that seemed to be silent
	a->overflow = 0;
	if (!mark_returned(a, tag - a->tag_base)) return false;
	a->count.delivered++;
	fk_latency_returned(&a->latency, tag - a->tag_base);
	return true;
}

// ---- expired ----------------------------------------------------------------------------------------

static void expire_passed(fk_async *a, fk_flight *f) {
	for (uint64_t p = f->head; p != f->tail && a->passed; p++) {
		if (*state_at(f, p) != FK_PASSED) continue;
		if (now_ms(a) - *time_at(f, p) < FK_STALL_MS) break;
		set_state(a, f, p, FK_LOST);
	}
	skip_ended(f);
}

// Takes events that were sent a second ago or earlier out of the window, but still accepts them: true
// when there were any. Events that were passed a second ago count as lost.
bool fk_flight_expire(fk_async *a) {
	fk_flight *f = &a->ordered;
	bool any = false;
	for (uint64_t p = f->head; p != f->tail && a->inflight; p++) {
		if (*state_at(f, p) != FK_IN_WINDOW) continue;
		if (now_ms(a) - *time_at(f, p) < FK_STALL_MS) break;
		*state_at(f, p) = FK_OVERDUE;
		a->inflight--;
		a->count.unconfirmed++;
		any = true;
	}
	expire_passed(a, f);
	expire_passed(a, &a->unordered);
	return any;
}

static void close_table(fk_async *a, fk_flight *f) {
	for (uint64_t p = f->head; p != f->tail; p++) {
		uint8_t state = *state_at(f, p);
		if (is_ended(state)) continue;
		set_state(a, f, p, state == FK_PASSED ? FK_LOST : FK_LEFT_BEHIND);
		a->count.undelivered += state != FK_PASSED;
	}
	f->head = f->closed = f->tail;
}

// When the capture closes: no more events are returned, unless the next capture of the same host
// delivers those that this one leaves in the queue.
void fk_flight_close(fk_async *a) {
	close_table(a, &a->ordered);
	close_table(a, &a->unordered);
	a->count.undelivered += a->overflow;
	a->overflow = 0;
	a->untracked_closed = a->untracked;
}
