// SPDX-License-Identifier: Apache-2.0
// Event sourcing: an open instance returns the events of its channel. next_batch takes no GIL and waits
// for a bounded time; open, close and list_open_params run on the worker, with its limits; progress and
// event_to_string, which hosts call to display something, call Python on the host's thread.
#include "source/source.h"
#include <stdlib.h>
#include <string.h>

#define BATCH_EVENTS 4096
#define WAIT_NS      30000000u // next_batch waits this long for the first event
#define NAP_NS       100000u   // after a batch it naps before it sleeps ...
#define LIVELY_NS    2000000u  // ... as long as the last batch is no older
// Async events leave the host's queue only between two calls: so it waits less when there were some
// within the last ASYNC_LATE_NS.
#define ASYNC_WAIT_NS 1000000u
#define ASYNC_LATE_NS 50000000u

typedef struct fk_instance {
	fk_impl *impl;
	fk_channel *ch;
	struct fk_instance *next;
	bool asked, over; // next_batch was called; the end was returned
	uint64_t batch_ns, async_ns, async_sent, async_seen;
	_Atomic uint64_t events, bytes, batches;
	ss_plugin_event *batch[BATCH_EVENTS];
} fk_instance;

enum fk_text {
	FK_TEXT_PARAMS,
	FK_TEXT_EVENT,
	FK_TEXT_PROGRESS,
	FK_NTEXTS
};
struct fk_sourcing {
	pthread_mutex_t lock; // get_metrics comes from other threads
	fk_instance *open;
	fk_source_counters before; // of the instances that are closed
	bool documents;            // an instance had a declaration of documents
	fk_channel *kept;          // holds the last batch of a closed instance
	char *texts[FK_NTEXTS];    // each valid until the next call of its kind
};

bool fk_sourcing_open(fk_impl *impl) {
	impl->sourcing = calloc(1, sizeof *impl->sourcing);
	if (impl->sourcing) pthread_mutex_init(&impl->sourcing->lock, NULL);
	return impl->sourcing != NULL;
}

void fk_sourcing_free(fk_impl *impl) {
	if (!impl->sourcing) return;
	if (impl->sourcing->kept) fk_channel_unref(impl->sourcing->kept);
	for (int i = 0; i < FK_NTEXTS; i++) free(impl->sourcing->texts[i]);
	pthread_mutex_destroy(&impl->sourcing->lock);
	free(impl->sourcing);
}

// ---- counters ---------------------------------------------------------------------------------------

static void add_counters(fk_source_counters *to, fk_instance *in) {
	to->events += in->events;
	to->bytes += in->bytes;
	to->batches += in->batches;
	to->dropped_size += in->ch->dropped_size;
	to->dropped_full += in->ch->dropped_full;
	to->documents += in->ch->documents;
	to->documents_invalid += in->ch->documents_invalid;
	to->events_invalid += in->ch->events_invalid;
	to->events_not_kept += in->ch->events_not_kept;
}

fk_source_counters fk_source_count(fk_impl *impl) {
	pthread_mutex_lock(&impl->sourcing->lock);
	fk_source_counters sum = impl->sourcing->before;
	for (fk_instance *in = impl->sourcing->open; in; in = in->next) {
		add_counters(&sum, in);
		sum.waiting += in->ch->put - in->ch->taken;
	}
	pthread_mutex_unlock(&impl->sourcing->lock);
	return sum;
}

bool fk_source_has_documents(const fk_impl *impl) {
	pthread_mutex_lock(&impl->sourcing->lock);
	bool has = impl->sourcing->documents;
	pthread_mutex_unlock(&impl->sourcing->lock);
	return has;
}

// ---- open and close ---------------------------------------------------------------------------------

ss_instance_t *fk_source_open(fk_plugin *p, const char *params, ss_plugin_rc *rc) {
	fk_impl *impl = p->impl;
	fk_instance *in = calloc(1, sizeof *in);
	fk_call call = {.op = FK_OP_OPEN, .text = params};
	*rc = SS_PLUGIN_FAILURE;
	if (!in) {
		fk_fail(p, "plugin '%s' has no memory for an event source", impl->name);
		return NULL;
	}
	*rc = fk_worker_run(impl, &call, "open", FK_LONG_S);
	if (*rc != SS_PLUGIN_SUCCESS) {
		free(in);
		return NULL;
	}
	in->impl = impl;
	in->ch = (fk_channel *)(uintptr_t)call.channel;
	fk_channel_ref(in->ch);
	pthread_mutex_lock(&impl->sourcing->lock);
	in->next = impl->sourcing->open;
	impl->sourcing->open = in;
	if (atomic_load(&in->ch->has_documents)) impl->sourcing->documents = true;
	pthread_mutex_unlock(&impl->sourcing->lock);
	return in;
}

static void take_out(struct fk_sourcing *sourcing, fk_instance *in) {
	pthread_mutex_lock(&sourcing->lock);
	fk_instance **at = &sourcing->open;
	while (*at != in) at = &(*at)->next;
	*at = in->next;
	add_counters(&sourcing->before, in);
	sourcing->before.discarded += in->ch->put - in->ch->taken;
	pthread_mutex_unlock(&sourcing->lock);
}

// libsinsp may hold back one event of a batch, to deliver an async event first. It keeps that event
// over close and the next open, and delivers it before it asks the new instance for events. So a batch
// is kept until a later instance has had a batch and is closed too.
static void keep_last_batch(struct fk_sourcing *sourcing, fk_instance *in) {
	fk_channel *over = in->batches ? sourcing->kept : in->ch;
	if (in->batches) sourcing->kept = in->ch;
	if (over) fk_channel_unref(over);
}

void fk_source_close(fk_plugin *p, ss_instance_t *instance) {
	fk_impl *impl = p->impl;
	fk_instance *in = instance;
	if (!in) return; // as after a failed open
	fk_channel_shut(in->ch);
	fk_call call = {.op = FK_OP_CLOSE, .channel = (uint64_t)(uintptr_t)in->ch};
	if (fk_worker_run(impl, &call, "close", FK_SHORT_S) != SS_PLUGIN_SUCCESS)
		fk_log(impl, SS_PLUGIN_LOG_SEV_ERROR, "%s", p->last_error);
	take_out(impl->sourcing, in);
	keep_last_batch(impl->sourcing, in);
	free(in);
}

// ---- how long next_batch may wait -------------------------------------------------------------------

static void wake(fk_sleeper *me) { fk_channel_wake(fk_channel_of(me), true); }

// How long the host may wait: not at all while it is delivering async events.
static uint64_t longest_wait(fk_instance *in, uint64_t now) {
	uint64_t sent = atomic_load(&fk_async_sent), seen = atomic_load(&fk_async_seen);
	bool delivering = seen != in->async_seen;
	if (delivering || sent != in->async_sent) in->async_ns = now;
	in->async_seen = seen;
	in->async_sent = sent;
	if (delivering) return 0;
	return in->async_ns && now - in->async_ns < ASYNC_LATE_NS ? ASYNC_WAIT_NS : WAIT_NS;
}

// ---- next_batch -------------------------------------------------------------------------------------

static void wait_for_events(fk_instance *in) {
	fk_channel *ch = in->ch;
	uint64_t now = fk_now(), limit = longest_wait(in, now);
	if (!limit) return;
	if (in->batch_ns && now - in->batch_ns < LIVELY_NS) {
		if (fk_channel_wait(ch, FK_HOST_NAPS, now + NAP_NS)) return;
		if (!fk_channel_empty(ch)) return;
	}
	ch->sleeper.wake = wake;
	fk_sleeper_add(&ch->sleeper);
	if (atomic_load(&fk_async_sent) == in->async_sent)
		fk_channel_wait(ch, FK_HOST_SLEEPS, now + limit);
	fk_sleeper_remove(&ch->sleeper);
}

static ss_plugin_rc end_of(fk_instance *in) {
	in->over = true;
	if (in->ch->rc == SS_PLUGIN_FAILURE) fk_fail(in->impl->plugin, "%s", in->ch->err);
	return (ss_plugin_rc)in->ch->rc;
}

static uint32_t take(fk_instance *in) {
	uint64_t bytes = 0;
	uint32_t n = fk_channel_take(in->ch, in->batch, BATCH_EVENTS, &bytes);
	if (!n) return 0;
	atomic_store_explicit(&in->events, in->events + n, memory_order_relaxed);
	atomic_store_explicit(&in->bytes, in->bytes + bytes, memory_order_relaxed);
	atomic_store_explicit(&in->batches, in->batches + 1, memory_order_relaxed);
	return n;
}

ss_plugin_rc fk_source_next_batch(fk_plugin *p, ss_instance_t *instance, uint32_t *n,
                                  ss_plugin_event ***events) {
	fk_instance *in = instance;
	if (in->over) return end_of(in);
	if (!in->asked) fk_channel_ask(in->ch);
	in->asked = true;
	bool ended =
		atomic_load(&in->ch->ended); // read before the events are taken, so that none follows
	uint32_t count = take(in);
	if (!count && !ended) {
		wait_for_events(in);
		ended = atomic_load(&in->ch->ended);
		count = take(in);
	}
	if (!count) return ended ? end_of(in) : SS_PLUGIN_TIMEOUT;
	in->batch_ns = fk_now();
	*n = count;
	*events = in->batch;
	if (!fk_channel_empty(in->ch)) return SS_PLUGIN_SUCCESS;
	// The host delivers a batch that comes with EOF or TIMEOUT before it acts on that. Hosts differ for a
	// FAILURE, so it is returned by the next call.
	if (ended && in->ch->rc == SS_PLUGIN_EOF) return end_of(in);
	return atomic_load(&in->ch->idle) ? SS_PLUGIN_TIMEOUT : SS_PLUGIN_SUCCESS;
}

// ---- what hosts display -----------------------------------------------------------------------------

// keep_text(plugin, which, bytes): stores the answer of one of the calls below
PyObject *fk_source_keep_text(PyObject *module, PyObject *args) {
	unsigned long long plugin;
	int which;
	const char *text;
	if (!PyArg_ParseTuple(args, "Kiy", &plugin, &which, &text)) return NULL;
	struct fk_sourcing *sourcing = ((fk_impl *)(uintptr_t)plugin)->sourcing;
	char *copy = strdup(text);
	if (!copy) return PyErr_NoMemory();
	free(sourcing->texts[which]);
	sourcing->texts[which] = copy;
	Py_RETURN_NONE;
}

static int ask_progress(fk_impl *impl, void *channel) {
	char err[1024];
	return fk_python_progress((uint64_t)(uintptr_t)impl, (uint64_t)(uintptr_t)channel, err,
	                          sizeof err);
}

static int ask_text(fk_impl *impl, void *event) {
	char err[1024];
	return fk_python_event_to_string((uint64_t)(uintptr_t)impl, event, err, sizeof err);
}

const char *fk_source_progress(fk_plugin *p, ss_instance_t *instance, uint32_t *percent) {
	fk_impl *impl = p->impl;
	int answer = fk_hook_call(impl, ask_progress, ((fk_instance *)instance)->ch);
	*percent = answer > 0 ? (uint32_t)answer : 0;
	return answer < 0 ? NULL : impl->sourcing->texts[FK_TEXT_PROGRESS];
}

const char *fk_source_open_params(fk_plugin *p, ss_plugin_rc *rc) {
	fk_impl *impl = p->impl;
	fk_call call = {.op = FK_OP_OPEN_PARAMS};
	*rc = fk_worker_run(impl, &call, "list_open_params", FK_LONG_S);
	return *rc == SS_PLUGIN_SUCCESS ? impl->sourcing->texts[FK_TEXT_PARAMS] : NULL;
}

// NULL when the author's hook fails; the host then displays the event in its own way. The last error is
// not changed: the host asks for it after other calls.
const char *fk_source_event_to_string(fk_plugin *p, const ss_plugin_event_input *event) {
	fk_impl *impl = p->impl;
	int rc = fk_hook_call(impl, ask_text, (void *)(uintptr_t)event);
	return rc == SS_PLUGIN_SUCCESS ? impl->sourcing->texts[FK_TEXT_EVENT] : NULL;
}
