// SPDX-License-Identifier: Apache-2.0
// How a host thread enters and leaves Python on frequent calls: its Python thread state is made once
// and kept, so that entering costs no more than taking the GIL. States of threads that have ended
// are freed by the next thread that makes one.
#include "python/python.h"
#include <pthread.h>
#include <stdlib.h>

__thread fk_thread fk_this_thread;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

typedef struct ended {
	struct ended *next;
	PyThreadState *state;
} ended;
static _Atomic(ended *) ended_states;

// Runs on a thread that ends. It must not wait for the GIL, which code that hangs may hold.
static void thread_ends(void *arg) {
	ended *entry = arg;
	entry->next = atomic_load(&ended_states);
	while (!atomic_compare_exchange_weak(&ended_states, &entry->next, entry)) {
	}
}

static void make_key(void) { pthread_key_create(&key, thread_ends); }

static void free_ended(void) {
	ended *entry = atomic_exchange(&ended_states, NULL);
	while (entry) {
		ended *next = entry->next;
		PyThreadState_Clear(entry->state);
		PyThreadState_Delete(entry->state);
		free(entry);
		entry = next;
	}
}

// Makes a state for this thread, which is kept when it leaves. The GIL is held afterwards.
static void first_time(fk_thread *me) {
	bool known = PyGILState_GetThisThreadState() != NULL;
	PyGILState_Ensure();
	if (known) return; // a thread of Python or cffi, which frees its state
	me->state = PyThreadState_Get();
	fk_fit_recursion();
	pthread_once(&key_once, make_key);
	ended *entry = malloc(sizeof *entry);
	if (entry) {
		entry->state = me->state;
		pthread_setspecific(key, entry);
	}
	free_ended();
}

// The state that holds the GIL (before 3.12), or this thread's state while it holds the GIL: either way
// one load tells whether `state` holds it.
static inline PyThreadState *active(void) {
#if PY_VERSION_HEX >= 0x030d0000
	return PyThreadState_GetUnchecked();
#else
	return _PyThreadState_UncheckedGet();
#endif
}

fk_gil fk_gil_enter_as(fk_thread *me) {
	PyThreadState *state = me->state;
	if (state) {
		if (active() == state) return FK_GIL_HELD;
		PyEval_RestoreThread(state);
		return FK_GIL_TAKEN;
	}
	if (PyGILState_Check()) return FK_GIL_HELD;
	bool known = PyGILState_GetThisThreadState() != NULL;
	first_time(me);
	return known ? FK_GIL_ENSURED : FK_GIL_TAKEN;
}

fk_gil fk_gil_enter(void) { return fk_gil_enter_as(&fk_this_thread); }

bool fk_gil_held(const fk_thread *me) {
	return me->state ? active() == me->state : PyGILState_Check();
}

void fk_gil_leave(fk_gil how) {
	if (how == FK_GIL_TAKEN) PyEval_SaveThread();
	if (how == FK_GIL_ENSURED) PyGILState_Release(PyGILState_UNLOCKED);
}
