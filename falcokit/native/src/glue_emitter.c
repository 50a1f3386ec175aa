// SPDX-License-Identifier: Apache-2.0
// emit() and emit_many() for Python: the handler that start_async and dump_state are given. A C
// extension type, because a call through cffi costs more than all the rest of an emit.
// Called by any Python thread, with the GIL.
#include "glue.h"
#include <string.h>

const char *const fk_reason_names[FK_NREASONS] = {"undeclared_name", "capture_closed", "too_large",
                                                  "future_timestamp", "invalid_data", "host"};

typedef struct Emitter {
	PyObject_HEAD
	fk_impl *impl;
	fk_outlet *outlet;
	uint64_t generation;
	PyObject *last_name; // the string of the last call and its index: the same literal mostly
	uint32_t last_index;
} Emitter;

typedef struct emission {
	uint32_t name;
	const char *data;
	Py_ssize_t len;
	uint64_t ts, tid;
	uint32_t plugin_id;
	bool direct;
	PyObject *owned; // keeps `data`
	Py_buffer view;
} emission;

static void *refuse(fk_async *a, enum fk_reason reason, const char *format, ...) {
	va_list args;
	va_start(args, format);
	if (reason != FK_REFUSED_HOST) atomic_fetch_add(&a->count.refused[reason], 1);
	PyErr_FormatV(fk_python.error_of[reason], format, args);
	va_end(args);
	return NULL;
}

// ---- what is emitted --------------------------------------------------------------------------------

static bool find_name(Emitter *self, PyObject *name, uint32_t *index) {
	fk_async *a = &self->impl->async;
	Py_ssize_t len;
	if (name == self->last_name) {
		*index = self->last_index;
		return true;
	}
	if (!PyUnicode_Check(name)) {
		refuse(a, FK_REFUSED_NAME, "the name of an async event is a str, not %s", Py_TYPE(name)->tp_name);
		return false;
	}
	const char *text = PyUnicode_AsUTF8AndSize(name, &len);
	if (!text) return false;
	for (uint32_t i = 0; i < a->nnames; i++)
		if (strlen(a->names[i]) == (size_t)len && memcmp(a->names[i], text, (size_t)len) == 0) {
			Py_INCREF(name);
			Py_XSETREF(self->last_name, name);
			*index = self->last_index = i;
			return true;
		}
	refuse(a, FK_REFUSED_NAME, "async event %R is not declared: add it to async_events of plugin '%s'",
	       name, self->impl->name);
	return false;
}

static bool find_data(fk_async *a, PyObject *data, emission *e) {
	e->data = "";
	e->len = 0;
	if (!data || data == Py_None) return true;
	if (PyBytes_Check(data)) {
		e->data = PyBytes_AS_STRING(data);
		e->len = PyBytes_GET_SIZE(data);
		return true;
	}
	if (PyUnicode_Check(data)) {
		e->data = PyUnicode_AsUTF8AndSize(data, &e->len);
		if (e->data) return true;
	} else if (PyObject_CheckBuffer(data)) {
		if (PyObject_GetBuffer(data, &e->view, PyBUF_SIMPLE) == 0) {
			e->data = e->view.buf;
			e->len = e->view.len;
			return true;
		}
	} else if ((e->owned = PyObject_CallOneArg(fk_python.encode_json, data))) {
		e->data = PyBytes_AS_STRING(e->owned);
		e->len = PyBytes_GET_SIZE(e->owned);
		return true;
	}
	PyObject *type, *value, *trace;
	PyErr_Fetch(&type, &value, &trace);
	refuse(a, FK_REFUSED_DATA, "the data of an async event is bytes, str or what JSON can hold: %S",
	       value ? value : Py_None);
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(trace);
	return false;
}

static void drop_data(emission *e) {
	Py_CLEAR(e->owned);
	if (e->view.obj) PyBuffer_Release(&e->view);
}

// None is "not set"; -1 is accepted for it too, as the C API writes it.
static bool find_u64(fk_async *a, PyObject *value, const char *what, uint64_t *out) {
	*out = FK_NOT_SET;
	if (!value || value == Py_None) return true;
	if (PyLong_Check(value)) {
		int overflow;
		long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
		if (overflow > 0) {
			*out = PyLong_AsUnsignedLongLong(value);
			if (!PyErr_Occurred()) return true;
			PyErr_Clear();
		} else if (!overflow && number >= -1) {
			*out = (uint64_t)number;
			return true;
		}
	}
	refuse(a, FK_REFUSED_DATA, "%s is an int from 0 to 2**64-1 or None, not %R", what, value);
	return false;
}

static bool check_time(fk_async *a, uint64_t ts) {
	struct timespec t;
	if (ts == FK_NOT_SET) return true;
	clock_gettime(CLOCK_REALTIME, &t);
	uint64_t limit = ((uint64_t)t.tv_sec + 10) * 1000000000u + (uint64_t)t.tv_nsec;
	if (ts <= limit) return true;
	refuse(a, FK_REFUSED_FUTURE, "ts_ns lies more than 10 s ahead: the framework would drop the event "
	                             "without a word");
	return false;
}

static bool check_size(fk_async *a, Py_ssize_t len) {
	if (len <= FK_MAX_DATA) return true;
	refuse(a, FK_REFUSED_SIZE, "the data of an async event is at most %d bytes, not %zd", FK_MAX_DATA, len);
	return false;
}

static uint32_t event_length(const fk_async *a, const emission *e) {
	return 43 + (uint32_t)strlen(a->names[e->name]) + (uint32_t)e->len;
}

static void encode(const fk_async *a, const emission *e, uint8_t *out, uint32_t total) {
	const char *name = a->names[e->name];
	uint32_t lengths[4] = {4, (uint32_t)strlen(name) + 1, (uint32_t)e->len, e->plugin_id};
	ss_plugin_event header = {
	    .ts = e->ts, .tid = e->tid, .len = total, .type = FK_CODE_ASYNCEVENT, .nparams = 3};
	memcpy(out, &header, sizeof header);
	memcpy(out + 26, lengths, sizeof lengths);
	memcpy(out + 42, name, lengths[1]);
	memcpy(out + 42 + lengths[1], e->data, (size_t)e->len);
}

// ---- sending ----------------------------------------------------------------------------------------

static bool closed(Emitter *self) {
	if (atomic_load(&self->outlet->generation) == self->generation) return false;
	refuse(&self->impl->async, FK_REFUSED_CLOSED,
	       "the capture of plugin '%s' is closed: events can be emitted between start_async and the "
	       "return of stop_async",
	       self->impl->name);
	return true;
}

static bool send_now(Emitter *self, const emission *e) {
	fk_async *a = &self->impl->async;
	uint32_t total = event_length(a, e);
	char err[PLUGIN_MAX_ERRLEN];
	uint8_t small[2048], *event = total <= sizeof small ? small : PyMem_RawMalloc(total);
	bool ok;
	if (!event) return PyErr_NoMemory();
	encode(a, e, event, total);
	// The host's handler may take its time: no reason to keep Python waiting.
	Py_BEGIN_ALLOW_THREADS
	ok = fk_deliver_direct(a, self->outlet, (const ss_plugin_event *)event, err);
	Py_END_ALLOW_THREADS
	if (event != small) PyMem_RawFree(event);
	if (ok) atomic_fetch_add(&a->count.accepted, 1);
	return ok || refuse(a, FK_REFUSED_HOST, "the host refused async event '%s': %s", a->names[e->name], err);
}

// Appends to the ring, waiting for room. No kick yet.
static bool append(Emitter *self, const emission *e) {
	fk_async *a = &self->impl->async;
	uint32_t total = event_length(a, e);
	char err[PLUGIN_MAX_ERRLEN];
	uint8_t *event;
	if (atomic_load_explicit(&a->refusal, memory_order_relaxed) && atomic_exchange(&a->refusal, 0))
		return refuse(a, FK_REFUSED_HOST, "the host refused an async event of plugin '%s': %s",
		              self->impl->name, a->refusal_text);
	while (!(event = fk_ring_reserve(&a->ring, total))) {
		bool room;
		Py_BEGIN_ALLOW_THREADS
		fk_deliver_kick(a, err);
		room = fk_wait_for_room(a);
		Py_END_ALLOW_THREADS
		if (closed(self)) return false;
		if (!room)
			return refuse(a, FK_REFUSED_CLOSED,
			              "the capture of plugin '%s' is closing and its ring is full", self->impl->name);
	}
	encode(a, e, event, total);
	fk_ring_commit(&a->ring);
	a->count.accepted++; // with the GIL: one producer at a time
	return true;
}

static bool send_one(Emitter *self, const emission *e) {
	fk_async *a = &self->impl->async;
	char err[PLUGIN_MAX_ERRLEN];
	if (closed(self)) return false;
	if (e->direct || self->outlet == &a->dump) return send_now(self, e);
	if (!append(self, e)) return false;
	// With the GIL held: the call is short, and to give the GIL up for it could cost 5 ms beside a
	// busy Python thread.
	if (atomic_load(&a->inflight) == 0 && !fk_deliver_kick(a, err))
		return refuse(a, FK_REFUSED_HOST, "the host refused async event '%s': %s", a->names[e->name], err);
	return true;
}

// ---- the methods ------------------------------------------------------------------------------------

enum { ARG_NAME, ARG_DATA, ARG_TS, ARG_TID, ARG_DIRECT, ARG_ID, ARG_PAYLOADS, NARGS };
static PyObject *arg_names[NARGS]; // interned

static bool take_args(const char *method, PyObject *const *args, Py_ssize_t n, PyObject *kwnames,
                      PyObject *out[NARGS]) {
	memset(out, 0, NARGS * sizeof *out);
	if (n > 2) {
		PyErr_Format(PyExc_TypeError, "%s takes two arguments; the rest is given by keyword", method);
		return false;
	}
	for (Py_ssize_t i = 0; i < n; i++) out[i] = args[i];
	for (Py_ssize_t k = 0; kwnames && k < PyTuple_GET_SIZE(kwnames); k++) {
		PyObject *key = PyTuple_GET_ITEM(kwnames, k);
		int i = 0;
		while (i < NARGS && key != arg_names[i] && PyUnicode_Compare(key, arg_names[i]) != 0) i++;
		if (i == NARGS || out[i]) {
			PyErr_Format(PyExc_TypeError, "%s got an unexpected or repeated argument %R", method, key);
			return false;
		}
		out[i] = args[n + k];
	}
	if (!out[ARG_NAME]) PyErr_Format(PyExc_TypeError, "%s needs the name of an event", method);
	return out[ARG_NAME] != NULL;
}

// Fills what one emission and each of a batch have in common.
static bool take_options(Emitter *self, PyObject *arg[NARGS], emission *e) {
	fk_async *a = &self->impl->async;
	uint64_t id = 0;
	if (!find_name(self, arg[ARG_NAME], &e->name)) return false;
	e->ts = e->tid = FK_NOT_SET;
	if (arg[ARG_TS] && !(find_u64(a, arg[ARG_TS], "ts_ns", &e->ts) && check_time(a, e->ts))) return false;
	if (arg[ARG_TID] && !find_u64(a, arg[ARG_TID], "tid", &e->tid)) return false;
	if (arg[ARG_ID] && !find_u64(a, arg[ARG_ID], "plugin_id", &id)) return false;
	e->plugin_id = (uint32_t)id;
	e->direct = arg[ARG_DIRECT] && PyObject_IsTrue(arg[ARG_DIRECT]) == 1;
	if (self->outlet == &a->dump && e->ts == FK_NOT_SET) {
		struct timespec t; // a dumped event is written as it is: nobody fills its time in
		clock_gettime(CLOCK_REALTIME, &t);
		e->ts = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	}
	return true;
}

static PyObject *emitter_emit(PyObject *me, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
	Emitter *self = (Emitter *)me;
	PyObject *arg[NARGS], *expanded = NULL;
	emission e = {0};
	if (!take_args("emit", args, n, kwnames, arg)) return NULL;
	if (arg[ARG_PAYLOADS]) return PyErr_Format(PyExc_TypeError, "payloads are for emit_many");
	if (!PyUnicode_Check(arg[ARG_NAME]) && n == 1) { // an AsyncEvent
		expanded = PyObject_CallOneArg(fk_python.expand_event, arg[ARG_NAME]);
		if (!expanded) return NULL;
		static const int slots[5] = {ARG_NAME, ARG_DATA, ARG_TS, ARG_TID, ARG_ID};
		for (int i = 0; i < 5; i++) arg[slots[i]] = PyTuple_GET_ITEM(expanded, i);
	}
	bool ok = take_options(self, arg, &e) && find_data(&self->impl->async, arg[ARG_DATA], &e) &&
	          check_size(&self->impl->async, e.len) && send_one(self, &e);
	drop_data(&e);
	Py_XDECREF(expanded);
	if (!ok) return NULL;
	Py_RETURN_NONE;
}

static PyObject *emitter_emit_many(PyObject *me, PyObject *const *args, Py_ssize_t n,
                                   PyObject *kwnames) {
	Emitter *self = (Emitter *)me;
	fk_async *a = &self->impl->async;
	PyObject *arg[NARGS], *payload;
	emission e = {0};
	Py_ssize_t sent = 0;
	char err[PLUGIN_MAX_ERRLEN];
	bool ok = true;
	if (!take_args("emit_many", args, n, kwnames, arg) || !take_options(self, arg, &e)) return NULL;
	PyObject *given = arg[ARG_PAYLOADS] ? arg[ARG_PAYLOADS] : arg[ARG_DATA];
	PyObject *payloads = given ? PyObject_GetIter(given) : NULL;
	if (!payloads) {
		if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "emit_many takes a name and its payloads");
		return NULL;
	}
	bool at_once = e.direct || self->outlet == &a->dump;
	while (ok && (payload = PyIter_Next(payloads))) {
		ok = !closed(self) && find_data(a, payload, &e) && check_size(a, e.len) &&
		     (at_once ? send_now(self, &e) : append(self, &e));
		drop_data(&e);
		Py_DECREF(payload);
		sent += ok;
	}
	Py_DECREF(payloads);
	if (PyErr_Occurred()) ok = false;
	if (sent && !at_once && atomic_load(&a->inflight) == 0) {
		bool kicked;
		Py_BEGIN_ALLOW_THREADS
		kicked = fk_deliver_kick(a, err);
		Py_END_ALLOW_THREADS
		if (!kicked && ok)
			ok = refuse(a, FK_REFUSED_HOST, "the host refused async event '%s': %s", a->names[e.name], err);
	}
	return ok ? PyLong_FromSsize_t(sent) : NULL;
}

static PyObject *emitter_counters(PyObject *me, void *unused) {
	fk_async *a = &((Emitter *)me)->impl->async;
	fk_counters *c = &a->count;
	(void)unused;
	PyObject *refused = PyDict_New();
	for (int i = 0; refused && i < FK_NREASONS; i++) {
		PyObject *count = c->refused[i] ? PyLong_FromUnsignedLongLong(c->refused[i]) : NULL;
		if (count) PyDict_SetItemString(refused, fk_reason_names[i], count);
		Py_XDECREF(count);
	}
	if (!refused) return NULL;
	return PyObject_CallFunction(fk_python.make_counters, "KKKKKKKN", (unsigned long long)c->accepted,
	                             (unsigned long long)c->sent, (unsigned long long)c->delivered,
	                             (unsigned long long)c->unconfirmed, (unsigned long long)c->lost,
	                             (unsigned long long)c->discarded, (unsigned long long)c->undelivered,
	                             refused);
}

static void emitter_free(PyObject *me) {
	Emitter *self = (Emitter *)me;
	PyTypeObject *type = Py_TYPE(me);
	Py_XDECREF(self->last_name);
	fk_impl_unref(self->impl);
	type->tp_free(me);
	Py_DECREF(type);
}

static PyMethodDef emitter_methods[] = {
    {"emit", (PyCFunction)(void (*)(void))emitter_emit, METH_FASTCALL | METH_KEYWORDS, NULL},
    {"emit_many", (PyCFunction)(void (*)(void))emitter_emit_many, METH_FASTCALL | METH_KEYWORDS, NULL},
    {0}};
static PyGetSetDef emitter_attributes[] = {{"counters", emitter_counters, NULL, NULL, NULL}, {0}};
static PyType_Slot emitter_slots[] = {{Py_tp_dealloc, emitter_free},
                                      {Py_tp_methods, emitter_methods},
                                      {Py_tp_getset, emitter_attributes},
                                      {0, NULL}};
static PyType_Spec emitter_spec = {.name = "falcokit.Emitter",
                                   .basicsize = sizeof(Emitter),
                                   .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                   .slots = emitter_slots};
PyTypeObject *fk_emitter_type;

// A new emitter for the capture, or the dump, that is open now.
PyObject *fk_new_emitter(fk_impl *impl, bool dump) {
	Emitter *self = PyObject_New(Emitter, fk_emitter_type);
	if (!self) return NULL;
	fk_impl_ref(impl);
	self->impl = impl;
	self->outlet = dump ? &impl->async.dump : &impl->async.live;
	self->generation = atomic_load(&self->outlet->generation);
	self->last_name = NULL;
	self->last_index = 0;
	return (PyObject *)self;
}

bool fk_emitter_ready(void) {
	static const char *const names[NARGS] = {"name",   "data",      "ts_ns",   "tid",
	                                         "direct", "plugin_id", "payloads"};
	for (int i = 0; i < NARGS; i++)
		if (!(arg_names[i] = PyUnicode_InternFromString(names[i]))) return false;
	fk_emitter_type = (PyTypeObject *)PyType_FromSpec(&emitter_spec);
	return fk_emitter_type != NULL;
}
