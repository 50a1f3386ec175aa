// SPDX-License-Identifier: Apache-2.0
// The framework asks for one field a call, so a plugin may keep one answer for all; and one that
// fails does not take the others along.
#include "runner/extract/ask.h"

#include <stdlib.h>

#include "runner/extract/values.h"
#include "runner/extract/watch.h"
#include "runner/report/report.h"
#include "runner/host/tables.h"

void fk_asker_open(struct fk_asker *asker, struct fk_guest *guest) {
	asker->guest = guest;
	asker->answers = fk_must_alloc(NULL, (asker->fields.count + 1) * sizeof *asker->answers);
}

void fk_asker_close(struct fk_asker *asker) {
	free(asker->answers);
	fk_fields_free(&asker->fields);
	*asker = (struct fk_asker){0};
}

static void fk_report_failed(struct fk_asker *x, uint64_t number, int rc, const char *why) {
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

static ss_plugin_rc fk_ask(struct fk_asker *x, const ss_plugin_event_input *event, unsigned i) {
	ss_plugin_field_extract_input in = fk_extract_input(x->guest);
	const struct fk_field *field = &x->fields.at[i];
	in.num_fields = 1;
	in.fields = &x->answers[i];
	x->answers[i] = (ss_plugin_extract_field){
		.field_id = field->id,
		.field = field->name,
		.arg_key = field->key ? field->argument : NULL,
		.arg_index = field->index,
		.arg_present = field->argument != NULL,
		.ftype = field->type,
		.flist = field->list,
	};
	fk_watch_enter("extract_fields", event->evtnum);
	ss_plugin_rc rc = x->guest->api.extract_fields(x->guest->state, event, &in);
	fk_tables_leave(x->guest);
	return rc;
}

void fk_asker_add(struct fk_asker *x, const ss_plugin_event_input *event, struct fk_text *row,
                  bool named) {
	const char *why;
	size_t begin = row->len;
	for (unsigned i = 0; i < x->fields.count; i++) {
		ss_plugin_rc rc = fk_ask(x, event, i);
		if (rc != SS_PLUGIN_SUCCESS) fk_report_failed(x, event->evtnum, rc, NULL);
		bool some = rc == SS_PLUGIN_SUCCESS && x->answers[i].res_len;
		if (named && !some) continue;
		if (row->len != begin) fk_add_c(row, ',');
		if (named) {
			fk_add_string_or_null(row, x->fields.at[i].asked);
			fk_add_c(row, ':');
		}
		fk_watch_enter("reading its values", event->evtnum);
		if (!some)
			fk_add_s(row, "null");
		else if (!fk_add_value(row, &x->fields.at[i], &x->answers[i], &why))
			fk_report_failed(x, event->evtnum, SS_PLUGIN_SUCCESS, why);
	}
}
