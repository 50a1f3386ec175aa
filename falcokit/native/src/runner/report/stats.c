// SPDX-License-Identifier: Apache-2.0
// The counts of one capture and the report of them. `fk_lock` guards the rows of the async events.
#include "runner/report/stats.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/report/clock.h"
#include "runner/report/report.h"
#include "runner/report/text.h"

enum {
	FK_LAST_DATA = 256
};

struct fk_row {
	char *name;
	uint64_t count, bytes, last_ts;
	size_t last_size;
	char last_data[FK_LAST_DATA];
};

struct fk_counts fk_counts;
_Atomic unsigned fk_queued;
static pthread_mutex_t fk_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fk_row *fk_rows;
static unsigned fk_row_count;
static uint64_t fk_started_ns;
static struct fk_text fk_last; // guarded by the lock

static const char *const fk_rejections[FK_REJECTIONS] = {
	[FK_REJECTED_NO_HANDLER] = "no_handler",
	[FK_REJECTED_MALFORMED] = "malformed",
	[FK_REJECTED_NAME] = "undeclared_name",
	[FK_REJECTED_SOURCE] = "source",
	[FK_REJECTED_TID] = "tid",
};
static const char *const fk_drops[FK_DROPS] = {
	[FK_DROPPED_FUTURE] = "future",
	[FK_DROPPED_FULL] = "queue_full",
	[FK_DROPPED_CLOSE] = "at_close",
};

unsigned fk_stats_row(const char *async_name) {
	pthread_mutex_lock(&fk_lock);
	unsigned i = 0;
	while (i < fk_row_count && strcmp(fk_rows[i].name, async_name) != 0) i++;
	if (i == fk_row_count) {
		fk_rows = fk_must_alloc(fk_rows, (fk_row_count + 1) * sizeof *fk_rows);
		fk_rows[fk_row_count++] = (struct fk_row){.name = fk_must_copy(async_name)};
	}
	pthread_mutex_unlock(&fk_lock);
	return i;
}

void fk_stats_async(unsigned row, uint64_t ts, const char *data, size_t size) {
	size_t kept = size < FK_LAST_DATA ? size : FK_LAST_DATA;
	pthread_mutex_lock(&fk_lock);
	struct fk_row *r = &fk_rows[row];
	r->count++;
	r->bytes += size;
	r->last_ts = ts;
	r->last_size = kept;
	memcpy(r->last_data, data, kept);
	pthread_mutex_unlock(&fk_lock);
}

void fk_stats_last(const struct fk_text *event) {
	pthread_mutex_lock(&fk_lock);
	fk_last.len = 0;
	fk_add(&fk_last, event->at, event->len);
	pthread_mutex_unlock(&fk_lock);
}

void fk_stats_reset(void) {
	pthread_mutex_lock(&fk_lock);
	fk_last.len = 0;
	for (unsigned i = 0; i < fk_row_count; i++)
		fk_rows[i] = (struct fk_row){.name = fk_rows[i].name};
	pthread_mutex_unlock(&fk_lock);
	_Atomic uint64_t *all = (_Atomic uint64_t *)&fk_counts;
	for (size_t i = 0; i < sizeof fk_counts / sizeof *all; i++) atomic_store(&all[i], 0);
	fk_started_ns = fk_monotonic_ns();
}

static uint64_t fk_rss_kb(void) {
	unsigned long total, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (!f) return 0;
	if (fscanf(f, "%lu %lu", &total, &resident) != 2) resident = 0;
	fclose(f);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void fk_add_count(struct fk_text *t, const char *key, uint64_t v) {
	fk_add_key(t, key);
	fk_add_u64(t, v);
}

// The object of the reasons that happened: {} most of the time.
static void fk_add_reasons(struct fk_text *t, const char *key, const char *const *names,
                           _Atomic uint64_t *counts, unsigned n) {
	fk_add_key(t, key);
	fk_add_c(t, '{');
	for (unsigned i = 0, some = 0; i < n; i++) {
		uint64_t v = atomic_load(&counts[i]);
		if (!v) continue;
		if (some++) fk_add_c(t, ',');
		fk_add_string_or_null(t, names[i]);
		fk_add_c(t, ':');
		fk_add_u64(t, v);
	}
	fk_add_c(t, '}');
}

static void fk_add_rows(struct fk_text *t) {
	fk_add_key(t, "async");
	fk_add_c(t, '{');
	pthread_mutex_lock(&fk_lock);
	for (unsigned i = 0, some = 0; i < fk_row_count; i++) {
		struct fk_row *r = &fk_rows[i];
		if (!r->count) continue;
		if (some++) fk_add_c(t, ',');
		fk_add_string_or_null(t, r->name);
		fk_add_s(t, ":{\"count\":");
		fk_add_u64(t, r->count);
		fk_add_count(t, "bytes", r->bytes);
		fk_add_count(t, "last_ts_ns", r->last_ts);
		fk_add_key(t, "last_data");
		size_t n = r->last_size;
		if (n && !r->last_data[n - 1]) n--;
		fk_add_string(t, r->last_data, n);
		fk_add_c(t, '}');
	}
	pthread_mutex_unlock(&fk_lock);
	fk_add_c(t, '}');
}

void fk_stats_report(void) {
	uint64_t rss = fk_rss_kb();
	struct fk_text *t = fk_report_begin("stats");
	fk_add_count(t, "elapsed_ms", (fk_monotonic_ns() - fk_started_ns) / 1000000);
	fk_add_count(t, "events", atomic_load(&fk_counts.events));
	fk_add_rows(t);
	fk_add_key(t, "plugin_events");
	fk_add_s(t, "{\"count\":");
	fk_add_u64(t, atomic_load(&fk_counts.plugin_events));
	fk_add_count(t, "bytes", atomic_load(&fk_counts.plugin_bytes));
	fk_add_c(t, '}');
	pthread_mutex_lock(&fk_lock);
	if (fk_last.len) {
		fk_add_key(t, "last");
		fk_add(t, fk_last.at, fk_last.len);
	}
	pthread_mutex_unlock(&fk_lock);
	fk_add_count(t, "timeouts", atomic_load(&fk_counts.timeouts));
	fk_add_reasons(t, "rejected", fk_rejections, fk_counts.rejected, FK_REJECTIONS);
	fk_add_reasons(t, "dropped", fk_drops, fk_counts.dropped, FK_DROPS);
	fk_add_count(t, "queued", atomic_load(&fk_queued));
	fk_add_count(t, "rss_kb", rss);
	fk_report_end(true);
}
