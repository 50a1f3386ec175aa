// SPDX-License-Identifier: Apache-2.0
// The loop of an extraction: reads an event, extracts its fields, adds a row of values.
#include "runner/extract/extract.h"

#include "runner/host/control.h"
#include "runner/extract/extractor.h"
#include "runner/extract/filter.h"
#include "runner/extract/input.h"
#include "runner/extract/rows.h"
#include "runner/extract/monitor.h"
#include "runner/report/report.h"
#include "runner/host/routines.h"
#include "runner/host/tables.h"

enum {
	FKR_EXTRACT,
	FKR_PARSE,
	FKR_KEEP_BYTES = 1 << 20,
};

struct fkr_extraction {
	struct fkr_guest *guest;
	struct fkr_extractor extractor;
	struct fkr_filter filters[2];
	struct fkr_text row;
};

bool fkr_extract_begin(const struct fkr_options *o) {
	if (!fkr_monitor_start(o->guests[0].path, o->deadline_ns)) {
		fkr_report_error("extract", NULL, SS_PLUGIN_FAILURE, "the watch over it cannot be started");
		return false;
	}
	return fkr_input_open();
}

static void fkr_take_event(struct fkr_extraction *x, const struct fkr_frame *frame) {
	const struct fkr_guest *guest = x->guest;
	const char *source = fkr_filter_source(guest, frame->evt);
	ss_plugin_event_input event = {frame->evt, frame->number, source};
	if (fkr_filter_passes(&x->filters[FKR_PARSE], frame->evt, source)) {
		ss_plugin_event_parse_input in = fkr_parse_input(guest);
		fkr_monitor_enter("parse_event", frame->number);
		guest->api.parse_event(guest->state, &event, &in); // the framework ignores the answer
		fkr_tables_leave(guest);
	}
	x->row.len = 0;
	if (fkr_filter_passes(&x->filters[FKR_EXTRACT], frame->evt, source)) {
		fkr_add_c(&x->row, '[');
		fkr_extractor_append(&x->extractor, &event, &x->row, false);
		fkr_add_c(&x->row, ']');
	} else {
		fkr_add_s(&x->row, "null");
	}
	fkr_monitor_leave();
	fkr_rows_add(&x->row);
	if (x->row.room > FKR_KEEP_BYTES) fkr_text_free(&x->row);
}

static bool fkr_listen(const struct fkr_guest *guest, bool begin) {
	if (!(guest->caps & FKR_CAP_LISTEN)) return true;
	fkr_monitor_enter(begin ? "capture_open" : "capture_close", 0);
	bool ok = fkr_listen_call(guest, begin);
	if (!begin) fkr_routines_end();
	fkr_monitor_leave();
	return ok;
}

static void fkr_report_extracting(const struct fkr_extraction *x) {
	struct fkr_text *t = fkr_report_begin("extracting");
	fkr_add_key(t, "columns");
	fkr_add_c(t, '[');
	for (unsigned i = 0; i < x->extractor.fields.count; i++) {
		fkr_add_s(t, i ? ",{\"name\":" : "{\"name\":");
		fkr_add_string_or_null(t, x->extractor.fields.at[i].asked);
		fkr_add_key(t, "field");
		fkr_add_u64(t, x->extractor.fields.at[i].id);
		fkr_add_c(t, '}');
	}
	fkr_add_c(t, ']');
	fkr_filter_report(t, x->guest, x->filters);
	fkr_report_end(true);
}

static bool fkr_take_events(struct fkr_extraction *x) {
	struct fkr_frame frame;
	fkr_report_extracting(x);
	for (;;) {
		enum fkr_input state = fkr_input_next(&frame);
		if (state == FKR_INPUT_EVENT) {
			fkr_take_event(x, &frame);
			continue;
		}
		fkr_rows_flush();
		if (state != FKR_INPUT_EMPTY) return state == FKR_INPUT_END;
		fkr_input_wait();
	}
}

bool fkr_extract(struct fkr_options *o) {
	struct fkr_extraction x = {.guest = &o->guests[0]};
	bool ok = fkr_fields_select(x.guest, o->extract, &x.extractor.fields);
	if (ok) {
		fkr_monitor_enter("get_extract_event_types", 0);
		fkr_filter_extract(x.guest, &x.filters[FKR_EXTRACT]);
		fkr_filter_parse(x.guest, &x.filters[FKR_PARSE]);
		fkr_monitor_leave();
		fkr_extractor_open(&x.extractor, x.guest);
		ok = fkr_listen(x.guest, true) && fkr_take_events(&x);
		ok = fkr_listen(x.guest, false) && ok;
	}
	fkr_monitor_enter("destroy", 0); // what comes next
	fkr_extractor_close(&x.extractor);
	fkr_text_free(&x.row);
	fkr_input_close();
	return ok;
}
