// SPDX-License-Identifier: Apache-2.0
// The Python side of exported tables: tables/exported.c. With the GIL.
#pragma once
#include "python/classes.h"
#include "tables/store.h"

// A falcokit.runtime.tables.exported_table.Shape, by position.
enum fk_shape {
	FK_SHAPE_KEY,        // int: the type of the keys
	FK_SHAPE_FIELDS,     // tuple of fields
	FK_SHAPE_ATTRIBUTES, // dict: attribute of the class -> position of the field
	FK_SHAPE_ENTRY, // the class of the entries: a subtype of StoreEntry and of the author's class
	FK_SHAPE_TABLE, // the class of the table
	FK_SHAPE_SIZE
};
enum fk_shape_field {
	FK_FIELD_NAME,
	FK_FIELD_TYPE,
	FK_FIELD_READ_ONLY,
	FK_FIELD_DEFAULT,
	FK_FIELD_NESTED, // Shape or None
	FK_FIELD_SIZE
};

typedef struct fk_exported_table {
	PyObject_HEAD
	fk_xtable *t;
	fk_xentry *holder; // of a nested table: a reference; other tables reference the root
	PyObject *shape;
} fk_exported_table;

typedef struct fk_exported_entry {
	PyObject_HEAD
	fk_xentry *e;
	PyObject *shape;
} fk_exported_entry;

// Values.
typedef struct fk_py_text { // the bytes of a str, and what owns them
	const char *bytes;
	PyObject *owner;
} fk_py_text;
bool fk_py_take_text(PyObject *value, fk_py_text *text);
bool fk_py_take_number(PyObject *value, ss_plugin_state_type type, uint64_t *number);
PyObject *fk_py_number(uint64_t number, ss_plugin_state_type type);
PyObject *fk_py_text_of(const char *bytes);
bool fk_py_take_key(PyObject *value, const fk_xschema *s, fk_xkey *key, fk_py_text *text);
PyObject *fk_py_read(fk_xentry *e, PyObject *shape, Py_ssize_t index);
bool fk_py_write(fk_xentry *e, PyObject *shape, Py_ssize_t index, PyObject *value);
bool fk_py_fill(fk_xentry *e, PyObject *shape, PyObject *value);
Py_ssize_t fk_py_index(PyObject *shape, PyObject *attribute);
// Tables.
extern PyTypeObject *fk_exported_table_type;
PyObject *fk_new_exported_table(PyObject *shape, fk_xtable *t, fk_xentry *holder);
bool fk_py_put(fk_xtable *t, PyObject *shape, PyObject *key, PyObject *value);
bool fk_py_put_all(fk_xtable *t, PyObject *shape, PyObject *mapping);
// Entries.
extern PyTypeObject *fk_exported_entry_type;
PyObject *fk_new_exported_entry(PyObject *shape, fk_xentry *e);
