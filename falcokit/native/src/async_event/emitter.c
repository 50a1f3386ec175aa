// SPDX-License-Identifier: Apache-2.0
// The handler that start_async and dump_state get in Python, with emit() and emit_many(). A C
// extension type, because a call through cffi costs more than the rest of an emit. Any Python thread,
// with the GIL.
#include "async_event/async_event.h"
#include <string.h>
#include "python/python.h"

#define WAIT_NS 20000000u // between two checks while there is no room

typedef struct Emitter {
	PyObject_HEAD
	fk_impl *impl;
	fk_handler *handler;
	uint64_t generation;
	fk_last_name last;
} Emitter;

// ---- sending ----------------------------------------------------------------------------------------

static bool is_dump(const Emitter *self) { return self->handler == &self->impl->async->dump; }

static bool closed(Emitter *self) {
	// An even generation: it was made when no handler was open.
	if (self->generation & 1 && atomic_load(&self->handler->generation) == self->generation)
		return false;
	fk_refuse(
		self->impl->async, FK_REFUSED_CLOSED,
		"the capture of plugin '%s' is closed: events can be emitted between start_async and the "
		"return of stop_async",
		self->impl->name);
	return true;
}

static bool send_now(Emitter *self, const fk_emission *e) {
	fk_async *a = self->impl->async;
	uint32_t total = fk_event_length(a, e) + (is_dump(self) ? 0 : FK_TAG);
	char err[PLUGIN_MAX_ERRLEN];
	uint8_t small[2048], *event = total <= sizeof small ? small : PyMem_RawMalloc(total);
	bool ok;
	if (!event) return PyErr_NoMemory();
	fk_encode(a, e, event, total);
	// The host's handler may take long: other Python threads run meanwhile.
	Py_BEGIN_ALLOW_THREADS
	ok = is_dump(self) ? fk_handler_call(a, self->handler, (const ss_plugin_event *)event, err) ==
	                         SS_PLUGIN_SUCCESS
	                   : fk_deliver_direct(a, (ss_plugin_event *)event, err);
	Py_END_ALLOW_THREADS
	if (event != small) PyMem_RawFree(event);
	if (ok && !is_dump(self)) atomic_fetch_add(&a->count.accepted, 1);
	return ok || fk_refuse(a, FK_REFUSED_HOST, "the host refused async event '%s': %s",
	                       a->names[e->name], err);
}

// Raises the refusal of an earlier event, which was sent from the ring or when its time had come.
static bool was_refused(Emitter *self) {
	fk_async *a = self->impl->async;
	if (!atomic_load_explicit(&a->refusal, memory_order_relaxed) ||
	    !atomic_exchange(&a->refusal, 0))
		return false;
	fk_refuse(a, FK_REFUSED_HOST, "the host refused an async event of plugin '%s': %s",
	          self->impl->name, a->refusal_text);
	return true;
}

// Keeps an event until its time has come, waiting for room. The pacer sends it.
static bool schedule(Emitter *self, fk_emission *e) {
	fk_async *a = self->impl->async;
	uint32_t total = fk_event_length(a, e) + FK_TAG;
	uint64_t due = atomic_load(&a->later.due);
	char why[PLUGIN_MAX_ERRLEN];
	bool put, memory, room = true;
	if (was_refused(self)) return false;
	ss_plugin_event *event = malloc(total);
	if (!event) return PyErr_NoMemory();
	fk_encode(a, e, (uint8_t *)event, total);
	while (!(put = fk_later_put(&a->later, event, &memory)) && memory && room && !fk_blocks_host) {
		Py_BEGIN_ALLOW_THREADS
		room = fk_wait_for_room(a, fk_wait_limit_left(&e->wait_limit, WAIT_NS));
		Py_END_ALLOW_THREADS
		if (closed(self)) {
			free(event);
			return false;
		}
		if (room && fk_wait_limit_reached(&e->wait_limit, atomic_load(&a->count.delivered),
		                                  FK_LIMIT_LOOKS, why, sizeof why)) {
			free(event);
			return fk_refuse(a, FK_REFUSED_FULL,
			                 "too many events of plugin '%s' wait for their time to come, %s",
			                 self->impl->name, why);
		}
	}
	if (put) {
		a->count.accepted++; // with the GIL: one producer at a time
		if (e->ts < due) fk_wake_pacer(a);
		return true;
	}
	free(event);
	if (!memory) return PyErr_NoMemory();
	if (!room)
		return fk_refuse(a, FK_REFUSED_CLOSED,
		                 "the capture of plugin '%s' is closing, and events wait for their time",
		                 self->impl->name);
	return fk_refuse(a, FK_REFUSED_FULL,
	                 "%u events of plugin '%s' wait for their time to come, and the host waits for "
	                 "this call: emit from a producer, or nearer to that time",
	                 (unsigned)a->later.count, self->impl->name);
}

// Appends to the ring, waiting for room. Does not start delivery.
static bool append(Emitter *self, fk_emission *e) {
	fk_async *a = self->impl->async;
	uint32_t total = fk_event_length(a, e) + FK_TAG;
	char err[PLUGIN_MAX_ERRLEN];
	uint8_t *event;
	if (was_refused(self)) return false;
	while (!(event = fk_ring_reserve(&a->ring, total))) {
		bool room = true;
		if (fk_ring_empty(&a->ring)) { // it was emptied meanwhile, or there is no memory
			if ((event = fk_ring_reserve(&a->ring, total))) break;
			return PyErr_NoMemory();
		}
		Py_BEGIN_ALLOW_THREADS
		if (fk_blocks_host)
			fk_deliver_urgent(a);
		else {
			fk_deliver_start(a, err);
			room = fk_wait_for_room(a, fk_wait_limit_left(&e->wait_limit, WAIT_NS));
		}
		Py_END_ALLOW_THREADS
		if (closed(self)) return false;
		if (!room)
			return fk_refuse(a, FK_REFUSED_CLOSED,
			                 "the capture of plugin '%s' is closing and its ring is full",
			                 self->impl->name);
		if (fk_blocks_host && !(event = fk_ring_reserve(&a->ring, total)))
			return fk_refuse(
				a, FK_REFUSED_FULL,
				"the ring is full, and the host waits for this call of plugin '%s': emit "
				"less in start_async and parse_event, or from a producer",
				self->impl->name);
		if (event || (event = fk_ring_reserve(&a->ring, total))) break;
		if (fk_wait_limit_reached(&e->wait_limit, atomic_load(&a->count.delivered), FK_LIMIT_LOOKS,
		                          err, sizeof err))
			return fk_refuse(a, FK_REFUSED_FULL, "the ring of plugin '%s' is full, %s",
			                 self->impl->name, err);
	}
	fk_encode(a, e, event, total);
	fk_latency_begin(&a->latency, atomic_load_explicit(&a->ring.tail, memory_order_relaxed));
	fk_ring_commit(&a->ring);
	a->count.accepted++; // with the GIL: one producer at a time
	return true;
}

// The event that was just appended was refused at once: raised here, not by the next emit.
static bool refused(fk_async *a, const fk_emission *e, const char *err) {
	a->count.accepted--;
	atomic_store(&a->refusal, 0);
	return fk_refuse(a, FK_REFUSED_HOST, "the host refused async event '%s': %s", a->names[e->name],
	                 err);
}

static bool put(Emitter *self, fk_emission *e) {
	if (is_dump(self)) return send_now(self, e);
	if (e->ahead) return schedule(self, e);
	return e->direct ? send_now(self, e) : append(self, e);
}

static bool uses_ring(const Emitter *self, const fk_emission *e) {
	return !is_dump(self) && !e->ahead && !e->direct;
}

static bool send_one(Emitter *self, fk_emission *e) {
	fk_async *a = self->impl->async;
	char err[PLUGIN_MAX_ERRLEN];
	if (closed(self)) return false;
	if (!put(self, e)) return false;
	if (!uses_ring(self, e)) return true;
	// Keeps the GIL: the call is short, and to get the GIL back could take 5 ms beside a busy Python
	// thread.
	return atomic_load(&a->inflight) != 0 || fk_deliver_start(a, err) || refused(a, e, err);
}

// ---- counters ---------------------------------------------------------------------------------------

static PyObject *counters_object(fk_counters *c) {
	PyObject *refused = PyDict_New();
	for (int i = 0; refused && i < FK_NREASONS; i++) {
		PyObject *count = c->refused[i] ? PyLong_FromUnsignedLongLong(c->refused[i]) : NULL;
		if (count) PyDict_SetItemString(refused, fk_reason_names[i], count);
		Py_XDECREF(count);
	}
	if (!refused) return NULL;
	return PyObject_CallFunction(
		fk_python.make_counters, "KKKKKKKN", (unsigned long long)c->accepted,
		(unsigned long long)c->sent, (unsigned long long)c->delivered,
		(unsigned long long)c->unconfirmed, (unsigned long long)c->lost,
		(unsigned long long)c->discarded, (unsigned long long)c->undelivered, refused);
}

// A batch ended with the exception that is set: notes in it how many events were emitted before.
static void note_batch(Py_ssize_t sent) {
	PyObject *raised = fk_take_exception();
	PyObject *done = PyObject_CallFunction(fk_python.set_emitted, "On", raised, sent);
	if (!done) PyErr_Clear();
	Py_XDECREF(done);
	fk_put_exception(raised);
}

// ---- the methods ------------------------------------------------------------------------------------

static PyObject *emitter_emit(PyObject *me, PyObject *const *args, Py_ssize_t n,
                              PyObject *kwnames) {
	Emitter *self = (Emitter *)me;
	PyObject *arg[FK_NARGS], *expanded = NULL;
	fk_emission e = {0};
	if (!fk_take_args("emit", args, n, kwnames, arg)) return NULL;
	if (arg[FK_ARG_PAYLOADS]) return PyErr_Format(PyExc_TypeError, "payloads are for emit_many");
	if (!PyUnicode_Check(arg[FK_ARG_NAME]) && n == 1) { // an AsyncEvent
		expanded = PyObject_CallOneArg(fk_python.expand_event, arg[FK_ARG_NAME]);
		if (!expanded) return NULL;
		static const int slots[5] = {FK_ARG_NAME, FK_ARG_DATA, FK_ARG_TS, FK_ARG_TID, FK_ARG_ID};
		for (int i = 0; i < 5; i++) arg[slots[i]] = PyTuple_GET_ITEM(expanded, i);
	}
	bool ok = fk_take_options(self->impl, &self->last, arg, is_dump(self), &e) &&
	          fk_find_data(self->impl->async, arg[FK_ARG_DATA], &e) && send_one(self, &e);
	fk_bytes_drop(&e.data);
	Py_XDECREF(expanded);
	if (!ok) return NULL;
	Py_RETURN_NONE;
}

static PyObject *emitter_emit_many(PyObject *me, PyObject *const *args, Py_ssize_t n,
                                   PyObject *kwnames) {
	Emitter *self = (Emitter *)me;
	fk_async *a = self->impl->async;
	PyObject *arg[FK_NARGS], *payload;
	fk_emission e = {0};
	Py_ssize_t sent = 0;
	char err[PLUGIN_MAX_ERRLEN];
	bool ok = true;
	if (!fk_take_args("emit_many", args, n, kwnames, arg) ||
	    !fk_take_options(self->impl, &self->last, arg, is_dump(self), &e))
		return NULL;
	PyObject *given = arg[FK_ARG_PAYLOADS] ? arg[FK_ARG_PAYLOADS] : arg[FK_ARG_DATA];
	PyObject *payloads = given ? PyObject_GetIter(given) : NULL;
	if (!payloads) {
		if (!PyErr_Occurred())
			PyErr_SetString(PyExc_TypeError, "emit_many takes a name and its payloads");
		return NULL;
	}
	bool to_ring = uses_ring(self, &e);
	while (ok && (payload = PyIter_Next(payloads))) {
		ok = !closed(self) && fk_find_data(a, payload, &e) && put(self, &e);
		// The iterator may be slow: the last event is sent before the next one is asked for.
		if (ok && to_ring && atomic_load_explicit(&a->inflight, memory_order_relaxed) == 0 &&
		    (sent % 64 == 63 || atomic_load_explicit(&a->reported, memory_order_relaxed) >= 0))
			ok = fk_deliver_start(a, err) || refused(a, &e, err);
		fk_bytes_drop(&e.data);
		Py_DECREF(payload);
		sent += ok;
	}
	Py_DECREF(payloads);
	if (PyErr_Occurred()) ok = false;
	if (sent && to_ring && atomic_load(&a->inflight) == 0) {
		bool started;
		Py_BEGIN_ALLOW_THREADS
		started = fk_deliver_start(a, err);
		Py_END_ALLOW_THREADS
		if (!started && ok) {
			ok = refused(a, &e, err);
			sent--;
		}
	}
	if (ok) return PyLong_FromSsize_t(sent);
	note_batch(sent);
	return NULL;
}

static PyObject *emitter_counters(PyObject *me, void *unused) {
	return counters_object(&((Emitter *)me)->impl->async->count);
}

static PyObject *emitter_producers(PyObject *me, void *unused) {
	return fk_producers_view(((Emitter *)me)->impl);
}

static void emitter_free(PyObject *me) {
	Emitter *self = (Emitter *)me;
	Py_XDECREF(self->last.name);
	fk_impl_unref(self->impl);
	fk_free_object(me);
}

static PyMethodDef emitter_methods[] = {
	{"emit", (PyCFunction)(void (*)(void))emitter_emit, METH_FASTCALL | METH_KEYWORDS, NULL},
	{"emit_many", (PyCFunction)(void (*)(void))emitter_emit_many, METH_FASTCALL | METH_KEYWORDS,
	 NULL},
	{0}};
static PyGetSetDef emitter_attributes[] = {{"counters", emitter_counters, NULL, NULL, NULL},
                                           {"producers", emitter_producers, NULL, NULL, NULL},
                                           {0}};
static PyType_Slot emitter_slots[] = {{Py_tp_dealloc, emitter_free},
                                      {Py_tp_methods, emitter_methods},
                                      {Py_tp_getset, emitter_attributes},
                                      {0, NULL}};
PyTypeObject *fk_emitter_type;

// A new emitter for the capture, or the dump, that is open now.
PyObject *fk_new_emitter(fk_impl *impl, bool dump) {
	Emitter *self = PyObject_New(Emitter, fk_emitter_type);
	if (!self) return NULL;
	fk_impl_ref(impl);
	self->impl = impl;
	self->handler = dump ? &impl->async->dump : &impl->async->live;
	self->generation = atomic_load(&self->handler->generation);
	self->last = (fk_last_name){0};
	return (PyObject *)self;
}

bool fk_emitter_ready(void) {
	if (!fk_emission_ready()) return false;
	fk_emitter_type = fk_make_type("falcokit.Emitter", sizeof(Emitter),
	                               Py_TPFLAGS_DISALLOW_INSTANTIATION, emitter_slots, NULL);
	return fk_emitter_type != NULL;
}
