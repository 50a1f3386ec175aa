// SPDX-License-Identifier: Apache-2.0
// get_metrics: the counters of async delivery, event sourcing and declared fields, the states of
// producers, for plugins that have these, and then the author's own metrics. Falco calls it on the
// threads of its web server, also on two at once and while the event loop runs. So the array and the
// names belong to the thread, and are valid until it calls again.
#include "base/base.h"
#include "async_event/async_event.h"
#include "extract/extract.h"
#include "python/python.h"
#include "source/source.h"
#include "memory/arena.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct metric_list {
	ss_plugin_metric *items;
	uint32_t count, room;
	fk_arena names; // until this thread calls again, or ends
} metric_list;
static __thread metric_list list;
static pthread_key_t key;

static void thread_ends(void *of) {
	metric_list *mine = of;
	free(mine->items);
	fk_arena_free(&mine->names);
	memset(mine, 0, sizeof *mine);
}

static void make_key(void) { pthread_key_create(&key, thread_ends); }

// Drops the results of an earlier call on this thread.
static void clear(void) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_key);
	pthread_setspecific(key, &list);
	list.count = 0;
	fk_arena_reset(&list.names);
}

static const char *keep_name(const char *name) {
	size_t size = strlen(name) + 1;
	char *kept = fk_arena_alloc(&list.names, size);
	return kept ? memcpy(kept, name, size) : NULL;
}

// The Python side calls this for each metric of the author, on the thread of get_metrics.
int fk_metric_add(const char *name, int kind, int value_type, double d, int64_t i, uint64_t u) {
	if (list.count == list.room) {
		uint32_t room = list.room ? list.room * 2 : 16;
		ss_plugin_metric *more = realloc(list.items, room * sizeof *more);
		if (!more) return 0;
		list.items = more;
		list.room = room;
	}
	ss_plugin_metric *m = &list.items[list.count];
	memset(m, 0, sizeof *m);
	m->name = keep_name(name);
	m->type = (ss_plugin_metric_type)kind;
	m->value_type = (ss_plugin_metric_value_type)value_type;
	switch (m->value_type) {
	case SS_PLUGIN_METRIC_VALUE_TYPE_U32: m->value.u32 = (uint32_t)u; break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_S32: m->value.s32 = (int32_t)i; break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_U64: m->value.u64 = u; break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_S64: m->value.s64 = i; break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_D: m->value.d = d; break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_F: m->value.f = (float)d; break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_I: m->value.i = (int)i; break;
	}
	if (m->name) list.count++;
	return m->name != NULL;
}

static void add_counter(const char *name, ss_plugin_metric_type kind, uint64_t value) {
	fk_metric_add(name, kind, SS_PLUGIN_METRIC_VALUE_TYPE_U64, 0, 0, value);
}

static void add_delivery(fk_async *a) {
	fk_counters *c = &a->count;
	uint64_t refused = 0;
	uint32_t p50, p99;
	fk_latency_read(&a->latency, &p50, &p99);
	for (int i = 0; i < FK_NREASONS; i++) refused += c->refused[i];
	add_counter("async_emitted", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c->accepted);
	add_counter("async_sent", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c->sent);
	add_counter("async_delivered", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c->delivered);
	add_counter("async_waiting", SS_PLUGIN_METRIC_TYPE_NON_MONOTONIC,
	            a->ring.count + a->later.count);
	add_counter("async_held", SS_PLUGIN_METRIC_TYPE_NON_MONOTONIC, a->later.count);
	add_counter("async_unconfirmed", SS_PLUGIN_METRIC_TYPE_NON_MONOTONIC, c->unconfirmed);
	add_counter("async_lost", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c->lost);
	add_counter("async_discarded", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c->discarded);
	// Not monotonic, because the next capture may deliver them.
	add_counter("async_undelivered", SS_PLUGIN_METRIC_TYPE_NON_MONOTONIC, c->undelivered);
	add_counter("async_refused", SS_PLUGIN_METRIC_TYPE_MONOTONIC, refused);
	add_counter("async_delivery_p50_us", SS_PLUGIN_METRIC_TYPE_NON_MONOTONIC, p50);
	add_counter("async_delivery_p99_us", SS_PLUGIN_METRIC_TYPE_NON_MONOTONIC, p99);
}

static void add_source(fk_impl *impl) {
	fk_source_counters c = fk_source_count(impl);
	add_counter("source_events", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c.events);
	add_counter("source_bytes", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c.bytes);
	add_counter("source_batches", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c.batches);
	add_counter("source_waiting", SS_PLUGIN_METRIC_TYPE_NON_MONOTONIC, c.waiting);
	add_counter("source_dropped_oversize", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c.dropped_size);
	add_counter("source_dropped_queue_full", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c.dropped_full);
	add_counter("source_discarded", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c.discarded);
	if (!fk_source_has_documents(impl)) return;
	add_counter("source_documents", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c.documents);
	add_counter("source_documents_invalid", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c.documents_invalid);
	add_counter("source_events_invalid", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c.events_invalid);
	add_counter("source_events_not_kept", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c.events_not_kept);
}

static void add_of(const fk_producer *row, const char *what, ss_plugin_metric_type kind,
                   uint64_t value) {
	char name[128];
	snprintf(name, sizeof name, "producer_%s_%s", row->label, what);
	add_counter(name, kind, value);
}

// State: 0 running, 1 failing, 2 waiting to be started again, 3 ended, 4 stopped with the capture.
static void add_producers(const struct fk_producers *producers) {
	uint64_t now = fk_now();
	for (uint32_t i = 0; i < producers->count; i++) {
		const fk_producer *row = &producers->rows[i];
		uint64_t state = (uint64_t)row->state, in_row = row->in_row, until = row->until_ns;
		uint64_t left = until > now ? until - now : 0;
		if (state == FK_PRODUCER_FAILING && until && !left) state = FK_PRODUCER_RUNNING, in_row = 0;
		if (state != FK_PRODUCER_WAITING) left = 0;
		add_of(row, "state", SS_PLUGIN_METRIC_TYPE_NON_MONOTONIC, state);
		add_of(row, "failures", SS_PLUGIN_METRIC_TYPE_MONOTONIC, row->failures);
		add_of(row, "failures_in_row", SS_PLUGIN_METRIC_TYPE_NON_MONOTONIC, in_row);
		add_of(row, "retry_ms", SS_PLUGIN_METRIC_TYPE_NON_MONOTONIC, left / 1000000);
	}
}

// Adds the author's metrics; Falco's event loop may wait for it. When it fails, the Python side has
// logged why.
static int add_own(fk_impl *impl, void *none) {
	return fk_python_metrics((uint64_t)(uintptr_t)impl);
}

ss_plugin_metric *fk_metrics(fk_plugin *p, uint32_t *n) {
	fk_impl *impl = p->impl;
	clear();
	if (impl->has_async) add_delivery(impl->async);
	if (impl->sourcing) add_source(impl);
	if (impl->extraction && impl->extraction->doc)
		add_counter("fields_over_budget", SS_PLUGIN_METRIC_TYPE_MONOTONIC, impl->extraction->spent);
	if (impl->producers) add_producers(impl->producers);
	uint32_t own = list.count;
	if (atomic_load(&impl->has_metrics) && fk_hook_call(impl, add_own, NULL) != SS_PLUGIN_SUCCESS)
		list.count = own;
	*n = list.count;
	return list.items;
}
