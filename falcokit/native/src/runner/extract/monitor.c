// SPDX-License-Identifier: Apache-2.0
// Writes the last report of a process whose plugin crashed or hangs, without taking a lock that the
// plugin's thread may hold and without allocating.
#include "runner/extract/monitor.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runner/report/report.h"
#include "runner/extract/rows.h"

enum {
	FKR_TICK_NS = 50000000,
	FKR_EXIT_STUCK = 3,
	FKR_STACK = 1 << 16, // for the signal handler: the plugin may have used up its own stack
	FKR_WORDS = 1 << 14,
	FKR_HANDLER_SECONDS = 2,
};

static const struct {
	int number;
	const char *name;
} fkr_crashes[] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
                   {SIGILL, "SIGILL"},   {SIGABRT, "SIGABRT"}, {SIGTRAP, "SIGTRAP"},
                   {SIGSYS, "SIGSYS"}};

static _Atomic(const char *) fkr_step;
static _Atomic uint64_t fkr_number, fkr_serial;
static atomic_flag fkr_spoken = ATOMIC_FLAG_INIT;
static const char *fkr_name;
static uint64_t fkr_deadline_ns;
static struct fkr_text fkr_words; // reserved beforehand

void fkr_monitor_enter(const char *step, uint64_t number) {
	uint64_t serial = atomic_load_explicit(&fkr_serial, memory_order_relaxed);
	atomic_store_explicit(&fkr_number, number, memory_order_relaxed);
	atomic_store_explicit(&fkr_serial, serial + 1, memory_order_relaxed);
	atomic_store_explicit(&fkr_step, step, memory_order_release);
}

void fkr_monitor_leave(void) { atomic_store_explicit(&fkr_step, NULL, memory_order_release); }

static void fkr_last_words(const char *what, const char *signal_name) {
	const char *step = atomic_load(&fkr_step);
	uint64_t number = atomic_load(&fkr_number);
	char message[256], at[64] = "";
	if (atomic_flag_test_and_set(&fkr_spoken)) return;
	fkr_rows_last(fkr_report_fd());
	if (step && number) snprintf(at, sizeof at, ", at event %lu", (unsigned long)number);
	snprintf(message, sizeof message, "%s%s", what, at);
	struct fkr_text *t = &fkr_words;
	fkr_add_s(t, "{\"report\":\"error\"");
	fkr_add_key(t, "phase");
	fkr_add_string_or_null(t, step ? step : "extract");
	fkr_add_key(t, "plugin");
	fkr_add_string(t, fkr_name, strnlen(fkr_name, 1024));
	fkr_add_s(t, ",\"rc\":1");
	fkr_add_key(t, "message");
	fkr_add_string_or_null(t, message);
	fkr_add_key(t, "event");
	if (step && number)
		fkr_add_u64(t, number);
	else
		fkr_add_s(t, "null");
	fkr_add_key(t, "signal");
	fkr_add_string_or_null(t, signal_name);
	fkr_add_s(t, "}\n");
	fkr_write_last(fkr_report_fd(), t->at, t->len);
}

static void fkr_on_crash(int number) {
	char what[64];
	const char *name = "a signal";
	for (unsigned i = 0; i < sizeof fkr_crashes / sizeof *fkr_crashes; i++)
		if (fkr_crashes[i].number == number) name = fkr_crashes[i].name;
	alarm(FKR_HANDLER_SECONDS); // writing may block, and memory may be in any state
	snprintf(what, sizeof what, "the plugin crashed with %s", name);
	fkr_last_words(what, name);
	raise(number); // its default action, once this handler returns
}

static void *fkr_watch_deadline(void *unused) {
	const struct timespec tick = {.tv_nsec = FKR_TICK_NS};
	uint64_t seen = 0, since = 0;
	char what[96];
	(void)unused;
	for (;;) {
		nanosleep(&tick, NULL);
		uint64_t serial = atomic_load(&fkr_serial), now = fkr_monotonic_ns();
		if (!atomic_load(&fkr_step) || serial != seen || !since) {
			seen = serial;
			since = now;
		} else if (now - since >= fkr_deadline_ns) {
			snprintf(what, sizeof what, "the plugin did not return within %.3g s",
			         (double)fkr_deadline_ns / 1e9);
			fkr_last_words(what, NULL);
			_exit(FKR_EXIT_STUCK);
		}
	}
	return NULL;
}

bool fkr_monitor_start(const char *name, uint64_t deadline_ns) {
	static char stack[FKR_STACK];
	const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction crash = {.sa_handler = fkr_on_crash,
	                          .sa_flags = SA_ONSTACK | (int)SA_RESETHAND};
	pthread_t thread;
	sigset_t all, before;
	fkr_name = name;
	fkr_deadline_ns = deadline_ns;
	fkr_text_reserve(&fkr_words, FKR_WORDS);
	if (sigaltstack(&other, NULL)) return false;
	for (unsigned i = 0; i < sizeof fkr_crashes / sizeof *fkr_crashes; i++)
		if (sigaction(fkr_crashes[i].number, &crash, NULL)) return false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool ok = pthread_create(&thread, NULL, fkr_watch_deadline, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok && pthread_detach(thread) == 0;
}
