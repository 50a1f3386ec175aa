// SPDX-License-Identifier: Apache-2.0
// The stream of reports. `fkr_lock` guards the buffer and the writing of it; any thread reports.
#include "runner/report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
	FKR_FLUSH_BYTES = 1 << 16
};

static pthread_mutex_t fkr_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fkr_text fkr_buffer;
static int fkr_fd = -1, fkr_wake = -1;
static atomic_bool fkr_waiting, fkr_broken;
static bool fkr_in_rows; // the buffer ends within a report of rows; guarded by the lock

bool fkr_report_open(void) {
	fkr_fd = fcntl(1, F_DUPFD_CLOEXEC, 3);
	fkr_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fkr_fd >= 0 && fkr_wake >= 0 && dup2(2, 1) == 1;
}

// When nobody reads any more this is EPIPE, and the control thread ends the run in order. SIGPIPE is
// blocked for this thread and this call only: for plugins it keeps its default action, as in Falco.
static ssize_t fkr_write_some(const char *at, size_t size) {
	const struct timespec at_once = {0};
	sigset_t pipe, before;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	ssize_t n = write(fkr_fd, at, size);
	int error = errno;
	if (n < 0 && error == EPIPE)
		while (sigtimedwait(&pipe, NULL, &at_once) < 0 && errno == EINTR) continue;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return n;
}

static void fkr_end_rows(void) {
	if (fkr_in_rows) fkr_add_s(&fkr_buffer, "]}\n");
	fkr_in_rows = false;
}

static void fkr_write_out(void) {
	size_t done = 0;
	fkr_end_rows();
	while (done < fkr_buffer.len && !atomic_load(&fkr_broken)) {
		ssize_t n = fkr_write_some(fkr_buffer.at + done, fkr_buffer.len - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			atomic_store(&fkr_broken, true);
	}
	fkr_buffer.len = 0;
	atomic_store(&fkr_waiting, false);
}

struct fkr_text *fkr_report_begin(const char *kind) {
	pthread_mutex_lock(&fkr_lock);
	fkr_end_rows();
	fkr_add_s(&fkr_buffer, "{\"report\":\"");
	fkr_add_s(&fkr_buffer, kind);
	fkr_add_c(&fkr_buffer, '"');
	return &fkr_buffer;
}

static void fkr_added(bool now) {
	if (now || fkr_buffer.len >= FKR_FLUSH_BYTES) {
		fkr_write_out();
	} else if (!atomic_load_explicit(&fkr_waiting, memory_order_relaxed)) {
		uint64_t one = 1;
		atomic_store(&fkr_waiting, true);
		ssize_t ignored = write(fkr_wake, &one, sizeof one);
		(void)ignored;
	}
	pthread_mutex_unlock(&fkr_lock);
}

void fkr_report_end(bool now) {
	fkr_add(&fkr_buffer, "}\n", 2);
	fkr_added(now);
}

void fkr_report_row(const struct fkr_text *row) {
	pthread_mutex_lock(&fkr_lock);
	fkr_add_s(&fkr_buffer, fkr_in_rows ? "," : "{\"report\":\"rows\",\"rows\":[");
	fkr_in_rows = true;
	fkr_add(&fkr_buffer, row->at, row->len);
	fkr_added(false);
}

void fkr_report_flush(void) {
	pthread_mutex_lock(&fkr_lock);
	fkr_write_out();
	pthread_mutex_unlock(&fkr_lock);
}

bool fkr_report_waiting(void) { return atomic_load(&fkr_waiting); }

bool fkr_report_broken(void) { return atomic_load(&fkr_broken); }

int fkr_report_fd(void) { return fkr_fd; }

int fkr_report_wake_fd(void) { return fkr_wake; }
