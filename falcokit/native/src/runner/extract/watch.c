// SPDX-License-Identifier: Apache-2.0
// Last words of a process whose plugin crashed or hangs. They are written without taking a lock
// that the plugin's thread may hold, and without allocating.
#include "runner/extract/watch.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner/report/clock.h"
#include "runner/extract/rows.h"
#include "runner/report/report.h"

enum {
	FK_TICK_NS = 50000000,
	FK_EXIT_STUCK = 3,
	FK_STACK = 1 << 16, // a plugin may have used up its own
	FK_WORDS = 1 << 14,
	FK_HANDLER_SECONDS = 2,
};

static const struct {
	int number;
	const char *name;
} fk_crashes[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
                  {SIGILL, "SIGILL"},   {SIGABRT, "SIGABRT"}, {SIGTRAP, "SIGTRAP"},
                  {SIGSYS, "SIGSYS"}};

static _Atomic(const char *) fk_step;
static _Atomic uint64_t fk_number, fk_serial;
static atomic_flag fk_spoken = ATOMIC_FLAG_INIT;
static const char *fk_name;
static uint64_t fk_deadline_ns;
static struct fk_text fk_words; // reserved beforehand

void fk_watch_enter(const char *step, uint64_t number) {
	uint64_t serial = atomic_load_explicit(&fk_serial, memory_order_relaxed);
	atomic_store_explicit(&fk_number, number, memory_order_relaxed);
	atomic_store_explicit(&fk_serial, serial + 1, memory_order_relaxed);
	atomic_store_explicit(&fk_step, step, memory_order_release);
}

void fk_watch_leave(void) { atomic_store_explicit(&fk_step, NULL, memory_order_release); }

static void fk_last_words(const char *what, const char *signal_name) {
	const char *step = atomic_load(&fk_step);
	uint64_t number = atomic_load(&fk_number);
	char message[256], at[64] = "";
	if (atomic_flag_test_and_set(&fk_spoken)) return;
	fk_rows_last(fk_report_fd());
	if (step && number) snprintf(at, sizeof at, ", at event %lu", (unsigned long)number);
	snprintf(message, sizeof message, "%s%s", what, at);
	struct fk_text *t = &fk_words;
	fk_add_s(t, "{\"report\":\"error\"");
	fk_add_key(t, "phase");
	fk_add_string_or_null(t, step ? step : "extract");
	fk_add_key(t, "plugin");
	fk_add_string(t, fk_name, strnlen(fk_name, 1024));
	fk_add_s(t, ",\"rc\":1");
	fk_add_key(t, "message");
	fk_add_string_or_null(t, message);
	fk_add_key(t, "event");
	if (step && number)
		fk_add_u64(t, number);
	else
		fk_add_s(t, "null");
	fk_add_key(t, "signal");
	fk_add_string_or_null(t, signal_name);
	fk_add_s(t, "}\n");
	fk_write_last(fk_report_fd(), t->at, t->len);
}

static void fk_on_crash(int number) {
	char what[64];
	const char *name = "a signal";
	for (unsigned i = 0; i < sizeof fk_crashes / sizeof *fk_crashes; i++)
		if (fk_crashes[i].number == number) name = fk_crashes[i].name;
	alarm(FK_HANDLER_SECONDS); // nobody may read, and memory may be in any state
	snprintf(what, sizeof what, "the plugin crashed with %s", name);
	fk_last_words(what, name);
	raise(number); // its default action, once this handler returns
}

static void *fk_watch(void *unused) {
	const struct timespec tick = {.tv_nsec = FK_TICK_NS};
	uint64_t seen = 0, since = 0;
	char what[96];
	(void)unused;
	for (;;) {
		nanosleep(&tick, NULL);
		uint64_t serial = atomic_load(&fk_serial), now = fk_monotonic_ns();
		if (!atomic_load(&fk_step) || serial != seen || !since) {
			seen = serial;
			since = now;
		} else if (now - since >= fk_deadline_ns) {
			snprintf(what, sizeof what, "the plugin did not return within %.3g s",
			         (double)fk_deadline_ns / 1e9);
			fk_last_words(what, NULL);
			_exit(FK_EXIT_STUCK);
		}
	}
	return NULL;
}

bool fk_watch_start(const char *name, uint64_t deadline_ns) {
	static char stack[FK_STACK];
	const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction crash = {.sa_handler = fk_on_crash,
	                          .sa_flags = SA_ONSTACK | (int)SA_RESETHAND};
	pthread_t thread;
	sigset_t all, before;
	fk_name = name;
	fk_deadline_ns = deadline_ns;
	fk_text_reserve(&fk_words, FK_WORDS);
	if (sigaltstack(&other, NULL)) return false;
	for (unsigned i = 0; i < sizeof fk_crashes / sizeof *fk_crashes; i++)
		if (sigaction(fk_crashes[i].number, &crash, NULL)) return false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool ok = pthread_create(&thread, NULL, fk_watch, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok && pthread_detach(thread) == 0;
}
