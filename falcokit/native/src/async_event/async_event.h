// SPDX-License-Identifier: Apache-2.0
// What the files of async events share. An event goes emitter -> emission -> ring -> delivery, or
// straight from the emitter to delivery; in_flight knows it again when the host hands it back.
#pragma once
#include "async_event/in_flight.h"
#include "async_event/later.h"
#include "python/classes.h"
#include "python/state.h"

#define FK_MAX_NAME 31        // libsinsp's event table keeps 31 bytes of an event name
#define FK_MAX_DATA (1 << 26) // bytes of data in one async event

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

// ---- ring.c
bool fk_ring_open(fk_ring *ring);
void fk_ring_close(fk_ring *ring);
uint8_t *fk_ring_reserve(fk_ring *ring, uint32_t len);
void fk_ring_commit(fk_ring *ring);
ss_plugin_event *fk_ring_peek(fk_ring *ring);
void fk_ring_pop(fk_ring *ring);
bool fk_ring_empty(const fk_ring *ring);
// ---- delivery.c and outlet.c
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
// ---- waiting.c
bool fk_wait_for_room(fk_async *a, uint64_t ns);
void fk_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t ns);
void fk_wake_pacer(fk_async *a);
// ---- asleep.c
// A source that sleeps in next_batch keeps the host from delivering async events, of any plugin in this
// process: it is woken for them.
typedef struct fk_sleeper {
	struct fk_sleeper *next;
	void (*wake)(struct fk_sleeper *me);
} fk_sleeper;
void fk_fall_asleep(fk_sleeper *me);
void fk_rise(fk_sleeper *me);
void fk_async_was_sent(void);
void fk_async_was_seen(void);
extern _Atomic uint64_t fk_async_sent, fk_async_seen;
// ---- capture.c
bool fk_async_open(fk_impl *impl, const char *const *names);
void fk_async_close(fk_async *a);
ss_plugin_rc fk_capture_start(fk_impl *impl, ss_plugin_owner_t *owner,
                              ss_plugin_async_event_handler_t handler);
ss_plugin_rc fk_capture_stop(fk_impl *impl);
ss_plugin_rc fk_capture_dump(fk_impl *impl, ss_plugin_owner_t *owner,
                             ss_plugin_async_event_handler_t handler);
// ---- counters.c
PyObject *fk_counters_tell(fk_counters *c);
void fk_counters_tell_batch(Py_ssize_t sent);
// ---- emitter.c
extern PyTypeObject *fk_emitter_type;
bool fk_emitter_ready(void);
PyObject *fk_new_emitter(fk_impl *impl, bool dump);
