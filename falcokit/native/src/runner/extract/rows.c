// SPDX-License-Identifier: Apache-2.0
// Rows wait in one text, which changes hands for an empty one to be written. `fk_busy` is held for
// no longer than it takes to append, and needs no system call: signal handlers take it too.
#include "runner/extract/rows.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "runner/report/clock.h"
#include "runner/report/report.h"

enum {
	FK_FLUSH_BYTES = 1 << 16,
	FK_FLUSH_NS = 50000000,
	FK_LAST_TRIES = 1000,
	FK_KEEP_BYTES = 1 << 20,
};

static const char fk_before[] = "{\"report\":\"values\",\"rows\":[", fk_after[] = "]}\n";

static atomic_flag fk_busy = ATOMIC_FLAG_INIT;
static struct fk_text fk_rows;
static uint64_t fk_first_ns;

static bool fk_take(unsigned tries) {
	while (atomic_flag_test_and_set_explicit(&fk_busy, memory_order_acquire)) {
		if (!tries--) return false;
		sched_yield();
	}
	return true;
}

static void fk_release(void) { atomic_flag_clear_explicit(&fk_busy, memory_order_release); }

void fk_rows_add(const struct fk_text *row) {
	uint64_t now = fk_monotonic_ns();
	if (!fk_take(UINT32_MAX)) return; // the process is ending
	if (fk_rows.len)
		fk_add_c(&fk_rows, ',');
	else
		fk_first_ns = now;
	fk_add(&fk_rows, row->at, row->len);
	size_t waiting = fk_rows.len;
	fk_release();
	if (waiting >= FK_FLUSH_BYTES || now - fk_first_ns >= FK_FLUSH_NS) fk_rows_flush();
}

void fk_rows_flush(void) {
	static struct fk_text spare;
	if (!fk_take(UINT32_MAX)) return;
	struct fk_text rows = fk_rows;
	fk_rows = spare;
	fk_release();
	if (rows.len) {
		struct fk_text *t = fk_report_begin("values");
		fk_add_key(t, "rows");
		fk_add_c(t, '[');
		fk_add(t, rows.at, rows.len);
		fk_add_c(t, ']');
		fk_report_end(true);
	}
	rows.len = 0;
	if (rows.room > FK_KEEP_BYTES) fk_text_free(&rows);
	spare = rows;
}

void fk_write_last(int fd, const char *at, size_t n) {
	while (n) {
		ssize_t done = write(fd, at, n);
		if (done < 0 && errno != EINTR) return;
		if (done > 0) at += done, n -= (size_t)done;
	}
}

void fk_rows_last(int fd) {
	if (!fk_take(FK_LAST_TRIES) || !fk_rows.len) return;
	fk_write_last(fd, fk_before, sizeof fk_before - 1);
	fk_write_last(fd, fk_rows.at, fk_rows.len);
	fk_write_last(fd, fk_after, sizeof fk_after - 1);
}
