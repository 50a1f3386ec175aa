// SPDX-License-Identifier: Apache-2.0
// An entry of an imported table as Python has it: the base of the author's entry classes inside the
// host, and Field, the attribute that reads and writes one field of it.
#include "tables/exported_types.h" // values between Python and tables
#include "tables/tables.h"

PyTypeObject *fk_entry_type, *fk_field_type;
static PyObject *fk_dunder;

PyObject *fk_entry_new(fk_table *table, uint64_t hook, fk_held_ref held, PyObject *iterator) {
	PyTypeObject *type = table->shape->entry;
	fk_table_entry *self = (fk_table_entry *)type->tp_alloc(type, 0);
	if (!self) return NULL; // what is held is given back when the hook ends
	self->table = (fk_table *)Py_NewRef(table);
	self->hook = hook;
	self->held = held;
	self->iterator = Py_XNewRef(iterator);
	return (PyObject *)self;
}

// A pointer into what was there when it was got.
static bool overtaken(const fk_tables *t, const fk_table_entry *entry) {
	return !entry->iterator && entry->held.pointer &&
	       entry->held.changes != t->changes[entry->table->shape->kind - 1];
}

ss_plugin_table_entry_t *fk_entry_handle(fk_tables *t, fk_table_entry *entry) {
	ss_plugin_table_entry_t *handle = NULL;
	if (entry->iterator)
		handle = fk_iter_entry(entry->iterator, entry);
	else {
		fk_held *held = fk_tables_held(t, entry->held);
		if (held) handle = held->entry;
	}
	if (!handle)
		fk_tables_refuse(t, entry->iterator
								? "the iteration has gone on: this entry was lent for its turn only"
								: "the entry was released");
	else if (overtaken(t, entry)) {
		handle = NULL;
		fk_tables_refuse(t,
		                 "entries were inserted into or removed from such a table since this one "
		                 "was got: get it anew from the table");
	}
	return handle;
}

static fk_tables *use(fk_table_entry *self, bool write, ss_plugin_table_entry_t **handle) {
	fk_table *table = self->table;
	*handle = NULL;
	if (!table) return PyErr_SetString(fk_table_error, "this is no entry of a table"), NULL;
	// Fields may be written during an iteration, entries not added or removed.
	fk_tables *t = fk_tables_use(table->impl, self->hook, false);
	if (!t) return NULL;
	const char *refused = !write ? NULL : t->refused;
	if (write && !refused && !t->writer) refused = "the host lends no way to write to tables here";
	if (table->parent) fk_tables_forget_words(t);
	if (refused)
		fk_tables_refuse(t, "%s", refused);
	else if (fk_table_alive(t, table))
		*handle = fk_entry_handle(t, self);
	if (*handle) return t;
	fk_tables_done(t);
	return NULL;
}

// ---- fields -----------------------------------------------------------------------------------------

typedef struct Field {
	PyObject_HEAD
	Py_ssize_t index;
	const PyTypeObject
		*owner; // the class that it is a field of: to be compared with, it may be gone
} Field;

// Python lets an author take a field for another class's entry, or give an entry another class.
static bool belongs(const Field *field, PyObject *object) {
	const fk_table *table = ((fk_table_entry *)object)->table;
	if (!table || (Py_TYPE(object) == field->owner && table->shape->entry == field->owner &&
	               field->index < table->shape->count))
		return true;
	PyErr_SetString(fk_table_error, "the field is of another class than the entry");
	return false;
}

static PyObject *value_of(const fk_import_field *field, const ss_plugin_state_data *data) {
	switch (field->type) {
	case SS_PLUGIN_ST_INT8: return PyLong_FromLong(data->s8);
	case SS_PLUGIN_ST_INT16: return PyLong_FromLong(data->s16);
	case SS_PLUGIN_ST_INT32: return PyLong_FromLong(data->s32);
	case SS_PLUGIN_ST_INT64: return PyLong_FromLongLong(data->s64);
	case SS_PLUGIN_ST_UINT8: return PyLong_FromLong(data->u8);
	case SS_PLUGIN_ST_UINT16: return PyLong_FromLong(data->u16);
	case SS_PLUGIN_ST_UINT32: return PyLong_FromUnsignedLong(data->u32);
	case SS_PLUGIN_ST_UINT64: return PyLong_FromUnsignedLongLong(data->u64);
	case SS_PLUGIN_ST_BOOL: return PyBool_FromLong(data->b != 0);
	case SS_PLUGIN_ST_STRING: return fk_py_text_of(data->str ? data->str : "");
	case SS_PLUGIN_ST_TABLE: break; // made without the lock
	}
	return PyErr_Format(PyExc_SystemError, "a field of type %d", (int)field->type);
}

static PyObject *field_get(PyObject *me, PyObject *object, PyObject *type) {
	ss_plugin_table_entry_t *handle;
	ss_plugin_state_data data = {0};
	(void)type;
	if (!object || !PyObject_TypeCheck(object, fk_entry_type)) return Py_NewRef(me);
	if (!belongs((Field *)me, object)) return NULL;
	fk_table_entry *self = (fk_table_entry *)object;
	fk_tables *t = use(self, false, &handle);
	if (!t) return NULL;
	const fk_import_field *field = &self->table->shape->fields[((Field *)me)->index];
	PyObject *value = NULL;
	bool nested = field->type == SS_PLUGIN_ST_TABLE;
	ss_plugin_rc rc =
		t->reader->read_entry_field(self->table->handle, handle, field->handle, &data);
	if (!fk_tables_answered(t, rc) || (nested && !data.table))
		fk_tables_fail(t, "field '%s' cannot be read", PyUnicode_AsUTF8(field->name));
	else if (!nested)
		value = value_of(field, &data); // a text is the host's: copied under the lock
	if (!fk_tables_done(t)) return NULL;
	return nested ? fk_table_new(self->table->impl, field->nested, data.table, self) : value;
}

bool fk_table_number(PyObject *value, ss_plugin_state_type type, ss_plugin_state_data *data) {
	uint64_t number;
	if (!fk_py_take_number(value, type, &number)) return false;
	switch (type) {
	case SS_PLUGIN_ST_INT8:
	case SS_PLUGIN_ST_UINT8: data->u8 = (uint8_t)number; break;
	case SS_PLUGIN_ST_INT16:
	case SS_PLUGIN_ST_UINT16: data->u16 = (uint16_t)number; break;
	case SS_PLUGIN_ST_INT32:
	case SS_PLUGIN_ST_UINT32: data->u32 = (uint32_t)number; break;
	case SS_PLUGIN_ST_BOOL: data->b = number != 0; break;
	default: data->u64 = number;
	}
	return true;
}

static int field_set(PyObject *me, PyObject *object, PyObject *value) {
	if (!PyObject_TypeCheck(object, fk_entry_type) || !value)
		PyErr_SetString(fk_table_errors[FK_WRONG_FIELD], "a field of an entry cannot be deleted");
	else if (belongs((Field *)me, object))
		return fk_entry_write((fk_table_entry *)object, ((Field *)me)->index, value) ? 0 : -1;
	return -1;
}

bool fk_entry_take(const fk_import_shape *shape, Py_ssize_t index, PyObject *value,
                   ss_plugin_state_data *data, PyObject **owner) {
	const fk_import_field *field = &shape->fields[index];
	fk_py_text text = {0};
	*data = (ss_plugin_state_data){0};
	if (field->type == SS_PLUGIN_ST_TABLE) {
		PyErr_Format(fk_table_error, "field '%U' is a table: change what it holds", field->name);
		return false;
	}
	bool ok = field->type == SS_PLUGIN_ST_STRING ? fk_py_take_text(value, &text)
	                                             : fk_table_number(value, field->type, data);
	if (!ok) fk_tables_wrong(field->name, shape->name);
	if (ok && field->type == SS_PLUGIN_ST_STRING) data->str = text.bytes;
	*owner = text.owner;
	return ok;
}

bool fk_entry_write(fk_table_entry *self, Py_ssize_t index, PyObject *value) {
	ss_plugin_table_entry_t *handle;
	ss_plugin_state_data data = {0};
	PyObject *owner = NULL;
	const fk_import_field *field = self->table ? &self->table->shape->fields[index] : NULL;
	if (field && !fk_entry_take(self->table->shape, index, value, &data, &owner)) return false;
	fk_tables *t = use(self, true, &handle);
	bool ok = t && fk_tables_answered(t, t->writer->write_entry_field(self->table->handle, handle,
	                                                                  field->handle, &data));
	if (t && !ok) fk_tables_fail(t, "field '%s' cannot be written", PyUnicode_AsUTF8(field->name));
	if (t) fk_tables_done(t);
	Py_XDECREF(owner);
	return ok;
}

// __set_name__(owner, name)
static PyObject *field_named(PyObject *me, PyObject *args) {
	PyObject *owner, *name;
	if (!PyArg_ParseTuple(args, "O!O", &PyType_Type, &owner, &name)) return NULL;
	((Field *)me)->owner = (PyTypeObject *)owner;
	Py_RETURN_NONE;
}

static PyObject *field_make(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
	Py_ssize_t index;
	(void)kwargs;
	if (!PyArg_ParseTuple(args, "n", &index)) return NULL;
	Field *self = (Field *)type->tp_alloc(type, 0);
	if (self) self->index = index;
	return (PyObject *)self;
}

// ---- the entry --------------------------------------------------------------------------------------

// A field, or what the author's class takes itself; nothing else, for it would be lost.
static int entry_set(PyObject *me, PyObject *name, PyObject *value) {
	fk_table *table = ((fk_table_entry *)me)->table;
	if (!table) return PyErr_SetString(fk_table_error, "this is no entry of a table"), -1;
	PyObject *attributes = table->shape->attributes;
	int known = PyDict_Contains(attributes, name);
	if (known == 0 && PyUnicode_Check(name) &&
	    PyUnicode_Tailmatch(name, fk_dunder, 0, 2, -1) == 0) {
		PyObject *own = PyObject_GetAttr((PyObject *)Py_TYPE(me), name);
		known = own && Py_TYPE(own)->tp_descr_set;
		Py_XDECREF(own);
		PyErr_Clear();
	}
	if (known == 0) fk_tables_no_field(table->shape->entry, name, attributes);
	return known == 1 ? PyObject_GenericSetAttr(me, name, value) : -1;
}

static PyObject *entry_release(PyObject *me, PyObject *none) {
	fk_table_entry *self = (fk_table_entry *)me;
	(void)none;
	if (self->table && self->held.index != FK_NOT_HELD) {
		fk_tables *t = fk_tables_use(self->table->impl, self->hook, false);
		if (t && fk_tables_held(t, self->held)) fk_tables_give_back(t, self->held.index);
		if (t) fk_tables_done(t);
		PyErr_Clear(); // after its hook there is nothing to give back
	}
	self->held.index = FK_NOT_HELD;
	Py_CLEAR(self->iterator);
	Py_RETURN_NONE;
}

// On another thread, or after the hook, nothing is given back: the end of the hook does.
static void entry_free(PyObject *me) {
	PyTypeObject *type = Py_TYPE(me);
	PyObject *error_type, *value, *trace;
	PyErr_Fetch(&error_type, &value, &trace);
	Py_XDECREF(entry_release(me, NULL));
	PyErr_Restore(error_type, value, trace);
	Py_XDECREF(((fk_table_entry *)me)->table);
	type->tp_free(me);
	Py_DECREF(type);
}

static PyMethodDef entry_methods[] = {{"release", entry_release, METH_NOARGS, NULL}, {0}};
static PyType_Slot entry_slots[] = {{Py_tp_dealloc, entry_free},
                                    {Py_tp_methods, entry_methods},
                                    {Py_tp_setattro, entry_set},
                                    {0, NULL}};
static PyType_Spec entry_spec = {.name = "falcokit.ImportedEntry",
                                 .basicsize = sizeof(fk_table_entry),
                                 .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                 .slots = entry_slots};
static PyMethodDef field_methods[] = {{"__set_name__", field_named, METH_VARARGS, NULL}, {0}};
static PyType_Slot field_slots[] = {{Py_tp_new, field_make},
                                    {Py_tp_descr_get, field_get},
                                    {Py_tp_descr_set, field_set},
                                    {Py_tp_methods, field_methods},
                                    {0, NULL}};
static PyType_Spec field_spec = {.name = "falcokit.ImportedField",
                                 .basicsize = sizeof(Field),
                                 .flags = Py_TPFLAGS_DEFAULT,
                                 .slots = field_slots};

bool fk_entry_ready(void) {
	if (!(fk_dunder = PyUnicode_InternFromString("__"))) return false;
	fk_entry_type = (PyTypeObject *)PyType_FromSpec(&entry_spec);
	fk_field_type = fk_entry_type ? (PyTypeObject *)PyType_FromSpec(&field_spec) : NULL;
	return fk_field_type != NULL;
}
