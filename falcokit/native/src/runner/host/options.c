// SPDX-License-Identifier: Apache-2.0
// Reads and checks the command line. See runner/host/host.h.
#include "runner/host/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FKR_DEADLINE_NS 30000000000u

enum {
	FKR_MAX_BYTES = 1 << 28 // of options on stdin
};

static const char fkr_usage[] =
	"falcokit-runner: loads Falco plugins as Falco does and reports what they do, one JSON object "
	"per line\n"
	"  --plugin LIB        a plugin library (repeatable)\n"
	"  --init CONFIG       the init config of the last --plugin\n"
	"  --open PARAMS       open params of the event source\n"
	"  --source NAME       the plugin whose source is opened (default: the first that has one);\n"
	"                      \"syscall\": an idle source, as when no plugin has one\n"
	"  --limit N           stop after N events\n"
	"  --duration SECONDS  stop after this time\n"
	"  --record FILE       write a .scap capture\n"
	"  --events            report every event (the default)\n"
	"  --stats-ms N        report statistics every N ms instead\n"
	"  --events-per-second N  with --stats-ms: report at most N events a second as well\n"
	"  --fields FIELDS     report the values of fields of the first plugin with the events, or of "
	"the\n"
	"                      last event with the statistics: \"x.a,x.b[3]\", \"*\": as with "
	"--extract\n"
	"  --rows FIELDS       report a row for every event as well (see runner/capture/event_rows.h "
	"for the "
	"form),\n"
	"                      with the values of these fields; \"\": of none\n"
	"  --fields-of NAME    the plugin whose fields these are (default: the first)\n"
	"  --set-config CONFIG hand this to every plugin's set_config right after open\n"
	"  --metrics           report metrics with the statistics, or when the state of a producer "
	"changes,\n"
	"                      and before every close\n"
	"  --cycles N          open and close N times\n"
	"  --reload N          init, run, destroy, dlclose and dlopen again N times\n"
	"  --info              load, report and exit, without init\n"
	"  --extract FIELDS    read events from stdin (see runner/extract/input.h for the form), run "
	"no source, "
	"and\n"
	"                      report the values of FIELDS: \"x.a,x.b[3],x.c[key]\", \"*\" for all "
	"fields\n"
	"                      that need no argument; with one --plugin\n"
	"  --replay            read events from stdin in the same form instead of running a source; "
	"they\n"
	"                      reach the plugins as on a replay of a capture\n"
	"  --deadline SECONDS  with --extract: give up on a call that takes longer (default 30)\n"
	"  --stdin-options     read options from stdin first, at this place (see runner/host/host.h "
	"for "
	"the form):\n"
	"                      configs may hold secrets, and everybody can read a command line\n"
	"  --parent PID        exit at once when PID is no longer the parent\n";

// ---- options on stdin -------------------------------------------------------------------------------

// Reads exactly `size` bytes: what follows belongs to another reader.
static bool fkr_read(void *to, size_t size) {
	char *at = to;
	while (size) {
		ssize_t n = read(0, at, size);
		if (n > 0) {
			at += n;
			size -= (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			return false;
		}
	}
	return true;
}

// Words are never freed: the options point into them.
static bool fkr_stdin_words(int *count, char ***words) {
	static char *text, **list;
	uint32_t size;
	if (text || !fkr_read(&size, sizeof size) || size > FKR_MAX_BYTES) return false;
	text = fkr_must_alloc(NULL, (size_t)size + 1);
	if (!fkr_read(text, size) || (size && text[size - 1])) return false;
	int n = 0;
	for (const char *at = text; at < text + size; at += strlen(at) + 1) n++;
	list = fkr_must_alloc(NULL, ((size_t)n + 1) * sizeof *list);
	n = 0;
	for (char *at = text; at < text + size; at += strlen(at) + 1) list[n++] = at;
	*count = n;
	*words = list;
	return true;
}

// ---- the command line -------------------------------------------------------------------------------

static bool fkr_wrong(const char *option, const char *why) {
	fprintf(stderr, "falcokit-runner: %s: %s\n%s", option, why, fkr_usage);
	return false;
}

static bool fkr_number(const char *text, uint64_t most, uint64_t *n) {
	char *end;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	*n = v;
	return !errno && end != text && !*end && *text != '-' && v <= most;
}

static bool fkr_seconds(const char *text, uint64_t *ns) {
	char *end;
	double v = strtod(text, &end);
	if (end == text || *end || !(v >= 0 && v < 1e9)) return false;
	*ns = (uint64_t)(v * 1e9);
	return true;
}

static bool fkr_flag(struct fkr_options *o, const char *name) {
	if (!strcmp(name, "--events"))
		o->events = true;
	else if (!strcmp(name, "--metrics"))
		o->metrics = true;
	else if (!strcmp(name, "--info"))
		o->info = true;
	else if (!strcmp(name, "--replay"))
		o->replay = true;
	else
		return false;
	return true;
}

static bool fkr_plugin_option(struct fkr_options *o, const char *name, const char *value,
                              bool *known) {
	*known = true;
	if (!strcmp(name, "--plugin")) {
		if (o->guest_count == FKR_MAX_GUESTS) return fkr_wrong(name, "too many");
		o->guests[o->guest_count++].path = value;
	} else if (!strcmp(name, "--init")) {
		if (!o->guest_count) return fkr_wrong(name, "belongs after a --plugin");
		o->guests[o->guest_count - 1].config = value;
	} else {
		*known = false;
	}
	return true;
}

static bool fkr_option(struct fkr_options *o, const char *name, const char *value) {
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
	else if (!strcmp(name, "--rows"))
		o->rows = value;
	else if (!strcmp(name, "--fields-of"))
		o->fields_of = value;
	else if (!strcmp(name, "--extract"))
		o->extract = value;
	else if (!strcmp(name, "--deadline"))
		ok = fkr_seconds(value, &o->deadline_ns) && o->deadline_ns;
	else if (!strcmp(name, "--limit"))
		ok = fkr_number(value, UINT64_MAX, &o->limit);
	else if (!strcmp(name, "--duration"))
		ok = fkr_seconds(value, &o->duration_ns);
	else if (!strcmp(name, "--stats-ms"))
		ok = fkr_number(value, 1u << 30, &n) && (o->stats_ms = (unsigned)n) > 0;
	else if (!strcmp(name, "--events-per-second"))
		ok = fkr_number(value, 1u << 20, &n) && (o->events_per_second = (unsigned)n) > 0;
	else if (!strcmp(name, "--cycles"))
		ok = fkr_number(value, 1u << 30, &n) && (o->cycles = (unsigned)n) > 0;
	else if (!strcmp(name, "--reload"))
		ok = fkr_number(value, 1u << 30, &n) && (o->reload = (unsigned)n) > 0;
	else if (!strcmp(name, "--parent"))
		ok = fkr_number(value, 1u << 30, &n) && (o->parent = (int)n) > 0;
	else
		return fkr_wrong(name, "unknown option");
	return ok || fkr_wrong(name, "not a number that makes sense here");
}

static bool fkr_words(struct fkr_options *o, int count, char **words) {
	for (int i = 0; i < count; i++) {
		bool known;
		if (fkr_flag(o, words[i])) continue;
		if (!strcmp(words[i], "--stdin-options")) {
			int more;
			char **given;
			if (!fkr_stdin_words(&more, &given))
				return fkr_wrong(words[i], "stdin does not hold any");
			if (!fkr_words(o, more, given)) return false;
			continue;
		}
		if (i + 1 >= count) return fkr_wrong(words[i], "unknown option, or its value is missing");
		if (!fkr_plugin_option(o, words[i], words[i + 1], &known) ||
		    (!known && !fkr_option(o, words[i], words[i + 1])))
			return false;
		i++;
	}
	return true;
}

bool fkr_options_read(struct fkr_options *o, int argc, char **argv) {
	*o = (struct fkr_options){
		.cycles = 1, .reload = 1, .open_params = "", .deadline_ns = FKR_DEADLINE_NS};
	if (!fkr_words(o, argc - 1, argv + 1)) return false;
	if (!o->guest_count) return fkr_wrong("--plugin", "at least one is needed");
	if (o->extract && o->guest_count > 1) return fkr_wrong("--extract", "takes one --plugin");
	if (o->replay && (o->extract || o->record || o->source || o->cycles > 1 || o->reload > 1))
		return fkr_wrong("--replay",
		                 "goes without --extract, --record, --source, --cycles and --reload");
	if (!o->stats_ms) o->events = true;
	return true;
}
