// SPDX-License-Identifier: Apache-2.0
// Rows of a running capture. See runner/capture/event_rows.h.
#include "runner/capture/event_rows.h"

#include <string.h>

#include "runner/capture/live.h"
#include "runner/extract/extractor.h"
#include "runner/extract/filter.h"
#include "runner/report/report.h"

enum {
	FKR_ROW_DATA = 1 << 16,
	FKR_KEEP_BYTES = 1 << 20,
};

static struct fkr_extractor fkr_values;
static struct fkr_filter fkr_filter;
static struct fkr_text fkr_row;
static bool fkr_on, fkr_with_text;

// What follows evt.plugininfo at the beginning of a list of fields; NULL: it does not begin so.
static const char *fkr_after_text(const char *fields) {
	static const char name[] = "evt.plugininfo";
	size_t n = sizeof name - 1;
	if (strncmp(fields, name, n) != 0 || (fields[n] && fields[n] != ',')) return NULL;
	return fields[n] ? fields + n + 1 : fields + n;
}

bool fkr_event_rows_begin(struct fkr_options *o) {
	struct fkr_guest *guest = &o->guests[0];
	fkr_on = o->rows != NULL;
	if (!fkr_on) return true;
	const char *fields = fkr_after_text(o->rows);
	fkr_with_text = fields != NULL;
	if (!fields) fields = o->rows;
	if (!*fields) return true;
	bool all = strcmp(fields, "*") == 0;
	if (all && !(guest->caps & FKR_CAP_EXTRACT)) return true;
	if (all ? !fkr_fields_without_argument(guest, &fkr_values.fields)
	        : !fkr_fields_select(guest, fields, &fkr_values.fields))
		return false;
	fkr_extractor_open(&fkr_values, guest);
	fkr_filter_extract(guest, &fkr_filter);
	return true;
}

void fkr_event_rows_end(void) {
	fkr_extractor_close(&fkr_values);
	fkr_text_free(&fkr_row);
	fkr_on = false;
}

bool fkr_event_rows_wanted(void) { return fkr_on; }

// Plugins are called before the report is begun: they may log.
void fkr_event_rows_send(const ss_plugin_event_input *event, const struct fkr_event_row *row) {
	struct fkr_text *t = &fkr_row;
	bool objects = false;
	t->len = 0;
	fkr_add_c(t, '[');
	fkr_add_u64(t, event->evtnum);
	fkr_add_c(t, ',');
	fkr_add_u64(t, event->evt->ts);
	fkr_add_c(t, ',');
	fkr_add_u64(t, row->plugin_id);
	fkr_add_c(t, ',');
	fkr_add_string_or_null(t, event->evtsrc);
	fkr_add_c(t, ',');
	fkr_add_string_or_null(t, row->name);
	fkr_add_c(t, ',');
	if (row->name)
		fkr_add_base64(t, (const uint8_t *)row->data,
		               row->size < FKR_ROW_DATA ? row->size : FKR_ROW_DATA);
	else
		fkr_add_s(t, "null");
	fkr_add_c(t, ',');
	fkr_add_u64(t, row->size);
	if (fkr_values.fields.count && fkr_filter_passes(&fkr_filter, event->evt, event->evtsrc)) {
		fkr_add_s(t, ",[");
		objects = fkr_extractor_append(&fkr_values, event, t, FKR_EXACT);
		fkr_add_c(t, ']');
	} else {
		fkr_add_s(t, ",null");
	}
	fkr_add_s(t, objects ? ",true" : ",false");
	if (fkr_with_text) {
		fkr_add_c(t, ',');
		fkr_add_string_or_null(t, fkr_live_text(event));
	}
	fkr_add_c(t, ']');
	fkr_report_row(t);
	if (t->room > FKR_KEEP_BYTES) fkr_text_free(t);
}
