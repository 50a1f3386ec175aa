// SPDX-License-Identifier: Apache-2.0
// The loop of an extraction: reads an event, extracts its fields, adds a row of values.
#include "runner/extract/extract.h"

#include <string.h>

#include "runner/host/host.h"
#include "runner/extract/extractor.h"
#include "runner/extract/rows.h"
#include "runner/extract/monitor.h"
#include "runner/extract/stored.h"
#include "runner/report/report.h"

enum {
	FKR_KEEP_BYTES = 1 << 20,
};

struct fkr_extraction {
	struct fkr_guest *guest;
	struct fkr_extractor extractor;
	struct fkr_stored stored;
	struct fkr_text row;
};

bool fkr_extract_begin(const struct fkr_options *o) {
	if (!fkr_monitor_start(o->guests[0].path, o->deadline_ns)) {
		fkr_report_error("extract", NULL, SS_PLUGIN_FAILURE, "the watch over it cannot be started");
		return false;
	}
	return fkr_input_open("extract");
}

static void fkr_take_event(struct fkr_extraction *x, const struct fkr_frame *frame) {
	const char *source = fkr_stored_parse(&x->stored, frame);
	ss_plugin_event_input event = {frame->evt, frame->number, source};
	if (frame->kind == FKR_FRAME_STATE) {
		fkr_monitor_leave();
		return;
	}
	x->row.len = 0;
	if (fkr_filter_passes(&x->stored.filters[0][FKR_FOR_EXTRACT], frame->evt, source)) {
		fkr_add_c(&x->row, '[');
		fkr_extractor_append(&x->extractor, &event, &x->row, 0);
		fkr_add_c(&x->row, ']');
	} else {
		fkr_add_s(&x->row, "null");
	}
	fkr_monitor_leave();
	fkr_rows_add(&x->row);
	if (x->row.room > FKR_KEEP_BYTES) fkr_text_free(&x->row);
}

static bool fkr_choose_columns(struct fkr_extractor *x, const struct fkr_frame *frame) {
	uint32_t range[2] = {0};
	if (frame->size == sizeof range) memcpy(range, frame->bytes, sizeof range);
	bool right = frame->size == sizeof range && range[0] <= range[1] && range[1] <= x->fields.count;
	if (!right) {
		fkr_report_error("extract", NULL, SS_PLUGIN_FAILURE,
		                 "stdin asks for columns that are none");
		return false;
	}
	x->first = range[0];
	x->end = range[1];
	return true;
}

static bool fkr_take_frame(struct fkr_extraction *x, const struct fkr_frame *frame) {
	if (frame->kind == FKR_FRAME_THREADS) return fkr_stored_threads(frame);
	if (frame->kind == FKR_FRAME_COLUMNS) return fkr_choose_columns(&x->extractor, frame);
	if (frame->evt) fkr_take_event(x, frame);
	return true;
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
	fkr_stored_report(t, &x->stored);
	fkr_report_end(true);
}

static bool fkr_take_events(struct fkr_extraction *x) {
	struct fkr_frame frame;
	fkr_report_extracting(x);
	for (;;) {
		enum fkr_input state = fkr_input_next(&frame);
		if (state == FKR_INPUT_FRAME) {
			if (!fkr_take_frame(x, &frame)) return false;
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
		fkr_stored_open(&x.stored, o->guests, 1);
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
