// SPDX-License-Identifier: Apache-2.0
// StoreTable: an exported table, or one nested in it, as the plugin's own Python has it. The class
// that authors see adds the rest of a mapping (falcokit/runtime/tables/exported_table.py). Usable
// by any thread with the GIL, also after the plugin was destroyed, when nobody else sees it any
// more.
#include "tables/exported_types.h"

#define CHUNK 256 // keys that are read under one hold of the lock

PyTypeObject *fk_store_table_type;

static inline fk_xtable *table_of(PyObject *me) { return ((fk_store_table *)me)->t; }
static inline PyObject *shape_of(PyObject *me) { return ((fk_store_table *)me)->shape; }

PyObject *fk_new_store_table(PyObject *shape, fk_xtable *t, fk_xentry *holder) {
	PyTypeObject *class = (PyTypeObject *)PyTuple_GET_ITEM(shape, FK_SHAPE_TABLE);
	fk_store_table *self = (fk_store_table *)class->tp_alloc(class, 0);
	if (!self) return NULL;
	self->t = t;
	self->holder = holder;
	self->shape = Py_NewRef(shape);
	if (holder)
		fk_xhold(holder, FK_X_REF);
	else
		atomic_fetch_add(&t->schema->root->refs, 1);
	return (PyObject *)self;
}

static void table_free(PyObject *me) {
	fk_store_table *self = (fk_store_table *)me;
	PyTypeObject *type = Py_TYPE(me);
	if (self->holder)
		fk_xlet_go(self->holder, FK_X_REF);
	else if (self->t) {
		fk_xroot *root = self->t->schema->root;
		if (root->closed) fk_xclear(self->t); // what was written after the end
		fk_xroot_unref(root);
	}
	Py_XDECREF(self->shape);
	type->tp_free(me);
	Py_DECREF(type);
}

// ---- writing ----------------------------------------------------------------------------------------

bool fk_py_put(fk_xtable *t, PyObject *shape, PyObject *key_given, PyObject *value) {
	fk_xkey key;
	fk_py_text text;
	if (!fk_py_take_key(key_given, t->schema, &key, &text)) return false;
	fk_xentry *e = fk_xentry_new(t->schema);
	bool ok = e && fk_py_fill(e, shape, value);
	// An error of Python apart, only memory can be missing.
	if (ok) ok = fk_xput(t, &key, e, 0);
	if (!ok && !PyErr_Occurred()) PyErr_NoMemory();
	if (e) fk_xlet_go(e, FK_X_REF);
	Py_XDECREF(text.owner);
	return ok;
}

bool fk_py_put_all(fk_xtable *t, PyObject *shape, PyObject *mapping) {
	PyObject *items = PyMapping_Check(mapping) ? PyMapping_Items(mapping) : NULL;
	if (!items) {
		if (!PyErr_Occurred())
			PyErr_Format(PyExc_TypeError, "table '%s' is written as a mapping, not %s",
			             t->schema->name, Py_TYPE(mapping)->tp_name);
		return false;
	}
	bool ok = true;
	for (Py_ssize_t i = 0; ok && i < PyList_GET_SIZE(items); i++) {
		PyObject *pair = PyList_GET_ITEM(items, i);
		ok = PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2 &&
		     fk_py_put(t, shape, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
	}
	Py_DECREF(items);
	return ok;
}

static int table_assign(PyObject *me, PyObject *key_given, PyObject *value) {
	fk_xkey key;
	fk_py_text text;
	if (value) return fk_py_put(table_of(me), shape_of(me), key_given, value) ? 0 : -1;
	if (!fk_py_take_key(key_given, table_of(me)->schema, &key, &text)) return -1;
	bool found = fk_xerase(table_of(me), &key);
	Py_XDECREF(text.owner);
	if (!found) PyErr_SetObject(PyExc_KeyError, key_given);
	return found ? 0 : -1;
}

static PyObject *table_clear(PyObject *me, PyObject *none) {
	(void)none;
	fk_xtable *t = table_of(me);
	Py_BEGIN_ALLOW_THREADS
	fk_xclear(t);
	Py_END_ALLOW_THREADS
	Py_RETURN_NONE;
}

// ---- reading ----------------------------------------------------------------------------------------

// The entry of a key with a reference. NULL with an error of the key, or without one.
static fk_xentry *find(PyObject *me, PyObject *given) {
	fk_xkey key;
	fk_py_text text;
	if (!fk_py_take_key(given, table_of(me)->schema, &key, &text)) return NULL;
	fk_xentry *e = fk_xget(table_of(me), &key, FK_X_REF);
	Py_XDECREF(text.owner);
	return e;
}

static PyObject *table_item(PyObject *me, PyObject *key) {
	fk_xentry *e = find(me, key);
	if (e) return fk_new_store_entry(shape_of(me), e);
	if (!PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, key);
	return NULL;
}

static PyObject *table_get(PyObject *me, PyObject *const *args, Py_ssize_t n) {
	if (n < 1 || n > 2) return PyErr_Format(PyExc_TypeError, "get takes a key and a default");
	fk_xentry *e = find(me, args[0]);
	if (e) return fk_new_store_entry(shape_of(me), e);
	return PyErr_Occurred() ? NULL : Py_NewRef(n == 2 ? args[1] : Py_None);
}

static int table_contains(PyObject *me, PyObject *key) {
	fk_xentry *e = find(me, key);
	if (e) fk_xlet_go(e, FK_X_REF);
	return e ? 1 : PyErr_Occurred() ? -1 : 0;
}

static Py_ssize_t table_length(PyObject *me) { return (Py_ssize_t)table_of(me)->map.live; }

static bool append_keys(PyObject *keys, fk_xtable *t, uint32_t *position, uint32_t end) {
	PyObject *made[CHUNK];
	int n = 0;
	fk_xlock(t->schema->root); // nothing below runs Python
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

// The keys of now: others may insert and erase while they are used.
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
	(void)unused;
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
PyType_Spec fk_store_table_spec = {
	.name = "falcokit.StoreTable",
	.basicsize = sizeof(fk_store_table),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = slots};
