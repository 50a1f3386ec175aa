// SPDX-License-Identifier: Apache-2.0
// get_metrics: the counters of async delivery, of event sourcing and of declared fields, for plugins that
// have these, then the author's own.
// Falco asks from the threads of its web server, also two at once and while the event loop runs: the
// array is the thread's own, valid until that thread asks again.
#include "glue_extract.h"
#include "glue_source.h"
#include <stdlib.h>
#include <string.h>

typedef struct metric_list {
	ss_plugin_metric *items;
	uint32_t count, room;
	char err[512];
} metric_list;
static __thread metric_list list;

// Names are kept for the life of the process: the host reads them after the call, and there are few.
static const char *keep_name(const char *name) {
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char **names;
	static size_t count;
	const char *kept = NULL;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < count && !kept; i++)
		if (strcmp(names[i], name) == 0) kept = names[i];
	if (!kept) {
		char **more = realloc(names, (count + 1) * sizeof *names);
		if (more) names = more;
		if (more && (names[count] = strdup(name))) kept = names[count++];
	}
	pthread_mutex_unlock(&lock);
	return kept;
}

// Called by the Python side for each metric of the author, on the thread that asked.
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
	for (int i = 0; i < FK_NREASONS; i++) refused += c->refused[i];
	add_counter("async_emitted", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c->accepted);
	add_counter("async_sent", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c->sent);
	add_counter("async_delivered", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c->delivered);
	add_counter("async_waiting", SS_PLUGIN_METRIC_TYPE_NON_MONOTONIC, a->ring.count);
	add_counter("async_unconfirmed", SS_PLUGIN_METRIC_TYPE_NON_MONOTONIC, c->unconfirmed);
	add_counter("async_lost", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c->lost);
	add_counter("async_discarded", SS_PLUGIN_METRIC_TYPE_MONOTONIC, c->discarded + c->undelivered);
	add_counter("async_refused", SS_PLUGIN_METRIC_TYPE_MONOTONIC, refused);
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
}

ss_plugin_metric *fk_metrics(fk_impl *impl, uint32_t *n) {
	list.count = 0;
	if (impl->has_async) add_delivery(&impl->async);
	if (impl->sourcing) add_source(impl);
	if (impl->extraction && impl->extraction->doc)
		add_counter("fields_over_budget", SS_PLUGIN_METRIC_TYPE_MONOTONIC, impl->extraction->spent);
	uint32_t own = list.count;
	if (impl->has_metrics && fk_python_metrics((uint64_t)(uintptr_t)impl, list.err,
	                                           sizeof list.err) != SS_PLUGIN_SUCCESS) {
		list.count = own;
		fk_log(impl, SS_PLUGIN_LOG_SEV_ERROR, "%s", list.err);
	}
	*n = list.count;
	return list.items;
}
