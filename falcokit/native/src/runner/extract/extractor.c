// SPDX-License-Identifier: Apache-2.0
// The framework asks for one field per call, so a plugin may reuse the memory of its answer, and a
// field that fails does not affect the others.
#include "runner/extract/extractor.h"

#include <stdlib.h>

#include "runner/extract/values.h"
#include "runner/extract/monitor.h"
#include "runner/report/report.h"
#include "runner/host/host.h"

void fkr_extractor_open(struct fkr_extractor *extractor, struct fkr_guest *guest) {
	extractor->guest = guest;
	extractor->first = 0;
	extractor->end = extractor->fields.count;
	extractor->answers =
		fkr_must_alloc(NULL, (extractor->fields.count + 1) * sizeof *extractor->answers);
}

void fkr_extractor_close(struct fkr_extractor *extractor) {
	free(extractor->answers);
	fkr_fields_free(&extractor->fields);
	*extractor = (struct fkr_extractor){0};
}

static void fkr_report_failed(struct fkr_extractor *x, uint64_t number, int rc, const char *why) {
	if (x->failed) return;
	x->failed = true;
	if (!why) why = x->guest->api.get_last_error(x->guest->state);
	struct fkr_text *t = fkr_report_begin("extract_failed");
	fkr_add_key(t, "event");
	fkr_add_u64(t, number);
	fkr_add_key(t, "rc");
	fkr_add_i64(t, rc);
	fkr_add_key(t, "message");
	fkr_add_string_or_null(t, why && *why ? why : "(the plugin left no error text)");
	fkr_report_end(true);
}

static ss_plugin_rc fkr_extract_one(struct fkr_extractor *x, const ss_plugin_event_input *event,
                                    unsigned i) {
	ss_plugin_field_extract_input in = fkr_extract_input(x->guest);
	const struct fkr_field *field = &x->fields.at[i];
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
	fkr_monitor_enter("extract_fields", event->evtnum);
	ss_plugin_rc rc = x->guest->api.extract_fields(x->guest->state, event, &in);
	fkr_tables_leave(x->guest);
	return rc;
}

bool fkr_extractor_append(struct fkr_extractor *x, const ss_plugin_event_input *event,
                          struct fkr_text *row, unsigned form) {
	const char *why;
	size_t begin = row->len;
	bool named = form & FKR_NAMED, objects = false;
	for (unsigned i = x->first; i < x->end; i++) {
		ss_plugin_rc rc = fkr_extract_one(x, event, i);
		if (rc != SS_PLUGIN_SUCCESS) fkr_report_failed(x, event->evtnum, rc, NULL);
		bool some = rc == SS_PLUGIN_SUCCESS && x->answers[i].res_len;
		if (named && !some) continue;
		if (row->len != begin) fkr_add_c(row, ',');
		if (named) {
			fkr_add_string_or_null(row, x->fields.at[i].asked);
			fkr_add_c(row, ':');
		}
		fkr_monitor_enter("reading its values", event->evtnum);
		if (!some)
			fkr_add_s(row, "null");
		else if (!fkr_add_value(row, &x->fields.at[i], &x->answers[i],
		                        form & FKR_EXACT ? &objects : NULL, &why))
			fkr_report_failed(x, event->evtnum, SS_PLUGIN_SUCCESS, why);
	}
	return objects;
}
