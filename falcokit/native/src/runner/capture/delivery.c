// SPDX-License-Identifier: Apache-2.0
// Delivers one event. Engine's thread only.
#include "runner/capture/delivery.h"

#include <string.h>

#include "runner/capture/handler.h"
#include "runner/capture/live.h"
#include "runner/capture/recorder.h"
#include "runner/report/report.h"
#include "runner/report/stats.h"
#include "runner/host/tables.h"

enum {
	FK_HEADER = 26,
	FK_LENGTHS = 26,
	FK_ASYNC_NAME = 42
};

struct fk_payload {
	const char *name; // of an async event
	const char *data;
	size_t size;
};

static struct fk_payload fk_payload(const ss_plugin_event *evt) {
	const char *bytes = (const char *)evt;
	uint32_t length[3];
	struct fk_payload p = {.data = bytes + FK_HEADER, .size = evt->len - FK_HEADER};
	if (fk_async_well_formed(evt)) {
		memcpy(length, bytes + FK_LENGTHS, sizeof length);
		p.name = bytes + FK_ASYNC_NAME;
		p.data = p.name + length[1];
		p.size = length[2];
	} else if (evt->type == FK_CODE_PLUGINEVENT && evt->len >= PLUGIN_EVENT_PAYLOAD_OFFSET) {
		p.data = bytes + PLUGIN_EVENT_PAYLOAD_OFFSET;
		p.size = evt->len - PLUGIN_EVENT_PAYLOAD_OFFSET;
	}
	return p;
}

static void fk_parse(const struct fk_delivery *d, const ss_plugin_event *evt) {
	ss_plugin_event_input input = {evt, d->number, d->source};
	for (unsigned i = 0; i < d->count; i++) {
		struct fk_guest *guest = &d->guests[i];
		if (!guest->parse_here || evt->type >= FK_CODES ||
		    !(guest->parse_codes[evt->type / 64] >> evt->type % 64 & 1))
			continue;
		ss_plugin_event_parse_input in = fk_parse_input(guest);
		guest->api.parse_event(guest->state, &input, &in); // the framework ignores the answer
		fk_tables_leave(guest);
	}
}

static void fk_report(const struct fk_delivery *d, const ss_plugin_event *evt,
                      const struct fk_payload *p, const struct fk_text *extra) {
	struct fk_text *t = fk_report_begin("event");
	fk_add_key(t, "number");
	fk_add_u64(t, d->number);
	fk_add_key(t, "ts_ns");
	fk_add_u64(t, evt->ts);
	fk_add_key(t, "tid");
	fk_add_i64(t, (int64_t)evt->tid);
	fk_add_key(t, "code");
	fk_add_u64(t, evt->type);
	fk_add_key(t, "type");
	fk_add_string_or_null(t, p->name ? p->name : "pluginevent");
	fk_add_key(t, "source");
	fk_add_string_or_null(t, d->source);
	fk_add_key(t, "plugin_id");
	fk_add_u64(t, d->id);
	fk_add_key(t, "name");
	fk_add_string_or_null(t, p->name);
	fk_add_key(t, "size");
	fk_add_u64(t, p->size);
	size_t n = p->size && !p->data[p->size - 1] ? p->size - 1 : p->size;
	if (fk_is_utf8(p->data, n) && !memchr(p->data, 0, n)) {
		fk_add_key(t, "data");
		fk_add_string(t, p->data, n);
	} else {
		fk_add_key(t, "data_base64");
		fk_add_base64(t, (const uint8_t *)p->data, p->size);
	}
	fk_add(t, extra->at, extra->len);
	fk_report_end(false);
}

bool fk_deliver(struct fk_delivery *d, const ss_plugin_event *evt, int row) {
	struct fk_payload p = fk_payload(evt);
	d->number++;
	d->last_ts = evt->ts;
	fk_count(&fk_counts.events, 1);
	if (row != FK_NO_ROW) {
		fk_stats_async((unsigned)row, evt->ts, p.data, p.size);
	} else {
		fk_count(&fk_counts.plugin_events, 1);
		fk_count(&fk_counts.plugin_bytes, p.size);
	}
	if (d->parsers) fk_parse(d, evt);
	ss_plugin_event_input input = {evt, d->number, d->source};
	if (d->report)
		fk_report(d, evt, &p, fk_live_read(&input));
	else if (d->sample)
		fk_live_sample(&input, p.name, p.data, p.size);
	return !d->record || fk_recorder_write(evt);
}
