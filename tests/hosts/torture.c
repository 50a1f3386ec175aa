// SPDX-License-Identifier: Apache-2.0
// torture: runs a list of operations on plugins and prints one JSON line for each.
//
//     gcc -pthread -I<falcokit/native> [-fsanitize=address] -o torture torture*.c -ldl
//     torture [@|&]OPERATION[=VALUE]...
//
//   load=LIB   init[=CONFIG]   set-handler   clear-handler   churn=N   pump=N   parse-own=N
//   metrics[=N]   set-config=C   dump-state   open=PARAMS   next=N   close   destroy   unload   sleep=MS
//   mode=accept|refuse|slow   slow-us=N      how the handler answers
//   lie=N                                    events that lie, of a plugin with N fields: rc wrong answers
//   slot=N                                   another library (or the same again) beside the first
//   repeat=K ... end                         K times what lies between (not nested)
//   join                                     wait for everything begun with &
//   signals   catch=N   default=N            what becomes of signals, as the error; handle one, or not
//
// Every signal has its default action at first. churn: N times set and clear the handler while the
// plugin's threads emit. @ runs the operation on a
// fresh thread, & begins it on one and goes on. Exit 0: all was done, and no handler call came or went
// on after its clear or destroy; 1: one did (`stray`), or something was malformed; 2: wrong usage.
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "torture.h"

enum {
	BACKGROUND = 64,
	ERROR = 1024
};

struct job {
	struct slot *slot;
	char name[64];
	const char *value;
	const char *where;
	pthread_t thread;
};

static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;
static struct job background[BACKGROUND];
static unsigned background_count;
static atomic_bool not_done;

static unsigned count_entries(const char *folder) {
	unsigned n = 0;
	DIR *d = opendir(folder);
	for (struct dirent *e; d && (e = readdir(d));) n += e->d_name[0] != '.';
	if (d) closedir(d);
	return n;
}

static unsigned long rss_kb(void) {
	unsigned long total, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f && fscanf(f, "%lu %lu", &total, &resident) != 2) resident = 0;
	if (f) fclose(f);
	return resident * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

static void print_text(const char *s) {
	putchar('"');
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			printf("\\u%04x", *s);
		else
			putchar(*s);
	putchar('"');
}

static void report(const struct job *job, int rc, const char *error, double ms) {
	const struct slot *s = job->slot;
	pthread_mutex_lock(&printing);
	printf("{\"op\":\"%s\",\"slot\":%d,\"thread\":\"%s\",\"rc\":%d,\"error\":", job->name,
	       (int)(s - slots), job->where, rc);
	print_text(error);
	printf(
		",\"ms\":%.3f,\"accepted\":%lu,\"refused\":%lu,\"dropped\":%lu,\"malformed\":%lu,"
		"\"stray\":%lu,\"parsed\":%lu,\"logged\":%lu,\"threads\":%u,\"fds\":%u,\"rss_kb\":%lu}\n",
		ms, s->accepted, s->refused, s->dropped, s->malformed, s->stray, s->parsed, s->logged,
		count_entries("/proc/self/task"), count_entries("/proc/self/fd"), rss_kb());
	fflush(stdout);
	pthread_mutex_unlock(&printing);
}

static void *run(void *of) {
	struct job *job = of;
	char error[ERROR] = "";
	struct timespec a, b;
	clock_gettime(CLOCK_MONOTONIC, &a);
	int rc = torture_do(job->slot, job->name, job->value, error, sizeof error);
	clock_gettime(CLOCK_MONOTONIC, &b);
	if (rc == NOT_DONE) atomic_store(&not_done, true);
	report(job, rc, error,
	       (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6);
	return NULL;
}

static void join_all(void) {
	while (background_count) pthread_join(background[--background_count].thread, NULL);
}

static bool step(struct slot **slot, const char *text) {
	struct job job = {.slot = *slot, .where = "main"};
	char how = *text == '@' || *text == '&' ? *text++ : 0;
	const char *equals = strchr(text, '=');
	size_t n = equals ? (size_t)(equals - text) : strlen(text);
	if (n >= sizeof job.name) return false;
	memcpy(job.name, text, n);
	job.value = equals ? equals + 1 : NULL;
	if (strcmp(job.name, "slot") == 0) {
		unsigned long k = strtoul(job.value ? job.value : "0", NULL, 10);
		*slot = &slots[k % SLOTS];
	} else if (strcmp(job.name, "join") == 0) {
		join_all();
	} else if (how == '&') {
		if (background_count == BACKGROUND) return false;
		struct job *kept = &background[background_count++];
		*kept = job;
		kept->where = "background";
		pthread_create(&kept->thread, NULL, run, kept);
	} else if (how == '@') {
		job.where = "fresh";
		pthread_create(&job.thread, NULL, run, &job);
		pthread_join(job.thread, NULL);
	} else {
		run(&job);
	}
	return true;
}

// Whatever the shell, the service or the test runner that started this has made of them.
static void default_signals(void) {
	sigset_t none;
	for (int n = 1; n < SIGRTMIN; n++) signal(n, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv) {
	default_signals();
	struct slot *slot = &slots[0];
	int block = 0;
	unsigned long left = 0;
	uint64_t stray = 0, malformed = 0;
	bool ok = argc > 1;
	for (int i = 1; ok && i < argc; i++) {
		if (strncmp(argv[i], "repeat=", 7) == 0) {
			left = strtoul(argv[i] + 7, NULL, 10);
			block = i;
		} else if (strcmp(argv[i], "end") == 0) {
			if (left > 1) {
				left--;
				i = block;
			}
		} else {
			ok = step(&slot, argv[i]);
		}
	}
	join_all();
	if (!ok) {
		fputs("torture: usage: see the head of torture.c\n", stderr);
		return 2;
	}
	usleep(20000); // for a thread that should be gone and is not
	for (unsigned i = 0; i < SLOTS; i++) {
		stray += slots[i].stray;
		malformed += slots[i].malformed;
		torture_forget(&slots[i]);
	}
	printf("{\"op\":\"end\",\"stray\":%lu,\"malformed\":%lu,\"done\":%s}\n", stray, malformed,
	       not_done ? "false" : "true");
	fflush(stdout);
	return stray || malformed || not_done;
}
