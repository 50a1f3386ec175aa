// SPDX-License-Identifier: Apache-2.0
// What changes while the author looks at the code with a debugger, or measures what of it runs: the
// host waits as long as that takes, and its threads are traced as those that Python has started.
#include "python/python.h"

static atomic_bool debugging;
static PyObject *join_tracing;

PyObject *fk_debug_begin(PyObject *module, PyObject *join) {
	if (!join_tracing) join_tracing = Py_NewRef(join);
	atomic_store(&debugging, true);
	Py_RETURN_NONE;
}

bool fk_debugging(void) { return atomic_load_explicit(&debugging, memory_order_relaxed); }

void fk_debug_join(void) {
	PyObject *result = PyObject_CallNoArgs(join_tracing);
	if (!result) PyErr_Clear(); // the hook is called all the same
	Py_XDECREF(result);
}
