// SPDX-License-Identifier: Apache-2.0
// The GIL: how a thread of the host gets it for frequent calls and releases it, and which thread holds
// it.
#pragma once
#include "python/held_up.h"

typedef enum fk_gil {
	FK_GIL_TAKEN,   // by this thread's own state
	FK_GIL_ENSURED, // by a state that Python or cffi made
	FK_GIL_HELD,    // it was held already
} fk_gil;

fk_gil fk_gil_enter(void);
void fk_gil_leave(fk_gil how);

// The data of one thread. Finding it is a function call: done once in each call of the host.
typedef struct fk_thread {
	PyThreadState *state; // for frequent calls, NULL until the first
	uint32_t calls;       // that took the GIL, for sampling
	int slow, calm, late; // slow samples, samples left until it is calm, its usual timer slack
	fk_watched watched;
} fk_thread;
extern __thread fk_thread fk_this_thread;
bool fk_gil_held(const fk_thread *me);
fk_gil fk_gil_enter_as(fk_thread *me);

// Runs the author's code of a state with the GIL, under the watch. The GIL is taken for the call, or is
// kept between calls (python/keeper.c).
void fk_gil_call(fk_impl *impl, void (*work)(void *), void *arg);
// The same for a hook that is called through cffi while the host waits.
void fk_hook_call(fk_impl *impl, void (*work)(void *), void *arg);

// ---- which thread holds it: holder.c ----------------------------------------------------------------
// Writes "the producer of a, in a call that does not release the GIL, at FILE:LINE in FUNCTION". Any
// thread, without the GIL. Returns Python's id of the thread; 0: nobody holds the GIL.
unsigned long fk_gil_holder(char *out, size_t len);
// install_holder(the standard library's folder)
PyObject *fk_holder_install(PyObject *module, PyObject *folder);
// name_thread(name | None): sets the name of this thread for the text above
PyObject *fk_name_thread(PyObject *module, PyObject *name);
