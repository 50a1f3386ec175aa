// SPDX-License-Identifier: Apache-2.0
// The stream of reports. `fk_lock` guards the buffer and the writing of it; any thread reports.
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
	FK_FLUSH_BYTES = 1 << 16
};

static pthread_mutex_t fk_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fk_text fk_buffer;
static int fk_fd = -1, fk_wake = -1;
static atomic_bool fk_waiting, fk_broken;

bool fk_report_open(void) {
	fk_fd = fcntl(1, F_DUPFD_CLOEXEC, 3);
	fk_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return fk_fd >= 0 && fk_wake >= 0 && dup2(2, 1) == 1;
}

// When nobody reads any more this is EPIPE, of which the control thread makes an orderly end. The signal
// is kept from this thread alone, and only for now: what SIGPIPE does to plugins is what it does to them
// in Falco, where it has its default action.
static ssize_t fk_write_some(const char *at, size_t size) {
	const struct timespec at_once = {0};
	sigset_t pipe, before;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	ssize_t n = write(fk_fd, at, size);
	int error = errno;
	if (n < 0 && error == EPIPE)
		while (sigtimedwait(&pipe, NULL, &at_once) < 0 && errno == EINTR) continue;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return n;
}

static void fk_write_out(void) {
	size_t done = 0;
	while (done < fk_buffer.len && !atomic_load(&fk_broken)) {
		ssize_t n = fk_write_some(fk_buffer.at + done, fk_buffer.len - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			atomic_store(&fk_broken, true);
	}
	fk_buffer.len = 0;
	atomic_store(&fk_waiting, false);
}

struct fk_text *fk_report_begin(const char *kind) {
	pthread_mutex_lock(&fk_lock);
	fk_add_s(&fk_buffer, "{\"report\":\"");
	fk_add_s(&fk_buffer, kind);
	fk_add_c(&fk_buffer, '"');
	return &fk_buffer;
}

void fk_report_end(bool now) {
	fk_add(&fk_buffer, "}\n", 2);
	if (now || fk_buffer.len >= FK_FLUSH_BYTES) {
		fk_write_out();
	} else if (!atomic_load_explicit(&fk_waiting, memory_order_relaxed)) {
		uint64_t one = 1;
		atomic_store(&fk_waiting, true);
		ssize_t ignored = write(fk_wake, &one, sizeof one);
		(void)ignored;
	}
	pthread_mutex_unlock(&fk_lock);
}

void fk_report_flush(void) {
	pthread_mutex_lock(&fk_lock);
	fk_write_out();
	pthread_mutex_unlock(&fk_lock);
}

bool fk_report_waiting(void) { return atomic_load(&fk_waiting); }

bool fk_report_broken(void) { return atomic_load(&fk_broken); }

int fk_report_fd(void) { return fk_fd; }

int fk_report_wake_fd(void) { return fk_wake; }

void fk_report_error(const char *phase, const char *plugin, int rc, const char *message) {
	struct fk_text *t = fk_report_begin("error");
	fk_add_key(t, "phase");
	fk_add_string_or_null(t, phase);
	fk_add_key(t, "plugin");
	fk_add_string_or_null(t, plugin);
	fk_add_key(t, "rc");
	fk_add_i64(t, rc);
	fk_add_key(t, "message");
	fk_add_string_or_null(t, message ? message : "");
	fk_report_end(true);
}
