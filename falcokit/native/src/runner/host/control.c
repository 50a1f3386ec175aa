// SPDX-License-Identifier: Apache-2.0
// Signals and the control thread. `fk_lock` guards what a capture asks of it; the rest is atomic.
#define _GNU_SOURCE // ppoll
#include "runner/host/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runner/report/clock.h"
#include "runner/report/report.h"
#include "runner/report/stats.h"

enum {
	FK_FLUSH_NS = 20000000,
	FK_LOOK_NS = 250000000, // at the states of producers, where every event is reported
	FK_CLOSE_SECONDS = 2,   // an orderly close after a signal takes no longer
	FK_EXIT_STUCK = 3,
};

static atomic_int fk_stop;
static pid_t fk_parent;
static pthread_mutex_t fk_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fk_guest *fk_metrics;
static unsigned fk_metrics_count;
static bool fk_running;
static uint64_t fk_ends_ns, fk_stats_ns, fk_next_stats_ns, fk_next_look_ns; // 0: never

static void fk_on_signal(int number) {
	(void)number;
	atomic_store(&fk_stop, FK_STOP_SIGNAL);
	alarm(FK_CLOSE_SECONDS);
}

// The death of the parent's thread that started us: of no concern while the parent itself lives.
static void fk_on_orphaned(int number) {
	if (getppid() != fk_parent) fk_on_signal(number);
}

static void fk_on_alarm(int number) {
	(void)number;
	_exit(FK_EXIT_STUCK);
}

static void fk_earlier(uint64_t *when, uint64_t other) {
	if (other && (!*when || other < *when)) *when = other;
}

// Does what is due and returns when to look again; 0: when something happens.
static uint64_t fk_due(uint64_t *flush_at) {
	uint64_t now = fk_monotonic_ns(), next = 0;
	pthread_mutex_lock(&fk_lock);
	if (fk_running && fk_ends_ns && now >= fk_ends_ns) {
		int none = FK_GO_ON;
		atomic_compare_exchange_strong(&fk_stop, &none, FK_STOP_DURATION);
		fk_ends_ns = 0;
	}
	if (fk_running && fk_stats_ns && now >= fk_next_stats_ns) {
		fk_stats_report();
		for (unsigned i = 0; i < fk_metrics_count; i++)
			fk_guest_report_metrics(&fk_metrics[i], false);
		while (fk_next_stats_ns <= now) fk_next_stats_ns += fk_stats_ns;
	}
	bool look = fk_running && !fk_stats_ns && fk_metrics_count;
	if (look && now >= fk_next_look_ns) {
		for (unsigned i = 0; i < fk_metrics_count; i++)
			fk_guest_report_metrics(&fk_metrics[i], true);
		fk_next_look_ns = now + FK_LOOK_NS;
	}
	if (fk_running) {
		fk_earlier(&next, fk_ends_ns);
		fk_earlier(&next, fk_stats_ns ? fk_next_stats_ns : 0);
		fk_earlier(&next, look ? fk_next_look_ns : 0);
	}
	pthread_mutex_unlock(&fk_lock);
	if (!fk_report_waiting()) {
		*flush_at = 0;
	} else if (!*flush_at) {
		*flush_at = now + FK_FLUSH_NS;
	} else if (now >= *flush_at) {
		fk_report_flush();
		*flush_at = 0;
	}
	fk_earlier(&next, *flush_at);
	return next;
}

static void *fk_control(void *unused) {
	struct pollfd fds[2] = {{.fd = fk_report_wake_fd(), .events = POLLIN}, {.fd = fk_report_fd()}};
	uint64_t flush_at = 0, ignored;
	(void)unused;
	for (;;) {
		uint64_t next = fk_due(&flush_at), now = fk_monotonic_ns();
		struct timespec wait = {0};
		if (next > now) {
			wait.tv_sec = (time_t)((next - now) / 1000000000u);
			wait.tv_nsec = (long)((next - now) % 1000000000u);
		}
		if (ppoll(fds, 2, next ? &wait : NULL, NULL) < 0 && errno != EINTR) return NULL;
		if (fds[0].revents && read(fk_report_wake_fd(), &ignored, sizeof ignored) < 0) continue;
		if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL) || fk_report_broken()) {
			fds[1].fd = -1; // nobody reads: as if told to stop
			if (atomic_exchange(&fk_stop, FK_STOP_SIGNAL) != FK_STOP_SIGNAL)
				alarm(FK_CLOSE_SECONDS);
		}
	}
}

bool fk_control_start(unsigned stats_ms, int parent) {
	struct sigaction stop = {.sa_handler = fk_on_signal, .sa_flags = SA_RESTART};
	struct sigaction orphaned = {.sa_handler = fk_on_orphaned, .sa_flags = SA_RESTART};
	struct sigaction late = {.sa_handler = fk_on_alarm};
	pthread_t thread;
	sigset_t all, before;
	fk_stats_ns = stats_ms * 1000000ull;
	fk_parent = parent ? parent : getppid();
	if (sigaction(SIGTERM, &stop, NULL) || sigaction(SIGINT, &stop, NULL) ||
	    sigaction(SIGRTMIN, &orphaned, NULL) || sigaction(SIGALRM, &late, NULL) ||
	    prctl(PR_SET_PDEATHSIG, SIGRTMIN))
		return false;
	if (getppid() != fk_parent) return false; // it died before it could be noticed
	// Plugins may install handlers of their own; the control thread never runs any of them.
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	bool ok = pthread_create(&thread, NULL, fk_control, NULL) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ok && pthread_detach(thread) == 0;
}

static void fk_wake(void) {
	uint64_t one = 1;
	ssize_t ignored = write(fk_report_wake_fd(), &one, sizeof one);
	(void)ignored;
}

void fk_control_begin(uint64_t duration_ns, struct fk_guest *metrics, unsigned count) {
	uint64_t now = fk_monotonic_ns();
	int over = FK_STOP_DURATION;
	pthread_mutex_lock(&fk_lock);
	atomic_compare_exchange_strong(&fk_stop, &over, FK_GO_ON);
	fk_metrics = metrics;
	fk_metrics_count = metrics ? count : 0;
	fk_ends_ns = duration_ns ? now + duration_ns : 0;
	fk_next_stats_ns = now + fk_stats_ns;
	fk_next_look_ns = now + FK_LOOK_NS;
	fk_running = true;
	pthread_mutex_unlock(&fk_lock);
	fk_wake();
}

void fk_control_end(void) {
	pthread_mutex_lock(&fk_lock);
	fk_running = false;
	fk_metrics_count = 0;
	pthread_mutex_unlock(&fk_lock);
}

enum fk_stop fk_control_stop(void) {
	return (enum fk_stop)atomic_load_explicit(&fk_stop, memory_order_relaxed);
}
