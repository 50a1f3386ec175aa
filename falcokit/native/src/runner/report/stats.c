// SPDX-License-Identifier: Apache-2.0
// The counters of one capture and the report of them. `fkr_lock` guards the rows of async events.
#include "runner/report/report.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	FKR_LAST_DATA = 256,
	FKR_CODE_LIMIT = 1024,
};

struct fkr_row {
	char *name;
	uint64_t count, bytes, last_ts;
	size_t last_size;
	char last_data[FKR_LAST_DATA];
};

static struct {
	_Atomic uint64_t count, bytes;
} fkr_codes[FKR_CODE_LIMIT];
struct fkr_counts fkr_counts;
_Atomic unsigned fkr_queued;
static pthread_mutex_t fkr_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fkr_row *fkr_rows;
static unsigned fkr_row_count;
static uint64_t fkr_started_ns;
static struct fkr_text fkr_last; // guarded by the lock

static const char *const fkr_rejections[FKR_REJECTIONS] = {
	[FKR_REJECTED_NO_HANDLER] = "no_handler",
	[FKR_REJECTED_MALFORMED] = "malformed",
	[FKR_REJECTED_NAME] = "undeclared_name",
	[FKR_REJECTED_SOURCE] = "source",
	[FKR_REJECTED_TID] = "tid",
};
static const char *const fkr_drops[FKR_DROPS] = {
	[FKR_DROPPED_FUTURE] = "future",
	[FKR_DROPPED_FULL] = "queue_full",
	[FKR_DROPPED_CLOSE] = "at_close",
};

unsigned fkr_stats_row(const char *async_name) {
	pthread_mutex_lock(&fkr_lock);
	unsigned i = 0;
	while (i < fkr_row_count && strcmp(fkr_rows[i].name, async_name) != 0) i++;
	if (i == fkr_row_count) {
		fkr_rows = fkr_must_alloc(fkr_rows, (fkr_row_count + 1) * sizeof *fkr_rows);
		fkr_rows[fkr_row_count++] = (struct fkr_row){.name = fkr_must_copy(async_name)};
	}
	pthread_mutex_unlock(&fkr_lock);
	return i;
}

void fkr_stats_async(unsigned row, uint64_t ts, const char *data, size_t size) {
	size_t kept = size < FKR_LAST_DATA ? size : FKR_LAST_DATA;
	pthread_mutex_lock(&fkr_lock);
	struct fkr_row *r = &fkr_rows[row];
	r->count++;
	r->bytes += size;
	r->last_ts = ts;
	r->last_size = kept;
	memcpy(r->last_data, data, kept);
	pthread_mutex_unlock(&fkr_lock);
}

void fkr_stats_code(unsigned code, size_t size) {
	if (code >= FKR_CODE_LIMIT) return;
	fkr_count(&fkr_codes[code].count, 1);
	fkr_count(&fkr_codes[code].bytes, size);
}

void fkr_stats_last(const struct fkr_text *event) {
	pthread_mutex_lock(&fkr_lock);
	fkr_last.len = 0;
	fkr_add(&fkr_last, event->at, event->len);
	pthread_mutex_unlock(&fkr_lock);
}

void fkr_stats_reset(void) {
	pthread_mutex_lock(&fkr_lock);
	fkr_last.len = 0;
	for (unsigned i = 0; i < fkr_row_count; i++)
		fkr_rows[i] = (struct fkr_row){.name = fkr_rows[i].name};
	pthread_mutex_unlock(&fkr_lock);
	_Atomic uint64_t *all = (_Atomic uint64_t *)&fkr_counts;
	for (size_t i = 0; i < sizeof fkr_counts / sizeof *all; i++) atomic_store(&all[i], 0);
	for (unsigned i = 0; i < FKR_CODE_LIMIT; i++) {
		atomic_store(&fkr_codes[i].count, 0);
		atomic_store(&fkr_codes[i].bytes, 0);
	}
	fkr_started_ns = fkr_monotonic_ns();
}

static uint64_t fkr_rss_kb(void) {
	unsigned long total, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (!f) return 0;
	if (fscanf(f, "%lu %lu", &total, &resident) != 2) resident = 0;
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void fkr_add_count(struct fkr_text *t, const char *key, uint64_t v) {
	fkr_add_key(t, key);
	fkr_add_u64(t, v);
}

// An object with the reasons that occurred: mostly {}.
static void fkr_add_reasons(struct fkr_text *t, const char *key, const char *const *names,
                            _Atomic uint64_t *counts, unsigned n) {
	fkr_add_key(t, key);
	fkr_add_c(t, '{');
	for (unsigned i = 0, some = 0; i < n; i++) {
		uint64_t v = atomic_load(&counts[i]);
		if (!v) continue;
		if (some++) fkr_add_c(t, ',');
		fkr_add_string_or_null(t, names[i]);
		fkr_add_c(t, ':');
		fkr_add_u64(t, v);
	}
	fkr_add_c(t, '}');
}

static void fkr_add_rows(struct fkr_text *t) {
	fkr_add_key(t, "async");
	fkr_add_c(t, '{');
	pthread_mutex_lock(&fkr_lock);
	for (unsigned i = 0, some = 0; i < fkr_row_count; i++) {
		struct fkr_row *r = &fkr_rows[i];
		if (!r->count) continue;
		if (some++) fkr_add_c(t, ',');
		fkr_add_string_or_null(t, r->name);
		fkr_add_s(t, ":{\"count\":");
		fkr_add_u64(t, r->count);
		fkr_add_count(t, "bytes", r->bytes);
		fkr_add_count(t, "last_ts_ns", r->last_ts);
		fkr_add_key(t, "last_data");
		size_t n = r->last_size;
		if (n && !r->last_data[n - 1]) n--;
		fkr_add_string(t, r->last_data, n);
		fkr_add_c(t, '}');
	}
	pthread_mutex_unlock(&fkr_lock);
	fkr_add_c(t, '}');
}

// Only for a replay: other captures have no such events.
static void fkr_add_codes(struct fkr_text *t) {
	unsigned some = 0;
	for (unsigned i = 0; i < FKR_CODE_LIMIT; i++) {
		uint64_t count = atomic_load(&fkr_codes[i].count);
		if (!count) continue;
		fkr_add_s(t, some++ ? ",\"" : ",\"codes\":{\"");
		fkr_add_u64(t, i);
		fkr_add_s(t, "\":{\"count\":");
		fkr_add_u64(t, count);
		fkr_add_count(t, "bytes", atomic_load(&fkr_codes[i].bytes));
		fkr_add_c(t, '}');
	}
	if (some) fkr_add_c(t, '}');
}

void fkr_stats_report(void) {
	uint64_t rss = fkr_rss_kb();
	struct fkr_text *t = fkr_report_begin("stats");
	fkr_add_count(t, "elapsed_ms", (fkr_monotonic_ns() - fkr_started_ns) / 1000000);
	fkr_add_count(t, "events", atomic_load(&fkr_counts.events));
	fkr_add_rows(t);
	fkr_add_key(t, "plugin_events");
	fkr_add_s(t, "{\"count\":");
	fkr_add_u64(t, atomic_load(&fkr_counts.plugin_events));
	fkr_add_count(t, "bytes", atomic_load(&fkr_counts.plugin_bytes));
	fkr_add_c(t, '}');
	fkr_add_codes(t);
	pthread_mutex_lock(&fkr_lock);
	if (fkr_last.len) {
		fkr_add_key(t, "last");
		fkr_add(t, fkr_last.at, fkr_last.len);
	}
	pthread_mutex_unlock(&fkr_lock);
	fkr_add_count(t, "timeouts", atomic_load(&fkr_counts.timeouts));
	fkr_add_reasons(t, "rejected", fkr_rejections, fkr_counts.rejected, FKR_REJECTIONS);
	fkr_add_reasons(t, "dropped", fkr_drops, fkr_counts.dropped, FKR_DROPS);
	fkr_add_count(t, "queued", atomic_load(&fkr_queued));
	fkr_add_count(t, "rss_kb", rss);
	fkr_report_end(true);
}
