// SPDX-License-Identifier: Apache-2.0
// The command line: read and checked, with a usage text. No threads.
#include "runner/host/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/host/options_stdin.h"

#define FK_DEADLINE_NS 30000000000u

static const char fk_usage[] =
	"falcokit-runner: loads Falco plugins as Falco does and reports what they do, one JSON object "
	"a line\n"
	"  --plugin LIB        a plugin library (repeatable)\n"
	"  --init CONFIG       the init config of the last --plugin\n"
	"  --open PARAMS       open params of the event source\n"
	"  --source NAME       the plugin whose source is opened (default: the first that has one);\n"
	"                      \"syscall\": an idle source, as when no plugin has one\n"
	"  --limit N           stop after N events\n"
	"  --duration SECONDS  stop after so long\n"
	"  --record FILE       write a .scap capture\n"
	"  --events            report every event (the default)\n"
	"  --stats-ms N        report statistics every N ms instead\n"
	"  --fields FIELDS     report the values of fields of the first plugin with the events, or of "
	"the\n"
	"                      last event with the statistics: \"x.a,x.b[3]\", \"*\": as with "
	"--extract\n"
	"  --set-config CONFIG hand this to every plugin's set_config right after open\n"
	"  --metrics           report metrics with the statistics, or when the state of a producer "
	"changes,\n"
	"                      and before every close\n"
	"  --cycles N          open and close N times\n"
	"  --reload N          init, run, destroy, dlclose and dlopen again N times\n"
	"  --info              load, report and leave, without init\n"
	"  --extract FIELDS    read events from stdin (extract_input.h has their form), run no source, "
	"and\n"
	"                      report the values of FIELDS: \"x.a,x.b[3],x.c[key]\", \"*\" for all "
	"fields\n"
	"                      that need no argument; with one --plugin\n"
	"  --deadline SECONDS  with --extract: give up on a call that takes so long (default 30)\n"
	"  --stdin-options     read options from stdin first, at this place (options_stdin.h has their "
	"form):\n"
	"                      configs may hold secrets, and everybody can read a command line\n"
	"  --parent PID        leave at once when PID is not the parent any more\n";

static bool fk_wrong(const char *option, const char *why) {
	fprintf(stderr, "falcokit-runner: %s: %s\n%s", option, why, fk_usage);
	return false;
}

static bool fk_number(const char *text, uint64_t most, uint64_t *n) {
	char *end;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	*n = v;
	return !errno && end != text && !*end && *text != '-' && v <= most;
}

static bool fk_seconds(const char *text, uint64_t *ns) {
	char *end;
	double v = strtod(text, &end);
	if (end == text || *end || !(v >= 0 && v < 1e9)) return false;
	*ns = (uint64_t)(v * 1e9);
	return true;
}

static bool fk_flag(struct fk_options *o, const char *name) {
	if (!strcmp(name, "--events"))
		o->events = true;
	else if (!strcmp(name, "--metrics"))
		o->metrics = true;
	else if (!strcmp(name, "--info"))
		o->info = true;
	else
		return false;
	return true;
}

static bool fk_plugin_option(struct fk_options *o, const char *name, const char *value,
                             bool *known) {
	*known = true;
	if (!strcmp(name, "--plugin")) {
		if (o->guest_count == FK_MAX_GUESTS) return fk_wrong(name, "too many");
		o->guests[o->guest_count++].path = value;
	} else if (!strcmp(name, "--init")) {
		if (!o->guest_count) return fk_wrong(name, "belongs after a --plugin");
		o->guests[o->guest_count - 1].config = value;
	} else {
		*known = false;
	}
	return true;
}

static bool fk_option(struct fk_options *o, const char *name, const char *value) {
	uint64_t n = 0;
	bool ok = true;
	if (!strcmp(name, "--open"))
		o->open_params = value;
	else if (!strcmp(name, "--source"))
		o->source = value;
	else if (!strcmp(name, "--record"))
		o->record = value;
	else if (!strcmp(name, "--set-config"))
		o->set_config = value;
	else if (!strcmp(name, "--fields"))
		o->fields = value;
	else if (!strcmp(name, "--extract"))
		o->extract = value;
	else if (!strcmp(name, "--deadline"))
		ok = fk_seconds(value, &o->deadline_ns) && o->deadline_ns;
	else if (!strcmp(name, "--limit"))
		ok = fk_number(value, UINT64_MAX, &o->limit);
	else if (!strcmp(name, "--duration"))
		ok = fk_seconds(value, &o->duration_ns);
	else if (!strcmp(name, "--stats-ms"))
		ok = fk_number(value, 1u << 30, &n) && (o->stats_ms = (unsigned)n) > 0;
	else if (!strcmp(name, "--cycles"))
		ok = fk_number(value, 1u << 30, &n) && (o->cycles = (unsigned)n) > 0;
	else if (!strcmp(name, "--reload"))
		ok = fk_number(value, 1u << 30, &n) && (o->reload = (unsigned)n) > 0;
	else if (!strcmp(name, "--parent"))
		ok = fk_number(value, 1u << 30, &n) && (o->parent = (int)n) > 0;
	else
		return fk_wrong(name, "unknown option");
	return ok || fk_wrong(name, "not a number that makes sense here");
}

static bool fk_words(struct fk_options *o, int count, char **words) {
	for (int i = 0; i < count; i++) {
		bool known;
		if (fk_flag(o, words[i])) continue;
		if (!strcmp(words[i], "--stdin-options")) {
			int more;
			char **given;
			if (!fk_stdin_words(&more, &given)) return fk_wrong(words[i], "they are not on stdin");
			if (!fk_words(o, more, given)) return false;
			continue;
		}
		if (i + 1 >= count) return fk_wrong(words[i], "unknown option, or its value is missing");
		if (!fk_plugin_option(o, words[i], words[i + 1], &known) ||
		    (!known && !fk_option(o, words[i], words[i + 1])))
			return false;
		i++;
	}
	return true;
}

bool fk_options_read(struct fk_options *o, int argc, char **argv) {
	*o = (struct fk_options){
		.cycles = 1, .reload = 1, .open_params = "", .deadline_ns = FK_DEADLINE_NS};
	if (!fk_words(o, argc - 1, argv + 1)) return false;
	if (!o->guest_count) return fk_wrong("--plugin", "at least one is needed");
	if (o->extract && o->guest_count > 1) return fk_wrong("--extract", "takes one --plugin");
	if (!o->stats_ms) o->events = true;
	return true;
}
