// SPDX-License-Identifier: Apache-2.0
// See python/classes.h.
#include "python/classes.h"

fk_python_side fk_python;

PyObject *fk_non_utf8_text(PyObject *text, bool strict) {
	PyErr_Clear();
	PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "surrogateescape");
	if (bytes || strict) return bytes;
	PyErr_Clear();
	return PyUnicode_AsEncodedString(text, "utf-8", "replace");
}
