// SPDX-License-Identifier: Apache-2.0
// Values of exported tables between Python and the store. Text that is not UTF-8, which other
// plugins may write, is a str with surrogate escapes, as paths are in Python.
#include "tables/exported_types.h"
#include <string.h>

bool fk_py_take_text(PyObject *value, fk_py_text *text) {
	Py_ssize_t size;
	text->owner = NULL;
	if (!PyUnicode_Check(value)) {
		PyErr_Format(PyExc_TypeError, "a str is needed, not %s", Py_TYPE(value)->tp_name);
		return false;
	}
	text->bytes = PyUnicode_AsUTF8AndSize(value, &size);
	if (!text->bytes && PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) {
		PyErr_Clear();
		text->owner = PyUnicode_AsEncodedString(value, "utf-8", "surrogateescape");
		if (text->owner)
			PyBytes_AsStringAndSize(text->owner, (char **)&text->bytes, &size);
		else if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
			PyErr_SetString(PyExc_ValueError, "the str has half a surrogate pair");
	}
	if (!text->bytes) return false;
	if ((size_t)size == strlen(text->bytes)) return true;
	PyErr_SetString(PyExc_ValueError, "a str of a table has no NUL");
	Py_CLEAR(text->owner);
	return false;
}

bool fk_py_take_number(PyObject *value, ss_plugin_state_type type, uint64_t *number) {
	if (type == SS_PLUGIN_ST_BOOL ? !PyBool_Check(value) : !PyLong_Check(value)) {
		PyErr_Format(PyExc_TypeError, "%s is needed, not %s",
		             type == SS_PLUGIN_ST_BOOL ? "a bool" : "an int", Py_TYPE(value)->tp_name);
		return false;
	}
	bool is_signed = type <= SS_PLUGIN_ST_INT64;
	int bits = 8 << ((type - SS_PLUGIN_ST_INT8) % 4), overflow = 0;
	if (type == SS_PLUGIN_ST_BOOL) bits = 1;
	bool fits;
	if (!is_signed && bits == 64) {
		*number = PyLong_AsUnsignedLongLong(value);
		fits = !PyErr_Occurred();
		PyErr_Clear();
	} else {
		int64_t n = PyLong_AsLongLongAndOverflow(value, &overflow);
		int64_t high = is_signed ? INT64_MAX >> (64 - bits) : (1ll << bits) - 1;
		fits = !overflow && n <= high && n >= (is_signed ? -high - 1 : 0);
		*number = (uint64_t)n;
	}
	if (!fits) PyErr_Format(PyExc_OverflowError, "%S does not fit %s", value, fk_xtype_name(type));
	return fits;
}

PyObject *fk_py_number(uint64_t number, ss_plugin_state_type type) {
	if (type == SS_PLUGIN_ST_BOOL) return PyBool_FromLong(number != 0);
	if (type <= SS_PLUGIN_ST_INT64) return PyLong_FromLongLong((int64_t)number);
	return PyLong_FromUnsignedLongLong(number);
}

PyObject *fk_py_text_of(const char *bytes) {
	return PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)strlen(bytes), "surrogateescape");
}

// The text is the caller's to drop after use of the key.
bool fk_py_take_key(PyObject *value, const fk_xschema *s, fk_xkey *key, fk_py_text *text) {
	uint64_t number;
	text->owner = NULL;
	if (s->key == SS_PLUGIN_ST_STRING) {
		if (!fk_py_take_text(value, text)) return false;
		*key = fk_xkey_text(text->bytes);
		return true;
	}
	if (!fk_py_take_number(value, s->key, &number)) return false;
	*key = fk_xkey_number(number);
	return true;
}

static PyObject *nested_shape(PyObject *shape, Py_ssize_t index) {
	PyObject *field = PyTuple_GET_ITEM(PyTuple_GET_ITEM(shape, FK_SHAPE_FIELDS), index);
	return PyTuple_GET_ITEM(field, FK_FIELD_NESTED);
}

PyObject *fk_py_read(fk_xentry *e, PyObject *shape, Py_ssize_t index) {
	const fk_xfield *f = &e->schema->fields[index];
	if (f->type == SS_PLUGIN_ST_STRING) {
		fk_xlock(e->schema->root);
		PyObject *text = fk_py_text_of(fk_xtext_locked(e, f, false)); // runs no Python
		fk_xunlock(e->schema->root);
		return text;
	}
	if (f->type != SS_PLUGIN_ST_TABLE) return fk_py_number(fk_xread(e, f), f->type);
	fk_xtable *nested = fk_xnested(e, f);
	return nested ? fk_new_store_table(nested_shape(shape, index), nested, e) : PyErr_NoMemory();
}

static bool no_memory(void) {
	PyErr_NoMemory();
	return false;
}

static bool write_table(fk_xentry *e, const fk_xfield *f, PyObject *shape, PyObject *mapping) {
	fk_xtable *nested = fk_xnested(e, f);
	if (!nested) return no_memory();
	fk_xclear(nested);
	return fk_py_put_all(nested, nested_shape(shape, f->index), mapping);
}

static bool write_value(fk_xentry *e, const fk_xfield *f, PyObject *value) {
	if (f->type == SS_PLUGIN_ST_STRING) {
		fk_py_text text;
		if (!fk_py_take_text(value, &text)) return false;
		bool ok = fk_xwrite_text(e, f, text.bytes);
		Py_XDECREF(text.owner);
		return ok || no_memory();
	}
	uint64_t number;
	return fk_py_take_number(value, f->type, &number) && (fk_xwrite(e, f, number) || no_memory());
}

// Adds which field it was to the text of an error of a value.
static void name_field(const fk_xfield *f) {
	PyObject *type, *value, *trace;
	PyErr_Fetch(&type, &value, &trace);
	PyErr_Format(type, "field '%s' of table '%s': %S", f->schema->infos[f->index].name,
	             f->schema->name, value ? value : Py_None);
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(trace);
}

bool fk_py_write(fk_xentry *e, PyObject *shape, Py_ssize_t index, PyObject *value) {
	const fk_xfield *f = &e->schema->fields[index];
	if (f->type == SS_PLUGIN_ST_TABLE) return write_table(e, f, shape, value);
	if (write_value(e, f, value)) return true;
	if (!PyErr_ExceptionMatches(PyExc_MemoryError)) name_field(f);
	return false;
}

// The position of a field by what the class calls it; -1 without an error: it has none.
Py_ssize_t fk_py_index(PyObject *shape, PyObject *attribute) {
	PyObject *attributes = PyTuple_GET_ITEM(shape, FK_SHAPE_ATTRIBUTES);
	PyObject *index = PyDict_GetItemWithError(attributes, attribute);
	return index ? PyLong_AsSsize_t(index) : -1;
}

static bool fill_from(fk_xentry *e, PyObject *shape, PyObject *values) {
	PyObject *copy = PyDict_Copy(values), *name, *value; // writing a table may run Python
	Py_ssize_t position = 0;
	bool ok = copy != NULL;
	while (ok && PyDict_Next(copy, &position, &name, &value)) {
		Py_ssize_t index = fk_py_index(shape, name);
		if (index < 0 && !PyErr_Occurred())
			PyErr_Format(PyExc_TypeError, "table '%s' has no field %R", e->schema->name, name);
		ok = index >= 0 && fk_py_write(e, shape, index, value);
	}
	Py_XDECREF(copy);
	return ok;
}

static bool copy_entry(fk_xentry *to, PyObject *shape, fk_store_entry *from) {
	bool ok = true;
	for (uint32_t i = 0; ok && i < to->schema->declared; i++) {
		PyObject *value = fk_py_read(from->e, shape, i);
		ok = value && fk_py_write(to, shape, i, value);
		Py_XDECREF(value);
	}
	return ok;
}

// Writes what an author gave for an entry: a dict, an object of the entry's class, another entry.
bool fk_py_fill(fk_xentry *e, PyObject *shape, PyObject *value) {
	PyObject *class = PyTuple_GET_ITEM(shape, FK_SHAPE_ENTRY);
	if (PyDict_Check(value)) return fill_from(e, shape, value);
	if (Py_IS_TYPE(value, (PyTypeObject *)class))
		return copy_entry(e, shape, (fk_store_entry *)value);
	PyObject *author = PyTuple_GET_ITEM(((PyTypeObject *)class)->tp_bases, 1);
	int is = PyObject_IsInstance(value, author);
	if (is < 0) return false;
	PyObject *values = is ? PyObject_GetAttrString(value, "__dict__")
	                      : PyObject_CallOneArg((PyObject *)&PyDict_Type, value);
	if (!values && !is)
		PyErr_Format(PyExc_TypeError, "table '%s' takes %s or a mapping, not %s", e->schema->name,
		             ((PyTypeObject *)author)->tp_name, Py_TYPE(value)->tp_name);
	bool ok = values && PyDict_Check(values) && fill_from(e, shape, values);
	Py_XDECREF(values);
	return ok;
}
