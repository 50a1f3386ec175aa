// SPDX-License-Identifier: Apache-2.0
// falcokit-runner: loads plugins with Falco's flags, runs captures and reports what happens. The
// main thread is the engine's thread, the one that Falco runs its event loop on.
#include <stdio.h>
#include <string.h>

#include "runner/host/host.h"
#include "runner/capture/capture.h"
#include "runner/capture/replay.h"
#include "runner/extract/extract.h"
#include "runner/extract/monitor.h"
#include "runner/capture/handler.h"
#include "runner/report/report.h"

enum {
	FKR_EXIT_FAILED = 1,
	FKR_EXIT_USAGE = 2
};

static bool fkr_load_all(struct fkr_options *o) {
	for (unsigned i = 0; i < o->guest_count; i++) {
		struct fkr_guest *guest = &o->guests[i];
		if (!fkr_guest_load(guest)) return false;
		for (unsigned k = 0; k < i; k++) {
			bool name = strcmp(o->guests[k].name, guest->name) == 0;
			if (name || (guest->id && o->guests[k].id == guest->id)) {
				fkr_report_error("load", guest->name, SS_PLUGIN_FAILURE,
				                 name ? "a plugin of this name is loaded already"
				                      : "a plugin with this id is loaded already");
				return false;
			}
		}
		fkr_guest_report(guest);
	}
	return true;
}

static bool fkr_init_all(struct fkr_options *o) {
	fkr_tables_begin();
	for (unsigned i = 0; i < o->guest_count; i++)
		if (!fkr_guest_init(&o->guests[i])) return false;
	return true;
}

static bool fkr_find_source(struct fkr_options *o, struct fkr_guest **source) {
	*source = NULL;
	if (o->source && strcmp(o->source, "syscall") == 0) return true;
	for (unsigned i = 0; i < o->guest_count && !*source; i++) {
		struct fkr_guest *guest = &o->guests[i];
		if (guest->caps & FKR_CAP_SOURCE && (!o->source || strcmp(o->source, guest->name) == 0))
			*source = guest;
	}
	if (*source || !o->source) return true;
	fkr_report_error("open", o->source, SS_PLUGIN_FAILURE,
	                 "no loaded plugin of this name has an event source");
	return false;
}

static enum fkr_end fkr_run_all(struct fkr_options *o, unsigned generation) {
	struct fkr_guest *source;
	enum fkr_end end = FKR_END_ERROR;
	if (o->extract && !fkr_extract_begin(o)) return FKR_END_ERROR;
	if (o->replay && !fkr_replay_begin()) return FKR_END_ERROR;
	fkr_monitor_enter("load", 0);
	if (!fkr_load_all(o)) return FKR_END_ERROR;
	if (o->info) return FKR_END_EOF;
	fkr_monitor_enter("init", 0);
	if (o->extract) {
		if (!fkr_init_all(o) || !fkr_extract(o)) return FKR_END_ERROR;
		return fkr_control_stop() == FKR_GO_ON ? FKR_END_EOF : FKR_END_SIGNAL;
	}
	if (o->replay) return fkr_init_all(o) ? fkr_replay(o) : FKR_END_ERROR;
	if (!fkr_find_source(o, &source) || !fkr_init_all(o)) return FKR_END_ERROR;
	for (unsigned cycle = 0; cycle < o->cycles; cycle++) {
		end = fkr_capture(o, source, cycle, generation || cycle);
		if (end == FKR_END_ERROR || end == FKR_END_SIGNAL) break;
	}
	return end;
}

static void fkr_unload_all(struct fkr_options *o) {
	for (unsigned i = o->guest_count; i-- > 0;) {
		fkr_guest_destroy(&o->guests[i]);
		fkr_guest_unload(&o->guests[i]);
	}
	fkr_tables_end();
}

int main(int argc, char **argv) {
	static struct fkr_options options;
	enum fkr_end end = FKR_END_EOF;
	if (!fkr_options_read(&options, argc, argv)) return FKR_EXIT_USAGE;
	if (!fkr_report_open() || !fkr_control_start(options.stats_ms, options.parent)) {
		perror("falcokit-runner: cannot start");
		return FKR_EXIT_FAILED;
	}
	for (unsigned i = 0; i < options.reload; i++) {
		end = fkr_run_all(&options, i);
		fkr_unload_all(&options);
		if (end == FKR_END_ERROR || end == FKR_END_SIGNAL) break;
	}
	struct fkr_text *t = fkr_report_begin("end");
	fkr_add_member(t, "reason", fkr_end_names[end]);
	fkr_report_end(true);
	return end == FKR_END_ERROR ? FKR_EXIT_FAILED : 0;
}
