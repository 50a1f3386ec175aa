// SPDX-License-Identifier: Apache-2.0
// The states of decorated producers. The rows are made once, at the end of init;
// falcokit.runtime.async_event.supervision writes them whenever a state changes, and get_metrics
// reads them on the host's threads.
#include "async_event/async_event.h"
#include <stdlib.h>
#include <string.h>

void fk_producers_free(fk_impl *impl) {
	struct fk_producers *p = impl->producers;
	for (uint32_t i = 0; p && i < p->count; i++) free(p->rows[i].label);
	free(p);
}

// set_producers(labels, view)
PyObject *fk_producers_set(fk_impl *impl, PyObject *args) {
	PyObject *labels, *view;
	if (!PyArg_ParseTuple(args, "O!O", &PyTuple_Type, &labels, &view)) return NULL;
	if (impl->producers) Py_RETURN_NONE; // once in a state's life
	Py_ssize_t n = PyTuple_GET_SIZE(labels);
	struct fk_producers *p = calloc(1, sizeof *p + (size_t)n * sizeof *p->rows);
	if (!p) return PyErr_NoMemory();
	for (Py_ssize_t i = 0; i < n; i++) {
		const char *label = PyUnicode_AsUTF8(PyTuple_GET_ITEM(labels, i));
		p->rows[i].state = FK_PRODUCER_STOPPED;
		p->rows[i].label = label ? strdup(label) : NULL;
		p->count += p->rows[i].label != NULL;
		if (p->count == i + 1) continue;
		while (p->count) free(p->rows[--p->count].label);
		free(p);
		return PyErr_Occurred() ? NULL : PyErr_NoMemory();
	}
	p->view = Py_NewRef(view);
	impl->producers = p;
	Py_RETURN_NONE;
}

// set_producer(index, state, failures, in_row, until_ns)
PyObject *fk_producer_set(fk_impl *impl, PyObject *args) {
	unsigned index;
	int state;
	unsigned long long failures, in_row, until_ns;
	if (!PyArg_ParseTuple(args, "IiKKK", &index, &state, &failures, &in_row, &until_ns))
		return NULL;
	if (!impl->producers || index >= impl->producers->count) Py_RETURN_NONE;
	fk_producer *row = &impl->producers->rows[index];
	row->failures = failures;
	row->in_row = in_row;
	row->until_ns = until_ns;
	row->state = state;
	Py_RETURN_NONE;
}

PyObject *fk_producers_view(fk_impl *impl) {
	if (!impl->producers || !impl->producers->view) return PyTuple_New(0);
	PyObject *view = Py_NewRef(impl->producers->view);
	PyObject *states = PyObject_CallNoArgs(view);
	Py_DECREF(view);
	return states;
}

void fk_producers_forget(fk_impl *impl) {
	if (impl->producers) Py_CLEAR(impl->producers->view);
}
