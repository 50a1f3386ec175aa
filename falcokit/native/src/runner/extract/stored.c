// SPDX-License-Identifier: Apache-2.0
// Stored events on their way to plugins. See runner/extract/stored.h.
#include "runner/extract/stored.h"

#include "runner/extract/monitor.h"
#include "runner/host/host.h"
#include "runner/host/threads.h"
#include "runner/report/report.h"

void fkr_stored_open(struct fkr_stored *stored, const struct fkr_guest *guests, unsigned count) {
	static const struct fkr_names none;
	stored->guests = guests;
	stored->count = count;
	fkr_monitor_enter("get_extract_event_types", 0);
	for (unsigned i = 0; i < count; i++) {
		struct fkr_filter *filters = stored->filters[i];
		filters[FKR_FOR_EXTRACT] = (struct fkr_filter){.sources = &none};
		if (i == 0 && guests[i].caps & FKR_CAP_EXTRACT)
			fkr_filter_extract(&guests[i], &filters[FKR_FOR_EXTRACT]);
		fkr_filter_parse(&guests[i], &filters[FKR_FOR_PARSE]);
	}
	fkr_monitor_leave();
}

void fkr_stored_report(struct fkr_text *t, const struct fkr_stored *stored) {
	fkr_filter_report(t, stored->guests, stored->count, stored->filters);
	fkr_threads_report(t, fkr_tables_threads_wanted());
}

bool fkr_stored_threads(const struct fkr_frame *frame) {
	if (fkr_threads_change(frame->bytes, frame->size)) return true;
	fkr_report_error("replay", NULL, SS_PLUGIN_FAILURE, "stdin has wrong changes of threads");
	return false;
}

const char *fkr_stored_parse(const struct fkr_stored *stored, const struct fkr_frame *frame) {
	const char *source = fkr_filter_source(stored->guests, stored->count, frame->evt);
	ss_plugin_event_input event = {frame->evt, frame->number, source};
	for (unsigned i = 0; i < stored->count; i++) {
		const struct fkr_guest *guest = &stored->guests[i];
		if (!fkr_filter_passes(&stored->filters[i][FKR_FOR_PARSE], frame->evt, source)) continue;
		ss_plugin_event_parse_input in = fkr_parse_input(guest);
		fkr_monitor_enter("parse_event", frame->number);
		guest->api.parse_event(guest->state, &event, &in); // the framework ignores the answer
		fkr_tables_leave(guest);
	}
	return source;
}
