// SPDX-License-Identifier: Apache-2.0
// Delivers one event. See runner/capture/delivery.h.
#include "runner/capture/delivery.h"

#include <string.h>

#include "runner/capture/handler.h"
#include "runner/capture/live.h"
#include "runner/capture/recorder.h"
#include "runner/capture/event_rows.h"
#include "runner/report/report.h"
#include "runner/host/host.h"

enum {
	FKR_HEADER = 26,
	FKR_LENGTHS = 26,
	FKR_ASYNC_NAME = 42,
	FKR_REPORTED_MAX = 1 << 16,
};

struct fkr_payload {
	const char *name; // of an async event
	const char *data;
	size_t size;
};

static struct fkr_payload fkr_payload(const ss_plugin_event *evt) {
	const char *bytes = (const char *)evt;
	uint32_t length[3];
	struct fkr_payload p = {.data = bytes + FKR_HEADER, .size = evt->len - FKR_HEADER};
	if (fkr_async_well_formed(evt)) {
		memcpy(length, bytes + FKR_LENGTHS, sizeof length);
		p.name = bytes + FKR_ASYNC_NAME;
		p.data = p.name + length[1];
		p.size = length[2];
	} else if (evt->type == FK_CODE_PLUGINEVENT && evt->len >= PLUGIN_EVENT_PAYLOAD_OFFSET) {
		p.data = bytes + PLUGIN_EVENT_PAYLOAD_OFFSET;
		p.size = evt->len - PLUGIN_EVENT_PAYLOAD_OFFSET;
	}
	return p;
}

static void fkr_parse(const struct fkr_delivery *d, const ss_plugin_event *evt) {
	ss_plugin_event_input input = {evt, d->number, d->source};
	for (unsigned i = 0; i < d->count; i++) {
		struct fkr_guest *guest = &d->guests[i];
		if (!guest->parse_here || evt->type >= FKR_CODES ||
		    !(guest->parse_codes[evt->type / 64] >> evt->type % 64 & 1))
			continue;
		ss_plugin_event_parse_input in = fkr_parse_input(guest);
		guest->api.parse_event(guest->state, &input, &in); // the framework ignores the answer
		fkr_tables_leave(guest);
	}
}

// Other events are named by who sent them, who has the event table.
static const char *fkr_type_name(const ss_plugin_event *evt, const struct fkr_payload *p) {
	if (p->name) return p->name;
	return evt->type == FK_CODE_PLUGINEVENT ? "pluginevent" : NULL;
}

static void fkr_report(const struct fkr_delivery *d, const ss_plugin_event *evt,
                       const struct fkr_payload *p, const struct fkr_text *extra) {
	struct fkr_text *t = fkr_report_begin("event");
	fkr_add_key(t, "number");
	fkr_add_u64(t, d->number);
	fkr_add_key(t, "ts_ns");
	fkr_add_u64(t, evt->ts);
	fkr_add_key(t, "tid");
	fkr_add_i64(t, (int64_t)evt->tid);
	fkr_add_key(t, "code");
	fkr_add_u64(t, evt->type);
	fkr_add_key(t, "type");
	fkr_add_string_or_null(t, fkr_type_name(evt, p));
	fkr_add_key(t, "source");
	fkr_add_string_or_null(t, d->source);
	fkr_add_key(t, "plugin_id");
	fkr_add_u64(t, d->id);
	fkr_add_key(t, "name");
	fkr_add_string_or_null(t, p->name);
	fkr_add_key(t, "size");
	fkr_add_u64(t, p->size);
	if (!fkr_type_name(evt, p)) {
		fkr_add_key(t, "params");
		fkr_add_u64(t, evt->nparams);
	}
	size_t n = p->size && !p->data[p->size - 1] ? p->size - 1 : p->size;
	if (fkr_is_utf8(p->data, n) && !memchr(p->data, 0, n)) {
		fkr_add_key(t, "data");
		fkr_add_string(t, p->data, n);
	} else {
		fkr_add_key(t, "data_base64");
		fkr_add_base64(t, (const uint8_t *)p->data, p->size);
	}
	fkr_add(t, extra->at, extra->len);
	fkr_report_end(false);
}

static void fkr_count_event(const ss_plugin_event *evt, const struct fkr_payload *p, int row) {
	fkr_count(&fkr_counts.events, 1);
	if (row == FKR_BY_CODE) {
		fkr_stats_code(evt->type, p->size);
	} else if (row != FKR_NO_ROW) {
		fkr_stats_async((unsigned)row, evt->ts, p->data, p->size);
	} else {
		fkr_count(&fkr_counts.plugin_events, 1);
		fkr_count(&fkr_counts.plugin_bytes, p->size);
	}
}

// Large events are only counted: a second's worth of them could be gigabytes.
static bool fkr_may_report(struct fkr_allowance *a, const ss_plugin_event *evt) {
	const uint64_t one = 1000000000u;
	if (!a->per_second || evt->len > FKR_REPORTED_MAX) return false;
	if (a->parts < one) {
		uint64_t now = fkr_monotonic_ns(), passed = now - a->seen_ns;
		a->parts += (passed < one ? passed : one) * a->per_second;
		if (a->parts > a->per_second * one) a->parts = a->per_second * one;
		a->seen_ns = now;
	}
	if (a->parts < one) return false;
	a->parts -= one;
	return true;
}

static bool fkr_show(struct fkr_delivery *d, const ss_plugin_event *evt,
                     const struct fkr_payload *p) {
	ss_plugin_event_input input = {evt, d->number, d->source};
	if (d->report || fkr_may_report(&d->allowance, evt))
		fkr_report(d, evt, p, fkr_live_read(&input));
	else if (d->sample)
		fkr_live_sample(&input, p->name, p->data, p->size);
	if (d->rows) {
		struct fkr_event_row row = {d->id, p->name, p->data, p->size};
		fkr_event_rows_send(&input, &row);
	}
	return !d->record || fkr_recorder_write(evt);
}

bool fkr_deliver(struct fkr_delivery *d, const ss_plugin_event *evt, int row) {
	struct fkr_payload p = fkr_payload(evt);
	d->number++;
	d->last_ts = evt->ts;
	fkr_count_event(evt, &p, row);
	if (d->parsers) fkr_parse(d, evt);
	return fkr_show(d, evt, &p);
}

bool fkr_deliver_parsed(struct fkr_delivery *d, const ss_plugin_event *evt, int row) {
	struct fkr_payload p = fkr_payload(evt);
	fkr_count_event(evt, &p, row);
	return fkr_show(d, evt, &p);
}
