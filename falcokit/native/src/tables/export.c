// SPDX-License-Identifier: Apache-2.0
// Exports a table: from what Python declares to the host's add_table; and closes it with the plugin. On
// the worker in init, before the author's hook, and on the host's thread at the end.
#include "tables/exported_types.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern PyType_Spec fk_exported_table_spec, fk_exported_entry_spec;

static bool declare(fk_xschema *s, PyObject *shape);

static bool set_default(fk_xfield *f, PyObject *value) {
	fk_py_text text;
	if (value == Py_None || f->type == SS_PLUGIN_ST_TABLE) return true;
	if (f->type != SS_PLUGIN_ST_STRING) return fk_py_take_number(value, f->type, &f->initial);
	if (!fk_py_take_text(value, &text)) return false;
	f->initial_text = strdup(text.bytes);
	Py_XDECREF(text.owner);
	return f->initial_text != NULL;
}

static bool declare_field(fk_xschema *s, PyObject *field) {
	PyObject *nested = PyTuple_GET_ITEM(field, FK_FIELD_NESTED);
	const char *name = PyUnicode_AsUTF8(PyTuple_GET_ITEM(field, FK_FIELD_NAME));
	long type = PyLong_AsLong(PyTuple_GET_ITEM(field, FK_FIELD_TYPE));
	int read_only = PyObject_IsTrue(PyTuple_GET_ITEM(field, FK_FIELD_READ_ONLY));
	if (!name || PyErr_Occurred()) return false;
	fk_xfield *f = fk_xfield_new(s, name, (ss_plugin_state_type)type, read_only == 1);
	if (!f || !set_default(f, PyTuple_GET_ITEM(field, FK_FIELD_DEFAULT))) return false;
	if (nested == Py_None) return true;
	long key = PyLong_AsLong(PyTuple_GET_ITEM(nested, FK_SHAPE_KEY));
	f->nested = fk_xschema_new(s->root, name, (ss_plugin_state_type)key);
	return f->nested && declare(f->nested, nested);
}

static bool declare(fk_xschema *s, PyObject *shape) {
	PyObject *fields = PyTuple_GET_ITEM(shape, FK_SHAPE_FIELDS);
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
	long key = PyLong_AsLong(PyTuple_GET_ITEM(shape, FK_SHAPE_KEY));
	fk_xroot *root = fk_xroot_new(name, (ss_plugin_state_type)key);
	if (!root) return PyErr_NoMemory();
	if (!declare(root->table.schema, shape)) {
		fk_xroot_unref(root);
		return PyErr_Occurred() ? NULL : PyErr_NoMemory();
	}
	// The object is made first: once the host knows the table, nothing may fail.
	PyObject *table = fk_new_exported_table(shape, &root->table, NULL);
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
	PyObject *shape =
		PyObject_CallFunction(make_shape, "OO", fk_exported_table_type, fk_exported_entry_type);
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

bool fk_exports_ready(void) {
	fk_exported_table_type = (PyTypeObject *)PyType_FromSpec(&fk_exported_table_spec);
	fk_exported_entry_type = (PyTypeObject *)PyType_FromSpec(&fk_exported_entry_spec);
	return fk_exported_table_type && fk_exported_entry_type;
}
