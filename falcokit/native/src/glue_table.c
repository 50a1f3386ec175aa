// SPDX-License-Identifier: Apache-2.0
// An imported table as Python has it: a subtype of falcokit.Table, whose methods are the host's
// functions.
#include "glue_store_python.h" // values between Python and tables
#include "glue_tables.h"

PyTypeObject *fk_table_type;

PyObject *fk_table_new(fk_impl *impl, fk_import_shape *shape, ss_plugin_table_t *handle,
                       fk_table_entry *parent) {
	fk_table *self = (fk_table *)fk_table_type->tp_alloc(fk_table_type, 0);
	if (!self) return NULL;
	self->impl = impl;
	fk_impl_ref(impl);
	self->shape = (fk_import_shape *)Py_NewRef(shape);
	self->handle = handle;
	self->hook = parent ? parent->hook : 0;
	self->parent = (fk_table_entry *)Py_XNewRef(parent);
	return (PyObject *)self;
}

bool fk_table_alive(fk_tables *t, const fk_table *table) {
	for (fk_table_entry *entry = table->parent; entry; entry = entry->table->parent)
		if (!fk_entry_handle(t, entry)) return false;
	return true;
}

fk_tables *fk_table_use(fk_table *table, bool write) {
	fk_tables *t = fk_tables_use(table->impl, table->hook, write);
	if (!t || !table->parent) return t;
	fk_tables_nested(t);
	if (fk_table_alive(t, table)) return t;
	fk_tables_done(t);
	return NULL;
}

static bool take_key(fk_table *self, PyObject *key, ss_plugin_state_data *data, fk_py_text *text) {
	*data = (ss_plugin_state_data){0};
	text->owner = NULL;
	if (self->shape->key != SS_PLUGIN_ST_STRING)
		return fk_table_number(key, self->shape->key, data);
	if (!fk_py_take_text(key, text)) return false;
	data->str = text->bytes;
	return true;
}

// The entry of a key: a new reference; NULL without an exception: there is none.
static PyObject *find(fk_table *self, PyObject *key) {
	ss_plugin_state_data data;
	fk_py_text text;
	PyObject *entry = NULL;
	if (!take_key(self, key, &data, &text)) return NULL;
	fk_tables *t = fk_table_use(self, false);
	ss_plugin_table_entry_t *handle = t ? t->reader->get_table_entry(self->handle, &data) : NULL;
	uint32_t held = handle ? fk_tables_hold(t, self->handle, handle) : FK_NOT_HELD;
	uint64_t hook = t ? t->hook : 0;
	if (t) fk_tables_done(t);
	if (held != FK_NOT_HELD) entry = fk_entry_new(self, hook, held, NULL);
	Py_XDECREF(text.owner);
	return entry;
}

static PyObject *table_get(PyObject *me, PyObject *key) {
	PyObject *entry = find((fk_table *)me, key);
	if (entry || PyErr_Occurred()) return entry;
	Py_RETURN_NONE;
}

static PyObject *table_item(PyObject *me, PyObject *key) {
	PyObject *entry = find((fk_table *)me, key);
	if (!entry && !PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, key);
	return entry;
}

static int table_contains(PyObject *me, PyObject *key) {
	PyObject *entry = find((fk_table *)me, key);
	if (!entry) return PyErr_Occurred() ? -1 : 0;
	Py_DECREF(entry);
	return 1;
}

static Py_ssize_t table_len(PyObject *me) {
	fk_tables *t = fk_table_use((fk_table *)me, false);
	if (!t) return -1;
	uint64_t size = t->reader->get_table_size(((fk_table *)me)->handle);
	if (size > PY_SSIZE_T_MAX) fk_tables_fail(t, "the table has no size");
	return fk_tables_done(t) ? (Py_ssize_t)size : -1;
}

static PyObject *table_name(PyObject *me, void *unused) {
	fk_tables *t = fk_table_use((fk_table *)me, false);
	(void)unused;
	if (!t) return NULL;
	const char *name = t->reader->get_table_name(((fk_table *)me)->handle);
	PyObject *text = name ? fk_py_text_of(name) : NULL;
	if (!name) fk_tables_fail(t, "the table has no name");
	fk_tables_done(t);
	return text;
}

// ---- changes ----------------------------------------------------------------------------------------

// A new entry that is in no table yet; the host owns it from add_table_entry on.
static bool fill(PyObject *entry, fk_import_shape *shape, PyObject *fields) {
	PyObject *attribute, *value;
	Py_ssize_t at = 0;
	while (fields && PyDict_Next(fields, &at, &attribute, &value)) {
		int known = PyDict_Contains(shape->attributes, attribute);
		if (known == 0)
			PyErr_Format(PyExc_TypeError, "%s has no field '%U'", shape->entry->tp_name, attribute);
		if (known != 1 || PyObject_SetAttr(entry, attribute, value) < 0) return false;
	}
	return true;
}

// The hook may have ended while Python filled the entry.
static bool add(fk_table *self, fk_table_entry *entry, const ss_plugin_state_data *key) {
	fk_tables *t = fk_tables_use(self->impl, entry->hook, true);
	if (!t) return false;
	if (self->parent) fk_tables_nested(t);
	ss_plugin_table_entry_t *made = fk_table_alive(t, self) ? fk_entry_handle(t, entry) : NULL;
	if (made) {
		ss_plugin_table_entry_t *added = t->writer->add_table_entry(self->handle, key, made);
		t->held[entry->held] = (fk_held){self->handle, added, false}; // failed: the owner's too
		if (!added) fk_tables_fail(t, "the entry cannot be inserted");
	}
	return fk_tables_done(t);
}

static PyObject *insert(fk_table *self, PyObject *key, PyObject *fields) {
	ss_plugin_state_data data;
	fk_py_text text;
	PyObject *entry = NULL;
	if (!take_key(self, key, &data, &text)) return NULL;
	fk_tables *t = fk_table_use(self, true);
	ss_plugin_table_entry_t *made = t ? t->writer->create_table_entry(self->handle) : NULL;
	if (t && !made) fk_tables_fail(t, "the table makes no entry");
	uint32_t held = made ? fk_tables_hold_new(t, self->handle, made) : FK_NOT_HELD;
	uint64_t hook = t ? t->hook : 0;
	if (t) fk_tables_done(t);
	if (held != FK_NOT_HELD) entry = fk_entry_new(self, hook, held, NULL);
	bool ok =
		entry && fill(entry, self->shape, fields) && add(self, (fk_table_entry *)entry, &data);
	Py_XDECREF(text.owner);
	if (!ok) Py_CLEAR(entry);
	return entry;
}

// insert(key, /, **fields)
static PyObject *table_insert(PyObject *me, PyObject *args, PyObject *fields) {
	PyObject *key;
	if (!PyArg_ParseTuple(args, "O", &key)) return NULL;
	return insert((fk_table *)me, key, fields);
}

static PyObject *erase(fk_table *self, PyObject *key) {
	ss_plugin_state_data data;
	fk_py_text text;
	if (!take_key(self, key, &data, &text)) return NULL;
	fk_tables *t = fk_table_use(self, true);
	bool ok = t && t->writer->erase_table_entry(self->handle, &data) == SS_PLUGIN_SUCCESS;
	if (t && !ok) fk_tables_fail(t, "the entry cannot be erased");
	if (t) fk_tables_done(t);
	Py_XDECREF(text.owner);
	if (!ok) return NULL;
	Py_RETURN_NONE;
}

static PyObject *table_erase(PyObject *me, PyObject *key) { return erase((fk_table *)me, key); }

// table[key] = {attribute: value} and del table[key]
static int table_set(PyObject *me, PyObject *key, PyObject *fields) {
	if (fields && !PyDict_Check(fields)) {
		PyErr_SetString(PyExc_TypeError, "an entry is set by a dict of its fields");
		return -1;
	}
	PyObject *copy = fields ? PyDict_Copy(fields) : NULL; // its owner may change it meanwhile
	if (fields && !copy) return -1;
	PyObject *done = fields ? insert((fk_table *)me, key, copy) : erase((fk_table *)me, key);
	Py_XDECREF(copy);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

static PyObject *table_clear(PyObject *me, PyObject *none) {
	fk_tables *t = fk_table_use((fk_table *)me, true);
	(void)none;
	if (!t) return NULL;
	bool ok = t->writer->clear_table(((fk_table *)me)->handle) == SS_PLUGIN_SUCCESS;
	if (!ok) fk_tables_fail(t, "the table cannot be cleared");
	fk_tables_done(t);
	if (!ok) return NULL;
	Py_RETURN_NONE;
}

// ---- the type ---------------------------------------------------------------------------------------

static void table_free(PyObject *me) {
	fk_table *self = (fk_table *)me;
	PyTypeObject *type = Py_TYPE(me);
	Py_XDECREF(self->shape);
	Py_XDECREF(self->parent);
	if (self->impl) fk_impl_unref(self->impl);
	type->tp_free(me);
	Py_DECREF(type);
}

static PyMethodDef methods[] = {
	{"get", table_get, METH_O, NULL},
	{"insert", (PyCFunction)(void (*)(void))table_insert, METH_VARARGS | METH_KEYWORDS, NULL},
	{"erase", table_erase, METH_O, NULL},
	{"clear", table_clear, METH_NOARGS, NULL},
	{0}};
static PyGetSetDef getters[] = {{"name", table_name, NULL, NULL, NULL}, {0}};
static PyType_Slot slots[] = {
	{Py_tp_dealloc, table_free}, {Py_tp_methods, methods},         {Py_tp_getset, getters},
	{Py_tp_iter, fk_table_iter}, {Py_mp_subscript, table_item},    {Py_mp_ass_subscript, table_set},
	{Py_mp_length, table_len},   {Py_sq_contains, table_contains}, {0, NULL}};
static PyType_Spec spec = {.name = "falcokit.ImportedTable",
                           .basicsize = sizeof(fk_table),
                           .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                           .slots = slots};

bool fk_table_ready(PyObject *table_class) {
	fk_table_type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, table_class);
	return fk_table_type != NULL;
}
