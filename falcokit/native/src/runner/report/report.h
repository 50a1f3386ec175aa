// SPDX-License-Identifier: Apache-2.0
// Reports, and what they are made of: texts with JSON in them, names, clocks, and the counters of a
// capture.
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

// ---- clocks ----------------------------------------------------------------------------------------

// Owns reading the clocks. No state; any thread.

static inline uint64_t fkr_clock_ns(clockid_t clock) {
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t fkr_monotonic_ns(void) { return fkr_clock_ns(CLOCK_MONOTONIC); }

static inline uint64_t fkr_wall_ns(void) { return fkr_clock_ns(CLOCK_REALTIME); }

// ---- texts -----------------------------------------------------------------------------------------

// Owns growing byte strings, and writing values into them as JSON. No shared state: the owner of a
// text serialises its use.

struct fkr_text {
	char *at;
	size_t len;
	size_t room;
};

// These end the process when there is no memory.
void *fkr_must_alloc(void *old, size_t size);
char *fkr_must_copy(const char *s);

void fkr_text_reserve(struct fkr_text *t, size_t more);
void fkr_text_free(struct fkr_text *t);

void fkr_add(struct fkr_text *t, const char *s, size_t n);
void fkr_add_s(struct fkr_text *t, const char *s);
void fkr_add_c(struct fkr_text *t, char c);
void fkr_add_u64(struct fkr_text *t, uint64_t v);
void fkr_add_i64(struct fkr_text *t, int64_t v);
void fkr_add_double(struct fkr_text *t, double v); // null when not finite

// A quoted JSON string; bytes that are not UTF-8 become U+FFFD.
void fkr_add_string(struct fkr_text *t, const char *s, size_t n);
void fkr_add_string_or_null(struct fkr_text *t, const char *s);
void fkr_add_base64(struct fkr_text *t, const uint8_t *data, size_t n); // quoted

// `,"name":` - every report begins with a key of its own, so a comma always goes before.
void fkr_add_key(struct fkr_text *t, const char *name);
void fkr_add_member(struct fkr_text *t, const char *name, const char *value); // a string, or null

bool fkr_is_utf8(const char *s, size_t n);

// ---- JSON of plugins -------------------------------------------------------------------------------

// Owns reading the JSON that plugins return: fields, schemas, and lists of names.
// No state, no threads.

struct fkr_names {
	char **at;
	unsigned count;
};

// Appends the one JSON value in `text` to `out` without white space; false when it is not JSON.
bool fkr_json_compact(const char *text, struct fkr_text *out);

// Reads an array of strings; NULL and "" are an empty list. Empty and repeated names are skipped, as
// in the framework. False when it is not an array of strings.
bool fkr_json_names(const char *text, struct fkr_names *out);

bool fkr_names_add(struct fkr_names *names, const char *name); // false: it was there already
bool fkr_names_have(const struct fkr_names *names, const char *name);
void fkr_names_free(struct fkr_names *names);

// ---- reports ---------------------------------------------------------------------------------------

// Owns the stream of reports: the runner's original stdout, one JSON object per line. Any thread may
// report; reports are whole lines. The control thread flushes the buffer.

// Reserves stdout for reports: descriptor 1 becomes a copy of stderr.
bool fkr_report_open(void);

// Begins a report and returns the text to add keys to. Other threads wait until fkr_report_end.
struct fkr_text *fkr_report_begin(const char *kind);
void fkr_report_end(bool now); // now: written before this returns

// Adds a row to the report `{"report":"rows","rows":[…]}`, which any other report and each writing
// ends. Rows wait no longer than other reports.
void fkr_report_row(const struct fkr_text *row);

void fkr_report_flush(void);
bool fkr_report_waiting(void); // the buffer is not empty
bool fkr_report_broken(void);  // nobody reads any more
int fkr_report_fd(void);
int fkr_report_wake_fd(void); // readable when the buffer has become non-empty

// ---- counters --------------------------------------------------------------------------------------

// Owns the counters of one capture. The engine's thread counts deliveries, the async handler counts
// refusals under the owners' lock, and the control thread reads them at the same time.

enum fkr_rejection { // the handler answered FAILURE
	FKR_REJECTED_NO_HANDLER,
	FKR_REJECTED_MALFORMED,
	FKR_REJECTED_NAME,
	FKR_REJECTED_SOURCE,
	FKR_REJECTED_TID,
	FKR_REJECTIONS,
};

enum fkr_drop { // the handler answered SUCCESS, and the event is lost
	FKR_DROPPED_FUTURE,
	FKR_DROPPED_FULL,
	FKR_DROPPED_CLOSE, // still queued when the capture ended
	FKR_DROPS,
};

struct fkr_counts {
	_Atomic uint64_t events, plugin_events, plugin_bytes, timeouts;
	_Atomic uint64_t rejected[FKR_REJECTIONS], dropped[FKR_DROPS];
};
extern struct fkr_counts fkr_counts;
extern _Atomic unsigned fkr_queued; // async events in the queue; written by runner/capture/queue.c

// Each counter has one writer at a time, so this is no atomic addition; readers see whole values.
static inline void fkr_count(_Atomic uint64_t *counter, uint64_t n) {
	uint64_t v = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, v + n, memory_order_relaxed);
}

void fkr_stats_code(unsigned code, size_t size); // an event of a replay, other than an async one
unsigned fkr_stats_row(const char *async_name);  // the row of that name, made when new
void fkr_stats_async(unsigned row, uint64_t ts, const char *data, size_t size);
void fkr_stats_last(const struct fkr_text *event); // a JSON object, copied
void fkr_stats_reset(void);
void fkr_stats_report(void);
