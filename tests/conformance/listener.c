// SPDX-License-Identifier: Apache-2.0
// A host of capture listening that does as it is told. `listener LIB COMMAND...`, one line each:
//   o, O  capture_open: O with a pool that runs nothing by itself, o with a host that has none
//   c     capture_close                       r N  run each subscribed routine N times
//   w     wait until the plugin has logged "ran"
//   n     calls with NULL, on no state        d    destroy, without closing
#include <dlfcn.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "plugin_api.h"

enum {
	MOST = 8
};

static struct {
	ss_plugin_routine_fn_t run;
	ss_plugin_routine_state_t *state;
	int subscribed;
} routines[MOST];
static int count;
static sem_t ran;
static void *lib;
static ss_plugin_t *state;

static ss_plugin_routine_t *subscribe(ss_plugin_owner_t *o, ss_plugin_routine_fn_t f,
                                      ss_plugin_routine_state_t *s) {
	(void)o;
	if (count == MOST) return NULL;
	routines[count].run = f;
	routines[count].state = s;
	routines[count].subscribed = 1;
	return &routines[count++];
}

static ss_plugin_routine_t *refuse(ss_plugin_owner_t *o, ss_plugin_routine_fn_t f,
                                   ss_plugin_routine_state_t *s) {
	(void)o, (void)f, (void)s;
	return NULL;
}

static ss_plugin_rc unsubscribe(ss_plugin_owner_t *o, ss_plugin_routine_t *r) {
	int i = 0;
	(void)o;
	while (i < count && r != &routines[i]) i++;
	int known = i < count && routines[i].subscribed;
	printf("unsubscribe %s\n", known ? "known" : "unknown");
	if (known) routines[i].subscribed = 0;
	return known ? SS_PLUGIN_SUCCESS : SS_PLUGIN_FAILURE;
}

static void log_fn(ss_plugin_owner_t *o, const char *component, const char *msg,
                   ss_plugin_log_severity sev) {
	(void)o, (void)component;
	if (sev <= SS_PLUGIN_LOG_SEV_INFO) printf("log %s\n", msg);
	if (!strcmp(msg, "ran")) sem_post(&ran);
}

static void run(int times) {
	for (int i = 0; i < count; i++) {
		int k = 0;
		while (k < times && routines[i].subscribed) {
			k++;
			if (!routines[i].run(state, routines[i].state)) routines[i].subscribed = 0;
		}
		printf("r %d %d\n", k, routines[i].subscribed);
	}
}

int main(int argc, char **argv) {
	sem_init(&ran, 0, 0);
	if (argc < 2 || !(lib = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL))) return 2;
	ss_plugin_t *(*init)(const ss_plugin_init_input *, ss_plugin_rc *) = dlsym(lib, "plugin_init");
	void (*destroy)(ss_plugin_t *) = dlsym(lib, "plugin_destroy");
	const char *(*error)(ss_plugin_t *) = dlsym(lib, "plugin_get_last_error");
	ss_plugin_rc (*open)(ss_plugin_t *, const void *) = dlsym(lib, "plugin_capture_open");
	ss_plugin_rc (*close)(ss_plugin_t *, const void *) = dlsym(lib, "plugin_capture_close");
	ss_plugin_routine_vtable pool = {subscribe, unsubscribe}, none = {refuse, unsubscribe};
	ss_plugin_capture_listen_input in = {.routine = &pool};
	ss_plugin_init_input given = {.config = "", .log_fn = log_fn};
	ss_plugin_rc rc = SS_PLUGIN_EOF;
	state = init(&given, &rc);
	printf("init %d %s\n", rc, error(state));
	for (int i = 2; i < argc; i++) {
		char command = argv[i][0];
		if (command == 'o' || command == 'O') {
			in.routine = command == 'o' ? &none : &pool;
			rc = open(state, &in);
			printf("o %d %d\n", rc, count);
		} else if (command == 'c') {
			rc = close(state, &in);
			printf("c %d\n", rc);
		} else if (command == 'r') {
			run(atoi(argv[i] + 2));
		} else if (command == 'w') {
			sem_wait(&ran);
		} else if (command == 'n') {
			printf("n %d %d %d %d\n", open(NULL, &in), open(state, NULL), close(NULL, &in),
			       close(state, NULL));
		}
		if (command == 'd') break;
	}
	destroy(state);
	printf("end\n");
	return 0;
}
