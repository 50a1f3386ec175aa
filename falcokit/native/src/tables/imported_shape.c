// SPDX-License-Identifier: Apache-2.0
// The fields of a table and of the tables nested in its entries: what Python declares, looked up in the
// host's table in init. The handles live as long as the state, and are used for every nested table of
// one field.
#include "tables/store.h" // names of types, and the plugin's own tables
#include "tables/tables.h"
#include <stdio.h>
#include <string.h>

static PyTypeObject *shape_type;
static PyObject *load_tables; // () -> None: tables_ready
static PyObject *make_shape;  // (key, entry class) -> Shape

// Shape(key, entry class, attributes, ((name, type, added, Shape | None), ...))
static PyObject *shape_make(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
	PyObject *entry, *attributes, *fields;
	int key;
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
	for (Py_ssize_t i = 0; i < self->count; i++) {
		Py_XDECREF(self->fields[i].name);
		Py_XDECREF(self->fields[i].nested);
	}
	PyMem_Free(self->fields);
	Py_XDECREF(self->entry);
	Py_XDECREF(self->attributes);
	Py_XDECREF(self->name);
	fk_free_object(me);
}

// ---- checking the host's lists ----------------------------------------------------------------------
// Once anybody has asked for a table, or for a field of the framework's own tables, the framework finds
// it by its name alone: asked with another type it returns the first one, to be read and written as a
// type that it does not have. So the host's lists are checked first. This also avoids a failure of the
// plugin's own table in init, for which the framework would ask the plugin and end the process.

static const char *type_name(ss_plugin_state_type type) {
	const char *name = fk_xtype_name(type);
	return name ? name : "an unknown type";
}

// A text of names for an error; `at` is where it ends.
static void add_name(char *text, size_t size, size_t *at, const char *name) {
	size_t room = size - *at;
	if (strlen(name) + 3 > room) return;
	*at += (size_t)snprintf(text + *at, room, "%s%s", *at ? ", " : "", name);
}

static bool table_is_listed(fk_tables *t, const char *name, ss_plugin_state_type key) {
	char names[512] = "";
	size_t at = 0;
	uint32_t n = 0;
	const ss_plugin_table_info *infos = t->init->list_tables(t->owner, &n);
	for (uint32_t i = 0; infos && i < n; i++) {
		if (strcmp(infos[i].name, name) == 0) {
			if (infos[i].key_type == key) return true;
			return fk_tables_refuse(
				t, "table '%s' cannot be imported: its keys are of type %s, not %s", name,
				type_name(infos[i].key_type), type_name(key));
		}
		add_name(names, sizeof names, &at, infos[i].name);
	}
	if (!infos) return fk_tables_ignore_error(t), true; // the host is asked anyway
	return fk_tables_refuse(t, "table '%s' cannot be imported: it does not exist; the host has %s",
	                        name, *names ? names : "none");
}

typedef struct resolved { // the table whose fields are found
	ss_plugin_table_t *table;
	const char *name;
	bool own, threads;
} resolved;

static bool field_is_listed(fk_tables *t, const resolved *in, const fk_import_field *field,
                            const char *what) {
	char names[512] = "";
	size_t at = 0;
	uint32_t n = 0;
	const ss_plugin_table_fields_vtable_ext *fields = t->init->fields_ext;
	const ss_plugin_table_fieldinfo *infos =
		fields->list_table_fields ? fields->list_table_fields(in->table, &n) : NULL;
	for (uint32_t i = 0; infos && i < n; i++) {
		if (strcmp(infos[i].name, what) == 0) {
			if (infos[i].field_type == field->type) return true;
			return fk_tables_refuse(t, "table '%s' %s field '%s' of type %s: it has one of type %s",
			                        in->name, field->added ? "takes no added" : "has no", what,
			                        type_name(field->type), type_name(infos[i].field_type));
		}
		add_name(names, sizeof names, &at, infos[i].name);
	}
	if (field->added ? !in->own || n < FK_X_FIELDS : !infos) return true;
	if (field->added)
		return fk_tables_refuse(t, "table '%s' takes no added field '%s': it has %u", in->name,
		                        what, n);
	return fk_tables_refuse(t, "table '%s' has no field '%s': it has %s", in->name, what, names);
}

// ---- in init ----------------------------------------------------------------------------------------

static bool resolve(fk_tables *t, fk_import_shape *shape, resolved in);

// The tables within a thread: those with an index as key are vectors. Each name is a kind of its own.
static void set_kind(fk_tables *t, fk_import_shape *shape, ss_plugin_table_t *table,
                     const char *name) {
	static const char *const names[FK_LIST_KINDS - 1] = {"args", "env", "cgroups",
	                                                     "file_descriptors"};
	while (shape->kind < FK_LIST_KINDS - 1 && strcmp(names[shape->kind], name) != 0) shape->kind++;
	shape->kind++;
	shape->is_list = shape->key == SS_PLUGIN_ST_UINT64;
	if (shape->key == SS_PLUGIN_ST_INT64 && strcmp(name, "file_descriptors") == 0)
		shape->key_field = t->init->fields_ext->get_table_field(table, "fd", SS_PLUGIN_ST_INT64);
}

static bool resolve_nested(fk_tables *t, fk_import_field *field, resolved in) {
	ss_plugin_state_data data = {0};
	ss_plugin_table_entry_t *entry = t->writer ? t->writer->create_table_entry(in.table) : NULL;
	const char *what = PyUnicode_AsUTF8(field->name);
	if (!entry || !what)
		return fk_tables_fail(t, "table '%s' creates no entry, by which its field '%s' is found",
		                      in.name, what);
	bool ok =
		t->reader->read_entry_field(in.table, entry, field->handle, &data) == SS_PLUGIN_SUCCESS &&
		data.table;
	// The host's table pointer is its input struct.
	const ss_plugin_table_input *input = data.table;
	fk_import_shape *nested = field->nested;
	if (!ok)
		fk_tables_fail(t, "table '%s' gives no table in its field '%s'", in.name, what);
	else if (input->key_type != nested->key) {
		fk_tables_refuse(t, "field '%s' of table '%s' holds tables with keys of type %s, not %s",
		                 what, in.name, type_name(input->key_type), type_name(nested->key));
		ok = false;
	} else {
		if (in.threads) set_kind(t, nested, data.table, what);
		nested->name = Py_NewRef(field->name);
		ok = resolve(t, nested, (resolved){data.table, what, in.own, false});
	}
	t->writer->destroy_table_entry(in.table, entry);
	return ok;
}

static bool resolve(fk_tables *t, fk_import_shape *shape, resolved in) {
	const ss_plugin_table_fields_vtable_ext *fields = t->init->fields_ext;
	for (Py_ssize_t i = 0; i < shape->count; i++) {
		fk_import_field *field = &shape->fields[i];
		const char *what = PyUnicode_AsUTF8(field->name);
		if (!what || !field_is_listed(t, &in, field, what)) return false;
		field->handle = field->added ? fields->add_table_field(in.table, what, field->type)
		                             : fields->get_table_field(in.table, what, field->type);
		if (!field->handle)
			return fk_tables_fail(t, "table '%s' %s field '%s' of type %s", in.name,
			                      field->added ? "takes no added" : "has no", what,
			                      type_name(field->type));
		if (field->nested && !resolve_nested(t, field, in)) return false;
	}
	return true;
}

static bool is_own(const fk_impl *impl, const char *name) {
	const fk_xroot *root = impl->exports;
	while (root && strcmp(root->table.schema->name, name) != 0) root = root->next;
	return root != NULL;
}

static PyObject *bind(fk_impl *impl, const char *name, fk_import_shape *shape) {
	shape->name = PyUnicode_FromString(name);
	fk_tables *t = shape->name ? fk_tables_use(impl, 0, false) : NULL;
	if (!t) return NULL;
	resolved in = {.name = name, .own = is_own(impl, name)};
	in.threads = strcmp(name, "threads") == 0;
	if (!t->init)
		fk_tables_refuse(t, "tables are imported in init");
	else if (table_is_listed(t, name, shape->key) &&
	         !(in.table = t->init->get_table(t->owner, name, shape->key)))
		fk_tables_fail(t, "table '%s' cannot be imported", name);
	bool ok = in.table && resolve(t, shape, in);
	t->used |= ok;
	fk_tables_done(t);
	PyObject *table = ok ? fk_table_new(impl, shape, in.table, NULL) : NULL;
	if (table) ((fk_table *)table)->own = in.own;
	return table;
}

// import_table(name, key, entry class) -> Table
PyObject *fk_tables_import(fk_impl *impl, PyObject *args) {
	PyObject *key, *entry, *table = NULL;
	const char *name;
	if (!PyArg_ParseTuple(args, "sOO", &name, &key, &entry)) return NULL;
	if (!make_shape) {
		PyObject *loaded = PyObject_CallNoArgs(load_tables);
		if (!loaded) return NULL;
		Py_DECREF(loaded);
	}
	PyObject *shape = PyObject_CallFunctionObjArgs(make_shape, key, entry, NULL);
	if (shape && PyObject_TypeCheck(shape, shape_type))
		table = bind(impl, name, (fk_import_shape *)shape);
	Py_XDECREF(shape);
	return table;
}

static PyType_Slot slots[] = {{Py_tp_new, shape_make}, {Py_tp_dealloc, shape_free}, {0, NULL}};

// install_tables(TableError, load): `load` is called when a plugin imports the first table
PyObject *fk_tables_install(PyObject *module, PyObject *args) {
	if (!PyArg_ParseTuple(args, "OO", &fk_table_error, &load_tables)) return NULL;
	Py_INCREF(fk_table_error);
	Py_INCREF(load_tables);
	Py_RETURN_NONE;
}

// tables_ready(Table, make_shape, errors): the types of imported tables, given by `load`
PyObject *fk_tables_ready(PyObject *module, PyObject *args) {
	PyObject *table_class, *given;
	PyObject **errors = fk_table_errors;
	if (!PyArg_ParseTuple(args, "OO(OOOO)", &table_class, &given, &errors[FK_WRONG_FIELD],
	                      &errors[FK_WRONG_TYPE], &errors[FK_WRONG_RANGE],
	                      &errors[FK_WRONG_VALUE]) ||
	    !fk_imported_ready(module, table_class) ||
	    !(shape_type = fk_make_type("falcokit.Shape", sizeof(fk_import_shape), 0, slots, NULL)) ||
	    PyModule_AddObjectRef(module, "Shape", (PyObject *)shape_type) < 0)
		return NULL;
	for (int i = 0; i < FK_WRONG; i++) Py_INCREF(errors[i]);
	make_shape = Py_NewRef(given);
	Py_RETURN_NONE;
}
