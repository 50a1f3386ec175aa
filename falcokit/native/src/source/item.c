// SPDX-License-Identifier: Apache-2.0
// Turns what an author's source yields into bytes: bytes, str, buffers, Event, and objects that JSON
// can represent. Plugins without an id yield whole events, whose lengths are checked here because the
// host trusts them. With the GIL.
#include "source/source.h"
#include <string.h>

#define EVENT_CODES 454 // of event schema 4.5; a host that lacks the newest ones refuses them
#define MAX_PARAMS  32

static PyTypeObject *event_type;
static PyObject *name_data, *name_ts, *name_type, *name_raw;

bool fk_source_item_ready(PyObject *type) {
	if (!PyType_Check(type)) return PyErr_Format(PyExc_TypeError, "the class of events is needed");
	Py_XSETREF(event_type, (PyTypeObject *)Py_NewRef(type));
	return (name_data = PyUnicode_InternFromString("data")) &&
	       (name_ts = PyUnicode_InternFromString("ts_ns")) &&
	       (name_type = PyUnicode_InternFromString("type")) &&
	       (name_raw = PyUnicode_InternFromString("raw"));
}

static bool refuse(const char *format, ...) {
	va_list args;
	va_start(args, format);
	PyErr_FormatV(fk_python.error_of[FK_REFUSED_DATA], format, args);
	va_end(args);
	return false;
}

static bool find_time(PyObject *event, uint64_t *ts) {
	PyObject *value = PyObject_GetAttr(event, name_ts);
	if (!value) return false;
	*ts = FK_NOT_SET;
	bool ok = value == Py_None;
	if (!ok && PyLong_Check(value)) {
		*ts = PyLong_AsUnsignedLongLong(value);
		ok = !PyErr_Occurred();
		PyErr_Clear();
	}
	if (!ok) refuse("ts_ns is an int from 0 to 2**64-1 or None, not %R", value);
	Py_DECREF(value);
	return ok;
}

static bool is_plugin_event(PyObject *event) {
	PyObject *value = PyObject_GetAttr(event, name_type);
	if (!value) return false;
	long code = PyLong_AsLong(value);
	if (code == -1 && PyErr_Occurred()) PyErr_Clear();
	if (code != FK_CODE_PLUGINEVENT)
		refuse("a plugin with an id sends plugin events (type 322), not type %R", value);
	Py_DECREF(value);
	return code == FK_CODE_PLUGINEVENT;
}

static bool find_event(PyObject *event, bool whole, fk_source_item *item) {
	if (!whole && !(is_plugin_event(event) && find_time(event, &item->ts))) return false;
	PyObject *data = PyObject_GetAttr(event, whole ? name_raw : name_data);
	if (!data) return false;
	bool ok = fk_bytes_of(data, false, &item->bytes);
	Py_DECREF(data);
	return ok;
}

bool fk_source_item_is_event(PyObject *object) {
	return event_type && PyObject_TypeCheck(object, event_type);
}

bool fk_source_item_find(PyObject *object, bool whole, fk_source_item *item) {
	item->ts = FK_NOT_SET;
	item->bytes.owned = item->bytes.view.obj = NULL;
	if (object == Py_None) return refuse("None is not an event");
	bool ok = fk_source_item_is_event(object) ? find_event(object, whole, item)
	                                          : fk_bytes_of(object, false, &item->bytes);
	if (ok && whole) ok = fk_source_item_check(item);
	if (!ok) fk_bytes_drop(&item->bytes);
	return ok;
}

static size_t length_at(const char *lengths, uint32_t i, bool large) {
	uint32_t wide;
	uint16_t narrow;
	if (large) {
		memcpy(&wide, lengths + (size_t)4 * i, sizeof wide);
		return wide;
	}
	memcpy(&narrow, lengths + (size_t)2 * i, sizeof narrow);
	return narrow;
}

bool fk_source_item_check(const fk_source_item *item) {
	ss_plugin_event head;
	if (item->bytes.len < (Py_ssize_t)sizeof head)
		return refuse(
			"a plugin without an id sends whole events, with a header of 26 bytes: these "
			"are %zd bytes",
			item->bytes.len);
	memcpy(&head, item->bytes.data, sizeof head);
	if (head.type >= EVENT_CODES || head.nparams > MAX_PARAMS)
		return refuse("no event has the type %u and %u parameters", (unsigned)head.type,
		              (unsigned)head.nparams);
	// PLUGINEVENT, CONTAINER_JSON_2 and ASYNCEVENT have lengths of 32 bits
	bool large =
		head.type == FK_CODE_PLUGINEVENT || head.type == 324 || head.type == FK_CODE_ASYNCEVENT;
	uint64_t total = sizeof head + (uint64_t)head.nparams * (large ? 4 : 2);
	bool fits = head.len == (uint64_t)item->bytes.len && total <= head.len;
	const char *lengths = item->bytes.data + sizeof head;
	for (uint32_t i = 0; fits && i < head.nparams; i++) total += length_at(lengths, i, large);
	// The host reads parameters of these two types without checking their lengths.
	if (fits && head.type == FK_CODE_PLUGINEVENT)
		fits = head.nparams == 2 && length_at(lengths, 0, large) == 4;
	if (fits && head.type == FK_CODE_ASYNCEVENT)
		fits = head.nparams == 3 && length_at(lengths, 0, large) == 4 && total <= head.len &&
		       memchr(item->bytes.data + 42, 0, length_at(lengths, 1, large));
	if (!fits || total > head.len)
		return refuse("an event of type %u: its lengths do not fit its %zd bytes",
		              (unsigned)head.type, item->bytes.len);
	return true;
}
