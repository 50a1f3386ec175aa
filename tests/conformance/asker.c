// SPDX-License-Identifier: Apache-2.0
// Asks a plugin for its field number 0 from several threads, each with a state and events of its own, as a
// host with several captures does, beside Python threads that want the GIL all the time:
//
//     asker LIB CONFIG COUNTER THREADS [KEEPER]
//
// COUNTER is a file of 8 bytes that a busy thread of the plugin counts in. With KEEPER the threads ask until
// a thread of that name is there. Then each asks on until the counter has grown, stays away until it has
// grown again, and does so ROUNDS times. The value of an event is its number; it fails for each 1000th.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "plugin_api.h"

enum {
	ROUNDS = 50,
	GROWN = 1000,
	DEADLINE_S = 30,
	HEAD = sizeof(ss_plugin_event)
};

static void *lib;
static const char *config, *keeper;
static _Atomic uint64_t *counter;
static double end;
#define EXPORT(name, type, ...) type (*name)(__VA_ARGS__) = dlsym(lib, "plugin_" #name)

static void *fail(const char *what, uint64_t number) {
	printf("%s %lu\n", what, number);
	return (void *)what;
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool has_thread(const char *name) {
	DIR *tasks = opendir("/proc/self/task");
	bool found = false;
	for (struct dirent *task; !found && (task = readdir(tasks));) {
		char path[300], comm[32] = "";
		snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
		FILE *file = fopen(path, "r");
		if (!file) continue;
		found = fgets(comm, sizeof comm, file) && strncmp(comm, name, strlen(name)) == 0;
		fclose(file);
	}
	closedir(tasks);
	return found;
}

static const char *check(ss_plugin_t *state, uint64_t number) {
	EXPORT(extract_fields, ss_plugin_rc, ss_plugin_t *, const ss_plugin_event_input *,
	       const ss_plugin_field_extract_input *);
	struct {
		ss_plugin_event head;
		uint32_t lengths[2], id;
		uint64_t number;
	} __attribute__((packed)) event = {{1, (uint64_t)-1, 0, 322, 2}, {4, 8}, 999, number};
	event.head.len = sizeof event;
	ss_plugin_extract_field field = {.field = "a.number", .ftype = FTYPE_UINT64};
	ss_plugin_event_input in = {.evt = &event.head, .evtnum = number + 1, .evtsrc = "conform"};
	ss_plugin_field_extract_input ask = {.num_fields = 1, .fields = &field};
	ss_plugin_rc rc = extract_fields(state, &in, &ask);
	if (number % 1000 == 999) return rc == SS_PLUGIN_FAILURE ? NULL : "did not fail at";
	if (rc != SS_PLUGIN_SUCCESS) return "failed at";
	if (field.res_len != 1 || *field.res.u64 != number) return "was wrong at";
	return now() < end ? NULL : "took too long, at";
}

static void *ask(void *arg) {
	EXPORT(init, ss_plugin_t *, const ss_plugin_init_input *, ss_plugin_rc *);
	EXPORT(destroy, void, ss_plugin_t *);
	EXPORT(get_last_error, const char *, ss_plugin_t *);
	ss_plugin_init_input input = {.config = config};
	ss_plugin_rc rc = SS_PLUGIN_FAILURE;
	ss_plugin_t *state = init(&input, &rc);
	uint64_t number = (uint64_t)(uintptr_t)arg << 32;
	const char *wrong = rc == SS_PLUGIN_SUCCESS ? NULL : get_last_error(state);
	while (!wrong && keeper && !has_thread(keeper))
		for (int i = 0; !wrong && i < 1000; i++) wrong = check(state, number++);
	for (int round = 0; !wrong && round < ROUNDS; round++) {
		uint64_t grown = *counter + GROWN;
		while (!wrong && *counter < grown) wrong = check(state, number++);
		for (grown = *counter + GROWN; !wrong && *counter < grown; usleep(100))
			if (now() > end) wrong = "the others had no turn after";
	}
	if (wrong) return fail(wrong, number);
	destroy(state);
	return NULL;
}

int main(int argc, char **argv) {
	pthread_t threads[16];
	int n = argc > 4 ? atoi(argv[4]) : 0;
	if (n < 1 || n > 16 || !(lib = dlopen(argv[1], RTLD_NOW))) return 2;
	config = argv[2];
	keeper = argc > 5 ? argv[5] : NULL;
	counter = mmap(NULL, 8, PROT_READ, MAP_SHARED, open(argv[3], O_RDONLY), 0);
	if (counter == MAP_FAILED) return 2;
	end = now() + DEADLINE_S;
	for (int i = 0; i < n; i++) pthread_create(&threads[i], NULL, ask, (void *)(uintptr_t)i);
	void *wrong = NULL, *one;
	for (int i = 0; i < n; i++) {
		pthread_join(threads[i], &one);
		wrong = wrong ? wrong : one;
	}
	printf("end\n");
	fflush(stdout);
	_exit(wrong ? 1 : 0); // the busy threads go on
}
