// SPDX-License-Identifier: Apache-2.0
// What all rooms need of Python's objects: their bytes, and exceptions.
#include "python/python.h"

fk_python_side fk_python;

PyObject *fk_non_utf8_text(PyObject *text, bool strict) {
	PyErr_Clear();
	PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "surrogateescape");
	if (bytes || strict) return bytes;
	PyErr_Clear();
	return PyUnicode_AsEncodedString(text, "utf-8", "replace");
}

bool fk_bytes_of(PyObject *object, bool strict, fk_bytes *out) {
	out->owned = out->view.obj = NULL;
	if (PyUnicode_Check(object)) {
		out->data = PyUnicode_AsUTF8AndSize(object, &out->len);
		out->owned = out->data ? Py_NewRef(object) : fk_non_utf8_text(object, strict);
		if (out->data) return true;
	} else if (PyBytes_Check(object)) {
		out->owned = Py_NewRef(object);
	} else if (PyObject_CheckBuffer(object)) {
		if (PyObject_GetBuffer(object, &out->view, PyBUF_SIMPLE) != 0) return false;
		out->data = out->view.buf;
		out->len = out->view.len;
		return true;
	} else {
		out->owned = PyObject_CallOneArg(fk_python.encode_json, object);
	}
	if (!out->owned) return false;
	out->data = PyBytes_AS_STRING(out->owned);
	out->len = PyBytes_GET_SIZE(out->owned);
	return true;
}

void fk_bytes_drop(fk_bytes *bytes) {
	Py_CLEAR(bytes->owned);
	if (bytes->view.obj) PyBuffer_Release(&bytes->view);
}

PyObject *fk_take_exception(void) {
#if PY_VERSION_HEX >= 0x030c0000
	return PyErr_GetRaisedException();
#else
	PyObject *type, *value, *trace;
	PyErr_Fetch(&type, &value, &trace);
	PyErr_NormalizeException(&type, &value, &trace);
	if (value && trace) PyException_SetTraceback(value, trace);
	Py_XDECREF(type);
	Py_XDECREF(trace);
	return value;
#endif
}

void fk_put_exception(PyObject *exception) {
#if PY_VERSION_HEX >= 0x030c0000
	PyErr_SetRaisedException(exception);
#else
	PyObject *type = exception ? Py_NewRef(Py_TYPE(exception)) : NULL;
	PyErr_Restore(type, exception, exception ? PyException_GetTraceback(exception) : NULL);
#endif
}

void fk_fail_by_python(fk_impl *impl, const char *hook, PyObject *text) {
	const char *said = text ? PyUnicode_AsUTF8(text) : NULL;
	if (said)
		fk_fail(impl->plugin, "%s", said);
	else
		fk_fail(impl->plugin, "%s failed, and gave no reason", hook);
	PyErr_Clear();
	Py_XDECREF(text);
}

PyTypeObject *fk_make_type(const char *name, size_t size, unsigned long flags, PyType_Slot *slots,
                           PyObject *base) {
	PyType_Spec spec = {.name = name,
	                    .basicsize = (int)size,
	                    .flags = (unsigned)(Py_TPFLAGS_DEFAULT | flags),
	                    .slots = slots};
	return (PyTypeObject *)PyType_FromSpecWithBases(&spec, base);
}
