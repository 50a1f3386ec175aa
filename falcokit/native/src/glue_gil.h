// SPDX-License-Identifier: Apache-2.0
// How a thread of the host's gets the GIL for a hot call, and gives it back.
#pragma once
#include "glue.h"

typedef enum fk_gil {
	FK_GIL_TAKEN,   // by this thread's own state
	FK_GIL_ENSURED, // by a state that Python or cffi made
	FK_GIL_HELD,    // it was held already
} fk_gil;

fk_gil fk_gil_enter(void);
void fk_gil_leave(fk_gil how);
bool fk_gil_held(void);
PyThreadState *fk_gil_state(void); // of this thread, NULL if it has none of its own

// Runs the work with the GIL: with one taken for it, or with one that is kept between calls (glue_keeper.c).
void fk_gil_call(void (*work)(void *), void *arg);
