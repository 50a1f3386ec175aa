// SPDX-License-Identifier: Apache-2.0
// StoreEntry: an entry of an exported table as the plugin's own Python has it, a live view of the
// storage. The class that authors see is their own too (Shape.entry). With the GIL, from any
// thread.
#include "tables/exported_types.h"

PyTypeObject *fk_store_entry_type;

// Takes over the caller's reference to the entry.
PyObject *fk_new_store_entry(PyObject *shape, fk_xentry *e) {
	PyTypeObject *class = (PyTypeObject *)PyTuple_GET_ITEM(shape, FK_SHAPE_ENTRY);
	fk_store_entry *self = (fk_store_entry *)class->tp_alloc(class, 0);
	if (!self) {
		fk_xlet_go(e, FK_X_REF);
		return NULL;
	}
	self->e = e;
	self->shape = Py_NewRef(shape);
	return (PyObject *)self;
}

static void entry_free(PyObject *me) {
	fk_store_entry *self = (fk_store_entry *)me;
	PyTypeObject *type = Py_TYPE(me);
	if (self->e) fk_xlet_go(self->e, FK_X_REF);
	Py_XDECREF(self->shape);
	type->tp_free(me);
	Py_DECREF(type);
}

static PyObject *entry_get(PyObject *me, PyObject *name) {
	fk_store_entry *self = (fk_store_entry *)me;
	Py_ssize_t index = fk_py_index(self->shape, name);
	if (index >= 0) return fk_py_read(self->e, self->shape, index);
	return PyErr_Occurred() ? NULL : PyObject_GenericGetAttr(me, name);
}

static int entry_set(PyObject *me, PyObject *name, PyObject *value) {
	fk_store_entry *self = (fk_store_entry *)me;
	Py_ssize_t index = fk_py_index(self->shape, name);
	if (index >= 0 && value) return fk_py_write(self->e, self->shape, index, value) ? 0 : -1;
	if (!PyErr_Occurred())
		PyErr_Format(PyExc_AttributeError,
		             index < 0 ? "table '%s' has no field %R"
		                       : "of table '%s' field %R cannot be "
		                         "deleted",
		             self->e->schema->name, name);
	return -1;
}

static PyObject *entry_release(PyObject *me, PyObject *none) {
	(void)me, (void)none; // it is valid as long as there is the object
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"release", entry_release, METH_NOARGS, NULL}, {0}};
static PyType_Slot slots[] = {{Py_tp_dealloc, entry_free},
                              {Py_tp_getattro, entry_get},
                              {Py_tp_setattro, entry_set},
                              {Py_tp_methods, methods},
                              {0, NULL}};
PyType_Spec fk_store_entry_spec = {
	.name = "falcokit.StoreEntry",
	.basicsize = sizeof(fk_store_entry),
	.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
	.slots = slots};
