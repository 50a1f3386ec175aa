// SPDX-License-Identifier: Apache-2.0
// Which of our events are on their way through the host: a fingerprint for each one sent, oldest
// first, struck out when it comes back through parse_event. The host's own queue drops events in
// silence; what comes back, and in which order, is the only account of it there is.
//
// Two tables. `flight` has what was sent from the ring without a timestamp: the queue keeps its order,
// so what was sent before one that came back, and did not come back itself, was dropped. `apart` has
// what keeps no order: direct events, and those with a timestamp of their own, which may wait in the
// queue for long. Called by glue_delivery.c with the role held.
#include "glue.h"
#include <string.h>

static uint64_t load64(const uint8_t *p) {
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

// Of what the framework leaves alone: the lengths, and of name and data together the start, the
// start of the data, and the end. The framework writes the time and, right before the name, the id.
static uint64_t print_of(const ss_plugin_event *event) {
	const uint8_t *e = (const uint8_t *)event, *body = e + 42;
	uint8_t small[8] = {0};
	uint32_t name, data;
	memcpy(&name, e + 30, 4);
	memcpy(&data, e + 34, 4);
	uint64_t size = (uint64_t)name + data;
	if (size < 8) {
		memcpy(small, body, size);
		body = small;
		name = 0, size = 8;
	}
	uint64_t inside = name + 8 <= size ? name : size - 8;
	uint64_t mixed = ((uint64_t)name << 32 | data) * 0x9e3779b97f4a7c15u;
	mixed = (mixed ^ load64(body)) * 0xff51afd7ed558ccdu;
	mixed = (mixed ^ load64(body + inside)) * 0xc4ceb9fe1a85ec53u;
	return (mixed ^ mixed >> 29 ^ load64(body + size - 8)) * 0x9e3779b97f4a7c15u;
}

static uint8_t *state_at(fk_flight *f, uint64_t position) {
	return &f->state[position % FK_FLIGHT];
}

static void skip_struck(fk_flight *f) {
	while (f->head != f->tail && *state_at(f, f->head) == FK_STRUCK) f->head++;
}

// Ends the account of one entry.
static void strike(fk_async *a, fk_flight *f, uint64_t position) {
	uint8_t *state = state_at(f, position);
	if (*state == FK_COUNTED)
		a->inflight--;
	else if (*state != FK_STRUCK)
		a->count.unconfirmed--;
	if (f == &a->apart && *state != FK_STRUCK) a->apart_count--;
	*state = FK_STRUCK;
}

static void lose(fk_async *a, fk_flight *f, uint64_t position) {
	if (*state_at(f, position) == FK_STRUCK) return;
	strike(a, f, position);
	a->count.lost++;
}

// Enters one that is about to be sent, and returns where; or FK_NOT_ENTERED when as many are on their
// way as the host's queue has room for.
uint64_t fk_flight_enter(fk_async *a, const ss_plugin_event *event, bool direct) {
	bool apart = direct || event->ts != FK_NOT_SET;
	fk_flight *f = apart ? &a->apart : &a->flight;
	if (apart && a->inflight + a->count.unconfirmed >= FK_FLIGHT) return FK_NOT_ENTERED;
	if (f->tail - f->head == FK_FLIGHT) lose(a, f, f->head++); // it holds up what came after it
	uint64_t position = f->tail++;
	f->print[position % FK_FLIGHT] = print_of(event);
	f->sent_ms[position % FK_FLIGHT] = (uint32_t)(a->clock_ns / 1000000u);
	*state_at(f, position) = !apart ? FK_COUNTED : direct ? FK_DIRECT : FK_TIMED;
	if (apart) {
		a->apart_count++;
		a->count.unconfirmed++;
	} else
		a->inflight++;
	return position | (apart ? FK_APART : 0);
}

// Takes back one that the host refused.
void fk_flight_leave(fk_async *a, uint64_t entry) {
	if (entry == FK_NOT_ENTERED) return;
	fk_flight *f = entry & FK_APART ? &a->apart : &a->flight;
	uint64_t position = entry & ~FK_APART;
	if (position - f->head >= f->tail - f->head) return; // given up already, or another capture's
	strike(a, f, position);
	skip_struck(f);
}

// Another plugin's event may have any lengths: the framework checks the number of parameters only.
static bool well_formed(const ss_plugin_event *event) {
	uint32_t lengths[3];
	if (event->nparams != 3 || event->len < 42) return false;
	memcpy(lengths, (const uint8_t *)event + 26, sizeof lengths);
	return lengths[0] == 4 && 42 + (uint64_t)lengths[1] + lengths[2] <= event->len;
}

static uint64_t find(fk_flight *f, uint64_t from, uint64_t print, int state) {
	while (from != f->tail &&
	       (f->print[from % FK_FLIGHT] != print || *state_at(f, from) == FK_STRUCK ||
	        (state >= 0 && *state_at(f, from) != state)))
		from++;
	return from;
}

static bool strike_in_order(fk_async *a, uint64_t print) {
	fk_flight *f = &a->flight;
	uint64_t at = find(f, f->head, print, -1);
	if (at == f->tail) return false;
	// One with a timestamp among them can upset the order of all.
	if (!a->apart_count)
		for (uint64_t p = f->head; p != at; p++) lose(a, f, p);
	// Events that look alike cannot be told apart, so it may be a later one. The one in the window is
	// then no longer waited for: else one drop would hold up every later event for a second.
	if (*state_at(f, at) == FK_WRITTEN_OFF && a->inflight) {
		uint64_t counted = find(f, at, print, FK_COUNTED);
		if (counted != f->tail) {
			*state_at(f, counted) = FK_WRITTEN_OFF;
			*state_at(f, at) = FK_COUNTED;
		}
	}
	strike(a, f, at);
	skip_struck(f);
	return true;
}

// Direct events of several threads may overtake each other, but not by a tenth of a second.
static bool strike_apart(fk_async *a, uint64_t print) {
	fk_flight *f = &a->apart;
	uint64_t at = find(f, f->head, print, -1);
	if (at == f->tail) return false;
	uint32_t sent = f->sent_ms[at % FK_FLIGHT];
	if (*state_at(f, at) == FK_DIRECT)
		for (uint64_t p = f->head; p != at; p++)
			if (*state_at(f, p) == FK_DIRECT && sent - f->sent_ms[p % FK_FLIGHT] > 100)
				lose(a, f, p);
	strike(a, f, at);
	skip_struck(f);
	return true;
}

// Strikes out an event that came back; false when it is none of ours.
bool fk_flight_strike(fk_async *a, const ss_plugin_event *event) {
	if (!well_formed(event)) return false;
	uint64_t print = print_of(event);
	if (!strike_in_order(a, print) && !strike_apart(a, print)) return false;
	a->count.delivered++;
	return true;
}

// Stops waiting for what was sent a second ago and more, without giving up on it: true when there was
// any.
bool fk_flight_write_off(fk_async *a) {
	fk_flight *f = &a->flight;
	uint32_t now = (uint32_t)(a->clock_ns / 1000000u);
	bool any = false;
	for (uint64_t p = f->head; p != f->tail && a->inflight; p++) {
		if (*state_at(f, p) != FK_COUNTED) continue;
		if (now - f->sent_ms[p % FK_FLIGHT] < FK_STALL_MS) break;
		*state_at(f, p) = FK_WRITTEN_OFF;
		a->inflight--;
		a->count.unconfirmed++;
		any = true;
	}
	return any;
}

// At the close: nothing more will come back.
void fk_flight_end(fk_async *a) {
	a->count.undelivered += a->inflight + a->count.unconfirmed;
	a->inflight = 0;
	a->apart_count = 0;
	a->count.unconfirmed = 0;
	a->flight.head =
		a->flight.tail; // positions go on, so that a late fk_flight_leave finds nothing
	a->apart.head = a->apart.tail;
}
