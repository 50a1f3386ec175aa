// SPDX-License-Identifier: Apache-2.0
// Says who holds the GIL, and where in its code, when nobody can ask Python because of that.
#pragma once
#include "python/state.h"

// "the producer of a, in a call that does not release the GIL, at FILE:LINE in FUNCTION". Any thread,
// without the GIL. Returns Python's name of the thread; 0: nobody has it now.
unsigned long fk_gil_holder(char *out, size_t len);
// install_holder(the standard library's folder)
PyObject *fk_holder_install(PyObject *module, PyObject *folder);
// name_thread(name | None): what this thread is called above, until it ends
PyObject *fk_name_thread(PyObject *module, PyObject *name);
