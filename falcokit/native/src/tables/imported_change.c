// SPDX-License-Identifier: Apache-2.0
// Changes to an imported table: entries are inserted, erased, cleared away.
#include "tables/exported_types.h" // values between Python and tables
#include "tables/tables.h"

// What points into the table as it was is worth nothing now.
static void changed(fk_tables *t, const fk_table *self) {
	if (self->shape->kind) t->changes[self->shape->kind - 1]++;
}

// Each field with its value: known, and of its type. Nothing of it runs Python.
static bool check(const fk_import_shape *shape, PyObject *fields) {
	PyObject *attribute, *value;
	Py_ssize_t at = 0;
	while (fields && PyDict_Next(fields, &at, &attribute, &value)) {
		PyObject *index = PyDict_GetItemWithError(shape->attributes, attribute), *owner = NULL;
		ss_plugin_state_data data;
		if (!index && !PyErr_Occurred())
			fk_tables_no_field(shape->entry, attribute, shape->attributes);
		if (!index || !fk_entry_take(shape, PyLong_AsSsize_t(index), value, &data, &owner))
			return false;
		Py_XDECREF(owner);
	}
	return true;
}

static bool fill(PyObject *entry, const fk_import_shape *shape, PyObject *fields) {
	PyObject *attribute, *value;
	Py_ssize_t at = 0;
	while (fields && PyDict_Next(fields, &at, &attribute, &value)) {
		PyObject *index = PyDict_GetItemWithError(shape->attributes, attribute);
		if (!index || !fk_entry_write((fk_table_entry *)entry, PyLong_AsSsize_t(index), value))
			return false;
	}
	return true;
}

// A new entry that is in no table yet; the host owns it from add_table_entry on. The hook may have
// ended while Python filled the entry.
static bool add(fk_table *self, fk_table_entry *entry, const ss_plugin_state_data *key) {
	fk_tables *t = fk_tables_use(self->impl, entry->hook, true);
	if (!t) return false;
	fk_tables_forget_words(t); // a table that is full has none
	fk_held *made = fk_table_alive(t, self) ? fk_tables_held(t, entry->held) : NULL;
	if (made) {
		made->entry = t->writer->add_table_entry(self->handle, key, made->entry);
		made->is_new = false;
		changed(t, self);
		entry->held.changes = fk_table_changes(t, self);
		if (!made->entry) { // failed: what was made is the owner's too
			fk_tables_part(t, made->parent);
			fk_tables_fail(t, "the entry cannot be inserted");
		}
	}
	return fk_tables_done(t);
}

static PyObject *make(fk_table *self) {
	fk_tables *t = fk_table_use(self, true);
	if (!t) return NULL;
	ss_plugin_table_entry_t *made = t->writer->create_table_entry(self->handle);
	if (!made) fk_tables_fail(t, "the table makes no entry");
	fk_held_ref held = fk_table_hold(t, self, made, (fk_held){.is_new = true});
	uint64_t hook = t->hook;
	fk_tables_done(t);
	return held.index != FK_NOT_HELD ? fk_entry_new(self, hook, held, NULL) : NULL;
}

static bool too_far(const fk_table *self, const ss_plugin_state_data *key, PyObject *given) {
	if (!self->shape->is_list || key->u64 < FK_LIST_MAX) return false;
	PyErr_Format(fk_table_errors[FK_WRONG_RANGE],
	             "the key of table '%U': %S is too far for a list, which has every entry up to its "
	             "last: less than %d is needed",
	             self->shape->name, given, FK_LIST_MAX);
	return true;
}

// Values are written before others can see the entry; in a list it has a place for them only then.
static PyObject *insert(fk_table *self, PyObject *key, PyObject *fields) {
	ss_plugin_state_data data;
	fk_py_text text;
	bool list = self->shape->is_list;
	if (!fk_table_take_key(self, key, &data, &text)) return NULL;
	PyObject *entry = too_far(self, &data, key) || !check(self->shape, fields) ? NULL : make(self);
	bool ok = entry && (list || fill(entry, self->shape, fields)) &&
	          add(self, (fk_table_entry *)entry, &data) &&
	          (!list || fill(entry, self->shape, fields));
	Py_XDECREF(text.owner);
	if (!ok) Py_CLEAR(entry);
	return entry;
}

// insert(key, /, **fields)
PyObject *fk_table_insert(PyObject *me, PyObject *args, PyObject *fields) {
	PyObject *key;
	if (!PyArg_ParseTuple(args, "O", &key)) return NULL;
	return insert((fk_table *)me, key, fields);
}

static PyObject *erase(fk_table *self, PyObject *key) {
	ss_plugin_state_data data;
	fk_py_text text;
	if (!fk_table_take_key(self, key, &data, &text)) return NULL;
	fk_tables *t = fk_table_use(self, true);
	bool ok = t && fk_tables_answered(t, t->writer->erase_table_entry(self->handle, &data));
	if (t && !ok) fk_tables_fail(t, "the entry cannot be erased");
	if (ok) changed(t, self);
	if (t) fk_tables_done(t);
	Py_XDECREF(text.owner);
	if (!ok) return NULL;
	Py_RETURN_NONE;
}

PyObject *fk_table_erase(PyObject *me, PyObject *key) { return erase((fk_table *)me, key); }

// table[key] = {attribute: value} and del table[key]
int fk_table_set(PyObject *me, PyObject *key, PyObject *fields) {
	if (fields && !PyDict_Check(fields)) {
		PyErr_SetString(fk_table_errors[FK_WRONG_TYPE], "an entry is set by a dict of its fields");
		return -1;
	}
	PyObject *copy = fields ? PyDict_Copy(fields) : NULL; // its owner may change it meanwhile
	if (fields && !copy) return -1;
	PyObject *done = fields ? insert((fk_table *)me, key, copy) : erase((fk_table *)me, key);
	Py_XDECREF(copy);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

PyObject *fk_table_clear(PyObject *me, PyObject *none) {
	fk_tables *t = fk_table_use((fk_table *)me, true);
	(void)none;
	if (!t) return NULL;
	bool ok = fk_tables_answered(t, t->writer->clear_table(((fk_table *)me)->handle));
	if (!ok) fk_tables_fail(t, "the table cannot be cleared");
	changed(t, (fk_table *)me);
	fk_tables_done(t);
	if (!ok) return NULL;
	Py_RETURN_NONE;
}
