// SPDX-License-Identifier: Apache-2.0
// Calls the exports of a plugin library one by one, as no real host would: `caller LIB COMMAND...`.
// One line per command on stdout: the command's letter and what it gave; "log ..." lines between them.
//
//     i:CONFIG init, a further state   s:N work on state N      d destroy       e last error
//     h set the handler   n set NULL   D dump_state             c:CONFIG set_config
//     w:N be the host until N events in all came: take them from the queue, hand them to parse_event
//     W:TEXT wait until a log line has this text
//     q:N wait until N events in all were sent, hand none of them to parse_event
//     g the bytes of all events so far    r:N from now on the handler refuses N events
//     M:N get_metrics from N threads while being the host, until 2000 calls were made
//     l load the library again, after all states were destroyed     S:COMMAND run it in a shell
//     o:LIB go on with another library, beside the states of the one before
//     t:CONFIG init and destroy a further state on a thread of its own, as Falco tries a config out
//     z forget the events so far
//     0 every export with NULL for every argument, then with a state that failed to initialise
//     1 the same for the exports of a source and of fields, and with a state that works
//
// Threads: commands on the main thread, the handler on the plugin's, get_metrics on those of M.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugin_api.h"

enum {
	STATES = 8,
	EVENTS = 1 << 20,
	DEADLINE_S = 10
};

static void *lib;
static const char *lib_path;
static ss_plugin_t *states[STATES];
static int nstates, current;
static ss_plugin_event *events[EVENTS];
static _Atomic unsigned nevents, nparsed, refusals;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *symbol(const char *name) { return dlsym(lib, name); }
#define EXPORT(name, type, ...) type (*name)(__VA_ARGS__) = symbol("plugin_" #name)

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static ss_plugin_rc handler(ss_plugin_owner_t *owner, const ss_plugin_event *evt, char *err) {
	(void)owner;
	if (refusals) {
		refusals--;
		if (err) snprintf(err, PLUGIN_MAX_ERRLEN, "the caller refuses \xff this");
		return SS_PLUGIN_FAILURE;
	}
	ss_plugin_event *copy = malloc(evt->len);
	memcpy(copy, evt, evt->len);
	pthread_mutex_lock(&lock);
	events[nevents++ % EVENTS] = copy;
	pthread_mutex_unlock(&lock);
	return SS_PLUGIN_SUCCESS;
}

static char said[1 << 16]; // all that was logged, as long as it fits
static size_t said_len;

static void log_fn(ss_plugin_owner_t *o, const char *component, const char *msg,
                   ss_plugin_log_severity sev) {
	printf("log %d %s %s %s\n", (int)(intptr_t)o, component ? component : "-", msg,
	       (const char *[]){"", "fatal", "critical", "error", "warning", "notice", "info", "debug",
	                        "trace"}[sev]);
	pthread_mutex_lock(&lock);
	int n = snprintf(said + said_len, sizeof said - said_len, "%s\n", msg);
	if (said_len + (size_t)n < sizeof said) said_len += (size_t)n;
	pthread_mutex_unlock(&lock);
}

static bool was_said(const char *text) {
	pthread_mutex_lock(&lock);
	bool found = strstr(said, text) != NULL;
	pthread_mutex_unlock(&lock);
	return found;
}

static bool wait_for_log(const char *text) {
	for (double end = now() + DEADLINE_S; now() < end && !was_said(text);) usleep(50);
	return was_said(text);
}

static const char *owner_error(ss_plugin_owner_t *o) {
	(void)o;
	return "owner";
}

static void parse_next(void) {
	EXPORT(parse_event, ss_plugin_rc, ss_plugin_t *, const ss_plugin_event_input *,
	       const ss_plugin_event_parse_input *);
	pthread_mutex_lock(&lock);
	ss_plugin_event *event = nparsed < nevents ? events[nparsed % EVENTS] : NULL;
	pthread_mutex_unlock(&lock);
	if (!event) {
		usleep(50);
		return;
	}
	ss_plugin_event_input in = {.evt = event, .evtnum = ++nparsed, .evtsrc = "syscall"};
	ss_plugin_event_parse_input parse = {.get_owner_last_error = owner_error};
	if (parse_event(states[current], &in, &parse) != SS_PLUGIN_SUCCESS) printf("parse failed\n");
}

static unsigned run_host(unsigned count, int parsing) {
	for (double end = now() + DEADLINE_S; now() < end && (parsing ? nparsed : nevents) < count;)
		if (parsing)
			parse_next();
		else
			usleep(50);
	return parsing ? nparsed : nevents;
}

static _Atomic int metric_calls, metric_faults;
static void *ask_metrics(void *state) {
	EXPORT(get_metrics, ss_plugin_metric *, ss_plugin_t *, uint32_t *);
	while (metric_calls++ < 2000) {
		uint32_t n = 99;
		ss_plugin_metric *m = get_metrics(state, &n);
		if (!m || n < 8 || n > 20) metric_faults++;
		for (uint32_t i = 0; m && i < n; i++)
			if (!m[i].name || strlen(m[i].name) > 100 || m[i].value_type > 6) metric_faults++;
	}
	return NULL;
}

static void many_metrics(int count) {
	pthread_t threads[16];
	for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, ask_metrics, states[current]);
	while (metric_calls < 2000) parse_next();
	for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
	printf("M faults %d\n", metric_faults);
}

static void show_events(void) {
	for (unsigned i = 0; i < nevents; i++) {
		printf("g ");
		for (uint32_t k = 0; k < events[i]->len; k++) printf("%02x", ((uint8_t *)events[i])[k]);
		printf("\n");
	}
}

static void nulls(void) {
	EXPORT(init, ss_plugin_t *, const ss_plugin_init_input *, ss_plugin_rc *);
	EXPORT(destroy, void, ss_plugin_t *);
	EXPORT(get_last_error, const char *, ss_plugin_t *);
	EXPORT(get_init_schema, const char *, ss_plugin_schema_type *);
	EXPORT(get_required_event_schema_version, const char *, ss_plugin_t *);
	EXPORT(set_config, ss_plugin_rc, ss_plugin_t *, const ss_plugin_set_config_input *);
	EXPORT(get_metrics, void *, ss_plugin_t *, uint32_t *);
	EXPORT(set_async_event_handler, ss_plugin_rc, ss_plugin_t *, ss_plugin_owner_t *,
	       ss_plugin_async_event_handler_t);
	EXPORT(dump_state, ss_plugin_rc, ss_plugin_t *, ss_plugin_owner_t *,
	       ss_plugin_async_event_handler_t);
	EXPORT(get_parse_event_types, uint16_t *, uint32_t *, ss_plugin_t *);
	EXPORT(parse_event, ss_plugin_rc, ss_plugin_t *, const ss_plugin_event_input *, const void *);
	uint32_t n = 7;
	ss_plugin_rc rc = SS_PLUGIN_EOF;
	ss_plugin_event_input nothing = {0};
	ss_plugin_set_config_input no_config = {0};
	ss_plugin_init_input empty = {0};
	printf("0 init_schema %d\n", get_init_schema(NULL) == NULL);
	printf("0 schema_version %s\n", get_required_event_schema_version(NULL));
	printf("0 parse_types %d\n", get_parse_event_types(NULL, NULL) != NULL);
	destroy(NULL);
	ss_plugin_t *broken = init(NULL, &rc);
	destroy(init(NULL, NULL));
	printf("0 init %d %s\n", rc, get_last_error(broken));
	ss_plugin_t *bare = init(&empty, &rc);
	printf("0 bare %d %s\n", rc, get_last_error(bare));
	if (rc == SS_PLUGIN_SUCCESS) {
		printf("0 with %d %d %d %d\n", set_config(bare, NULL), set_config(bare, &no_config),
		       parse_event(bare, NULL, NULL), parse_event(bare, &nothing, NULL));
		printf("0 more %d %d %d\n", get_metrics(bare, NULL) == NULL,
		       set_async_event_handler(bare, NULL, NULL), dump_state(bare, NULL, NULL));
	}
	destroy(bare);
	ss_plugin_t *both[] = {NULL, broken};
	for (int i = 0; i < 2; i++) {
		printf("0 error %s\n", get_last_error(both[i]));
		printf("0 calls %d %d %d %d %d %d\n", set_config(both[i], NULL),
		       set_config(both[i], &no_config), set_async_event_handler(both[i], NULL, NULL),
		       set_async_event_handler(both[i], NULL, handler), dump_state(both[i], NULL, handler),
		       parse_event(both[i], &nothing, NULL));
		int none = get_metrics(both[i], NULL) == NULL && get_metrics(both[i], &n) == NULL;
		printf("0 metrics %d %d\n", none, n);
	}
	destroy(broken);
}

// Of a plugin with a source and fields: on no state, on one that failed to initialise, on one that works.
static void more_nulls(void) {
	EXPORT(init, ss_plugin_t *, const ss_plugin_init_input *, ss_plugin_rc *);
	EXPORT(destroy, void, ss_plugin_t *);
	EXPORT(open, void *, ss_plugin_t *, const char *, ss_plugin_rc *);
	EXPORT(close, void, ss_plugin_t *, void *);
	EXPORT(next_batch, ss_plugin_rc, ss_plugin_t *, void *, uint32_t *, ss_plugin_event ***);
	EXPORT(get_progress, const char *, ss_plugin_t *, void *, uint32_t *);
	EXPORT(list_open_params, const char *, ss_plugin_t *, ss_plugin_rc *);
	EXPORT(event_to_string, const char *, ss_plugin_t *, const ss_plugin_event_input *);
	EXPORT(extract_fields, ss_plugin_rc, ss_plugin_t *, const ss_plugin_event_input *,
	       const ss_plugin_field_extract_input *);
	EXPORT(get_extract_event_types, uint16_t *, uint32_t *, ss_plugin_t *);
	ss_plugin_rc rc;
	ss_plugin_init_input empty = {0};
	ss_plugin_event_input nothing = {0};
	ss_plugin_field_extract_input none = {0};
	ss_plugin_t *kinds[] = {NULL, init(NULL, NULL), init(&empty, &rc)};
	get_extract_event_types(NULL, NULL);
	for (int i = 0; i < 3; i++) {
		rc = SS_PLUGIN_EOF;
		close(kinds[i], open(kinds[i], NULL, NULL));
		void *instance = open(kinds[i], NULL, &rc);
		printf("1 open %d %d\n", instance != NULL, rc);
		printf("1 next %d %d\n", next_batch(kinds[i], NULL, NULL, NULL),
		       next_batch(kinds[i], instance, NULL, NULL));
		printf("1 text %d %d %d\n", event_to_string(kinds[i], NULL) != NULL,
		       event_to_string(kinds[i], &nothing) != NULL,
		       list_open_params(kinds[i], NULL) != NULL);
		get_progress(kinds[i], NULL, NULL);
		get_progress(kinds[i], instance, NULL);
		printf("1 extract %d %d %d\n", extract_fields(kinds[i], NULL, NULL),
		       extract_fields(kinds[i], &nothing, NULL), extract_fields(kinds[i], NULL, &none));
		close(kinds[i], NULL);
		close(kinds[i], instance);
		destroy(kinds[i]);
	}
}

static void *try_config(void *config) {
	EXPORT(init, ss_plugin_t *, const ss_plugin_init_input *, ss_plugin_rc *);
	EXPORT(destroy, void, ss_plugin_t *);
	EXPORT(get_last_error, const char *, ss_plugin_t *);
	ss_plugin_init_input in = {
		.config = config, .get_owner_last_error = owner_error, .log_fn = log_fn};
	ss_plugin_rc rc = SS_PLUGIN_EOF;
	ss_plugin_t *state = init(&in, &rc);
	printf("t %d %s\n", rc, rc == SS_PLUGIN_SUCCESS ? "" : get_last_error(state));
	destroy(state);
	return NULL;
}

static void try_on_thread(const char *config) {
	pthread_t thread;
	pthread_create(&thread, NULL, try_config, (void *)config);
	pthread_join(thread, NULL);
}

static void load_again(void) {
	dlclose(lib);
	lib = dlopen(lib_path, RTLD_NOW | RTLD_LOCAL);
	nstates = current = 0;
	printf("l %d\n", lib != NULL);
}

static void command(const char *text) {
	EXPORT(init, ss_plugin_t *, const ss_plugin_init_input *, ss_plugin_rc *);
	EXPORT(destroy, void, ss_plugin_t *);
	EXPORT(get_last_error, const char *, ss_plugin_t *);
	EXPORT(set_config, ss_plugin_rc, ss_plugin_t *, const ss_plugin_set_config_input *);
	EXPORT(set_async_event_handler, ss_plugin_rc, ss_plugin_t *, ss_plugin_owner_t *,
	       ss_plugin_async_event_handler_t);
	EXPORT(dump_state, ss_plugin_rc, ss_plugin_t *, ss_plugin_owner_t *,
	       ss_plugin_async_event_handler_t);
	const char *arg = text[0] && text[1] ? text + 2 : "";
	ss_plugin_t *state = states[current], *owner = (void *)(intptr_t)current;
	ss_plugin_rc rc = SS_PLUGIN_EOF;
	switch (text[0]) {
	case 'i': {
		current = nstates++;
		ss_plugin_init_input in = {.config = arg,
		                           .owner = (void *)(intptr_t)current,
		                           .get_owner_last_error = owner_error,
		                           .log_fn = log_fn};
		states[current] = init(&in, &rc);
		printf("i %d\n", rc);
		break;
	}
	case 's': current = atoi(arg); break;
	case 'd':
		destroy(state);
		states[current] = NULL;
		printf("d\n");
		break;
	case 'e': printf("e %s\n", get_last_error(state)); break;
	case 'h': printf("h %d\n", set_async_event_handler(state, owner, handler)); break;
	case 'n': printf("n %d\n", set_async_event_handler(state, owner, NULL)); break;
	case 'D': printf("D %d\n", dump_state(state, owner, handler)); break;
	case 'c': {
		ss_plugin_set_config_input in = {.config = arg};
		printf("c %d\n", set_config(state, &in));
		break;
	}
	case 'w': printf("w %d\n", run_host((unsigned)atoi(arg), 1) >= (unsigned)atoi(arg)); break;
	case 'W': printf("W %d\n", wait_for_log(arg)); break;
	case 'q': printf("q %d\n", run_host((unsigned)atoi(arg), 0) >= (unsigned)atoi(arg)); break;
	case 'g': show_events(); break;
	case 'l': load_again(); break;
	case 'o': lib = dlopen(arg, RTLD_NOW | RTLD_LOCAL); break;
	case 'S': printf("S %d\n", system(arg)); break;
	case 't': try_on_thread(arg); break;
	case 'z': nevents = nparsed = 0; break;
	case 'r': refusals = (unsigned)atoi(arg); break;
	case 'M': many_metrics(atoi(arg)); break;
	case '0': nulls(); break;
	case '1': more_nulls(); break;
	default: printf("? %s\n", text);
	}
	fflush(stdout);
}

int main(int argc, char **argv) {
	lib_path = argc > 1 ? argv[1] : "";
	lib = dlopen(lib_path, RTLD_NOW | RTLD_LOCAL);
	if (!lib) return 2;
	for (int i = 2; i < argc; i++) command(argv[i]);
	printf("end\n");
	return 0;
}
