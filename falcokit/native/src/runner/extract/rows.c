// SPDX-License-Identifier: Apache-2.0
// Rows are collected in one text, which is swapped for an empty one to be written. `fkr_busy` is a
// spin lock that is held only for an append or a swap; signal handlers take it too.
#include "runner/extract/rows.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "runner/report/report.h"

enum {
	FKR_FLUSH_BYTES = 1 << 16,
	FKR_FLUSH_NS = 50000000,
	FKR_LAST_TRIES = 1000,
	FKR_KEEP_BYTES = 1 << 20,
};

static const char fkr_before[] = "{\"report\":\"values\",\"rows\":[", fkr_after[] = "]}\n";

static atomic_flag fkr_busy = ATOMIC_FLAG_INIT;
static struct fkr_text fkr_rows;
static uint64_t fkr_first_ns;

static bool fkr_take(unsigned tries) {
	while (atomic_flag_test_and_set_explicit(&fkr_busy, memory_order_acquire)) {
		if (!tries--) return false;
		sched_yield();
	}
	return true;
}

static void fkr_release(void) { atomic_flag_clear_explicit(&fkr_busy, memory_order_release); }

void fkr_rows_add(const struct fkr_text *row) {
	uint64_t now = fkr_monotonic_ns();
	if (!fkr_take(UINT32_MAX)) return; // the process is ending
	if (fkr_rows.len)
		fkr_add_c(&fkr_rows, ',');
	else
		fkr_first_ns = now;
	fkr_add(&fkr_rows, row->at, row->len);
	size_t waiting = fkr_rows.len;
	fkr_release();
	if (waiting >= FKR_FLUSH_BYTES || now - fkr_first_ns >= FKR_FLUSH_NS) fkr_rows_flush();
}

void fkr_rows_flush(void) {
	static struct fkr_text spare;
	if (!fkr_take(UINT32_MAX)) return;
	struct fkr_text rows = fkr_rows;
	fkr_rows = spare;
	fkr_release();
	if (rows.len) {
		struct fkr_text *t = fkr_report_begin("values");
		fkr_add_key(t, "rows");
		fkr_add_c(t, '[');
		fkr_add(t, rows.at, rows.len);
		fkr_add_c(t, ']');
		fkr_report_end(true);
	}
	rows.len = 0;
	if (rows.room > FKR_KEEP_BYTES) fkr_text_free(&rows);
	spare = rows;
}

void fkr_write_last(int fd, const char *at, size_t n) {
	while (n) {
		ssize_t done = write(fd, at, n);
		if (done < 0 && errno != EINTR) return;
		if (done > 0) at += done, n -= (size_t)done;
	}
}

void fkr_rows_last(int fd) {
	if (!fkr_take(FKR_LAST_TRIES) || !fkr_rows.len) return;
	fkr_write_last(fd, fkr_before, sizeof fkr_before - 1);
	fkr_write_last(fd, fkr_rows.at, fkr_rows.len);
	fkr_write_last(fd, fkr_after, sizeof fkr_after - 1);
}
