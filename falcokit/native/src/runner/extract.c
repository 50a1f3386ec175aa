// SPDX-License-Identifier: Apache-2.0
// The loop of an extraction: an event, all its fields in one call, a row of values.
#include "extract.h"

#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "extract_fields.h"
#include "extract_filter.h"
#include "extract_input.h"
#include "extract_rows.h"
#include "extract_values.h"
#include "extract_watch.h"
#include "inputs.h"
#include "report.h"
#include "routines.h"
#include "tables.h"

enum {
	FK_EXTRACT,
	FK_PARSE,
	FK_KEEP_BYTES = 1 << 20,
};

struct fk_extraction {
	struct fk_guest *guest;
	struct fk_fields fields;
	struct fk_filter filters[2];
	ss_plugin_extract_field *answers;
	struct fk_text row;
	bool failed;
};

bool fk_extract_begin(const struct fk_options *o) {
	if (!fk_watch_start(o->guests[0].path, o->deadline_ns)) {
		fk_report_error("extract", NULL, SS_PLUGIN_FAILURE, "the watch over it cannot be started");
		return false;
	}
	return fk_input_open();
}

static void fk_report_failed(struct fk_extraction *x, uint64_t number, int rc, const char *why) {
	if (x->failed) return;
	x->failed = true;
	if (!why) why = x->guest->api.get_last_error(x->guest->state);
	struct fk_text *t = fk_report_begin("extract_failed");
	fk_add_key(t, "event");
	fk_add_u64(t, number);
	fk_add_key(t, "rc");
	fk_add_i64(t, rc);
	fk_add_key(t, "message");
	fk_add_string_or_null(t, why && *why ? why : "(the plugin left no error text)");
	fk_report_end(true);
}

static ss_plugin_rc fk_ask(struct fk_extraction *x, const ss_plugin_event_input *event,
                           unsigned first, unsigned count) {
	ss_plugin_field_extract_input in = fk_extract_input(x->guest);
	in.num_fields = count;
	in.fields = &x->answers[first];
	for (unsigned i = first; i < first + count; i++) {
		const struct fk_field *field = &x->fields.at[i];
		x->answers[i] = (ss_plugin_extract_field){
			.field_id = field->id,
			.field = field->name,
			.arg_key = field->key ? field->argument : NULL,
			.arg_index = field->index,
			.arg_present = field->argument != NULL,
			.ftype = field->type,
			.flist = field->list,
		};
	}
	fk_watch_enter("extract_fields", event->evtnum);
	ss_plugin_rc rc = x->guest->api.extract_fields(x->guest->state, event, &in);
	fk_tables_leave(x->guest);
	return rc;
}

static void fk_add_values(struct fk_extraction *x, uint64_t number, unsigned first,
                          unsigned count) {
	const char *why;
	fk_watch_enter("reading its values", number);
	for (unsigned i = first; i < first + count; i++) {
		if (i) fk_add_c(&x->row, ',');
		if (!fk_add_value(&x->row, &x->fields.at[i], &x->answers[i], &why))
			fk_report_failed(x, number, SS_PLUGIN_SUCCESS, why);
	}
}

// The framework asks for one field a call, so a plugin may keep one answer for all; and one that fails
// does not take the others along.
static void fk_add_one_by_one(struct fk_extraction *x, const ss_plugin_event_input *event) {
	for (unsigned i = 0; i < x->fields.count; i++) {
		ss_plugin_rc rc = fk_ask(x, event, i, 1);
		if (rc == SS_PLUGIN_SUCCESS) {
			fk_add_values(x, event->evtnum, i, 1);
			continue;
		}
		fk_report_failed(x, event->evtnum, rc, NULL);
		fk_add_s(&x->row, i ? ",null" : "null");
	}
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
		fk_add_one_by_one(x, &event);
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
	for (unsigned i = 0; i < x->fields.count; i++) {
		fk_add_s(t, i ? ",{\"name\":" : "{\"name\":");
		fk_add_string_or_null(t, x->fields.at[i].asked);
		fk_add_key(t, "field");
		fk_add_u64(t, x->fields.at[i].id);
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
	bool ok = fk_fields_select(x.guest, o->extract, &x.fields);
	if (ok) {
		fk_watch_enter("get_extract_event_types", 0);
		fk_filter_extract(x.guest, &x.filters[FK_EXTRACT]);
		fk_filter_parse(x.guest, &x.filters[FK_PARSE]);
		fk_watch_leave();
		x.answers = fk_must_alloc(NULL, x.fields.count * sizeof *x.answers);
		ok = fk_listen(x.guest, true) && fk_take_events(&x);
		ok = fk_listen(x.guest, false) && ok;
	}
	fk_watch_enter("destroy", 0); // what comes next
	free(x.answers);
	fk_text_free(&x.row);
	fk_fields_free(&x.fields);
	fk_input_close();
	return ok;
}
