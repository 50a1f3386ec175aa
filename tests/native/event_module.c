// SPDX-License-Identifier: Apache-2.0
// glue_event*.c as an extension module, for tests: a host whose memory is there during a call and
// overwritten after it. By test_host_event.py.
#include "event/event.h"
#include <stdlib.h>
#include <string.h>

static PyObject *slot;
static uint8_t *memory; // like a host's: events of each call lie at the same place

// call(raw, number, source | None, function) -> function(event)
static PyObject *call(PyObject *module, PyObject *args) {
	const char *raw, *source;
	Py_ssize_t len;
	unsigned long long number;
	PyObject *function;
	(void)module;
	if (!PyArg_ParseTuple(args, "y#KzO", &raw, &len, &number, &source, &function)) return NULL;
	char *evtsrc = source ? strdup(source) : NULL;
	memory = realloc(memory, 4096);
	// Exactly as long as it says, so that a sanitizer or the test sees what is read beyond.
	memset(memory, 0xAA, 4096);
	memcpy(memory, raw, (size_t)len);
	ss_plugin_event_input in = {(const ss_plugin_event *)memory, number, evtsrc};
	PyObject *event = fk_event_enter(&slot, &in), *result = NULL;
	if (event) {
		result = PyObject_CallOneArg(function, event);
		PyObject *type, *value, *trace;
		PyErr_Fetch(&type, &value, &trace);
		fk_event_leave(&slot, event);
		PyErr_Restore(type, value, trace);
	}
	memset(memory, 0x55, 4096);
	if (evtsrc) memset(evtsrc, 'x', strlen(evtsrc));
	free(evtsrc);
	return result;
}

static PyObject *ready(PyObject *module, PyObject *args) {
	PyObject *base, *decode, *params;
	(void)module;
	if (!PyArg_ParseTuple(args, "OOO", &base, &decode, &params)) return NULL;
	if (!fk_event_ready(base, decode, params)) return NULL;
	Py_RETURN_NONE;
}

static PyObject *forget(PyObject *module, PyObject *none) {
	(void)module, (void)none;
	Py_CLEAR(slot);
	Py_RETURN_NONE;
}

static PyMethodDef methods[] = {{"call", call, METH_VARARGS, NULL},
                                {"ready", ready, METH_VARARGS, NULL},
                                {"forget", forget, METH_NOARGS, NULL},
                                {0}};
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "event_module",
                                        .m_size = -1, .m_methods = methods};

PyMODINIT_FUNC PyInit_event_module(void) { return PyModule_Create(&definition); }
