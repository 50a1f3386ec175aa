// SPDX-License-Identifier: Apache-2.0
// What Python is told of numbers: `handler.counters`, and how much of a batch went out. Called by
// async_event/emitter.c, with the GIL.
#include "async_event/async_event.h"

PyObject *fk_counters_tell(fk_counters *c) {
	PyObject *refused = PyDict_New();
	for (int i = 0; refused && i < FK_NREASONS; i++) {
		PyObject *count = c->refused[i] ? PyLong_FromUnsignedLongLong(c->refused[i]) : NULL;
		if (count) PyDict_SetItemString(refused, fk_reason_names[i], count);
		Py_XDECREF(count);
	}
	if (!refused) return NULL;
	return PyObject_CallFunction(
		fk_python.make_counters, "KKKKKKKN", (unsigned long long)c->accepted,
		(unsigned long long)c->sent, (unsigned long long)c->delivered,
		(unsigned long long)c->unconfirmed, (unsigned long long)c->lost,
		(unsigned long long)c->discarded, (unsigned long long)c->undelivered, refused);
}

// A batch ended in the exception that is set: it tells how many went out before.
void fk_counters_tell_batch(Py_ssize_t sent) {
	PyObject *type, *value, *trace, *told;
	PyErr_Fetch(&type, &value, &trace);
	PyErr_NormalizeException(&type, &value, &trace);
	told = value ? PyObject_CallFunction(fk_python.tell_emitted, "On", value, sent) : NULL;
	if (!told) PyErr_Clear();
	Py_XDECREF(told);
	PyErr_Restore(type, value, trace);
}
