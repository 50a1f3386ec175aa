// SPDX-License-Identifier: Apache-2.0
// Stacks: how large those of falcokit's own threads are, and how deep C may recurse on a thread's.
#pragma once
#include "python/state.h"

// Starts a thread that may run Python, with a stack for it whatever the host's default is.
bool fk_thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg);
// Of falcokit's threads, and by default of a plugin's.
size_t fk_stack_bytes(void);
// With the GIL, once on a thread of the host's: on a small stack Python's limit is reached sooner.
void fk_fit_recursion(void);
// bounded(function, argument): calls it, and lets C recurse to a fixed depth at most
PyObject *fk_call_bounded(PyObject *module, PyObject *const *args, Py_ssize_t n);
