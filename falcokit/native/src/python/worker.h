// SPDX-License-Identifier: Apache-2.0
// The threads that run the author's code: the worker of a state, the stacks of falcokit's threads, and
// how long the host waits for hooks.
#pragma once
#include "python/state.h"

// ---- limits -----------------------------------------------------------------------------------------
// How long the host may wait for the author's code; see docs/concepts.md. Tests build with shorter
// limits.
#ifndef FK_LONG_S
#define FK_LONG_S 30.0 // hooks that may do much work: init, open, start_async, ...
#endif
#define FK_SHORT_S 5.0 // hooks that end something
#ifndef INIT_LIMIT_S
#define INIT_LIMIT_S FK_LONG_S
#endif

#ifndef FK_LOOK_MS
#define FK_LOOK_MS 1000 // between two looks of the watch at the host's threads
#endif
#define FK_LIMIT_LOOKS 5 // then the author's code is interrupted, and again after as many
#define FK_GIL_LOOKS   7 // then the code cannot be interrupted, and only the log says so
#ifndef FK_YIELD_LOOKS
#define FK_YIELD_LOOKS 30 // then a source's generator that waits for room is interrupted
#endif
#define FK_LIMIT_S (FK_LIMIT_LOOKS * FK_LOOK_MS / 1000.0)

// ---- stacks: stack.c --------------------------------------------------------------------------------
// Starts a thread that may run Python, with a large enough stack whatever the host's default is.
bool fk_thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg);
// The stack size of falcokit's threads, and by default of a plugin's.
size_t fk_stack_bytes(void);
// With the GIL, once on each thread of the host: lowers Python's recursion limit on a small stack.
void fk_fit_recursion(void);
// bounded(function, argument): calls it with a fixed limit on recursion in C
PyObject *fk_call_bounded(PyObject *module, PyObject *const *args, Py_ssize_t n);

// ---- the worker: worker.c ---------------------------------------------------------------------------
typedef struct fk_worker {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	fk_call call; // the current or last job
	char *text;   // owned copy of call.text
	char err[FK_ERRLEN];
	int rc;
	bool busy, quit, started;
	bool given_up; // the host no longer waits for the current job
} fk_worker;

bool fk_worker_start(fk_impl *impl);
void fk_worker_end(fk_impl *impl);
void fk_worker_free(fk_worker *w);
ss_plugin_rc fk_worker_run(fk_impl *impl, fk_call *call, const char *hook, double limit_s);
