// SPDX-License-Identifier: Apache-2.0
// falcokit-runner, the tiny Falco: loads plugins with Falco's flags, runs captures, reports. The
// main thread is the engine's thread.
#include <stdio.h>
#include <string.h>

#include "runner/host/control.h"
#include "runner/capture/capture.h"
#include "runner/extract/extract.h"
#include "runner/extract/watch.h"
#include "runner/capture/handler.h"
#include "runner/report/report.h"
#include "runner/host/threads.h"

enum {
	FK_EXIT_FAILED = 1,
	FK_EXIT_USAGE = 2
};

static bool fk_load_all(struct fk_options *o) {
	for (unsigned i = 0; i < o->guest_count; i++) {
		struct fk_guest *guest = &o->guests[i];
		if (!fk_guest_load(guest)) return false;
		for (unsigned k = 0; k < i; k++) {
			bool name = strcmp(o->guests[k].name, guest->name) == 0;
			if (name || (guest->id && o->guests[k].id == guest->id)) {
				fk_report_error("load", guest->name, SS_PLUGIN_FAILURE,
				                name ? "a plugin of this name is loaded already"
				                     : "a plugin with this id is loaded already");
				return false;
			}
		}
		fk_guest_report(guest);
	}
	return true;
}

static bool fk_init_all(struct fk_options *o) {
	fk_threads_begin();
	for (unsigned i = 0; i < o->guest_count; i++)
		if (!fk_guest_init(&o->guests[i])) return false;
	return true;
}

static bool fk_find_source(struct fk_options *o, struct fk_guest **source) {
	*source = NULL;
	if (o->source && strcmp(o->source, "syscall") == 0) return true;
	for (unsigned i = 0; i < o->guest_count && !*source; i++) {
		struct fk_guest *guest = &o->guests[i];
		if (guest->caps & FK_CAP_SOURCE && (!o->source || strcmp(o->source, guest->name) == 0))
			*source = guest;
	}
	if (*source || !o->source) return true;
	fk_report_error("open", o->source, SS_PLUGIN_FAILURE,
	                "no loaded plugin of this name has an event source");
	return false;
}

static enum fk_end fk_run_all(struct fk_options *o, unsigned generation) {
	struct fk_guest *source;
	enum fk_end end = FK_END_ERROR;
	if (o->extract && !fk_extract_begin(o)) return FK_END_ERROR;
	fk_watch_enter("load", 0);
	if (!fk_load_all(o)) return FK_END_ERROR;
	if (o->info) return FK_END_EOF;
	fk_watch_enter("init", 0);
	if (o->extract) {
		if (!fk_init_all(o) || !fk_extract(o)) return FK_END_ERROR;
		return fk_control_stop() == FK_GO_ON ? FK_END_EOF : FK_END_SIGNAL;
	}
	if (!fk_find_source(o, &source) || !fk_init_all(o)) return FK_END_ERROR;
	for (unsigned cycle = 0; cycle < o->cycles; cycle++) {
		end = fk_capture(o, source, cycle, generation || cycle);
		if (end == FK_END_ERROR || end == FK_END_SIGNAL) break;
	}
	return end;
}

static void fk_unload_all(struct fk_options *o) {
	for (unsigned i = o->guest_count; i-- > 0;) {
		fk_guest_destroy(&o->guests[i]);
		fk_guest_unload(&o->guests[i]);
	}
	fk_threads_end();
}

int main(int argc, char **argv) {
	static struct fk_options options;
	enum fk_end end = FK_END_EOF;
	if (!fk_options_read(&options, argc, argv)) return FK_EXIT_USAGE;
	if (!fk_report_open() || !fk_control_start(options.stats_ms, options.parent)) {
		perror("falcokit-runner: cannot start");
		return FK_EXIT_FAILED;
	}
	for (unsigned i = 0; i < options.reload; i++) {
		end = fk_run_all(&options, i);
		fk_unload_all(&options);
		if (end == FK_END_ERROR || end == FK_END_SIGNAL) break;
	}
	struct fk_text *t = fk_report_begin("end");
	fk_add_key(t, "reason");
	fk_add_string_or_null(t, fk_end_names[end]);
	fk_report_end(true);
	return end == FK_END_ERROR ? FK_EXIT_FAILED : 0;
}
