// SPDX-License-Identifier: Apache-2.0
// Converts a Python value into the form that the host reads, in the arena of the call. The type of the
// author's annotation is checked here: another type, or a number out of range, is an exception. With
// the GIL.
#include "extract/extract.h"
#include <arpa/inet.h>
#include <string.h>

static PyObject *field_value_type, *nanoseconds;

bool fk_convert_ready(void) {
	PyObject *module =
		field_value_type ? NULL : PyImport_ImportModule("falcokit.runtime.extract.capability");
	if (!module) return field_value_type != NULL;
	nanoseconds = PyObject_GetAttrString(module, "nanoseconds");
	field_value_type = nanoseconds ? PyObject_GetAttrString(module, "FieldValue") : NULL;
	Py_DECREF(module);
	return field_value_type != NULL;
}

static bool wrong_type(PyObject *value, const char *wanted) {
	return PyErr_Format(PyExc_TypeError, "it returned %.200s, and the field is %s",
	                    Py_TYPE(value)->tp_name, wanted);
}

static bool put_number(PyObject *value, const char *what, uint64_t *out) {
	*out = PyLong_AsUnsignedLongLong(value);
	if (*out != UINT64_MAX || !PyErr_Occurred()) return true;
	PyErr_Clear();
	return PyErr_Format(PyExc_OverflowError, "%R does not fit %s: it has 0 to 2**64-1", value,
	                    what);
}

static bool put_u64(PyObject *value, uint64_t *out) {
	if (PyLong_Check(value)) return put_number(value, "uint64", out);
	if (!PyIndex_Check(value)) return wrong_type(value, "uint64");
	PyObject *number = PyNumber_Index(value);
	bool ok = number && put_number(number, "uint64", out);
	Py_XDECREF(number);
	return ok;
}

static bool put_time(PyObject *value, uint64_t *out) {
	if (PyLong_Check(value)) return put_number(value, "a time in ns", out);
	PyObject *number = PyObject_CallOneArg(nanoseconds, value);
	bool ok = number && put_number(number, "a time in ns", out);
	Py_XDECREF(number);
	return ok;
}

static char *copy_text(fk_arena *arena, const char *text, size_t len) {
	size_t nuls = 0;
	for (const char *p = text; (p = memchr(p, 0, len - (size_t)(p - text))); p++) nuls++;
	char *out = fk_arena_alloc(arena, len + nuls + 1), *to = out;
	if (!out) return (void)PyErr_NoMemory(), NULL;
	if (!nuls) {
		memcpy(out, text, len);
		out[len] = 0;
		return out;
	}
	// A C string would end at a NUL and hide the rest from the rule, so it becomes "\0".
	for (size_t i = 0; i < len; i++) {
		*to++ = text[i] ? text[i] : '\\';
		if (!text[i]) *to++ = '0';
	}
	*to = 0;
	return out;
}

static bool put_text(fk_arena *arena, PyObject *value, const char **out) {
	Py_ssize_t len;
	if (!PyUnicode_Check(value)) return wrong_type(value, "string");
	const char *text = PyUnicode_AsUTF8AndSize(value, &len);
	if (text) return (*out = copy_text(arena, text, (size_t)len)) != NULL;
	PyObject *bytes = fk_non_utf8_text(value, false);
	if (!bytes) return false;
	*out = copy_text(arena, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
	Py_DECREF(bytes);
	return *out != NULL;
}

static bool put_bytes(fk_arena *arena, const void *bytes, Py_ssize_t len,
                      ss_plugin_byte_buffer *out) {
	if (len != 4 && len != 16)
		return PyErr_Format(PyExc_ValueError, "an address has 4 or 16 bytes, not %zd", len);
	void *copy = fk_arena_alloc(arena, (size_t)len);
	if (!copy) return PyErr_NoMemory(), false;
	memcpy(copy, bytes, (size_t)len);
	*out = (ss_plugin_byte_buffer){(uint32_t)len, copy};
	return true;
}

static bool put_address_text(fk_arena *arena, PyObject *value, bool net,
                             ss_plugin_byte_buffer *out) {
	uint8_t bytes[16];
	char text[64] = "";
	const char *given = PyUnicode_AsUTF8(value);
	if (!given) return false;
	size_t len = net ? strcspn(given, "/") : strlen(given);
	if (len < sizeof text) memcpy(text, given, len);
	int family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(family, text, bytes) == 1)
		return put_bytes(arena, bytes, family == AF_INET ? 4 : 16, out);
	return PyErr_Format(PyExc_ValueError, "%R is not an IP address", value);
}

// An address, interface or network of the module ipaddress: `packed`, or that of `network_address`.
static bool put_address(fk_arena *arena, PyObject *value, bool net, ss_plugin_byte_buffer *out) {
	if (PyBytes_Check(value))
		return put_bytes(arena, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), out);
	if (PyUnicode_Check(value)) return put_address_text(arena, value, net, out);
	PyObject *packed = PyObject_GetAttrString(value, "packed");
	if (!packed && net) {
		PyErr_Clear();
		PyObject *address = PyObject_GetAttrString(value, "network_address");
		packed = address ? PyObject_GetAttrString(address, "packed") : NULL;
		Py_XDECREF(address);
	}
	if (!packed || !PyBytes_Check(packed)) {
		PyErr_Clear();
		Py_XDECREF(packed);
		return wrong_type(value, net ? "ipnet" : "ipaddr");
	}
	bool ok = put_bytes(arena, PyBytes_AS_STRING(packed), PyBytes_GET_SIZE(packed), out);
	Py_DECREF(packed);
	return ok;
}

// ---- one value, and many ----------------------------------------------------------------------------

static size_t size_of(uint32_t ftype) {
	if (ftype == FTYPE_BOOL) return sizeof(ss_plugin_bool);
	if (ftype == FTYPE_IPADDR || ftype == FTYPE_IPNET) return sizeof(ss_plugin_byte_buffer);
	return sizeof(uint64_t);
}

static bool put(fk_arena *arena, PyObject *value, uint32_t ftype, void *out) {
	switch (ftype) {
	case FTYPE_UINT64: return put_u64(value, out);
	case FTYPE_STRING: return put_text(arena, value, out);
	case FTYPE_ABSTIME:
	case FTYPE_RELTIME: return put_time(value, out);
	case FTYPE_IPADDR:
	case FTYPE_IPNET: return put_address(arena, value, ftype == FTYPE_IPNET, out);
	case FTYPE_BOOL:
		if (!PyBool_Check(value)) return wrong_type(value, "bool");
		*(ss_plugin_bool *)out = value == Py_True;
		return true;
	default: PyErr_Format(PyExc_TypeError, "the host asks for type %u", (unsigned)ftype);
	}
	return false;
}

// The place that a FieldValue gives, relative to the whole event.
static bool find_place(fk_conversion *c, PyObject *found, fk_place *out) {
	PyObject *at = PyTuple_GET_ITEM(found, 1), *size = PyTuple_GET_ITEM(found, 2);
	fk_event_data data = {0};
	uint64_t start, length, base = 0;
	if (!PyLong_Check(at) || !PyLong_Check(size)) return wrong_type(at, "at a place of two int");
	if (!put_number(at, "start", &start) || !put_number(size, "length", &length)) return false;
	*out = (fk_place){0, 0};
	if (!start && !length) return true; // computed
	uint64_t room = c->event->len;
	if (fk_event_find_data(c->event, &data)) base = data.offset, room = data.len;
	if (start > room || length > room - start)
		return PyErr_Format(
			PyExc_ValueError, "a value at %llu, %llu bytes long, is not in an event of %llu",
			(unsigned long long)start, (unsigned long long)length, (unsigned long long)room);
	*out = (fk_place){(uint32_t)(base + start), (uint32_t)length};
	return true;
}

static bool note_place(fk_conversion *c, PyObject *found, size_t i, size_t n) {
	if (!c->places) {
		c->places = fk_arena_alloc(c->arena, n * sizeof *c->places);
		if (!c->places) return PyErr_NoMemory(), false;
		for (size_t k = 0; k < n; k++) c->places[k] = FK_NO_PLACE;
	}
	return find_place(c, found, &c->places[i]);
}

static inline bool is_found(PyObject *value) {
	return Py_IS_TYPE(value, (PyTypeObject *)field_value_type);
}

static bool put_one(fk_conversion *c, PyObject *value, uint32_t ftype, uint8_t *out, size_t i,
                    size_t n) {
	if (is_found(value)) {
		if (c->want_places && !note_place(c, value, i, n)) return false;
		value = PyTuple_GET_ITEM(value, 0);
	}
	return put(c->arena, value, ftype, out + i * size_of(ftype));
}

static bool put_list(fk_conversion *c, PyObject *value, ss_plugin_extract_field *field) {
	if (PyUnicode_Check(value) || PyBytes_Check(value) || is_found(value))
		return wrong_type(value, "a list");
	PyObject *items = PySequence_Fast(value, "");
	if (!items) {
		// An exception inside an iterator is the author's; a missing iterator is reported here.
		if (!PyErr_ExceptionMatches(PyExc_TypeError) || Py_TYPE(value)->tp_iter) return false;
		PyErr_Clear();
		return wrong_type(value, "a list");
	}
	size_t n = (size_t)PySequence_Fast_GET_SIZE(items);
	uint8_t *out = n ? fk_arena_alloc(c->arena, n * size_of(field->ftype)) : NULL;
	bool ok = !n || out;
	if (!ok) PyErr_NoMemory();
	// Code of an item may change the list meanwhile.
	for (size_t i = 0; ok && i < n; i++) {
		ok = (Py_ssize_t)i < PySequence_Fast_GET_SIZE(items);
		if (!ok) {
			PyErr_SetString(PyExc_RuntimeError, "the list changed while it was read");
			break;
		}
		PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(items, (Py_ssize_t)i));
		ok = put_one(c, item, field->ftype, out, i, n);
		Py_DECREF(item);
	}
	Py_DECREF(items);
	if (!ok) return false;
	field->res.u64 = (uint64_t *)(void *)out;
	field->res_len = n;
	return true;
}

bool fk_convert(fk_conversion *c, PyObject *value, ss_plugin_extract_field *field) {
	c->places = NULL;
	if (value == Py_None) return true;
	if (field->flist) return put_list(c, value, field);
	if (is_found(value) && PyTuple_GET_ITEM(value, 0) == Py_None) return true;
	uint8_t *out = fk_arena_alloc(c->arena, sizeof(ss_plugin_byte_buffer)); // the largest
	if (!out) return PyErr_NoMemory(), false;
	if (!put_one(c, value, field->ftype, out, 0, 1)) return false;
	field->res.u64 = (uint64_t *)(void *)out;
	field->res_len = 1;
	return true;
}
