// SPDX-License-Identifier: Apache-2.0
// Async events: from emit() in the author's code to the host's handler. An event goes from the emitter
// through emission and the ring to delivery, or from the emitter to delivery directly; in_flight
// recognises it when the host returns it. async_event/delivery.c explains the protocol.
#pragma once
#include "python/python.h"

#define FK_MAX_NAME 31        // libsinsp's event table keeps 31 bytes of an event name
#define FK_MAX_DATA (1 << 26) // bytes of data in one async event

// ---- the ring: ring.c -------------------------------------------------------------------------------
// Producers hold the GIL, so there is one at a time; the consumer holds the consumer lock.
typedef struct fk_ring {
	uint8_t *bytes;
	uint64_t size; // power of two
	_Atomic uint64_t head, tail;
	_Atomic uint64_t heap_bytes; // of events too large for the ring itself
	_Atomic uint64_t count;      // events in it
} fk_ring;

bool fk_ring_open(fk_ring *ring);
void fk_ring_close(fk_ring *ring);
uint8_t *fk_ring_reserve(fk_ring *ring, uint32_t len);
void fk_ring_commit(fk_ring *ring);
ss_plugin_event *fk_ring_peek(fk_ring *ring);
void fk_ring_pop(fk_ring *ring);
bool fk_ring_empty(const fk_ring *ring);

// ---- events whose time has not come yet: later.c ----------------------------------------------------
#define FK_LATER_MAX   16384u      // events
#define FK_LATER_BYTES (16u << 20) // bytes of all of them, unless a single one is larger

struct fk_later_event;
typedef struct fk_later {
	pthread_mutex_t lock;
	struct fk_later_event *heap; // the earliest on top
	uint32_t room;
	_Atomic uint32_t count; // including the one in `taken`
	uint64_t bytes, order;
	_Atomic(ss_plugin_event *) taken; // due, and not sent yet
	_Atomic uint64_t due;             // the timestamp of the earliest
} fk_later;

void fk_later_open(fk_later *later);
void fk_later_close(fk_later *later);
// Takes ownership of `event`, from malloc. False when there is no room (`*memory` is true) or no
// memory.
bool fk_later_put(fk_later *later, ss_plugin_event *event, bool *memory);
// Nanoseconds until the earliest is due; UINT64_MAX without any.
uint64_t fk_later_due_in(const fk_later *later);
// With the consumer lock: the earliest event that is due, to be dropped once it was sent; or NULL.
ss_plugin_event *fk_later_peek(fk_later *later);
void fk_later_drop(fk_later *later);
uint32_t fk_later_discard(fk_later *later); // all of them; returns their number

// ---- events on their way through the host: in_flight.c ----------------------------------------------
#define FK_FLIGHT    4096         // the size of the host's queue; power of two
#define FK_TIMED_MAX 2048         // how many of them may have a timestamp of their own
#define FK_TAG       8u           // bytes after an event's last parameter
#define FK_UNORDERED (1ull << 63) // in the result of fk_flight_add: it is in the table `unordered`
enum fk_state {
	FK_RETURNED,  // the host returned it, or refused it
	FK_IN_WINDOW, // counted in `inflight`
	FK_OVERDUE,   // was in the window for a second
	FK_DIRECT,
	FK_TIMED,
	FK_PASSED, // a later one was returned first
	FK_LOST,
	FK_LEFT_BEHIND, // in the host's queue when the capture closed
};
typedef struct fk_flight { // each event that was sent and not returned yet, oldest first
	uint32_t sent_ms[FK_FLIGHT];
	uint8_t state[FK_FLIGHT];
	uint64_t head, tail;     // positions, which only grow
	uint64_t passed, closed; // positions: the last one returned, the tail at the last close
} fk_flight;

typedef struct fk_async fk_async;
void fk_flight_open(fk_async *a);
uint64_t fk_flight_add(fk_async *a, ss_plugin_event *event, bool direct);
bool fk_flight_is_untracked(uint64_t entry);
void fk_flight_cancel(fk_async *a, uint64_t entry);
bool fk_flight_returned(fk_async *a, const ss_plugin_event *event);
bool fk_flight_expire(fk_async *a);
void fk_flight_close(fk_async *a);

// ---- from the ring to the delivery, in time: latency.c ----------------------------------------------
#define FK_LATENCIES 256u
#define FK_NO_ENTRY  UINT64_MAX
typedef struct fk_latency {
	_Atomic uint64_t watched; // 1 + the position in the ring of the event that is watched; 0: none
	uint64_t since_ns;        // when it was appended; written before `watched`
	uint64_t entry;           // its entry in flight; FK_NO_ENTRY: it is still in the ring
	bool is_back;
	_Atomic uint32_t us[FK_LATENCIES], count; // the last ones, and how many there were
} fk_latency;

void fk_latency_open(fk_latency *l);
void fk_latency_begin(fk_latency *l, uint64_t position);
void fk_latency_sent(fk_latency *l, uint64_t position, uint64_t entry);
void fk_latency_returned(fk_latency *l, uint64_t entry);
void fk_latency_look(fk_latency *l, uint64_t now);
void fk_latency_cancel(fk_latency *l, uint64_t entry);
void fk_latency_read(fk_latency *l, uint32_t *p50, uint32_t *p99);

// ---- all of a plugin's async events -----------------------------------------------------------------
typedef struct fk_counters {
	_Atomic uint64_t accepted;    // emissions that returned
	_Atomic uint64_t sent;        // handed to the host, which answered SUCCESS
	_Atomic uint64_t delivered;   // returned to parse_event
	_Atomic uint64_t unconfirmed; // sent, and not returned for a second so far
	_Atomic uint64_t lost;        // dropped by the host: later ones were returned, these were not
	_Atomic uint64_t discarded;   // accepted, and still in the ring when the capture closed
	_Atomic uint64_t undelivered; // sent, and not returned when the capture closed, nor since
	_Atomic uint64_t refused[FK_NREASONS];
} fk_counters;

// A handler of the host, from the call that passes it to the call that takes it back.
typedef struct fk_handler {
	_Atomic uint64_t generation; // odd while it is open; emitters of another generation are refused
	_Atomic(ss_plugin_async_event_handler_t) function;
	ss_plugin_owner_t *owner;
	_Atomic int calls; // running now
} fk_handler;

struct fk_async {
	uint32_t nnames;
	char (*names)[FK_MAX_NAME + 1];
	fk_ring ring;
	fk_later later;
	fk_flight ordered, unordered;
	fk_latency latency;
	uint64_t tag_base, untracked, untracked_closed;
	uint64_t timed;          // in the host's queue, with a timestamp of their own
	_Atomic uint64_t passed; // events that later ones have passed, a second ago at most
	fk_counters count;

	fk_handler live, dump;
	_Atomic bool stopping; // nobody may wait for room any more
	_Atomic bool starting; // start_async has not returned: the host does not take events yet

	// Delivery: guarded by the consumer lock, a spin lock held for nanoseconds (or by the host's own
	// thread while it sends).
	_Atomic int consumer;
	_Atomic uint32_t inflight;
	_Atomic int reported;         // the host calls parse_event: 0 not known yet, 1 yes, -1 no
	_Atomic uint64_t pause_until; // monotonic ns: no burst starts before it
	_Atomic bool blocked;         // the oldest has a timestamp, and too many such are in the queue
	bool busy;                    // other events pass between ours: leave them their share
	bool in_burst;
	uint64_t first_sent_ns, burst_start, burst_limit, last_seen_ns, last_number;
	uint64_t overflow;   // sent to a silent host when its queue had to be full
	uint64_t clock_ns;   // when the holder of the lock last read the clock
	_Atomic int refusal; // the host refused one: `refusal_text` is for the next emit
	char refusal_text[PLUGIN_MAX_ERRLEN];

	// Producers that wait for room, and the pacer.
	pthread_mutex_t lock;
	pthread_cond_t room, wake;
	_Atomic int waiting;
	_Atomic bool pacer_asleep, pacer_armed, pacer_quit;
	pthread_t pacer;
	bool pacer_on;
};

// ---- delivery.c -------------------------------------------------------------------------------------
#define FK_STALL_MS 1000 // an event that was not returned by then is no longer waited for
bool fk_deliver_start(fk_async *a, char *err);
void fk_deliver_urgent(fk_async *a);
bool fk_deliver_direct(fk_async *a, ss_plugin_event *event, char *err);
bool fk_deliver_pending(const fk_async *a);
bool fk_deliver_returned(fk_async *a, const ss_plugin_event_input *in);
bool fk_deliver_expire(fk_async *a);
uint64_t fk_handler_open(fk_handler *to, ss_plugin_owner_t *owner,
                         ss_plugin_async_event_handler_t function);
void fk_handler_close(fk_handler *to);
ss_plugin_rc fk_handler_call(fk_async *a, fk_handler *to, const ss_plugin_event *event, char *err);
void fk_consumer_lock(fk_async *a);
void fk_consumer_unlock(fk_async *a);

// ---- how long a producer waits: waiting.c -----------------------------------------------------------
bool fk_wait_for_room(fk_async *a, uint64_t ns);
void fk_wake_pacer(fk_async *a);

// Until its `timeout` is over, or until waiting has become pointless: when the author's code holds up
// the host's thread, nothing is taken any more, and that code may itself wait for a lock that the
// producer holds. The producer's wait then ends with an error that says so.
typedef struct fk_wait_limit {
	uint64_t until;        // monotonic ns; FK_NO_LIMIT: unlimited
	uint64_t taken, since; // how much had been taken when that last changed, and when
} fk_wait_limit;
#define FK_NO_LIMIT UINT64_MAX

// timeout=: seconds or None. False: it is neither; no exception is set.
bool fk_wait_limit_begin(fk_wait_limit *limit, PyObject *timeout);
// The smaller of `ns` and the time that is left.
uint64_t fk_wait_limit_left(const fk_wait_limit *limit, uint64_t ns);
// After a wait without room: whether to give up, and why. `taken`: how much the host has taken so far.
// `looks`: how many looks of the watch its thread must have been held up for.
bool fk_wait_limit_reached(fk_wait_limit *limit, uint64_t taken, uint32_t looks, char *why,
                           size_t size);

// ---- sleeping event sources: waiting.c --------------------------------------------------------------
// A source that sleeps in next_batch keeps the host from delivering async events of any plugin in this
// process: it is woken for them.
typedef struct fk_sleeper {
	struct fk_sleeper *next;
	void (*wake)(struct fk_sleeper *me);
} fk_sleeper;
void fk_sleeper_add(fk_sleeper *me);
void fk_sleeper_remove(fk_sleeper *me);
void fk_async_was_sent(void);
void fk_async_was_seen(void);
extern _Atomic uint64_t fk_async_sent, fk_async_seen;

// ---- from start_async to stop_async: capture.c ------------------------------------------------------
bool fk_async_open(fk_impl *impl, const char *const *names);
void fk_async_close(fk_async *a);
ss_plugin_rc fk_capture_start(fk_impl *impl, ss_plugin_owner_t *owner,
                              ss_plugin_async_event_handler_t handler);
ss_plugin_rc fk_capture_stop(fk_impl *impl);
ss_plugin_rc fk_capture_dump(fk_plugin *p, ss_plugin_owner_t *owner,
                             ss_plugin_async_event_handler_t handler);

// ---- one emission between its arguments and its bytes: emission.c -----------------------------------
enum fk_arg {
	FK_ARG_NAME,
	FK_ARG_DATA,
	FK_ARG_TS,
	FK_ARG_TID,
	FK_ARG_DIRECT,
	FK_ARG_ID,
	FK_ARG_PAYLOADS,
	FK_ARG_TIMEOUT,
	FK_NARGS
};

typedef struct fk_emission {
	uint32_t name; // index
	fk_bytes data;
	uint64_t ts, tid;
	uint32_t plugin_id;
	bool direct, ahead; // ahead: its timestamp lies in the future
	fk_wait_limit wait_limit;
} fk_emission;

// The name in the last call and its index: usually the next call passes the same string object.
typedef struct fk_last_name {
	PyObject *name;
	uint32_t index;
} fk_last_name;

bool fk_emission_ready(void);
void *fk_refuse(fk_async *a, enum fk_reason reason, const char *format, ...);
bool fk_take_args(const char *method, PyObject *const *args, Py_ssize_t n, PyObject *kwnames,
                  PyObject *out[FK_NARGS]);
bool fk_take_options(fk_impl *impl, fk_last_name *last, PyObject *arg[FK_NARGS], bool dump,
                     fk_emission *e);
bool fk_find_data(fk_async *a, PyObject *data, fk_emission *e);
// Events that are sent, not dumped, have FK_TAG bytes more.
uint32_t fk_event_length(const fk_async *a, const fk_emission *e);
void fk_encode(const fk_async *a, const fk_emission *e, uint8_t *out, uint32_t total);

// ---- for Python: emitter.c --------------------------------------------------------------------------
extern PyTypeObject *fk_emitter_type;
bool fk_emitter_ready(void);
PyObject *fk_new_emitter(fk_impl *impl, bool dump);

// ---- the states of decorated producers, which get_metrics reads without the GIL: producers.c --------
// In the order of falcokit/runtime/async_event/supervision.py, which uses the numbers.
enum fk_producer_state {
	FK_PRODUCER_RUNNING,
	FK_PRODUCER_FAILING, // running, after failures in a row
	FK_PRODUCER_WAITING, // to be started again
	FK_PRODUCER_ENDED,
	FK_PRODUCER_STOPPED // no capture is open
};

typedef struct fk_producer {
	char *label;
	_Atomic int state;
	_Atomic uint64_t failures, in_row;
	// Monotonic. While waiting: when it is started again. While failing: when it counts as running again.
	_Atomic uint64_t until_ns;
} fk_producer;

struct fk_producers {
	PyObject *view; // () -> tuple of ProducerState
	uint32_t count;
	fk_producer rows[];
};

// With the GIL, for Link and Emitter.
PyObject *fk_producers_set(fk_impl *impl, PyObject *args);
PyObject *fk_producer_set(fk_impl *impl, PyObject *args);
PyObject *fk_producers_view(fk_impl *impl);
void fk_producers_forget(fk_impl *impl);
void fk_producers_free(fk_impl *impl);
