// SPDX-License-Identifier: Apache-2.0
// The loop of a replay. See runner/capture/replay.h.
#include "runner/capture/replay.h"

#include <string.h>

#include "runner/capture/delivery.h"
#include "runner/capture/event_rows.h"
#include "runner/capture/handler.h"
#include "runner/capture/live.h"
#include "runner/extract/stored.h"
#include "runner/host/host.h"
#include "runner/report/report.h"

enum {
	FKR_PLUGIN_ID = 34, // in a plugin event
	FKR_ASYNC_ID = 38,
};

struct fkr_replay {
	struct fkr_options *o;
	struct fkr_stored stored;
	struct fkr_delivery delivery;
	uint64_t shown;
	bool open;
};

bool fkr_replay_begin(void) { return fkr_input_open("replay"); }

static const struct fkr_guest *fkr_source_guest(const struct fkr_options *o) {
	for (unsigned i = 0; i < o->guest_count; i++)
		if (o->guests[i].id) return &o->guests[i];
	return NULL;
}

static bool fkr_listen(struct fkr_options *o, bool open) {
	bool ok = true;
	for (unsigned i = 0; i < o->guest_count; i++)
		ok = fkr_listen_call(&o->guests[i], open) && (ok || !open);
	return ok;
}

// The end of the state at the head, or of the input.
static bool fkr_open(struct fkr_replay *r) {
	const struct fkr_guest *source = fkr_source_guest(r->o);
	if (r->open) return true;
	r->open = true;
	if (!fkr_listen(r->o, true)) return false;
	fkr_report_opened(0, source ? source->source : "syscall", source ? source->id : 0);
	fkr_control_begin(r->o->duration_ns, r->o->metrics ? r->o->guests : NULL, r->o->guest_count);
	for (unsigned i = 0; r->o->set_config && i < r->o->guest_count; i++)
		if (!fkr_guest_set_config(&r->o->guests[i], r->o->set_config)) return false;
	return true;
}

// The plugin id in the event, and where the statistics count it: async events by their names, as far
// as a plugin declares them, since a capture may hold any number of other names.
static int fkr_row(const struct fkr_replay *r, const ss_plugin_event *evt, uint32_t *id) {
	size_t at = evt->type == FK_CODE_PLUGINEVENT ? FKR_PLUGIN_ID : FKR_ASYNC_ID;
	bool plugin = evt->type == FK_CODE_PLUGINEVENT, async = evt->type == FK_CODE_ASYNCEVENT;
	*id = 0;
	if ((plugin || async) && evt->len >= at + sizeof *id)
		memcpy(id, (const char *)evt + at, sizeof *id);
	if (plugin) return FKR_NO_ROW;
	for (unsigned i = 0; async && fkr_async_well_formed(evt) && i < r->o->guest_count; i++) {
		const unsigned *row = fkr_row_of(&r->o->guests[i], (const char *)evt + FKR_NAME);
		if (row) return (int)*row;
	}
	return FKR_BY_CODE;
}

static bool fkr_take_event(struct fkr_replay *r, const struct fkr_frame *frame) {
	const char *source = fkr_stored_parse(&r->stored, frame);
	if (frame->kind == FKR_FRAME_STATE) return true;
	int row = fkr_row(r, frame->evt, &r->delivery.id);
	r->delivery.number = frame->number;
	r->delivery.source = source;
	r->shown++;
	return fkr_deliver_parsed(&r->delivery, frame->evt, row);
}

static bool fkr_take_frame(struct fkr_replay *r, const struct fkr_frame *frame) {
	switch (frame->kind) {
	case FKR_FRAME_THREADS: return fkr_stored_threads(frame);
	case FKR_FRAME_BEGIN: return fkr_open(r);
	case FKR_FRAME_ASK:
		fkr_report_begin("answered");
		fkr_report_end(true);
		return true;
	case FKR_FRAME_EVENT:
		if (!fkr_open(r)) return false;
		break;
	case FKR_FRAME_COLUMNS: return true; // rows of a replay always have all
	default: break;
	}
	return fkr_take_event(r, frame);
}

static enum fkr_end fkr_stopped(void) {
	enum fkr_stop stop = fkr_control_stop();
	if (stop == FKR_GO_ON) return FKR_END_EOF;
	return stop == FKR_STOP_DURATION ? FKR_END_DURATION : FKR_END_SIGNAL;
}

static enum fkr_end fkr_take_all(struct fkr_replay *r) {
	struct fkr_frame frame;
	for (;;) {
		enum fkr_input state = fkr_input_next(&frame);
		if (state == FKR_INPUT_FRAME) {
			if (!fkr_take_frame(r, &frame)) return FKR_END_ERROR;
			if (r->o->limit && r->shown >= r->o->limit) return FKR_END_LIMIT;
		} else if (state == FKR_INPUT_EMPTY) {
			fkr_pause();
			fkr_input_wait();
		} else {
			if (state == FKR_INPUT_WRONG || !fkr_open(r)) return FKR_END_ERROR;
			return fkr_stopped();
		}
	}
}

static void fkr_report_replaying(const struct fkr_replay *r) {
	struct fkr_text *t = fkr_report_begin("replaying");
	fkr_stored_report(t, &r->stored);
	fkr_report_end(true);
}

enum fkr_end fkr_replay(struct fkr_options *o) {
	struct fkr_replay r = {.o = o};
	struct fkr_guest *text = NULL;
	for (unsigned i = 0; i < o->guest_count && !text; i++)
		if (o->guests[i].id) text = &o->guests[i];
	r.delivery = (struct fkr_delivery){.report = o->events,
	                                   .allowance = {.per_second = o->events_per_second},
	                                   .rows = o->rows != NULL,
	                                   .sample = !o->events && o->fields};
	fkr_stats_reset();
	fkr_stored_open(&r.stored, o->guests, o->guest_count);
	enum fkr_end end = FKR_END_ERROR;
	if (fkr_live_begin(o, text) && fkr_event_rows_begin(o)) {
		fkr_report_replaying(&r);
		end = fkr_take_all(&r);
		fkr_live_idle();
		fkr_control_end();
		for (unsigned i = 0; o->metrics && r.open && i < o->guest_count; i++)
			fkr_guest_report_metrics(&o->guests[i], false);
	}
	uint64_t start = fkr_monotonic_ns();
	if (r.open && !fkr_listen(o, false)) end = FKR_END_ERROR;
	fkr_routines_end();
	uint64_t spent = fkr_monotonic_ns() - start;
	fkr_input_close();
	fkr_stats_report();
	fkr_live_end();
	fkr_event_rows_end();
	fkr_report_closed(0, end, r.shown, spent);
	return end;
}
