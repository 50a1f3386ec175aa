// SPDX-License-Identifier: Apache-2.0
// The fields of a table and of those nested in its entries: what Python declares, found in the host's
// table in init. The handles live as long as the state, and serve every nested table of one field.
#include "glue_tables.h"

PyTypeObject *fk_shape_type;
PyObject *fk_load_tables; // () -> None: tables_ready
PyObject *fk_make_shape;  // (key, entry class) -> Shape

// Shape(key, entry class, attributes, ((name, type, added, Shape | None), ...))
static PyObject *shape_make(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
	PyObject *entry, *attributes, *fields;
	int key;
	(void)kwargs;
	if (!PyArg_ParseTuple(args, "iO!O!O!", &key, &PyType_Type, &entry, &PyDict_Type, &attributes,
	                      &PyTuple_Type, &fields))
		return NULL;
	fk_import_shape *self = (fk_import_shape *)type->tp_alloc(type, 0);
	if (!self) return NULL;
	self->key = (ss_plugin_state_type)key;
	self->entry = (PyTypeObject *)Py_NewRef(entry);
	self->attributes = Py_NewRef(attributes);
	self->fields = PyMem_Calloc((size_t)PyTuple_GET_SIZE(fields) + 1, sizeof *self->fields);
	bool ok = self->fields != NULL;
	for (Py_ssize_t i = 0; ok && i < PyTuple_GET_SIZE(fields); i++) {
		fk_import_field *field = &self->fields[i];
		PyObject *nested;
		int state_type, added;
		ok = PyArg_ParseTuple(PyTuple_GET_ITEM(fields, i), "UipO", &field->name, &state_type,
		                      &added, &nested);
		if (!ok) break;
		Py_INCREF(field->name);
		field->type = (ss_plugin_state_type)state_type;
		field->added = added;
		if (nested != Py_None) field->nested = (fk_import_shape *)Py_NewRef(nested);
		self->count++;
	}
	if (ok) return (PyObject *)self;
	Py_DECREF(self);
	return PyErr_Occurred() ? NULL : PyErr_NoMemory();
}

static void shape_free(PyObject *me) {
	fk_import_shape *self = (fk_import_shape *)me;
	PyTypeObject *type = Py_TYPE(me);
	for (Py_ssize_t i = 0; i < self->count; i++) {
		Py_XDECREF(self->fields[i].name);
		Py_XDECREF(self->fields[i].nested);
	}
	PyMem_Free(self->fields);
	Py_XDECREF(self->entry);
	Py_XDECREF(self->attributes);
	type->tp_free(me);
	Py_DECREF(type);
}

static bool resolve_nested(fk_tables *t, fk_import_field *field, ss_plugin_table_t *table,
                           const char *name) {
	ss_plugin_state_data data = {0};
	ss_plugin_table_entry_t *entry = t->writer ? t->writer->create_table_entry(table) : NULL;
	const char *what = PyUnicode_AsUTF8(field->name);
	if (!entry || !what) {
		fk_tables_fail(t, "table '%s' makes no entry to see its field '%s' by", name, what);
		return false;
	}
	bool ok =
		t->reader->read_entry_field(table, entry, field->handle, &data) == SS_PLUGIN_SUCCESS &&
		data.table;
	// A table of the host's is known by its input.
	const ss_plugin_table_input *input = data.table;
	if (!ok)
		fk_tables_fail(t, "table '%s' gives no table in its field '%s'", name, what);
	else if (input->key_type != field->nested->key) {
		fk_tables_refuse(t, "field '%s' of table '%s' holds tables with keys of type %d, not %d",
		                 what, name, (int)input->key_type, (int)field->nested->key);
		ok = false;
	} else {
		ok = fk_shape_resolve(t, field->nested, data.table, what);
	}
	t->writer->destroy_table_entry(table, entry);
	return ok;
}

bool fk_shape_resolve(fk_tables *t, fk_import_shape *shape, ss_plugin_table_t *table,
                      const char *name) {
	const ss_plugin_table_fields_vtable_ext *fields = t->init->fields_ext;
	for (Py_ssize_t i = 0; i < shape->count; i++) {
		fk_import_field *field = &shape->fields[i];
		const char *what = PyUnicode_AsUTF8(field->name);
		if (!what) return false;
		field->handle = field->added ? fields->add_table_field(table, what, field->type)
		                             : fields->get_table_field(table, what, field->type);
		if (!field->handle) {
			fk_tables_fail(t, "table '%s' %s field '%s' of that type", name,
			               field->added ? "takes no added" : "has no", what);
			return false;
		}
		if (field->nested && !resolve_nested(t, field, table, name)) return false;
	}
	return true;
}

static PyObject *bind(fk_impl *impl, const char *name, fk_import_shape *shape) {
	fk_tables *t = fk_tables_use(impl, 0, false);
	if (!t) return NULL;
	ss_plugin_table_t *table = NULL;
	if (!t->init)
		fk_tables_refuse(t, "tables are imported in init");
	else if (!(table = t->init->get_table(t->owner, name, shape->key)))
		fk_tables_fail(t, "table '%s' cannot be imported", name);
	bool ok = table && fk_shape_resolve(t, shape, table, name);
	t->used |= ok;
	fk_tables_done(t);
	return ok ? fk_table_new(impl, shape, table, NULL) : NULL;
}

// import_table(name, key, entry class) -> Table
PyObject *fk_tables_import(fk_impl *impl, PyObject *args) {
	PyObject *key, *entry, *table = NULL;
	const char *name;
	if (!PyArg_ParseTuple(args, "sOO", &name, &key, &entry)) return NULL;
	if (!fk_make_shape) {
		PyObject *loaded = PyObject_CallNoArgs(fk_load_tables);
		if (!loaded) return NULL;
		Py_DECREF(loaded);
	}
	PyObject *shape = PyObject_CallFunctionObjArgs(fk_make_shape, key, entry, NULL);
	if (shape && PyObject_TypeCheck(shape, fk_shape_type))
		table = bind(impl, name, (fk_import_shape *)shape);
	Py_XDECREF(shape);
	return table;
}

static PyType_Slot slots[] = {{Py_tp_new, shape_make}, {Py_tp_dealloc, shape_free}, {0, NULL}};
static PyType_Spec spec = {.name = "falcokit.Shape",
                           .basicsize = sizeof(fk_import_shape),
                           .flags = Py_TPFLAGS_DEFAULT,
                           .slots = slots};

bool fk_shape_ready(void) {
	return (fk_shape_type = (PyTypeObject *)PyType_FromSpec(&spec)) != NULL;
}
