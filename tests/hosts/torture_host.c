// SPDX-License-Identifier: Apache-2.0
// torture: the handler, its queue, and the operations on a slot. The handler runs on any thread;
// `lock` guards the queues. Operations run on the thread that the script asks for.
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "torture.h"

struct slot slots[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t now_ms(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static bool well_formed(const ss_plugin_event *e) {
	uint32_t n[3];
	if (e->type != FK_CODE_ASYNCEVENT || e->nparams != 3 || e->len < 43) return false;
	memcpy(n, (const char *)e + 26, sizeof n);
	uint64_t behind =
		e->len - (42ull + n[1] + n[2]); // nothing, or the tag of async_event/in_flight.c
	return n[0] == 4 && (behind == 0 || behind == 8) && memchr((const char *)e + 42, 0, n[1]);
}

ss_plugin_rc torture_handler(ss_plugin_owner_t *owner, const ss_plugin_event *evt, char *err) {
	struct slot *slot = owner;
	bool set = atomic_load(&slot->handler_set);
	slot->in_flight++;
	slot->stray += !set;
	slot->malformed += !well_formed(evt);
	if (slot->mode == SLOW) usleep(slot->slow_us);
	ss_plugin_rc rc = set && slot->mode != REFUSE ? SS_PLUGIN_SUCCESS : SS_PLUGIN_FAILURE;
	if (rc == SS_PLUGIN_SUCCESS) {
		ss_plugin_event *copy = malloc(evt->len);
		memcpy(copy, evt, evt->len);
		pthread_mutex_lock(&lock);
		bool full = slot->length == QUEUE;
		if (!full) slot->queue[(slot->head + slot->length++) % QUEUE] = copy;
		pthread_mutex_unlock(&lock);
		if (full) free(copy);
		slot->accepted += !full;
		slot->dropped += full;
	} else {
		slot->refused++;
		if (err) snprintf(err, PLUGIN_MAX_ERRLEN, "refused by torture");
	}
	slot->stray += set && !atomic_load(&slot->handler_set); // the stop did not wait for this call
	slot->in_flight--;
	return rc;
}

ss_plugin_event *torture_take(struct slot *slot) {
	ss_plugin_event *evt = NULL;
	pthread_mutex_lock(&lock);
	if (slot->length) {
		evt = slot->queue[slot->head];
		slot->head = (slot->head + 1) % QUEUE;
		slot->length--;
	}
	pthread_mutex_unlock(&lock);
	return evt;
}

void torture_forget(struct slot *slot) {
	for (ss_plugin_event *evt; (evt = torture_take(slot));) free(evt);
}

static const char *owner_error(ss_plugin_owner_t *owner) {
	(void)owner;
	return "torture has no tables";
}

// To stderr, where a test reads them.
static void write_log(ss_plugin_owner_t *owner, const char *component, const char *message,
                      ss_plugin_log_severity severity) {
	((struct slot *)owner)->logged++;
	fprintf(stderr, "log %d %s: %s\n", (int)severity, component ? component : "-", message);
}

static ss_plugin_table_info *no_list(ss_plugin_owner_t *o, uint32_t *n) {
	(void)o;
	*n = 0;
	return NULL;
}
static ss_plugin_table_t *no_table(ss_plugin_owner_t *o, const char *name, ss_plugin_state_type t) {
	(void)o, (void)name, (void)t;
	return NULL;
}

static int load(struct slot *slot, const char *path, char *error, size_t room) {
	slot->library = dlopen(path, RTLD_LOCAL | RTLD_NOW);
	if (!slot->library) {
		snprintf(error, room, "%s", dlerror());
		return SS_PLUGIN_FAILURE;
	}
	snprintf(slot->path, sizeof slot->path, "%s", path);
#define RESOLVE(name, required, result, arguments) \
	*(void **)&slot->api.name = dlsym(slot->library, "plugin_" #name);
	FKR_SYMBOLS(RESOLVE)
	return slot->api.init && slot->api.destroy && slot->api.get_last_error ? SS_PLUGIN_SUCCESS
	                                                                       : NOT_DONE;
}

static int init(struct slot *slot, const char *config) {
	static const ss_plugin_init_tables_input tables = {.list_tables = no_list,
	                                                   .get_table = no_table};
	ss_plugin_init_input in = {config ? config : "", slot, owner_error,
	                           slot->api.parse_event || slot->api.extract_fields ? &tables : NULL,
	                           write_log};
	ss_plugin_rc rc = SS_PLUGIN_FAILURE;
	slot->state = slot->api.init(&in, &rc);
	return rc;
}

static int set_handler(struct slot *slot) {
	atomic_store(&slot->handler_set, true); // as the framework: before the call
	int rc = slot->api.set_async_event_handler(slot->state, slot, torture_handler);
	if (rc != SS_PLUGIN_SUCCESS) atomic_store(&slot->handler_set, false);
	return rc;
}

static int clear_handler(struct slot *slot) {
	int rc = slot->api.set_async_event_handler(slot->state, slot, NULL);
	atomic_store(&slot->handler_set, false); // from here on every call is a stray one
	return rc;
}

// Takes `count` events off the queue, waiting ten seconds for them at most, and parses them if asked.
static int pump(struct slot *slot, uint64_t count, bool parse) {
	uint64_t end = now_ms() + 10000;
	ss_plugin_event_parse_input in = {.owner = slot, .get_owner_last_error = owner_error};
	while (count && now_ms() < end) {
		ss_plugin_event *evt = torture_take(slot);
		if (!evt) {
			usleep(100);
			continue;
		}
		ss_plugin_event_input input = {evt, ++slot->evtnum, "syscall"};
		if (parse && slot->api.parse_event) {
			slot->api.parse_event(slot->state, &input, &in);
			slot->parsed++;
		}
		free(evt);
		count--;
	}
	return count ? SS_PLUGIN_TIMEOUT : SS_PLUGIN_SUCCESS;
}

static int churn(struct slot *slot, uint64_t cycles) {
	int rc = SS_PLUGIN_SUCCESS;
	for (uint64_t i = 0; i < cycles && rc == SS_PLUGIN_SUCCESS; i++) {
		rc = set_handler(slot);
		usleep((useconds_t)(i * 7919 % 300)); // from at once to some events later
		if (rc == SS_PLUGIN_SUCCESS) rc = clear_handler(slot);
		torture_forget(slot);
	}
	return rc;
}

static int next(struct slot *slot, uint64_t calls) {
	int rc = SS_PLUGIN_SUCCESS;
	for (; calls && rc != SS_PLUGIN_EOF && rc != SS_PLUGIN_FAILURE; calls--) {
		uint32_t n = 0;
		ss_plugin_event **batch = NULL;
		rc = slot->api.next_batch(slot->state, slot->instance, &n, &batch);
		for (uint32_t i = 0; i < n; i++)
			slot->malformed += batch[i]->len < 38 || batch[i]->type != FK_CODE_PLUGINEVENT;
		slot->evtnum += n;
	}
	return rc;
}

static int metrics(struct slot *slot, uint64_t calls) {
	int rc = SS_PLUGIN_SUCCESS;
	for (uint64_t i = 0; i < calls; i++) {
		uint32_t n = 0;
		ss_plugin_metric *m = slot->api.get_metrics(slot->state, &n);
		for (uint32_t k = 0; k < n; k++)
			if (!m || !m[k].name || !m[k].name[0]) rc = SS_PLUGIN_FAILURE;
	}
	return rc;
}

// ---- signals ----------------------------------------------------------------------------------------

static volatile sig_atomic_t caught;
static void on_signal(int number) {
	(void)number;
	caught++;
}

// Says which signals have a handler, are ignored or blocked, beside those of the C library.
static int list_signals(char *text, size_t room) {
	sigset_t mask;
	int at = snprintf(text, room, "caught %d times;", (int)caught);
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	for (int n = 1; n < SIGRTMIN && at < (int)room; n++) {
		struct sigaction now;
		if (sigaction(n, NULL, &now) != 0) continue;
		const char *what = sigismember(&mask, n)         ? "blocked"
		                   : now.sa_handler == SIG_IGN   ? "ignored"
		                   : now.sa_handler == on_signal ? "the host's"
		                   : now.sa_handler != SIG_DFL   ? "somebody's"
		                                                 : NULL;
		if (what) at += snprintf(text + at, room - (size_t)at, " %s is %s", strsignal(n), what);
	}
	return SS_PLUGIN_SUCCESS;
}

int torture_do(struct slot *slot, const char *name, const char *value, char *error, size_t room) {
	struct fkr_api *api = &slot->api;
	uint64_t n = value ? strtoull(value, NULL, 10) : 1;
	int rc = SS_PLUGIN_SUCCESS;
#define IS(text) (strcmp(name, text) == 0)
	if (IS("load")) return load(slot, value ? value : "", error, room);
	if (IS("sleep")) return usleep((useconds_t)n * 1000), SS_PLUGIN_SUCCESS;
	if (IS("mode")) {
		slot->mode = value && *value == 'r' ? REFUSE : value && *value == 's' ? SLOW : ACCEPT;
		return SS_PLUGIN_SUCCESS;
	}
	if (IS("slow-us")) {
		slot->slow_us = (unsigned)n;
		return SS_PLUGIN_SUCCESS;
	}
	if (IS("signals")) return list_signals(error, room);
	if (IS("catch") || IS("default"))
		return signal((int)n, IS("catch") ? on_signal : SIG_DFL) == SIG_ERR ? NOT_DONE : 0;
	if (!slot->library) return snprintf(error, room, "no library is loaded"), NOT_DONE;
	if (IS("init"))
		rc = init(slot, value);
	else if (IS("set-handler") && api->set_async_event_handler)
		rc = set_handler(slot);
	else if (IS("clear-handler") && api->set_async_event_handler)
		rc = clear_handler(slot);
	else if (IS("churn") && api->set_async_event_handler)
		rc = churn(slot, n);
	else if (IS("pump") || IS("parse-own"))
		rc = pump(slot, n, IS("parse-own"));
	else if (IS("metrics") && api->get_metrics)
		rc = metrics(slot, n);
	else if (IS("set-config") && api->set_config)
		rc = api->set_config(slot->state, &(ss_plugin_set_config_input){value ? value : ""});
	else if (IS("dump-state") && api->dump_state) {
		bool before = atomic_exchange(&slot->handler_set, true);
		rc = api->dump_state(slot->state, slot, torture_handler);
		atomic_store(&slot->handler_set, before);
	} else if (IS("open") && api->open) {
		ss_plugin_rc answer = SS_PLUGIN_FAILURE;
		slot->instance = api->open(slot->state, value ? value : "", &answer);
		rc = answer;
	} else if (IS("next") && api->next_batch)
		rc = next(slot, n);
	else if (IS("lie") && api->extract_fields && api->parse_event && api->event_to_string)
		rc = torture_lie(slot, (uint32_t)n);
	else if (IS("close") && api->close)
		api->close(slot->state, slot->instance), slot->instance = NULL;
	else if (IS("destroy"))
		api->destroy(slot->state), slot->state = NULL;
	else if (IS("unload")) {
		torture_forget(slot);
		rc = dlclose(slot->library);
		slot->library = NULL;
		return rc;
	} else
		return snprintf(error, room, "no such operation, or not exported: %s", name), NOT_DONE;
	if (rc == SS_PLUGIN_FAILURE && slot->state)
		snprintf(error, room, "%s", api->get_last_error(slot->state));
	return rc;
}
