// SPDX-License-Identifier: Apache-2.0
// Event sourcing: the calls of the ABI's table (source.c), the channel between a source's Python side and
// next_batch (channel.c, which explains the protocol), its Python type (queue.c), and what it is given
// (item.c; documents.c where the author has declared JsonDocuments).
#pragma once
#include <stddef.h>
#include "async_event/async_event.h"
#include "json/documents.h"

typedef struct fk_source_counters {
	uint64_t events, bytes, batches, dropped_size, dropped_full, discarded, waiting;
	uint64_t documents, documents_invalid, events_invalid, events_not_kept;
} fk_source_counters;

bool fk_sourcing_open(fk_impl *impl);
void fk_sourcing_free(fk_impl *impl);
fk_source_counters fk_source_count(fk_impl *impl);
bool fk_source_has_documents(const fk_impl *impl);

ss_instance_t *fk_source_open(fk_plugin *p, const char *params, ss_plugin_rc *rc);
void fk_source_close(fk_plugin *p, ss_instance_t *instance);
ss_plugin_rc fk_source_next_batch(fk_plugin *p, ss_instance_t *instance, uint32_t *n,
                                  ss_plugin_event ***events);
const char *fk_source_progress(fk_plugin *p, ss_instance_t *instance, uint32_t *percent);
const char *fk_source_open_params(fk_plugin *p, ss_plugin_rc *rc);
const char *fk_source_event_to_string(fk_plugin *p, const ss_plugin_event_input *event);

PyObject *fk_source_keep_text(PyObject *module, PyObject *args);

extern PyTypeObject *fk_queue_type;
bool fk_queue_ready(void);
PyObject *fk_queue_install(PyObject *module, PyObject *args);

// ---- an item between the author's object and its bytes: item.c --------------------------------------
typedef struct fk_source_item {
	fk_bytes bytes;
	uint64_t ts;
} fk_source_item;

#pragma pack(push, 1)
typedef struct fk_plugin_event { // the bytes before the payload of a plugin event
	ss_plugin_event head;
	uint32_t id_len, payload_len, id;
} fk_plugin_event;
#pragma pack(pop)
_Static_assert(sizeof(fk_plugin_event) == PLUGIN_EVENT_PAYLOAD_OFFSET, "layout of plugin events");

bool fk_source_item_is_event(PyObject *object); // of the class Event
// For items that are not bytes. False with an exception; otherwise the caller drops its bytes.
bool fk_source_item_find(PyObject *object, bool whole, fk_source_item *item);
// `whole`: the item is an event with its header, of a plugin without an id.
bool fk_source_item_check(const fk_source_item *item);
bool fk_source_item_ready(PyObject *event_type);

// ---- a channel, a bounded queue of encoded events: channel.c ----------------------------------------
#define FK_CHANNEL_BYTES (2u << 20) // of the events in one channel, unless a single event is larger

typedef struct fk_segment {
	struct fk_segment *below; // in a stack of spare segments
	_Atomic(struct fk_segment *) next;
	size_t size;
	_Atomic size_t used; // multiple of 8
	uint64_t bytes[];
} fk_segment;

enum fk_host_state {
	FK_HOST_AWAY,  // not waiting
	FK_HOST_NAPS,  // waits for a moment only: woken for many events
	FK_HOST_SLEEPS // woken for the first event
};

#define FK_LINE 64 // bytes of a cache line: the two sides write to different lines

typedef struct fk_channel {
	_Atomic int refs; // the queue object, the open instance
	// Of the producer.
	_Alignas(FK_LINE) fk_segment *last, *kept;
	uint64_t max_events;
	size_t next_size;
	_Atomic uint64_t put, put_bytes;
	_Atomic uint64_t dropped_size, dropped_full;
	_Atomic bool has_documents; // the counts of documents.c:
	_Atomic uint64_t documents, documents_invalid, events_invalid, events_not_kept;
	// Of the consumer. `oldest`: the first segment of the host's batch; `first`, `at`: the next event.
	_Alignas(FK_LINE) fk_segment *oldest, *first;
	size_t at;
	_Atomic uint64_t taken, taken_bytes;
	// Of both sides, and rarely written.
	_Alignas(FK_LINE) _Atomic(fk_segment *) spares;
	_Atomic int host_state; // enum fk_host_state
	_Atomic bool idle;      // the source has nothing now
	_Atomic bool ended;     // no event follows; rc and err give the reason
	_Atomic bool shut;      // the host takes no more events
	_Atomic bool asked;     // next_batch was called: the capture is fully open
	_Atomic int waiting;    // producers that wait for room
	pthread_mutex_t lock;
	pthread_cond_t events, room;
	fk_sleeper sleeper;
	int rc;
	char err[FK_ERRLEN];
} fk_channel;

fk_channel *fk_channel_new(uint64_t max_events);
void fk_channel_ref(fk_channel *ch);
void fk_channel_unref(fk_channel *ch);
bool fk_channel_room(const fk_channel *ch, size_t len);
uint8_t *fk_channel_reserve(fk_channel *ch, size_t len);
void fk_channel_wake(fk_channel *ch, bool for_all);
bool fk_channel_wait_room(fk_channel *ch, uint64_t ns);
void fk_channel_ask(fk_channel *ch);
void fk_channel_wait_asked(fk_channel *ch);
void fk_channel_end(fk_channel *ch, int rc, const char *err);
void fk_channel_shut(fk_channel *ch);
uint32_t fk_channel_take(fk_channel *ch, ss_plugin_event **out, uint32_t max, uint64_t *bytes);
bool fk_channel_empty(const fk_channel *ch);
bool fk_channel_wait(fk_channel *ch, enum fk_host_state how, uint64_t until);

static inline fk_channel *fk_channel_of(fk_sleeper *sleeper) {
	return (fk_channel *)((char *)sleeper - offsetof(fk_channel, sleeper));
}

extern bool fk_barriers_here; // no membarrier: each side makes its own barrier

static inline size_t fk_rounded(size_t len) { return (len + 7) & ~(size_t)7; }

// Publishes the event written to what fk_channel_reserve gave.
static inline void fk_channel_commit(fk_channel *ch, size_t len) {
	size_t size = fk_rounded(len),
		   used = atomic_load_explicit(&ch->last->used, memory_order_relaxed);
	uint64_t put = atomic_load_explicit(&ch->put, memory_order_relaxed);
	uint64_t bytes = atomic_load_explicit(&ch->put_bytes, memory_order_relaxed);
	atomic_store_explicit(&ch->put, put + 1, memory_order_relaxed);
	atomic_store_explicit(&ch->put_bytes, bytes + size, memory_order_relaxed);
	if (atomic_load_explicit(&ch->idle, memory_order_relaxed))
		atomic_store_explicit(&ch->idle, false, memory_order_relaxed);
	atomic_store_explicit(&ch->last->used, used + size, memory_order_release);
	// We store the event and then read host_state; the host stores host_state and then reads the channel.
	// Both sides need a barrier between the two. Here it would wait for the whole payload to be written,
	// so the host makes ours too, with membarrier.
	if (fk_barriers_here)
		atomic_thread_fence(memory_order_seq_cst);
	else
		atomic_signal_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&ch->host_state, memory_order_relaxed)) fk_channel_wake(ch, false);
}

// ---- a document on its way into events: documents.c -------------------------------------------------
typedef struct fk_documents
	fk_documents; // of one queue: the declaration, and what is kept for reuse

// One document: its events, of which those before `next` were taken. It has a reference to its bytes.
typedef struct fk_reading {
	struct fk_reading *below; // in a stack of spare ones
	fk_jsplit *split;
	uint32_t next;
	fk_bytes bytes;
	bool dropped; // an event of it was dropped
} fk_reading;

// *log is called with a text for what is skipped; it may be NULL.
fk_documents *fk_documents_new(const char *bytes, Py_ssize_t len, bool fails, Py_ssize_t max_size,
                               fk_channel *ch, PyObject **log);
void fk_documents_free(fk_documents *documents);
bool fk_documents_takes(PyObject *object); // an Event is sent as it is
// Finds the events of a document; without the GIL while it is large. NULL with an exception.
fk_reading *fk_documents_read(fk_documents *documents, PyObject *object);
void fk_documents_give_back(fk_documents *documents, fk_reading *reading);
// Whether so much was read since the last time that other threads should have the GIL now.
bool fk_documents_turn(fk_documents *documents);
// For the log, at most one a minute of each kind; `last_ns` is of that kind. With the GIL.
bool fk_source_may_log(uint64_t *last_ns);
void fk_source_log(PyObject *log, const char *format, ...);
