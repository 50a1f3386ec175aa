// SPDX-License-Identifier: Apache-2.0
// Checks the arguments of emit and emit_many, turns data into bytes and encodes the event (layout:
// falcokit/runtime/event/event.py). Each refusal is counted and becomes an EmitError. With the GIL.
#include "async_event/async_event.h"
#include <string.h>

#define AHEAD_MAX_NS 10000000000u // the framework drops events further in the future

static PyObject *arg_names[FK_NARGS]; // interned

bool fk_emission_ready(void) {
	static const char *const names[FK_NARGS] = {"name",   "data",      "ts_ns",    "tid",
	                                            "direct", "plugin_id", "payloads", "timeout"};
	for (int i = 0; i < FK_NARGS; i++)
		if (!(arg_names[i] = PyUnicode_InternFromString(names[i]))) return false;
	return true;
}

const char *const fk_reason_names[FK_NREASONS] = {"undeclared_name",  "capture_closed", "too_large",
                                                  "future_timestamp", "invalid_data",   "host",
                                                  "ring_full"};

void *fk_refuse(fk_async *a, enum fk_reason reason, const char *format, ...) {
	va_list args;
	va_start(args, format);
	if (reason != FK_REFUSED_HOST) atomic_fetch_add(&a->count.refused[reason], 1);
	PyErr_FormatV(fk_python.error_of[reason], format, args);
	va_end(args);
	return NULL;
}

// ---- what is emitted --------------------------------------------------------------------------------

// An object of a subclass is not kept: freeing it here could run the author's code, which may emit.
static void remember(fk_last_name *last, PyObject *name, uint32_t index) {
	PyObject *old = last->name;
	if (!PyUnicode_CheckExact(name)) return;
	last->name = Py_NewRef(name);
	last->index = index;
	Py_XDECREF(old);
}

static bool find_name(fk_impl *impl, fk_last_name *last, PyObject *name, uint32_t *index) {
	fk_async *a = impl->async;
	Py_ssize_t len;
	if (name == last->name) {
		*index = last->index;
		return true;
	}
	if (!PyUnicode_Check(name))
		return fk_refuse(a, FK_REFUSED_NAME, "the name of an async event is a str, not %s",
		                 Py_TYPE(name)->tp_name);
	const char *text = PyUnicode_AsUTF8AndSize(name, &len);
	if (!text) {
		PyErr_Clear();
		return fk_refuse(a, FK_REFUSED_NAME, "the name of an async event is not valid text: %R",
		                 name);
	}
	for (uint32_t i = 0; i < a->nnames; i++)
		if (strlen(a->names[i]) == (size_t)len && memcmp(a->names[i], text, (size_t)len) == 0) {
			*index = i;
			remember(last, name, i);
			return true;
		}
	return fk_refuse(a, FK_REFUSED_NAME,
	                 "async event %R is not declared: add it to async_events of plugin '%s'", name,
	                 impl->name);
}

// The bytes of `data`, valid until they are dropped.
bool fk_find_data(fk_async *a, PyObject *data, fk_emission *e) {
	if (!data || data == Py_None) {
		e->data = (fk_bytes){.data = ""};
	} else if (!fk_bytes_of(data, true, &e->data)) {
		PyObject *raised = fk_take_exception();
		fk_refuse(a, FK_REFUSED_DATA,
		          "the data of an async event is bytes, str or what JSON can hold: %S", raised);
		Py_DECREF(raised);
		return false;
	}
	return e->data.len <= FK_MAX_DATA ||
	       fk_refuse(a, FK_REFUSED_SIZE, "the data of an async event is at most %d bytes, not %zd",
	                 FK_MAX_DATA, e->data.len);
}

// None means "not set"; so does -1, as in the C API.
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
	return fk_refuse(a, FK_REFUSED_DATA, "%s is an int from 0 to 2**64-1 or None, not %R", what,
	                 value);
}

static bool check_time(fk_async *a, fk_emission *e) {
	if (e->ts == FK_NOT_SET) return true;
	uint64_t now = fk_time_of_day();
	e->ahead = e->ts > now;
	if (!e->ahead || e->ts - now <= AHEAD_MAX_NS) return true;
	return fk_refuse(a, FK_REFUSED_FUTURE,
	                 "ts_ns lies more than 10 s ahead: the framework would silently "
	                 "drop the event");
}

uint32_t fk_event_length(const fk_async *a, const fk_emission *e) {
	return 43 + (uint32_t)strlen(a->names[e->name]) + (uint32_t)e->data.len;
}

void fk_encode(const fk_async *a, const fk_emission *e, uint8_t *out, uint32_t total) {
	const char *name = a->names[e->name];
	uint32_t lengths[4] = {4, (uint32_t)strlen(name) + 1, (uint32_t)e->data.len, e->plugin_id};
	ss_plugin_event header = {
		.ts = e->ts, .tid = e->tid, .len = total, .type = FK_CODE_ASYNCEVENT, .nparams = 3};
	memcpy(out, &header, sizeof header);
	memcpy(out + 26, lengths, sizeof lengths);
	memcpy(out + 42, name, lengths[1]);
	memcpy(out + 42 + lengths[1], e->data.data, lengths[2]);
}

// ---- arguments --------------------------------------------------------------------------------------

bool fk_take_args(const char *method, PyObject *const *args, Py_ssize_t n, PyObject *kwnames,
                  PyObject *out[FK_NARGS]) {
	memset(out, 0, FK_NARGS * sizeof *out);
	if (n > 2)
		return PyErr_Format(PyExc_TypeError, "%s takes two arguments; the rest is given by keyword",
		                    method);
	for (Py_ssize_t i = 0; i < n; i++) out[i] = args[i];
	for (Py_ssize_t k = 0; kwnames && k < PyTuple_GET_SIZE(kwnames); k++) {
		PyObject *key = PyTuple_GET_ITEM(kwnames, k);
		int i = 0;
		while (i < FK_NARGS && key != arg_names[i] && PyUnicode_Compare(key, arg_names[i]) != 0)
			i++;
		if (i == FK_NARGS || out[i])
			return PyErr_Format(PyExc_TypeError, "%s got an unexpected or repeated argument %R",
			                    method, key);
		out[i] = args[n + k];
	}
	if (!out[FK_ARG_NAME]) PyErr_Format(PyExc_TypeError, "%s needs the name of an event", method);
	return out[FK_ARG_NAME] != NULL;
}

// Reads what all events of one call have in common.
bool fk_take_options(fk_impl *impl, fk_last_name *last, PyObject *arg[FK_NARGS], bool dump,
                     fk_emission *e) {
	fk_async *a = impl->async;
	// The framework fills in the id of a live event. A dumped event is written as it is, and readers
	// identify its source by the id.
	uint64_t id = dump ? impl->plugin_id : 0;
	if (!find_name(impl, last, arg[FK_ARG_NAME], &e->name)) return false;
	e->ts = e->tid = FK_NOT_SET;
	e->ahead = false;
	if (arg[FK_ARG_TS] && !(find_u64(a, arg[FK_ARG_TS], "ts_ns", &e->ts) && check_time(a, e)))
		return false;
	if (arg[FK_ARG_TID] && !find_u64(a, arg[FK_ARG_TID], "tid", &e->tid)) return false;
	if (arg[FK_ARG_ID] && arg[FK_ARG_ID] != Py_None &&
	    !find_u64(a, arg[FK_ARG_ID], "plugin_id", &id))
		return false;
	if (id > UINT32_MAX) return fk_refuse(a, FK_REFUSED_DATA, "plugin_id is a number of 32 bits");
	if (!fk_wait_limit_begin(&e->wait_limit, arg[FK_ARG_TIMEOUT]))
		return fk_refuse(a, FK_REFUSED_DATA, "timeout is a number of seconds or None, not %R",
		                 arg[FK_ARG_TIMEOUT]);
	e->plugin_id = (uint32_t)id;
	e->direct = arg[FK_ARG_DIRECT] && PyObject_IsTrue(arg[FK_ARG_DIRECT]) == 1;
	// A dumped event is written as it is, so the framework sets no time.
	if (dump && e->ts == FK_NOT_SET) e->ts = fk_time_of_day();
	return true;
}
