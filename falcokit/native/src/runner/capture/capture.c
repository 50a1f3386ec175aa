// SPDX-License-Identifier: Apache-2.0
// One capture: open, deliver, close. Engine's thread only.
#include "runner/host/owner.h"
#include "runner/capture/capture.h"

#include "runner/report/clock.h"
#include "runner/host/control.h"
#include "runner/capture/delivery.h"
#include "runner/capture/handler.h"
#include "runner/capture/live.h"
#include "runner/capture/queue.h"
#include "runner/capture/recorder.h"
#include "runner/report/report.h"
#include "runner/host/routines.h"
#include "runner/capture/source.h"
#include "runner/report/stats.h"

const char *const fk_end_names[] = {"eof", "limit", "duration", "signal", "error"};

struct fk_run {
	struct fk_options *o;
	struct fk_source source;
	struct fk_delivery delivery;
	ss_plugin_event *delayed; // fetched, and waiting for async events that go before it
};

static bool fk_open_source(struct fk_run *run) {
	struct fk_guest *guest = run->source.guest;
	ss_plugin_rc rc = SS_PLUGIN_FAILURE;
	if (!guest) return true;
	run->source.instance = guest->api.open(guest->state, run->o->open_params, &rc);
	if (rc == SS_PLUGIN_SUCCESS) return true;
	fk_guest_error(guest, "open", rc);
	run->source.instance = NULL;
	return false;
}

static bool fk_start_guests(struct fk_run *run) {
	struct fk_options *o = run->o;
	for (unsigned i = 0; i < o->guest_count; i++) {
		struct fk_guest *guest = &o->guests[i];
		if (!(guest->caps & FK_CAP_ASYNC)) continue;
		// Before the call: a plugin may send while it is being started.
		fk_owner_gate(guest->owner, true);
		ss_plugin_rc rc =
			guest->api.set_async_event_handler(guest->state, guest->owner, fk_async_handler);
		if (rc != SS_PLUGIN_SUCCESS) {
			fk_owner_gate(guest->owner, false);
			fk_guest_error(guest, "set_async_event_handler", rc);
			return false;
		}
	}
	for (unsigned i = 0; i < o->guest_count; i++)
		if (!fk_listen_call(&o->guests[i], true)) return false;
	return true;
}

static bool fk_start_record(struct fk_run *run, bool more) {
	if (!run->o->record) return true;
	run->delivery.record = true;
	if (!fk_recorder_open(run->o->record, more)) return false;
	fk_recorder_dump(run->o->guests, run->o->guest_count);
	return true;
}

static bool fk_set_config(struct fk_run *run) {
	bool ok = true;
	for (unsigned i = 0; run->o->set_config && i < run->o->guest_count; i++)
		ok = fk_guest_set_config(&run->o->guests[i], run->o->set_config) && ok;
	return ok;
}

static void fk_report_open_source(const struct fk_run *run, unsigned cycle) {
	struct fk_text *t = fk_report_begin("open");
	fk_add_key(t, "cycle");
	fk_add_u64(t, cycle);
	fk_add_key(t, "source");
	fk_add_string_or_null(t, run->source.name);
	fk_add_key(t, "plugin_id");
	fk_add_u64(t, run->source.id);
	fk_report_end(true);
}

static bool fk_deliver_async(struct fk_run *run, struct fk_async *async, uint64_t ts) {
	enum {
		FK_ASYNC_ID = 38
	};
	if (async->evt->ts == FK_NOT_SET) async->evt->ts = ts;
	__builtin_memcpy((char *)async->evt + FK_ASYNC_ID, &run->source.id, sizeof run->source.id);
	return fk_deliver(&run->delivery, async->evt, (int)async->row);
}

// The time that the framework calls "new": the last event's, and the clock's before the first. An idle
// source stands for one whose events never stop, so its time is the clock's.
static uint64_t fk_now(const struct fk_run *run) {
	return run->delivery.last_ts && run->source.guest ? run->delivery.last_ts : fk_wall_ns();
}

// At most one event, as the framework's `next`: one of the queue goes first when its time has come.
static ss_plugin_rc fk_step(struct fk_run *run) {
	ss_plugin_rc rc = SS_PLUGIN_SUCCESS;
	struct fk_async *async;
	bool ok;
	if (!run->delayed) rc = fk_source_next(&run->source, &run->delayed);
	if (rc == SS_PLUGIN_TIMEOUT)
		fk_count(&fk_counts.timeouts, 1);
	else if (rc != SS_PLUGIN_SUCCESS)
		return rc;
	if (!fk_queue_length())
		async = NULL;
	else
		async = fk_queue_pop(run->delayed ? run->delayed->ts : fk_now(run));
	if (async) {
		ok = fk_deliver_async(run, async, fk_now(run));
	} else if (run->delayed) {
		ok = fk_deliver(&run->delivery, run->delayed, FK_NO_ROW);
		run->delayed = NULL;
	} else {
		return SS_PLUGIN_TIMEOUT;
	}
	return ok ? SS_PLUGIN_SUCCESS : SS_PLUGIN_FAILURE;
}

static enum fk_end fk_pump(struct fk_run *run) {
	uint64_t limit = run->o->limit;
	for (;;) {
		enum fk_stop stop = fk_control_stop();
		if (stop != FK_GO_ON) return stop == FK_STOP_DURATION ? FK_END_DURATION : FK_END_SIGNAL;
		ss_plugin_rc rc = fk_step(run);
		if (rc == SS_PLUGIN_EOF) return FK_END_EOF;
		if (rc != SS_PLUGIN_SUCCESS && rc != SS_PLUGIN_TIMEOUT) return FK_END_ERROR;
		if (rc == SS_PLUGIN_TIMEOUT) fk_live_idle();
		if (limit && run->delivery.number >= limit) return FK_END_LIMIT;
	}
}

// The framework's order, also after an open that failed: source, handlers, listeners.
static bool fk_close(struct fk_run *run) {
	struct fk_options *o = run->o;
	struct fk_guest *source = run->source.guest;
	bool ok = true;
	if (source) source->api.close(source->state, run->source.instance);
	for (unsigned i = 0; i < o->guest_count; i++) {
		struct fk_guest *guest = &o->guests[i];
		if (!(guest->caps & FK_CAP_ASYNC)) continue;
		fk_owner_gate(guest->owner, false);
		ss_plugin_rc rc = guest->api.set_async_event_handler(guest->state, guest->owner, NULL);
		if (rc != SS_PLUGIN_SUCCESS) {
			fk_guest_error(guest, "set_async_event_handler", rc);
			ok = false;
		}
	}
	for (unsigned i = 0; i < o->guest_count; i++) ok = fk_listen_call(&o->guests[i], false) && ok;
	fk_routines_end();
	return ok;
}

static void fk_report_closed(const struct fk_run *run, unsigned cycle, enum fk_end end,
                             uint64_t ns) {
	struct fk_text *t = fk_report_begin("closed");
	fk_add_key(t, "cycle");
	fk_add_u64(t, cycle);
	fk_add_key(t, "reason");
	fk_add_string_or_null(t, fk_end_names[end]);
	fk_add_key(t, "events");
	fk_add_u64(t, run->delivery.number);
	fk_add_key(t, "close_ms");
	fk_add_double(t, (double)(ns / 1000) / 1000);
	fk_report_end(true);
}

enum fk_end fk_capture(struct fk_options *o, struct fk_guest *source, unsigned cycle, bool more) {
	struct fk_run run = {.o = o};
	bool parsers = false;
	run.source.guest = source;
	run.source.id = source ? source->id : 0;
	run.source.name = run.source.id ? source->source : "syscall";
	for (unsigned i = 0; i < o->guest_count; i++) {
		struct fk_guest *guest = &o->guests[i];
		guest->parse_here =
			guest->caps & FK_CAP_PARSE &&
			(!guest->parse_sources.count || fk_names_have(&guest->parse_sources, run.source.name));
		parsers |= guest->parse_here;
	}
	run.delivery = (struct fk_delivery){.guests = o->guests,
	                                    .count = o->guest_count,
	                                    .source = run.source.name,
	                                    .id = run.source.id,
	                                    .parsers = parsers,
	                                    .report = o->events,
	                                    .sample = !o->events && o->fields};
	fk_stats_reset();
	fk_handler_source(run.source.id, run.source.name);
	enum fk_end end = FK_END_ERROR;
	if (fk_live_begin(o, source, run.source.name) && fk_open_source(&run) &&
	    fk_start_guests(&run) && fk_start_record(&run, more)) {
		fk_report_open_source(&run, cycle);
		fk_control_begin(o->duration_ns, o->metrics ? o->guests : NULL, o->guest_count);
		end = fk_set_config(&run) ? fk_pump(&run) : FK_END_ERROR;
		fk_live_idle();
		fk_control_end();
		for (unsigned i = 0; o->metrics && i < o->guest_count; i++)
			fk_guest_report_metrics(&o->guests[i], false);
	}
	uint64_t start = fk_monotonic_ns();
	bool ok = fk_close(&run);
	uint64_t spent = fk_monotonic_ns() - start;
	fk_count(&fk_counts.dropped[FK_DROPPED_CLOSE], fk_queue_close());
	if (!fk_recorder_close() || !ok) end = FK_END_ERROR;
	fk_stats_report();
	fk_live_end();
	fk_report_closed(&run, cycle, end, spent);
	return end;
}
