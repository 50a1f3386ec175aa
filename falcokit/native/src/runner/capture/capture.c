// SPDX-License-Identifier: Apache-2.0
// One capture, on the engine's thread: open, deliver, close, in the framework's order of calls.
#include "runner/host/host.h"
#include "runner/capture/capture.h"

#include "runner/report/report.h"
#include "runner/capture/delivery.h"
#include "runner/capture/handler.h"
#include "runner/capture/live.h"
#include "runner/capture/queue.h"
#include "runner/capture/recorder.h"
#include "runner/capture/event_rows.h"
#include "runner/capture/source.h"

const char *const fkr_end_names[] = {"eof", "limit", "duration", "signal", "error"};

struct fkr_run {
	struct fkr_options *o;
	struct fkr_source source;
	struct fkr_delivery delivery;
	ss_plugin_event *delayed; // fetched, and waiting for async events that go before it
};

static bool fkr_open_source(struct fkr_run *run) {
	struct fkr_guest *guest = run->source.guest;
	ss_plugin_rc rc = SS_PLUGIN_FAILURE;
	if (!guest) return true;
	run->source.instance = guest->api.open(guest->state, run->o->open_params, &rc);
	if (rc == SS_PLUGIN_SUCCESS) return true;
	fkr_guest_error(guest, "open", rc);
	run->source.instance = NULL;
	return false;
}

static bool fkr_start_guests(struct fkr_run *run) {
	struct fkr_options *o = run->o;
	for (unsigned i = 0; i < o->guest_count; i++) {
		struct fkr_guest *guest = &o->guests[i];
		if (!(guest->caps & FKR_CAP_ASYNC)) continue;
		// Before the call: a plugin may send while it is being started.
		fkr_owner_gate(guest->owner, true);
		ss_plugin_rc rc =
			guest->api.set_async_event_handler(guest->state, guest->owner, fkr_async_handler);
		if (rc != SS_PLUGIN_SUCCESS) {
			fkr_owner_gate(guest->owner, false);
			fkr_guest_error(guest, "set_async_event_handler", rc);
			return false;
		}
	}
	for (unsigned i = 0; i < o->guest_count; i++)
		if (!fkr_listen_call(&o->guests[i], true)) return false;
	return true;
}

static bool fkr_start_record(struct fkr_run *run, bool more) {
	if (!run->o->record) return true;
	run->delivery.record = true;
	if (!fkr_recorder_open(run->o->record, more)) return false;
	fkr_recorder_dump(run->o->guests, run->o->guest_count);
	return true;
}

static bool fkr_set_config(struct fkr_run *run) {
	bool ok = true;
	for (unsigned i = 0; run->o->set_config && i < run->o->guest_count; i++)
		ok = fkr_guest_set_config(&run->o->guests[i], run->o->set_config) && ok;
	return ok;
}

void fkr_report_opened(unsigned cycle, const char *source, uint32_t id) {
	struct fkr_text *t = fkr_report_begin("open");
	fkr_add_key(t, "cycle");
	fkr_add_u64(t, cycle);
	fkr_add_key(t, "source");
	fkr_add_string_or_null(t, source);
	fkr_add_key(t, "plugin_id");
	fkr_add_u64(t, id);
	fkr_report_end(true);
}

static bool fkr_deliver_async(struct fkr_run *run, struct fkr_async *async, uint64_t ts) {
	enum {
		FKR_ASYNC_ID = 38
	};
	if (async->evt->ts == FK_NOT_SET) async->evt->ts = ts;
	__builtin_memcpy((char *)async->evt + FKR_ASYNC_ID, &run->source.id, sizeof run->source.id);
	return fkr_deliver(&run->delivery, async->evt, (int)async->row);
}

// The time that the framework compares queued events with: that of the last event, or of the clock
// before the first one. The idle source represents one whose events never stop, so its time is the
// clock's.
static uint64_t fkr_now(const struct fkr_run *run) {
	return run->delivery.last_ts && run->source.guest ? run->delivery.last_ts : fkr_wall_ns();
}

// Delivers at most one event, like the framework's `next`: a queued async event goes first when its
// timestamp is due.
static ss_plugin_rc fkr_step(struct fkr_run *run) {
	ss_plugin_rc rc = SS_PLUGIN_SUCCESS;
	struct fkr_async *async;
	bool ok;
	if (!run->delayed) rc = fkr_source_next(&run->source, &run->delayed);
	if (rc == SS_PLUGIN_TIMEOUT)
		fkr_count(&fkr_counts.timeouts, 1);
	else if (rc != SS_PLUGIN_SUCCESS)
		return rc;
	if (!fkr_queue_length())
		async = NULL;
	else
		async = fkr_queue_pop(run->delayed ? run->delayed->ts : fkr_now(run));
	if (async) {
		ok = fkr_deliver_async(run, async, fkr_now(run));
	} else if (run->delayed) {
		ok = fkr_deliver(&run->delivery, run->delayed, FKR_NO_ROW);
		run->delayed = NULL;
	} else {
		return SS_PLUGIN_TIMEOUT;
	}
	return ok ? SS_PLUGIN_SUCCESS : SS_PLUGIN_FAILURE;
}

void fkr_pause(void) {
	fkr_live_idle();
	if (fkr_event_rows_wanted() && fkr_report_waiting()) fkr_report_flush();
}

static enum fkr_end fkr_pump(struct fkr_run *run) {
	uint64_t limit = run->o->limit;
	for (;;) {
		enum fkr_stop stop = fkr_control_stop();
		if (stop != FKR_GO_ON) return stop == FKR_STOP_DURATION ? FKR_END_DURATION : FKR_END_SIGNAL;
		ss_plugin_rc rc = fkr_step(run);
		if (rc == SS_PLUGIN_EOF) return FKR_END_EOF;
		if (rc != SS_PLUGIN_SUCCESS && rc != SS_PLUGIN_TIMEOUT) return FKR_END_ERROR;
		if (rc == SS_PLUGIN_TIMEOUT) fkr_pause();
		if (limit && run->delivery.number >= limit) return FKR_END_LIMIT;
	}
}

// The framework's order, also after an open that failed: source, handlers, listeners.
static bool fkr_close(struct fkr_run *run) {
	struct fkr_options *o = run->o;
	struct fkr_guest *source = run->source.guest;
	bool ok = true;
	if (source) source->api.close(source->state, run->source.instance);
	for (unsigned i = 0; i < o->guest_count; i++) {
		struct fkr_guest *guest = &o->guests[i];
		if (!(guest->caps & FKR_CAP_ASYNC)) continue;
		fkr_owner_gate(guest->owner, false);
		ss_plugin_rc rc = guest->api.set_async_event_handler(guest->state, guest->owner, NULL);
		if (rc != SS_PLUGIN_SUCCESS) {
			fkr_guest_error(guest, "set_async_event_handler", rc);
			ok = false;
		}
	}
	for (unsigned i = 0; i < o->guest_count; i++) ok = fkr_listen_call(&o->guests[i], false) && ok;
	fkr_routines_end();
	return ok;
}

void fkr_report_closed(unsigned cycle, enum fkr_end end, uint64_t events, uint64_t ns) {
	struct fkr_text *t = fkr_report_begin("closed");
	fkr_add_key(t, "cycle");
	fkr_add_u64(t, cycle);
	fkr_add_key(t, "reason");
	fkr_add_string_or_null(t, fkr_end_names[end]);
	fkr_add_key(t, "events");
	fkr_add_u64(t, events);
	fkr_add_key(t, "close_ms");
	fkr_add_double(t, (double)(ns / 1000) / 1000);
	fkr_report_end(true);
}

enum fkr_end fkr_capture(struct fkr_options *o, struct fkr_guest *source, unsigned cycle,
                         bool more) {
	struct fkr_run run = {.o = o};
	bool parsers = false;
	run.source.guest = source;
	run.source.id = source ? source->id : 0;
	run.source.name = run.source.id ? source->source : "syscall";
	for (unsigned i = 0; i < o->guest_count; i++) {
		struct fkr_guest *guest = &o->guests[i];
		guest->parse_here =
			guest->caps & FKR_CAP_PARSE &&
			(!guest->parse_sources.count || fkr_names_have(&guest->parse_sources, run.source.name));
		parsers |= guest->parse_here;
	}
	run.delivery = (struct fkr_delivery){.guests = o->guests,
	                                     .count = o->guest_count,
	                                     .source = run.source.name,
	                                     .id = run.source.id,
	                                     .parsers = parsers,
	                                     .report = o->events,
	                                     .allowance = {.per_second = o->events_per_second},
	                                     .rows = o->rows != NULL,
	                                     .sample = !o->events && o->fields};
	fkr_stats_reset();
	fkr_handler_source(run.source.id, run.source.name);
	enum fkr_end end = FKR_END_ERROR;
	if (fkr_live_begin(o, source) && fkr_event_rows_begin(o) && fkr_open_source(&run) &&
	    fkr_start_guests(&run) && fkr_start_record(&run, more)) {
		fkr_report_opened(cycle, run.source.name, run.source.id);
		fkr_control_begin(o->duration_ns, o->metrics ? o->guests : NULL, o->guest_count);
		end = fkr_set_config(&run) ? fkr_pump(&run) : FKR_END_ERROR;
		fkr_live_idle();
		fkr_control_end();
		for (unsigned i = 0; o->metrics && i < o->guest_count; i++)
			fkr_guest_report_metrics(&o->guests[i], false);
	}
	uint64_t start = fkr_monotonic_ns();
	bool ok = fkr_close(&run);
	uint64_t spent = fkr_monotonic_ns() - start;
	fkr_count(&fkr_counts.dropped[FKR_DROPPED_CLOSE], fkr_queue_close());
	if (!fkr_recorder_close() || !ok) end = FKR_END_ERROR;
	fkr_stats_report();
	fkr_live_end();
	fkr_event_rows_end();
	fkr_report_closed(cycle, end, run.delivery.number, spent);
	return end;
}
