// SPDX-License-Identifier: Apache-2.0
// An imported table as Python has it: a subtype of falcokit.Table, whose methods are the host's
// functions.
#include "tables/exported_types.h" // values between Python and tables
#include "tables/tables.h"

PyTypeObject *fk_table_type;

PyObject *fk_table_new(fk_impl *impl, fk_import_shape *shape, ss_plugin_table_t *handle,
                       fk_table_entry *parent) {
	fk_table *self = (fk_table *)fk_table_type->tp_alloc(fk_table_type, 0);
	if (!self) return NULL;
	self->impl = impl;
	fk_impl_ref(impl);
	self->shape = (fk_import_shape *)Py_NewRef(shape);
	self->handle = handle;
	self->own = parent && parent->table->own;
	self->hook = parent ? parent->hook : 0;
	self->parent = (fk_table_entry *)Py_XNewRef(parent);
	return (PyObject *)self;
}

bool fk_table_alive(fk_tables *t, const fk_table *table) {
	for (fk_table_entry *entry = table->parent; entry; entry = entry->table->parent)
		if (!fk_entry_handle(t, entry)) return false;
	return true;
}

fk_parent fk_table_parent(const fk_table *table) {
	const fk_table_entry *entry = table->parent;
	if (!entry || entry->held.index != FK_NOT_HELD)
		return (fk_parent){entry ? entry->held.index : FK_NOT_HELD, NULL};
	return (fk_parent){FK_NOT_HELD, fk_iter_lender(entry->iterator)};
}

// What a plugin's own table refuses within its init the framework asks the plugin the reason of, and
// ends the process over a plugin that is not initialized.
fk_tables *fk_table_use(fk_table *table, bool write) {
	fk_tables *t = fk_tables_use(table->impl, table->hook, write);
	if (!t) return NULL;
	if (table->parent) fk_tables_forget_words(t);
	if (table->own && t->init)
		fk_tables_refuse(t,
		                 "the table is this plugin's own: in init it is used as a mapping, by "
		                 "the attribute that export_table declares");
	else if (fk_table_alive(t, table))
		return t;
	fk_tables_done(t);
	return NULL;
}

bool fk_table_take_key(fk_table *self, PyObject *key, ss_plugin_state_data *data,
                       fk_py_text *text) {
	*data = (ss_plugin_state_data){0};
	text->owner = NULL;
	bool ok = self->shape->key == SS_PLUGIN_ST_STRING
	              ? fk_py_take_text(key, text)
	              : fk_table_number(key, self->shape->key, data);
	if (!ok)
		fk_tables_wrong(NULL, self->shape->name);
	else if (self->shape->key == SS_PLUGIN_ST_STRING)
		data->str = text->bytes;
	return ok;
}

uint64_t fk_table_changes(const fk_tables *t, const fk_table *self) {
	return self->shape->kind ? t->changes[self->shape->kind - 1] : 0;
}

fk_held_ref fk_table_hold(fk_tables *t, fk_table *self, ss_plugin_table_entry_t *handle,
                          fk_held one) {
	if (!handle) return (fk_held_ref){.index = FK_NOT_HELD};
	one.table = self->handle;
	one.entry = handle;
	one.parent = fk_table_parent(self);
	fk_held_ref held = fk_tables_hold(t, one);
	held.pointer = self->shape->is_list || one.borrowed;
	held.changes = fk_table_changes(t, self);
	return held;
}

typedef struct search {
	const ss_plugin_table_reader_vtable_ext *reader;
	const fk_table *table;
	int64_t key;
	ss_plugin_table_entry_t *found;
} search;

static ss_plugin_bool look_at(ss_plugin_table_iterator_state_t *state,
                              ss_plugin_table_entry_t *entry) {
	search *s = state;
	ss_plugin_state_data data;
	ss_plugin_rc rc =
		s->reader->read_entry_field(s->table->handle, entry, s->table->shape->key_field, &data);
	if (rc == SS_PLUGIN_SUCCESS && data.s64 == s->key) s->found = entry;
	return !s->found;
}

static ss_plugin_table_entry_t *look_up(const fk_tables *t, const fk_table *self,
                                        const ss_plugin_state_data *key) {
	if (!self->shape->key_field) return t->reader->get_table_entry(self->handle, key);
	search s = {t->reader, self, key->s64, NULL};
	t->reader->iterate_entries(self->handle, look_at, &s);
	return s.found;
}

// The entry of a key: a new reference; NULL without an exception: there is none.
static PyObject *find(fk_table *self, PyObject *key) {
	ss_plugin_state_data data;
	fk_py_text text;
	PyObject *entry = NULL;
	if (!fk_table_take_key(self, key, &data, &text)) return NULL;
	fk_tables *t = fk_table_use(self, false);
	if (t) {
		fk_held one = {.borrowed = self->shape->key_field != NULL};
		fk_held_ref held = fk_table_hold(t, self, look_up(t, self, &data), one);
		uint64_t hook = t->hook;
		fk_tables_done(t);
		if (held.index != FK_NOT_HELD) entry = fk_entry_new(self, hook, held, NULL);
	}
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
	{"insert", (PyCFunction)(void (*)(void))fk_table_insert, METH_VARARGS | METH_KEYWORDS, NULL},
	{"erase", fk_table_erase, METH_O, NULL},
	{"clear", fk_table_clear, METH_NOARGS, NULL},
	{0}};
static PyGetSetDef getters[] = {{"name", table_name, NULL, NULL, NULL}, {0}};
static PyType_Slot slots[] = {{Py_tp_dealloc, table_free},
                              {Py_tp_methods, methods},
                              {Py_tp_getset, getters},
                              {Py_tp_iter, fk_table_iter},
                              {Py_mp_subscript, table_item},
                              {Py_mp_ass_subscript, fk_table_set},
                              {Py_mp_length, table_len},
                              {Py_sq_contains, table_contains},
                              {0, NULL}};
static PyType_Spec spec = {.name = "falcokit.ImportedTable",
                           .basicsize = sizeof(fk_table),
                           .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                           .slots = slots};

bool fk_table_ready(PyObject *table_class) {
	fk_table_type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, table_class);
	return fk_table_type != NULL;
}
