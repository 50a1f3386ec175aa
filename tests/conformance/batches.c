// SPDX-License-Identifier: Apache-2.0
// Reads an event source by its exports: `batches LIB PARAMS CALLS [scribble]`. One line per next_batch:
// rc, number of events, last error. CALLS 0: until EOF, with a line for each event, after a moment in
// which the source fills its queue; scribble: all of an event is overwritten when it was read.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin_api.h"

#define EXPORT(name, type, ...) type (*name)(__VA_ARGS__) = dlsym(lib, "plugin_" #name)

static const char *owner_error(ss_plugin_owner_t *o) {
	(void)o;
	return "";
}

static void show(ss_plugin_event *event, int scribble) {
	int len = (int)event->len - PLUGIN_EVENT_PAYLOAD_OFFSET;
	printf("event %d %.*s\n", (int)event->type, len, (char *)event + PLUGIN_EVENT_PAYLOAD_OFFSET);
	if (scribble) memset(event, 0xa5, event->len);
}

int main(int argc, char **argv) {
	void *lib = argc > 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
	if (!lib) return 2;
	EXPORT(init, ss_plugin_t *, const ss_plugin_init_input *, ss_plugin_rc *);
	EXPORT(destroy, void, ss_plugin_t *);
	EXPORT(get_last_error, const char *, ss_plugin_t *);
	EXPORT(open, ss_instance_t *, ss_plugin_t *, const char *, ss_plugin_rc *);
	EXPORT(close, void, ss_plugin_t *, ss_instance_t *);
	EXPORT(next_batch, ss_plugin_rc, ss_plugin_t *, ss_instance_t *, uint32_t *,
	       ss_plugin_event ***);
	ss_plugin_init_input in = {.config = "block", .get_owner_last_error = owner_error};
	ss_plugin_rc rc;
	ss_plugin_t *state = init(&in, &rc);
	if (rc != SS_PLUGIN_SUCCESS) return 3;
	ss_instance_t *instance = open(state, argv[2], &rc);
	if (rc != SS_PLUGIN_SUCCESS) return 4;
	int calls = atoi(argv[3]);
	rc = SS_PLUGIN_TIMEOUT;
	for (int i = 0; calls ? i < calls : rc == SS_PLUGIN_TIMEOUT || rc == SS_PLUGIN_SUCCESS; i++) {
		uint32_t n = 77;
		ss_plugin_event **events = (void *)&n;
		rc = next_batch(state, instance, &n, &events);
		printf("%d %u %s\n", rc, n, get_last_error(state));
		for (uint32_t k = 0; k < n && !calls; k++) show(events[k], argc > 4);
	}
	close(state, instance);
	close(state, NULL);
	destroy(state);
	return 0;
}
