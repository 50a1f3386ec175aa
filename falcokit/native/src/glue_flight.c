// SPDX-License-Identifier: Apache-2.0
// Which of our events are on their way through the host: a fingerprint for each one sent, oldest
// first, struck out when it comes back through parse_event. The host's own queue drops events in
// silence; what comes back, and in which order, is the only account of it there is.
// Called by glue_delivery.c with the role held.
#include "glue.h"
#include <string.h>

static uint64_t load64(const uint8_t *p) {
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

// Of what the framework leaves alone: the lengths, and of name and data together the start, the
// start of the data, and the end. The framework writes the time and, right before the name, the id.
uint64_t fk_flight_print(const ss_plugin_event *event) {
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

static void skip_struck(fk_flight *f) {
	while (f->head != f->tail && f->state[f->head % FK_FLIGHT] == FK_STRUCK) f->head++;
}

// Counts one that will not come back as lost.
static void lose(fk_async *a, uint64_t position) {
	uint8_t *state = &a->flight.state[position % FK_FLIGHT];
	if (*state == FK_STRUCK) return;
	if (*state == FK_UNCOUNTED)
		a->count.unconfirmed--;
	else
		a->inflight--;
	*state = FK_STRUCK;
	a->count.lost++;
}

// Enters one that is about to be sent; returns its position, or FK_NOT_ENTERED when as many are on
// their way as the host's queue can hold. One with a timestamp of its own may stay
// in the host's queue for long, and one that is sent directly does not wait for others: neither counts
// against the window, and neither keeps the order.
uint64_t fk_flight_enter(fk_async *a, const ss_plugin_event *event, bool direct) {
	fk_flight *f = &a->flight;
	if (a->inflight + a->count.unconfirmed >= FK_FLIGHT) return FK_NOT_ENTERED;
	if (f->tail - f->head == FK_FLIGHT) { // the oldest holds up what has been struck out since
		lose(a, f->head);
		f->head++;
	}
	uint64_t position = f->tail++;
	bool counted = event->ts == FK_NOT_SET && !direct;
	f->print[position % FK_FLIGHT] = fk_flight_print(event);
	f->state[position % FK_FLIGHT] = counted ? FK_COUNTED : FK_UNCOUNTED;
	if (counted)
		a->inflight++;
	else {
		a->unordered = true;
		a->count.unconfirmed++;
	}
	return position;
}

// Takes back one that the host refused.
void fk_flight_leave(fk_async *a, uint64_t position) {
	if (position == FK_NOT_ENTERED) return;
	if (position - a->flight.head >= a->flight.tail - a->flight.head) return; // given up already
	uint8_t *state = &a->flight.state[position % FK_FLIGHT];
	if (*state == FK_COUNTED) a->inflight--;
	if (*state == FK_UNCOUNTED) a->count.unconfirmed--;
	*state = FK_STRUCK;
	skip_struck(&a->flight);
}

// Another plugin's event may have any lengths: the framework checks the number of parameters only.
static bool well_formed(const ss_plugin_event *event) {
	uint32_t lengths[3];
	if (event->nparams != 3 || event->len < 42) return false;
	memcpy(lengths, (const uint8_t *)event + 26, sizeof lengths);
	return lengths[0] == 4 && 42 + (uint64_t)lengths[1] + lengths[2] <= event->len;
}

// Strikes out an event that came back; false when it is none of ours.
bool fk_flight_strike(fk_async *a, const ss_plugin_event *event) {
	fk_flight *f = &a->flight;
	if (!well_formed(event)) return false;
	uint64_t print = fk_flight_print(event);
	uint64_t at = f->head;
	while (at != f->tail &&
	       (f->print[at % FK_FLIGHT] != print || f->state[at % FK_FLIGHT] == FK_STRUCK))
		at++;
	if (at == f->tail) return false;
	// The queue keeps the order of events without a timestamp: what was sent earlier and has not
	// come back was dropped.
	if (!a->unordered)
		for (uint64_t p = f->head; p != at; p++) lose(a, p);
	// Events that look alike cannot be told apart, so it may be a later one. The one in the window is
	// then no longer waited for: else one drop would hold up every later event for a second.
	uint64_t counted = at;
	if (f->state[at % FK_FLIGHT] == FK_UNCOUNTED && a->inflight)
		while (counted != f->tail && (f->print[counted % FK_FLIGHT] != print ||
		                              f->state[counted % FK_FLIGHT] != FK_COUNTED))
			counted++;
	if (counted == f->tail) counted = at;
	if (f->state[counted % FK_FLIGHT] == FK_UNCOUNTED)
		a->count.unconfirmed--;
	else
		a->inflight--;
	f->state[counted % FK_FLIGHT] = f->state[at % FK_FLIGHT];
	f->state[at % FK_FLIGHT] = FK_STRUCK;
	a->count.delivered++;
	skip_struck(f);
	return true;
}

// Nothing has come back for long: stop waiting, without giving up on what may still come.
void fk_flight_write_off(fk_async *a) {
	fk_flight *f = &a->flight;
	for (uint64_t p = f->head; p != f->tail; p++) {
		if (f->state[p % FK_FLIGHT] != FK_COUNTED) continue;
		f->state[p % FK_FLIGHT] = FK_UNCOUNTED;
		a->inflight--;
		a->count.unconfirmed++;
	}
	// The oldest half cannot be waited for any longer when there is no room for more.
	if (a->count.unconfirmed >= FK_UNCOUNTED_MAX)
		for (uint64_t p = f->head, end = f->head + (f->tail - f->head) / 2; p != end; p++)
			lose(a, p);
	skip_struck(f);
}
