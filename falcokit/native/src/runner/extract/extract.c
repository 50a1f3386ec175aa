// SPDX-License-Identifier: Apache-2.0
// The loop of an extraction: an event, all its fields in one call, a row of values.
#include "runner/extract/extract.h"

#include "runner/host/control.h"
#include "runner/extract/ask.h"
#include "runner/extract/filter.h"
#include "runner/extract/input.h"
#include "runner/extract/rows.h"
#include "runner/extract/watch.h"
#include "runner/report/report.h"
#include "runner/host/routines.h"
#include "runner/host/tables.h"

enum {
	FK_EXTRACT,
	FK_PARSE,
	FK_KEEP_BYTES = 1 << 20,
};

struct fk_extraction {
	struct fk_guest *guest;
	struct fk_asker asker;
	struct fk_filter filters[2];
	struct fk_text row;
};

bool fk_extract_begin(const struct fk_options *o) {
	if (!fk_watch_start(o->guests[0].path, o->deadline_ns)) {
		fk_report_error("extract", NULL, SS_PLUGIN_FAILURE, "the watch over it cannot be started");
		return false;
	}
	return fk_input_open();
}

static void fk_take_event(struct fk_extraction *x, const struct fk_frame *frame) {
	const struct fk_guest *guest = x->guest;
	const char *source = fk_filter_source(guest, frame->evt);
	ss_plugin_event_input event = {frame->evt, frame->number, source};
	if (fk_filter_passes(&x->filters[FK_PARSE], frame->evt, source)) {
		ss_plugin_event_parse_input in = fk_parse_input(guest);
		fk_watch_enter("parse_event", frame->number);
		guest->api.parse_event(guest->state, &event, &in); // the framework ignores the answer
		fk_tables_leave(guest);
	}
	x->row.len = 0;
	if (fk_filter_passes(&x->filters[FK_EXTRACT], frame->evt, source)) {
		fk_add_c(&x->row, '[');
		fk_asker_add(&x->asker, &event, &x->row, false);
		fk_add_c(&x->row, ']');
	} else {
		fk_add_s(&x->row, "null");
	}
	fk_watch_leave();
	fk_rows_add(&x->row);
	if (x->row.room > FK_KEEP_BYTES) fk_text_free(&x->row);
}

static bool fk_listen(const struct fk_guest *guest, bool begin) {
	if (!(guest->caps & FK_CAP_LISTEN)) return true;
	fk_watch_enter(begin ? "capture_open" : "capture_close", 0);
	bool ok = fk_listen_call(guest, begin);
	if (!begin) fk_routines_end();
	fk_watch_leave();
	return ok;
}

static void fk_report_extracting(const struct fk_extraction *x) {
	struct fk_text *t = fk_report_begin("extracting");
	fk_add_key(t, "columns");
	fk_add_c(t, '[');
	for (unsigned i = 0; i < x->asker.fields.count; i++) {
		fk_add_s(t, i ? ",{\"name\":" : "{\"name\":");
		fk_add_string_or_null(t, x->asker.fields.at[i].asked);
		fk_add_key(t, "field");
		fk_add_u64(t, x->asker.fields.at[i].id);
		fk_add_c(t, '}');
	}
	fk_add_c(t, ']');
	fk_filter_report(t, x->guest, x->filters);
	fk_report_end(true);
}

static bool fk_take_events(struct fk_extraction *x) {
	struct fk_frame frame;
	fk_report_extracting(x);
	for (;;) {
		enum fk_input state = fk_input_next(&frame);
		if (state == FK_INPUT_EVENT) {
			fk_take_event(x, &frame);
			continue;
		}
		fk_rows_flush();
		if (state != FK_INPUT_EMPTY) return state == FK_INPUT_END;
		fk_input_wait();
	}
}

bool fk_extract(struct fk_options *o) {
	struct fk_extraction x = {.guest = &o->guests[0]};
	bool ok = fk_fields_select(x.guest, o->extract, &x.asker.fields);
	if (ok) {
		fk_watch_enter("get_extract_event_types", 0);
		fk_filter_extract(x.guest, &x.filters[FK_EXTRACT]);
		fk_filter_parse(x.guest, &x.filters[FK_PARSE]);
		fk_watch_leave();
		fk_asker_open(&x.asker, x.guest);
		ok = fk_listen(x.guest, true) && fk_take_events(&x);
		ok = fk_listen(x.guest, false) && ok;
	}
	fk_watch_enter("destroy", 0); // what comes next
	fk_asker_close(&x.asker);
	fk_text_free(&x.row);
	fk_input_close();
	return ok;
}
