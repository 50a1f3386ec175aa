// SPDX-License-Identifier: Apache-2.0
// How a thread of the host's gets the GIL for a hot call, and gives it back.
#pragma once
#include "python/held_up.h"

typedef enum fk_gil {
	FK_GIL_TAKEN,   // by this thread's own state
	FK_GIL_ENSURED, // by a state that Python or cffi made
	FK_GIL_HELD,    // it was held already
} fk_gil;

fk_gil fk_gil_enter(void);
void fk_gil_leave(fk_gil how);

// What a thread has for itself. A look for it is a call: once in each call of the host's.
typedef struct fk_thread {
	PyThreadState *state; // for hot calls, NULL until the first
	uint32_t calls;       // that took the GIL, for samples
	int slow, calm, late; // slow samples, samples until it is calm, its usual timer slack
	fk_watched watched;
} fk_thread;
extern __thread fk_thread fk_this_thread;
bool fk_gil_held(const fk_thread *me);
fk_gil fk_gil_enter_as(fk_thread *me);

// Runs the author's code of a state with the GIL, and watches over it. The GIL is taken for it, or is one
// that is kept between calls (python/keeper.c).
void fk_gil_call(fk_impl *impl, void (*work)(void *), void *arg);
// The same for a hook that cffi calls, of which the host waits for the end.
void fk_hook_call(fk_impl *impl, void (*work)(void *), void *arg);
