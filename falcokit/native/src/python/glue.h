// SPDX-License-Identifier: Apache-2.0
// What the files of the glue share: the plugin's state behind ss_plugin_t, and each file's calls.
//   python/start.c     starts Python              python/worker.c    runs lifecycle hooks, with a limit
//   base/plugin.c   the table of the ABI       base/module.c    what Python imports
//   python/gil.c      the GIL for hot calls      python/keeper.c    keeps it between them
//   python/held_up.c    code that does not return  base/metrics.c   get_metrics
//   async_event/patience.c how long producers wait    python/limits.h    how long the host does
//   python/holder.c   who holds the GIL          python/stack.c     stacks and recursion
//   async_event/emitter.c  emit() for Python          async_event/emission.c  what is emitted, checked and encoded
//   async_event/ring.c     producers write here       async_event/delivery.c  from the ring to the host
//   async_event/in_flight.c   what is on its way         async_event/capture.c   handler set and cleared, the pacer
//   async_event/outlet.c   the host's handler         async_event/later.c      events whose time has not come
//   base/carried.c  of a packaged plugin       source/channel.c   from a source to next_batch
//   source/source.c   open, next_batch           glue_queue*.c    put() for Python
//   source/item.c     what is put, as bytes      base/counters.c  handler.counters
//   extract/extract.c  extract_fields             extract/value.c     what its methods return
//   parse/parse.c    parse_event                event/event.c     events as hooks get them
//   listen/listen.c   capture hooks              listen/routine.c   what they subscribe
//   glue_table*.c   imported tables            glue_store*.c    exported tables
//   async_event/producers.c  states of producers
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "abi/abi.h"
#include "event/event.h"
#include "async_event/in_flight.h"
#include "async_event/later.h"

#define FK_MAX_NAME 31        // libsinsp's event table keeps 31 bytes of an event name
#define FK_MAX_DATA (1 << 26) // bytes of data in one async event

// ---- the calls into Python: one struct for all of them (mirrored in falcokit/build/glue_library.py) --------
enum fk_op {
	FK_OP_INIT,
	FK_OP_DESTROY,
	FK_OP_SET_CONFIG,
	FK_OP_START,
	FK_OP_STOP,
	FK_OP_DUMP,
	FK_OP_OPEN_PARAMS,
	FK_OP_OPEN,
	FK_OP_CLOSE,
	FK_OP_CAPTURE_OPEN,
	FK_OP_CAPTURE_CLOSE
};

typedef struct fk_call {
	uint64_t plugin; // the fk_impl's address: the key of the Python side's table
	int op;
	const char *text; // config or open params, or NULL
	const char *name, *target, *source_dir;
	const char *const *paths;
	char *err;
	size_t errlen;
	uint64_t instance; // of an open event source
} fk_call;

// Defined by the code that cffi generates.
extern int fk_call_python(fk_call *call);
extern int fk_python_where(uint64_t plugin, char *out, size_t len);
extern int fk_python_metrics(uint64_t plugin);
extern int fk_python_progress(uint64_t plugin, uint64_t instance, char *err, size_t len);
extern int fk_python_event_to_string(uint64_t plugin, const ss_plugin_event_input *event, char *err,
                                     size_t len);

// ---- the worker -------------------------------------------------------------------------------------
typedef struct fk_worker {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	fk_call call; // the job under way or done
	char *text;   // owned copy of call.text
	char err[FK_ERRLEN];
	int rc;
	bool busy, quit, started;
	bool given_up; // the host no longer waits for the job under way
} fk_worker;

// ---- async events -----------------------------------------------------------------------------------
// One record of the ring: this header, then the event, padded to 8 bytes.
typedef struct fk_record {
	uint32_t size; // with this header and padding
	uint32_t kind; // FK_RECORD_*
} fk_record;
enum {
	FK_RECORD_EVENT,
	FK_RECORD_PAD,
	FK_RECORD_HEAP
};

// Producers hold the GIL, so there is one at a time; the consumer is whoever holds `role`.
typedef struct fk_ring {
	uint8_t *bytes;
	uint64_t size; // power of two
	_Atomic uint64_t head, tail;
	_Atomic uint64_t heap_bytes; // of events too large to lie in the ring itself
	_Atomic uint64_t count;      // events in it
} fk_ring;

// Reasons why an emission is refused before or by the host; the order of fk_reason_names.
enum fk_reason {
	FK_REFUSED_NAME,
	FK_REFUSED_CLOSED,
	FK_REFUSED_SIZE,
	FK_REFUSED_FUTURE,
	FK_REFUSED_DATA,
	FK_REFUSED_HOST,
	FK_REFUSED_FULL,
	FK_NREASONS
};
extern const char *const fk_reason_names[FK_NREASONS];

typedef struct fk_counters {
	_Atomic uint64_t accepted;    // emissions that returned
	_Atomic uint64_t sent;        // handed to the host, which answered SUCCESS
	_Atomic uint64_t delivered;   // seen again in parse_event
	_Atomic uint64_t unconfirmed; // handed over and not seen again for a second, so far
	_Atomic uint64_t lost;        // dropped by the host: later ones came, these did not
	_Atomic uint64_t discarded;   // accepted, and still in the ring when the capture closed
	_Atomic uint64_t undelivered; // sent, and not seen again when the capture closed, nor since
	_Atomic uint64_t refused[FK_NREASONS];
} fk_counters;

// A handler of the host's, from the call that gave it to the call that takes it back.
typedef struct fk_outlet {
	_Atomic uint64_t generation; // odd while it is open; emitters of another one are refused
	_Atomic(ss_plugin_async_event_handler_t) handler;
	ss_plugin_owner_t *owner;
	_Atomic int calls; // under way
} fk_outlet;

typedef struct fk_async {
	uint32_t nnames;
	char (*names)[FK_MAX_NAME + 1];
	fk_ring ring;
	fk_later later;
	fk_flight flight, apart;
	uint64_t tag_base, beyond, beyond_closed;
	uint64_t timed;          // in the host's queue, with a timestamp of their own
	_Atomic uint64_t passed; // events that later ones have passed, a second ago at most
	fk_counters count;

	fk_outlet live, dump;
	_Atomic bool stopping; // nobody may wait for room any more
	_Atomic bool starting; // start_async has not returned: the host does not pump yet

	// Delivery: guarded by `role`, a lock held for nanoseconds (or by the host's own thread).
	_Atomic int role;
	_Atomic uint32_t inflight;
	_Atomic int reported;         // the host calls parse_event: 0 not seen yet, 1 yes, -1 no
	_Atomic uint64_t pause_until; // monotonic ns: no kick before it
	_Atomic bool blocked;         // the oldest has a timestamp, and too many such are in the queue
	bool busy;                    // other events pass between ours: leave them their share
	bool in_burst;
	uint64_t first_sent_ns, burst_start, burst_limit, last_seen_ns, last_number;
	uint64_t beyond_room; // sent to a silent host when its queue had to be full
	uint64_t clock_ns;    // when the holder of the role last looked
	_Atomic int refusal;  // the host refused: `refusal_text` is for the next emit
	char refusal_text[PLUGIN_MAX_ERRLEN];

	// Producers that wait for room, and the pacer.
	pthread_mutex_t lock;
	pthread_cond_t room, wake;
	_Atomic int waiting;
	_Atomic bool pacer_asleep, pacer_armed, pacer_quit;
	pthread_t pacer;
	bool pacer_on;
} fk_async;

// ---- the plugin -------------------------------------------------------------------------------------
typedef struct fk_impl {
	_Atomic int refs;  // the host, the worker, each Python object that points here
	fk_plugin *plugin; // NULL after destroy
	char *name, *target, *source_dir, **paths; // copies of the fk_boot's
	bool has_metrics, has_async, imports_tables;
	uint32_t plugin_id; // of its event source, 0: it has none
	ss_plugin_owner_t *owner;
	ss_plugin_log_fn_t log_fn; // NULL after destroy
	pthread_mutex_t log_lock;
	pthread_mutex_t init_lock;
	const ss_plugin_init_input *init_in; // while the host waits for init
	bool capturing;                      // a handler is set and start_async has succeeded
	fk_worker worker;
	fk_async async;
	fk_event_slot event;              // that hooks were last called with
	struct fk_sourcing *sourcing;     // source/source.c
	struct fk_extraction *extraction; // extract/extract.c
	struct fk_parsing *parsing;       // parse/parse.c
	struct fk_tables *tables;         // tables/lent.c
	struct fk_listening *listening;   // listen/listen.c
	struct fk_xroot *exports;         // tables/export.c
	struct fk_producers *producers;   // async_event/producers.c
} fk_impl;

void fk_impl_ref(fk_impl *impl);
void fk_impl_unref(fk_impl *impl);
void fk_fail(fk_plugin *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fk_log(fk_impl *impl, ss_plugin_log_severity sev, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void fk_log_text(fk_impl *impl, ss_plugin_log_severity sev, const char *component,
                 const char *text);
static inline uint64_t fk_now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// base/carried.c
void fk_payload_adopt(fk_store *store);
bool fk_is_packaged(void);
const char *fk_payload_archive(char *err, size_t errlen);
PyObject *fk_payload_modules(PyObject *module, PyObject *none);
PyObject *fk_payload_place(PyObject *module, PyObject *item);
// python/start.c
bool fk_start_python(const fk_boot *boot, char *err, size_t errlen);
// python/worker.c
bool fk_worker_start(fk_impl *impl);
void fk_worker_end(fk_impl *impl);
ss_plugin_rc fk_worker_run(fk_impl *impl, fk_call *call, const char *hook, double limit_s);
// async_event/ring.c
bool fk_ring_open(fk_ring *ring);
void fk_ring_close(fk_ring *ring);
uint8_t *fk_ring_reserve(fk_ring *ring, uint32_t len);
void fk_ring_commit(fk_ring *ring);
ss_plugin_event *fk_ring_peek(fk_ring *ring);
void fk_ring_pop(fk_ring *ring);
bool fk_ring_empty(const fk_ring *ring);
// async_event/delivery.c
#define FK_STALL_MS 1000 // nothing came back for so long: no longer waited for
bool fk_deliver_kick(fk_async *a, char *err);
void fk_deliver_ahead(fk_async *a);
bool fk_deliver_direct(fk_async *a, ss_plugin_event *event, char *err);
bool fk_deliver_left(const fk_async *a);
uint64_t fk_outlet_open(fk_outlet *outlet, ss_plugin_owner_t *owner,
                        ss_plugin_async_event_handler_t handler);
void fk_outlet_shut(fk_outlet *outlet);
ss_plugin_rc fk_outlet_call(fk_async *a, fk_outlet *outlet, const ss_plugin_event *event,
                            char *err);
void fk_relax(int spins);
bool fk_deliver_seen(fk_async *a, const ss_plugin_event_input *in);
bool fk_deliver_overdue(fk_async *a);
void fk_lock_role(fk_async *a);
void fk_drop_role(fk_async *a);
// async_event/capture.c
bool fk_async_open(fk_impl *impl, const char *const *names);
void fk_async_close(fk_async *a);
ss_plugin_rc fk_capture_start(fk_impl *impl, ss_plugin_owner_t *owner,
                              ss_plugin_async_event_handler_t handler);
ss_plugin_rc fk_capture_stop(fk_impl *impl);
ss_plugin_rc fk_capture_dump(fk_impl *impl, ss_plugin_owner_t *owner,
                             ss_plugin_async_event_handler_t handler);
bool fk_wait_for_room(fk_async *a, uint64_t ns);
// The host waits for what this thread does: it is the host's, in parse_event, or the worker. Nobody
// takes anything from the queue meanwhile, so to wait for room would be for ever.
extern __thread bool fk_host_waits;
void fk_wake_pacer(fk_async *a);
// base/counters.c
PyObject *fk_counters_tell(fk_counters *c);
void fk_counters_tell_batch(Py_ssize_t sent);
// async_event/emitter.c
extern PyTypeObject *fk_emitter_type;
bool fk_emitter_ready(void);
PyObject *fk_new_emitter(fk_impl *impl, bool dump);
// base/module.c
typedef struct fk_python_side {      // given by falcokit.runtime.host.callbacks at its import
	PyObject *error_of[FK_NREASONS]; // exception classes
	PyObject *encode_json;           // object -> bytes
	PyObject *expand_event;          // AsyncEvent -> (name, data, ts_ns, tid, plugin_id)
	PyObject *make_counters;         // numbers and a dict -> AsyncCounters
	PyObject *tell_emitted;          // exception, number of events emitted before it
} fk_python_side;
extern fk_python_side fk_python;
PyObject *fk_hot_module(void);
// listen/listen.c
ss_plugin_rc fk_listen_open(fk_impl *impl, const ss_plugin_capture_listen_input *in);
ss_plugin_rc fk_listen_close(fk_impl *impl, const ss_plugin_capture_listen_input *in);
void fk_listen_free(fk_impl *impl);
// listen/routine.c, for Python's side through Link
PyObject *fk_listen_subscribe(fk_impl *impl, PyObject *function);
PyObject *fk_listen_unsubscribe(fk_impl *impl, PyObject *id);
PyObject *fk_listen_interrupt(fk_impl *impl, PyObject *args);
PyObject *fk_listen_drain(fk_impl *impl, PyObject *seconds);
// tables/export.c
PyObject *fk_export_table(fk_impl *impl, PyObject *args);
void fk_exports_close(fk_impl *impl);
bool fk_exports_ready(void);
// extract/extract.c
bool fk_extract_open(fk_impl *impl, const fk_boot *boot, char *err, size_t errlen);
void fk_extract_close(fk_impl *impl);
bool fk_extract_bind(fk_impl *impl, PyObject *plugin, PyObject *failed);
void fk_extract_forget(fk_impl *impl);
ss_plugin_rc fk_extract(fk_impl *impl, const ss_plugin_event_input *event,
                        const ss_plugin_field_extract_input *in);
// base/metrics.c
ss_plugin_metric *fk_metrics(fk_impl *impl, uint32_t *n);
int fk_metric_add(const char *name, int kind, int value_type, double d, int64_t i, uint64_t u);
