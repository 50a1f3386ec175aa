// SPDX-License-Identifier: Apache-2.0
// The tables that a plugin exports: values between Python and the store, the plugin's own view of its
// tables, StoreEntry and StoreTable, and adding one to the host's tables. The classes that authors see
// are subtypes of these live views of the storage (falcokit/runtime/tables/exported_table.py). Any thread
// with the GIL, also after the plugin was destroyed, when nobody else sees the table any more.
#include "tables/store.h"
#include "tables/tables.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A falcokit.runtime.tables.exported_table.Shape, by position.
enum {
	SHAPE_KEY,        // int: the type of the keys
	SHAPE_FIELDS,     // tuple of fields
	SHAPE_ATTRIBUTES, // dict: attribute of the class -> position of the field
	SHAPE_ENTRY,      // the class of the entries: a subtype of StoreEntry and of the author's class
	SHAPE_TABLE       // the class of the table
};
enum {
	FIELD_NAME,
	FIELD_TYPE,
	FIELD_READ_ONLY,
	FIELD_DEFAULT,
	FIELD_NESTED // Shape or None
};

typedef struct StoreTable {
	PyObject_HEAD
	fk_xtable *t;
	fk_xentry *holder; // of a nested table: a reference; other tables reference the root
	PyObject *shape;
} StoreTable;

typedef struct StoreEntry {
	PyObject_HEAD
	fk_xentry *e;
	PyObject *shape;
} StoreEntry;

static PyTypeObject *table_type, *entry_type;
static PyObject *new_table(PyObject *shape, fk_xtable *t, fk_xentry *holder);
static bool put_all(fk_xtable *t, PyObject *shape, PyObject *mapping);

// ---- values -----------------------------------------------------------------------------------------
// Text that is not UTF-8, which other plugins may write, is a str with surrogate escapes, like paths in
// Python.

bool fk_py_take_text(PyObject *value, fk_bytes *text) {
	text->owned = NULL;
	if (!PyUnicode_Check(value))
		return PyErr_Format(PyExc_TypeError, "a str is needed, not %s", Py_TYPE(value)->tp_name);
	if (!fk_bytes_of(value, true, text)) {
		if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
			PyErr_SetString(PyExc_ValueError, "the str has half a surrogate pair");
		return false;
	}
	if ((size_t)text->len == strlen(text->data)) return true;
	PyErr_SetString(PyExc_ValueError, "a str of a table has no NUL");
	Py_CLEAR(text->owned);
	return false;
}

bool fk_py_take_number(PyObject *value, ss_plugin_state_type type, uint64_t *number) {
	if (type == SS_PLUGIN_ST_BOOL ? !PyBool_Check(value) : !PyLong_Check(value))
		return PyErr_Format(PyExc_TypeError, "%s is needed, not %s",
		                    type == SS_PLUGIN_ST_BOOL ? "a bool" : "an int",
		                    Py_TYPE(value)->tp_name);
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

// The caller drops the owner of the text after use of the key.
static bool take_key(PyObject *value, const fk_xschema *s, fk_xkey *key, fk_bytes *text) {
	uint64_t number;
	text->owned = NULL;
	if (s->key == SS_PLUGIN_ST_STRING) {
		if (!fk_py_take_text(value, text)) return false;
		*key = fk_xkey_text(text->data);
		return true;
	}
	if (!fk_py_take_number(value, s->key, &number)) return false;
	*key = fk_xkey_number(number);
	return true;
}

static PyObject *nested_shape(PyObject *shape, Py_ssize_t index) {
	PyObject *field = PyTuple_GET_ITEM(PyTuple_GET_ITEM(shape, SHAPE_FIELDS), index);
	return PyTuple_GET_ITEM(field, FIELD_NESTED);
}

static PyObject *read_field(fk_xentry *e, PyObject *shape, Py_ssize_t index) {
	const fk_xfield *f = &e->schema->fields[index];
	if (f->type == SS_PLUGIN_ST_STRING) {
		fk_xlock(e->schema->root);
		PyObject *text = fk_py_text_of(fk_xtext_locked(e, f, false)); // runs no Python code
		fk_xunlock(e->schema->root);
		return text;
	}
	if (f->type != SS_PLUGIN_ST_TABLE) return fk_py_number(fk_xread(e, f), f->type);
	fk_xtable *nested = fk_xnested(e, f);
	return nested ? new_table(nested_shape(shape, index), nested, e) : PyErr_NoMemory();
}

static bool no_memory(void) { return PyErr_NoMemory(); }

static bool write_table(fk_xentry *e, const fk_xfield *f, PyObject *shape, PyObject *mapping) {
	fk_xtable *nested = fk_xnested(e, f);
	if (!nested) return no_memory();
	fk_xclear(nested);
	return put_all(nested, nested_shape(shape, f->index), mapping);
}

static bool write_value(fk_xentry *e, const fk_xfield *f, PyObject *value) {
	if (f->type == SS_PLUGIN_ST_STRING) {
		fk_bytes text;
		if (!fk_py_take_text(value, &text)) return false;
		bool ok = fk_xwrite_text(e, f, text.data);
		Py_XDECREF(text.owned);
		return ok || no_memory();
	}
	uint64_t number;
	return fk_py_take_number(value, f->type, &number) && (fk_xwrite(e, f, number) || no_memory());
}

// Adds the name of the field to the text of an exception about its value.
static void name_field(const fk_xfield *f) {
	PyObject *raised = fk_take_exception();
	PyErr_Format((PyObject *)Py_TYPE(raised), "field '%s' of table '%s': %S",
	             f->schema->infos[f->index].name, f->schema->name, raised);
	Py_DECREF(raised);
}

static bool write_field(fk_xentry *e, PyObject *shape, Py_ssize_t index, PyObject *value) {
	const fk_xfield *f = &e->schema->fields[index];
	if (f->type == SS_PLUGIN_ST_TABLE) return write_table(e, f, shape, value);
	if (write_value(e, f, value)) return true;
	if (!PyErr_ExceptionMatches(PyExc_MemoryError)) name_field(f);
	return false;
}

// The position of a field by its attribute; -1 without an exception: there is no such field.
static Py_ssize_t index_of(PyObject *shape, PyObject *attribute) {
	PyObject *attributes = PyTuple_GET_ITEM(shape, SHAPE_ATTRIBUTES);
	PyObject *index = PyDict_GetItemWithError(attributes, attribute);
	return index ? PyLong_AsSsize_t(index) : -1;
}

static bool fill_from(fk_xentry *e, PyObject *shape, PyObject *values) {
	PyObject *copy = PyDict_Copy(values), *name, *value; // writing a table may run Python code
	Py_ssize_t position = 0;
	bool ok = copy != NULL;
	while (ok && PyDict_Next(copy, &position, &name, &value)) {
		Py_ssize_t index = index_of(shape, name);
		if (index < 0 && !PyErr_Occurred())
			PyErr_Format(PyExc_TypeError, "table '%s' has no field %R", e->schema->name, name);
		ok = index >= 0 && write_field(e, shape, index, value);
	}
	Py_XDECREF(copy);
	return ok;
}

static bool copy_entry(fk_xentry *to, PyObject *shape, StoreEntry *from) {
	bool ok = true;
	for (uint32_t i = 0; ok && i < to->schema->declared; i++) {
		PyObject *value = read_field(from->e, shape, i);
		ok = value && write_field(to, shape, i, value);
		Py_XDECREF(value);
	}
	return ok;
}

// Writes the values for an entry: a dict, an object of the author's class, or another entry.
static bool fill(fk_xentry *e, PyObject *shape, PyObject *value) {
	PyObject *class = PyTuple_GET_ITEM(shape, SHAPE_ENTRY);
	if (PyDict_Check(value)) return fill_from(e, shape, value);
	if (Py_IS_TYPE(value, (PyTypeObject *)class)) return copy_entry(e, shape, (StoreEntry *)value);
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

// ---- an entry ---------------------------------------------------------------------------------------

// Takes the caller's reference to the entry.
static PyObject *new_entry(PyObject *shape, fk_xentry *e) {
	PyTypeObject *class = (PyTypeObject *)PyTuple_GET_ITEM(shape, SHAPE_ENTRY);
	StoreEntry *self = (StoreEntry *)class->tp_alloc(class, 0);
	if (!self) {
		fk_xrelease(e, FK_X_REF);
		return NULL;
	}
	self->e = e;
	self->shape = Py_NewRef(shape);
	return (PyObject *)self;
}

static void entry_free(PyObject *me) {
	StoreEntry *self = (StoreEntry *)me;
	if (self->e) fk_xrelease(self->e, FK_X_REF);
	Py_XDECREF(self->shape);
	fk_free_object(me);
}

static PyObject *entry_get(PyObject *me, PyObject *name) {
	StoreEntry *self = (StoreEntry *)me;
	Py_ssize_t index = index_of(self->shape, name);
	if (index >= 0) return read_field(self->e, self->shape, index);
	return PyErr_Occurred() ? NULL : PyObject_GenericGetAttr(me, name);
}

static int entry_set(PyObject *me, PyObject *name, PyObject *value) {
	StoreEntry *self = (StoreEntry *)me;
	Py_ssize_t index = index_of(self->shape, name);
	if (index >= 0 && value) return write_field(self->e, self->shape, index, value) ? 0 : -1;
	if (!PyErr_Occurred())
		PyErr_Format(PyExc_AttributeError,
		             index < 0 ? "table '%s' has no field %R"
		                       : "of table '%s' field %R cannot be "
		                         "deleted",
		             self->e->schema->name, name);
	return -1;
}

static PyObject *entry_release(PyObject *me, PyObject *none) {
	// It is valid as long as the object exists.
	Py_RETURN_NONE;
}

static PyMethodDef entry_methods[] = {{"release", entry_release, METH_NOARGS, NULL}, {0}};
static PyType_Slot entry_slots[] = {{Py_tp_dealloc, entry_free},
                                    {Py_tp_getattro, entry_get},
                                    {Py_tp_setattro, entry_set},
                                    {Py_tp_methods, entry_methods},
                                    {0, NULL}};

// ---- a table ----------------------------------------------------------------------------------------

#define CHUNK 256 // keys that are read while the lock is held once

static inline fk_xtable *table_of(PyObject *me) { return ((StoreTable *)me)->t; }
static inline PyObject *shape_of(PyObject *me) { return ((StoreTable *)me)->shape; }

static PyObject *new_table(PyObject *shape, fk_xtable *t, fk_xentry *holder) {
	PyTypeObject *class = (PyTypeObject *)PyTuple_GET_ITEM(shape, SHAPE_TABLE);
	StoreTable *self = (StoreTable *)class->tp_alloc(class, 0);
	if (!self) return NULL;
	self->t = t;
	self->holder = holder;
	self->shape = Py_NewRef(shape);
	if (holder)
		fk_xretain(holder, FK_X_REF);
	else
		atomic_fetch_add(&t->schema->root->refs, 1);
	return (PyObject *)self;
}

static void table_free(PyObject *me) {
	StoreTable *self = (StoreTable *)me;
	if (self->holder)
		fk_xrelease(self->holder, FK_X_REF);
	else if (self->t) {
		fk_xroot *root = self->t->schema->root;
		if (root->closed) fk_xclear(self->t); // entries written after the end
		fk_xroot_unref(root);
	}
	Py_XDECREF(self->shape);
	fk_free_object(me);
}

// ---- a table: writing -------------------------------------------------------------------------------

static bool put(fk_xtable *t, PyObject *shape, PyObject *key_given, PyObject *value) {
	fk_xkey key;
	fk_bytes text;
	if (!take_key(key_given, t->schema, &key, &text)) return false;
	fk_xentry *e = fk_xentry_new(t->schema);
	bool ok = e && fill(e, shape, value);
	// Without an error of Python the only other reason is memory.
	if (ok) ok = fk_xput(t, &key, e);
	if (!ok && !PyErr_Occurred()) PyErr_NoMemory();
	if (e) fk_xrelease(e, FK_X_REF);
	Py_XDECREF(text.owned);
	return ok;
}

static bool put_all(fk_xtable *t, PyObject *shape, PyObject *mapping) {
	PyObject *items = PyMapping_Check(mapping) ? PyMapping_Items(mapping) : NULL;
	if (!items && !PyErr_Occurred())
		PyErr_Format(PyExc_TypeError, "table '%s' is written as a mapping, not %s", t->schema->name,
		             Py_TYPE(mapping)->tp_name);
	if (!items) return false;
	bool ok = true;
	for (Py_ssize_t i = 0; ok && i < PyList_GET_SIZE(items); i++) {
		PyObject *pair = PyList_GET_ITEM(items, i);
		ok = PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2 &&
		     put(t, shape, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
	}
	Py_DECREF(items);
	return ok;
}

static int table_assign(PyObject *me, PyObject *key_given, PyObject *value) {
	fk_xkey key;
	fk_bytes text;
	if (value) return put(table_of(me), shape_of(me), key_given, value) ? 0 : -1;
	if (!take_key(key_given, table_of(me)->schema, &key, &text)) return -1;
	bool found = fk_xerase(table_of(me), &key);
	Py_XDECREF(text.owned);
	if (!found) PyErr_SetObject(PyExc_KeyError, key_given);
	return found ? 0 : -1;
}

static PyObject *table_clear(PyObject *me, PyObject *none) {
	fk_xtable *t = table_of(me);
	Py_BEGIN_ALLOW_THREADS
	fk_xclear(t);
	Py_END_ALLOW_THREADS
	Py_RETURN_NONE;
}

// ---- a table: reading -------------------------------------------------------------------------------

// The entry of a key, with a reference. NULL: with an exception for a bad key, without one when there
// is no entry.
static fk_xentry *find(PyObject *me, PyObject *given) {
	fk_xkey key;
	fk_bytes text;
	if (!take_key(given, table_of(me)->schema, &key, &text)) return NULL;
	fk_xentry *e = fk_xget(table_of(me), &key, FK_X_REF);
	Py_XDECREF(text.owned);
	return e;
}

static PyObject *table_item(PyObject *me, PyObject *key) {
	fk_xentry *e = find(me, key);
	if (e) return new_entry(shape_of(me), e);
	if (!PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, key);
	return NULL;
}

static PyObject *table_get(PyObject *me, PyObject *const *args, Py_ssize_t n) {
	if (n < 1 || n > 2) return PyErr_Format(PyExc_TypeError, "get takes a key and a default");
	fk_xentry *e = find(me, args[0]);
	if (e) return new_entry(shape_of(me), e);
	return PyErr_Occurred() ? NULL : Py_NewRef(n == 2 ? args[1] : Py_None);
}

static int table_contains(PyObject *me, PyObject *key) {
	fk_xentry *e = find(me, key);
	if (e) fk_xrelease(e, FK_X_REF);
	return e ? 1 : PyErr_Occurred() ? -1 : 0;
}

static Py_ssize_t table_length(PyObject *me) { return (Py_ssize_t)table_of(me)->map.live; }

static bool append_keys(PyObject *keys, fk_xtable *t, uint32_t *position, uint32_t end) {
	PyObject *made[CHUNK];
	int n = 0;
	fk_xlock(t->schema->root); // nothing under the lock runs Python code
	for (const fk_xitem *item; n < CHUNK && (item = fk_xiterate_at(t, position, end)); n++) {
		made[n] =
			item->text ? fk_py_text_of(item->text) : fk_py_number(item->number, t->schema->key);
		if (!made[n]) break;
	}
	fk_xunlock(t->schema->root);
	bool ok = !PyErr_Occurred();
	for (int i = 0; i < n; i++) {
		ok = ok && PyList_Append(keys, made[i]) == 0;
		Py_DECREF(made[i]);
	}
	return ok;
}

// Iterates over a copy of the keys: others may insert and erase meanwhile.
static PyObject *table_iter(PyObject *me) {
	fk_xtable *t = table_of(me);
	PyObject *keys = PyList_New(0);
	if (!keys) return NULL;
	uint32_t position = 0, end = fk_xiterate_begin(t);
	bool ok = true;
	while (ok && position < end) ok = append_keys(keys, t, &position, end);
	fk_xiterate_end(t);
	PyObject *iterator = ok ? PyObject_GetIter(keys) : NULL;
	Py_DECREF(keys);
	return iterator;
}

static PyObject *table_name(PyObject *me, void *unused) {
	return PyUnicode_FromString(table_of(me)->schema->name);
}

static PyMethodDef methods[] = {
	{"get", (PyCFunction)(void (*)(void))table_get, METH_FASTCALL, NULL},
	{"clear", table_clear, METH_NOARGS, NULL},
	{0}};
static PyGetSetDef attributes[] = {{"name", table_name, NULL, NULL, NULL}, {0}};
static PyType_Slot slots[] = {{Py_tp_dealloc, table_free},
                              {Py_tp_methods, methods},
                              {Py_tp_getset, attributes},
                              {Py_tp_iter, table_iter},
                              {Py_mp_subscript, table_item},
                              {Py_mp_ass_subscript, table_assign},
                              {Py_mp_length, table_length},
                              {Py_sq_contains, table_contains},
                              {0, NULL}};

bool fk_exports_ready(void) {
	table_type = fk_make_type("falcokit.StoreTable", sizeof(StoreTable),
	                          Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots, NULL);
	entry_type =
		fk_make_type("falcokit.StoreEntry", sizeof(StoreEntry),
		             Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION, entry_slots, NULL);
	return table_type && entry_type;
}

// ---- exporting --------------------------------------------------------------------------------------
// From what Python declares to the host's add_table, on the worker in init, before the author's hook; and
// closing with the plugin, on the host's thread.

static bool declare(fk_xschema *s, PyObject *shape);

static bool set_default(fk_xfield *f, PyObject *value) {
	fk_bytes text;
	if (value == Py_None || f->type == SS_PLUGIN_ST_TABLE) return true;
	if (f->type != SS_PLUGIN_ST_STRING) return fk_py_take_number(value, f->type, &f->initial);
	if (!fk_py_take_text(value, &text)) return false;
	f->initial_text = strdup(text.data);
	Py_XDECREF(text.owned);
	return f->initial_text != NULL;
}

static bool declare_field(fk_xschema *s, PyObject *field) {
	PyObject *nested = PyTuple_GET_ITEM(field, FIELD_NESTED);
	const char *name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(field, FIELD_NAME));
	long type = PyLong_AsLong(PyTuple_GET_ITEM(field, FIELD_TYPE));
	int read_only = PyObject_IsTrue(PyTuple_GET_ITEM(field, FIELD_READ_ONLY));
	if (!name || PyErr_Occurred()) return false;
	fk_xfield *f = fk_xfield_new(s, name, (ss_plugin_state_type)type, read_only == 1);
	if (!f || !set_default(f, PyTuple_GET_ITEM(field, FIELD_DEFAULT))) return false;
	if (nested == Py_None) return true;
	long key = PyLong_AsLong(PyTuple_GET_ITEM(nested, SHAPE_KEY));
	f->nested = fk_xschema_new(s->root, name, (ss_plugin_state_type)key);
	return f->nested && declare(f->nested, nested);
}

static bool declare(fk_xschema *s, PyObject *shape) {
	PyObject *fields = PyTuple_GET_ITEM(shape, SHAPE_FIELDS);
	for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fields); i++)
		if (!declare_field(s, PyTuple_GET_ITEM(fields, i))) return false;
	s->declared = s->count;
	return true;
}

// The host's input is gone if the host gave up waiting for init.
static bool add_to_host(fk_impl *impl, fk_xroot *root, char *err, size_t errlen) {
	pthread_mutex_lock(&impl->init_lock);
	const ss_plugin_init_input *in = impl->init_in;
	bool ok = in && in->tables;
	if (!ok)
		snprintf(err, errlen,
		         "tables are added while init runs, by a plugin that parses events or "
		         "extracts fields");
	else if (in->tables->add_table(in->owner, &root->table.input) != SS_PLUGIN_SUCCESS) {
		const char *text = in->get_owner_last_error ? in->get_owner_last_error(in->owner) : NULL;
		snprintf(err, errlen, "%s", text && *text ? text : "the host gave no reason");
		ok = false;
	}
	if (ok) {
		root->next = impl->exports;
		impl->exports = root;
	}
	pthread_mutex_unlock(&impl->init_lock);
	return ok;
}

static PyObject *refuse(const char *name, const char *reason) {
	PyObject *errors = PyImport_ImportModule("falcokit.runtime.base.errors");
	PyObject *class = errors ? PyObject_GetAttrString(errors, "TableError") : NULL;
	if (class) PyErr_Format(class, "table '%s' cannot be exported: %s", name, reason);
	Py_XDECREF(class);
	Py_XDECREF(errors);
	return NULL;
}

static PyObject *export_shape(fk_impl *impl, const char *name, PyObject *shape) {
	char err[FK_ERRLEN];
	long key = PyLong_AsLong(PyTuple_GET_ITEM(shape, SHAPE_KEY));
	fk_xroot *root = fk_xroot_new(name, (ss_plugin_state_type)key);
	if (!root) return PyErr_NoMemory();
	if (!declare(root->table.schema, shape)) {
		fk_xroot_unref(root);
		return PyErr_Occurred() ? NULL : PyErr_NoMemory();
	}
	// The object is made first: once the host knows the table, nothing may fail.
	PyObject *table = new_table(shape, &root->table, NULL);
	root->error = impl->plugin->last_error;
	root->error_size = sizeof impl->plugin->last_error;
	if (table && add_to_host(impl, root, err, sizeof err)) return table;
	fk_xroot_unref(root);
	Py_CLEAR(table);
	return PyErr_Occurred() ? NULL : refuse(name, err);
}

PyObject *fk_export_table(fk_impl *impl, PyObject *args) {
	const char *name;
	PyObject *make_shape;
	if (!PyArg_ParseTuple(args, "sO", &name, &make_shape)) return NULL;
	PyObject *shape = PyObject_CallFunction(make_shape, "OO", table_type, entry_type);
	PyObject *table = shape ? export_shape(impl, name, shape) : NULL;
	Py_XDECREF(shape);
	return table;
}

// After destroy or a failed init, when no running hook can add one.
void fk_exports_close(fk_impl *impl) {
	while (impl->exports) {
		fk_xroot *root = impl->exports;
		impl->exports = root->next;
		fk_xroot_close(root);
	}
}
