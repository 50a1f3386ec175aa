// SPDX-License-Identifier: Apache-2.0
// Which of our events are on their way through the host. Its queue drops events in silence; what
// comes back through parse_event, and in which order, is the only account of it there is.
//
// Each event carries a tag: eight bytes behind its last parameter, within its length. The host
// copies them with the rest, and who reads an event goes by the lengths of its parameters. A tag is
// the number of the state, drawn at random, plus that of the event: so a neighbour's event that
// looks the same is not taken for ours, and of ours that look the same each is known. (The plugin
// id that the host writes is that of the open source: all async plugins of a capture have the
// same.) It is taken off when the event comes back, before anybody writes it to a file.
//
// Two tables. `flight` has what was sent from the ring without a timestamp: the queue keeps its
// order, so what was sent before one that came back, and did not come back itself, was dropped.
// `apart` has what keeps no order: direct events, and those with a timestamp of their own, which
// may wait in the queue for long.
#include "async_event/async_event.h"
#include <string.h>

#define PAYLOAD   42           // where an async event's name begins
#define BEYOND    (1ull << 62) // in an entry: of no table
#define POSITION  (BEYOND - 1)
#define PLAUSIBLE (1ull << 20) // events back: so old may one be that comes back
#define DIRECT_MS 100          // so long may direct events of several threads overtake each other

// Mixes what no other state of the process has.
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

static bool is_ended(uint8_t state) { return state == FK_STRUCK || state == FK_LOST; }

static void skip_ended(fk_flight *f) {
	while (f->head != f->tail && is_ended(*state_at(f, f->head))) f->head++;
}

// Takes an event out of the number it was counted in.
static void uncount(fk_async *a, uint8_t state) {
	switch (state) {
	case FK_COUNTED: a->inflight--; break;
	case FK_TIMED:
		a->timed--;
		a->count.unconfirmed--;
		break;
	case FK_PASSED:
		a->passed--;
		a->count.unconfirmed--;
		break;
	case FK_WRITTEN_OFF:
	case FK_DIRECT: a->count.unconfirmed--; break;
	case FK_LEFT: a->count.undelivered--; break;
	case FK_LOST: a->count.lost--; break; // it was not, after all
	default: break;
	}
}

static void settle(fk_async *a, fk_flight *f, uint64_t position, uint8_t state) {
	uncount(a, *state_at(f, position));
	*state_at(f, position) = state;
	if (state == FK_LOST) a->count.lost++;
}

// A later one came back, so this one will not; unless another plugin's timestamps have upset the order
// of the queue, for which it has a second.
static void pass(fk_async *a, fk_flight *f, uint64_t position) {
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

// As many are on their way as the host's queue has room for.
static bool is_full(const fk_async *a) {
	return a->inflight + a->count.unconfirmed - a->passed >= FK_FLIGHT;
}

// Enters one that is about to be sent, and returns where. One that the host's queue can have no room for
// is in no table: fk_flight_is_beyond tells.
uint64_t fk_flight_enter(fk_async *a, ss_plugin_event *event, bool direct) {
	bool apart = direct || event->ts != FK_NOT_SET;
	fk_flight *f = apart ? &a->apart : &a->flight;
	uint64_t entry = BEYOND | a->beyond;
	if (apart && is_full(a))
		a->beyond++;
	else {
		uint64_t position = f->tail++;
		if (position - f->head == FK_FLIGHT) { // it holds up what came after it
			if (!is_ended(*state_at(f, f->head))) settle(a, f, f->head, FK_LOST);
			f->head++;
		}
		*time_at(f, position) = now_ms(a);
		*state_at(f, position) = !apart ? FK_COUNTED : direct ? FK_DIRECT : FK_TIMED;
		if (apart)
			a->count.unconfirmed++;
		else
			a->inflight++;
		a->timed += apart && !direct;
		entry = position | (apart ? FK_APART : 0);
	}
	put_tag(a, event, entry);
	return entry;
}

bool fk_flight_is_beyond(uint64_t entry) { return !(entry & FK_APART) && entry & BEYOND; }

// Takes back one that the host refused.
void fk_flight_leave(fk_async *a, uint64_t entry) {
	fk_flight *f = entry & FK_APART ? &a->apart : &a->flight;
	uint64_t position = entry & POSITION;
	if (fk_flight_is_beyond(entry) || f->tail - position > FK_FLIGHT) return;
	settle(a, f, position, FK_STRUCK);
	skip_ended(f);
}

// ---- coming back ------------------------------------------------------------------------------------

// Another plugin's event may have any lengths: the framework checks the number of parameters only.
static bool has_tag(const ss_plugin_event *event) {
	uint32_t lengths[3];
	if (event->nparams != 3 || event->len < PAYLOAD + FK_TAG) return false;
	memcpy(lengths, (const uint8_t *)event + sizeof *event, sizeof lengths);
	return lengths[0] == 4 && PAYLOAD + (uint64_t)lengths[1] + lengths[2] + FK_TAG == event->len;
}

static void strike_in_order(fk_async *a, uint64_t position) {
	fk_flight *f = &a->flight;
	if (!a->timed) { // one with a timestamp among them can upset the order of all
		if (f->passed < f->head) f->passed = f->head;
		for (; f->passed < position; f->passed++) pass(a, f, f->passed);
	}
	settle(a, f, position, FK_STRUCK);
}

static void strike_apart(fk_async *a, uint64_t position) {
	fk_flight *f = &a->apart;
	uint32_t sent = *time_at(f, position);
	if (f->passed < f->head) f->passed = f->head;
	if (*state_at(f, position) == FK_DIRECT)
		for (; f->passed < position && sent - *time_at(f, f->passed) > DIRECT_MS; f->passed++)
			pass(a, f, f->passed);
	settle(a, f, position, FK_STRUCK);
}

// One without a place in a table, or whose place has another now; `left`: by an earlier capture.
static bool strike_gone(fk_async *a, bool left) {
	if (left && a->count.undelivered)
		a->count.undelivered--;
	else if (a->count.lost)
		a->count.lost--;
	else
		return false;
	return true;
}

static bool strike(fk_async *a, uint64_t entry) {
	fk_flight *f = entry & FK_APART ? &a->apart : &a->flight;
	uint64_t position = entry & POSITION, behind = f->tail - position;
	if (fk_flight_is_beyond(entry))
		return a->beyond - position - 1 < PLAUSIBLE && strike_gone(a, position < a->beyond_closed);
	if (entry & BEYOND || behind - 1 >= PLAUSIBLE) return false;
	if (behind > FK_FLIGHT) return strike_gone(a, position < f->closed);
	if (*state_at(f, position) == FK_STRUCK) return false;
	if (position < f->head) // counted as lost, or left by an earlier capture
		settle(a, f, position, FK_STRUCK);
	else if (f == &a->flight)
		strike_in_order(a, position);
	else
		strike_apart(a, position);
	skip_ended(f);
	return true;
}

// Strikes out an event that came back; false when it is none of ours.
bool fk_flight_strike(fk_async *a, const ss_plugin_event *event) {
	uint64_t tag;
	if (!has_tag(event)) return false;
	memcpy(&tag, (const uint8_t *)event + event->len - FK_TAG, sizeof tag);
	a->count.lost += a->beyond_room; // sent to a host that seemed to be silent
	a->beyond_room = 0;
	if (!strike(a, tag - a->tag_base)) return false;
	a->count.delivered++;
	return true;
}

// ---- giving up --------------------------------------------------------------------------------------

static void lose_passed(fk_async *a, fk_flight *f) {
	for (uint64_t p = f->head; p != f->tail && a->passed; p++) {
		if (*state_at(f, p) != FK_PASSED) continue;
		if (now_ms(a) - *time_at(f, p) < FK_STALL_MS) break;
		settle(a, f, p, FK_LOST);
	}
	skip_ended(f);
}

// Stops waiting for what was sent a second ago and more, without giving up on it: true when there was
// any. What was passed a second ago is given up.
bool fk_flight_write_off(fk_async *a) {
	fk_flight *f = &a->flight;
	bool any = false;
	for (uint64_t p = f->head; p != f->tail && a->inflight; p++) {
		if (*state_at(f, p) != FK_COUNTED) continue;
		if (now_ms(a) - *time_at(f, p) < FK_STALL_MS) break;
		*state_at(f, p) = FK_WRITTEN_OFF;
		a->inflight--;
		a->count.unconfirmed++;
		any = true;
	}
	lose_passed(a, f);
	lose_passed(a, &a->apart);
	return any;
}

static void end(fk_async *a, fk_flight *f) {
	for (uint64_t p = f->head; p != f->tail; p++) {
		uint8_t state = *state_at(f, p);
		if (is_ended(state)) continue;
		settle(a, f, p, state == FK_PASSED ? FK_LOST : FK_LEFT);
		a->count.undelivered += state != FK_PASSED;
	}
	f->head = f->closed = f->tail;
}

// At the close: nothing more comes back, unless the next capture of the same host delivers what this one
// leaves in the queue.
void fk_flight_end(fk_async *a) {
	end(a, &a->flight);
	end(a, &a->apart);
	a->count.undelivered += a->beyond_room;
	a->beyond_room = 0;
	a->beyond_closed = a->beyond;
}
