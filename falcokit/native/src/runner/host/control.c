// SPDX-License-Identifier: Apache-2.0
// Signals and the control thread. `fkr_lock` guards the settings of the open capture; the rest is
// atomic.
#define _GNU_SOURCE // ppoll
#include "runner/host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runner/report/report.h"

enum {
	FKR_FLUSH_NS = 20000000,
	FKR_LOOK_NS = 250000000, // between two checks of the producers' states with --events
	FKR_CLOSE_SECONDS = 2,   // an orderly close after a signal takes no longer
	FKR_EXIT_STUCK = 3,
};

static atomic_int fkr_stop;
static pid_t fkr_parent;
static pthread_mutex_t fkr_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fkr_guest *fkr_metrics;
static unsigned fkr_metrics_count;
static bool fkr_running;
static uint64_t fkr_ends_ns, fkr_stats_ns, fkr_next_stats_ns, fkr_next_look_ns; // 0: never

static void fkr_on_signal(int number) {
	atomic_store(&fkr_stop, FKR_STOP_SIGNAL);
	alarm(FKR_CLOSE_SECONDS);
}

// This also arrives when only the thread that started us has ended: ignored while the parent lives.
static void fkr_on_orphaned(int number) {
	if (getppid() != fkr_parent) fkr_on_signal(number);
}

static void fkr_on_alarm(int number) { _exit(FKR_EXIT_STUCK); }

static void fkr_earlier(uint64_t *when, uint64_t other) {
	if (other && (!*when || other < *when)) *when = other;
}

// Does what is due and returns the time of the next check; 0: none, wait for a wake-up.
static uint64_t fkr_due(uint64_t *flush_at) {
	uint64_t now = fkr_monotonic_ns(), next = 0;
	pthread_mutex_lock(&fkr_lock);
	if (fkr_running && fkr_ends_ns && now >= fkr_ends_ns) {
		int none = FKR_GO_ON;
		atomic_compare_exchange_strong(&fkr_stop, &none, FKR_STOP_DURATION);
		fkr_ends_ns = 0;
	}
	if (fkr_running && fkr_stats_ns && now >= fkr_next_stats_ns) {
		fkr_stats_report();
		for (unsigned i = 0; i < fkr_metrics_count; i++)
			fkr_guest_report_metrics(&fkr_metrics[i], false);
		while (fkr_next_stats_ns <= now) fkr_next_stats_ns += fkr_stats_ns;
	}
	bool look = fkr_running && !fkr_stats_ns && fkr_metrics_count;
	if (look && now >= fkr_next_look_ns) {
		for (unsigned i = 0; i < fkr_metrics_count; i++)
			fkr_guest_report_metrics(&fkr_metrics[i], true);
		fkr_next_look_ns = now + FKR_LOOK_NS;
	}
	if (fkr_running) {
		fkr_earlier(&next, fkr_ends_ns);
		fkr_earlier(&next, fkr_stats_ns ? fkr_next_stats_ns : 0);
		fkr_earlier(&next, look ? fkr_next_look_ns : 0);
	}
	pthread_mutex_unlock(&fkr_lock);
	if (!fkr_report_waiting()) {
		*flush_at = 0;
	} else if (!*flush_at) {
		*flush_at = now + FKR_FLUSH_NS;
	} else if (now >= *flush_at) {
		fkr_report_flush();
		*flush_at = 0;
	}
	fkr_earlier(&next, *flush_at);
	return next;
}

static void *fkr_control(void *unused) {
	struct pollfd fds[2] = {{.fd = fkr_report_wake_fd(), .events = POLLIN},
	                        {.fd = fkr_report_fd()}};
	uint64_t flush_at = 0, ignored;
	for (;;) {
		uint64_t next = fkr_due(&flush_at), now = fkr_monotonic_ns();
		struct timespec wait = {0};
		if (next > now) {
			wait.tv_sec = (time_t)((next - now) / 1000000000u);
			wait.tv_nsec = (long)((next - now) % 1000000000u);
		}
		if (ppoll(fds, 2, next ? &wait : NULL, NULL) < 0 && errno != EINTR) return NULL;
		if (fds[0].revents && read(fkr_report_wake_fd(), &ignored, sizeof ignored) < 0) continue;
		if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL) || fkr_report_broken()) {
			fds[1].fd = -1; // nobody reads the reports: stop, as after a signal
			if (atomic_exchange(&fkr_stop, FKR_STOP_SIGNAL) != FKR_STOP_SIGNAL)
				alarm(FKR_CLOSE_SECONDS);
		}
	}
}

bool fkr_control_start(unsigned stats_ms, int parent) {
	struct sigaction stop = {.sa_handler = fkr_on_signal, .sa_flags = SA_RESTART};
	struct sigaction orphaned = {.sa_handler = fkr_on_orphaned, .sa_flags = SA_RESTART};
	struct sigaction late = {.sa_handler = fkr_on_alarm};
	pthread_t thread;
	sigset_t all, before;
	fkr_stats_ns = stats_ms * 1000000ull;
	fkr_parent = parent ? parent : getppid();
	if (sigaction(SIGTERM, &stop, NULL) || sigaction(SIGINT, &stop, NULL) ||
	    sigaction(SIGRTMIN, &orphaned, NULL) || sigaction(SIGALRM, &late, NULL) ||
	    prctl(PR_SET_PDEATHSIG, SIGRTMIN))
		return false;
	if (getppid() != fkr_parent) return false; // it died before it could be noticed
	// Plugins may install handlers of their own; the control thread never runs any of them.
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool ok = pthread_create(&thread, NULL, fkr_control, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok && pthread_detach(thread) == 0;
}

static void fkr_wake(void) {
	uint64_t one = 1;
	ssize_t ignored = write(fkr_report_wake_fd(), &one, sizeof one);
	(void)ignored;
}

void fkr_control_begin(uint64_t duration_ns, struct fkr_guest *metrics, unsigned count) {
	uint64_t now = fkr_monotonic_ns();
	int over = FKR_STOP_DURATION;
	pthread_mutex_lock(&fkr_lock);
	atomic_compare_exchange_strong(&fkr_stop, &over, FKR_GO_ON);
	fkr_metrics = metrics;
	fkr_metrics_count = metrics ? count : 0;
	fkr_ends_ns = duration_ns ? now + duration_ns : 0;
	fkr_next_stats_ns = now + fkr_stats_ns;
	fkr_next_look_ns = now + FKR_LOOK_NS;
	fkr_running = true;
	pthread_mutex_unlock(&fkr_lock);
	fkr_wake();
}

void fkr_control_end(void) {
	pthread_mutex_lock(&fkr_lock);
	fkr_running = false;
	fkr_metrics_count = 0;
	pthread_mutex_unlock(&fkr_lock);
}

enum fkr_stop fkr_control_stop(void) {
	return (enum fkr_stop)atomic_load_explicit(&fkr_stop, memory_order_relaxed);
}
