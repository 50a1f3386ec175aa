// SPDX-License-Identifier: Apache-2.0
// The watch: detects calls of the author's code that hold up a thread of the host, and with it Falco's
// event loop. After some seconds it logs where the code is and raises an exception in it.
#pragma once
#include "python/state.h"

// The data of one thread of the host; part of its fk_thread (python/gil.h).
typedef struct fk_watched {
	struct fk_watched *next;
	_Atomic(fk_impl *) inside; // the state whose code runs; NULL: none
	_Atomic uint32_t round;    // changes with each call
	_Atomic bool waits;        // it waits for the GIL
	unsigned long ident;       // Python's id of the thread; 0: not registered yet
	uint32_t seen, looks;      // the round seen in the last look, and how often
	bool logged, interrupted;  // its place was logged; the exception was set
	bool reporting, others;    // a reporter waits for the GIL; another thread holds it
} fk_watched;

void fk_watch_join(fk_watched *me);
void fk_watch_settle(fk_watched *me);
// Whether a thread of the host has been in the author's code for `looks` looks; writes what it waits
// for.
bool fk_watch_held_up(uint32_t looks, char *what, size_t size);

// A hook on the worker for which the host's thread has waited long.
typedef struct fk_late_hook {
	struct fk_late_hook *next;
	const fk_impl *impl;
	const char *hook;
	double waited_s;
} fk_late_hook;
void fk_watch_late(fk_late_hook *hook);
void fk_watch_done(fk_late_hook *hook);

// From now on no hook is given up or interrupted, however long it takes: its author may be looking at
// it in a debugger. For falcokit.testing; it holds for the life of the process.
PyObject *fk_watch_be_patient(PyObject *module, PyObject *none);
bool fk_watch_is_patient(void);

// From here on nothing is logged for this state.
void fk_watch_forget(fk_impl *impl);
// install_watch(exception class, place_of_thread)
PyObject *fk_watch_install(PyObject *module, PyObject *args);

static inline void fk_watch_next(fk_watched *me, bool waits) {
	uint32_t round = atomic_load_explicit(&me->round, memory_order_relaxed);
	atomic_store_explicit(&me->waits, waits, memory_order_relaxed);
	atomic_store_explicit(&me->round, round + 1, memory_order_release);
}

// False: this call is made within one that is watched already.
static inline bool fk_watch_begin(fk_watched *me, fk_impl *impl) {
	if (atomic_load_explicit(&me->inside, memory_order_relaxed)) return false;
	if (__builtin_expect(!me->ident, 0)) fk_watch_join(me);
	fk_watch_next(me, false);
	atomic_store_explicit(&me->inside, impl, memory_order_release);
	return true;
}

// The same before the thread takes the GIL: while it waits for it, its code is not to blame and is not
// interrupted. fk_watch_enter marks that it has the GIL.
static inline bool fk_watch_wait(fk_watched *me, fk_impl *impl) {
	if (!fk_watch_begin(me, impl)) return false;
	atomic_store_explicit(&me->waits, true, memory_order_relaxed);
	return true;
}

static inline void fk_watch_enter(fk_watched *me) { fk_watch_next(me, false); }

// With the GIL, so that the call cannot be interrupted at this moment.
static inline void fk_watch_end(fk_watched *me) {
	atomic_store_explicit(&me->inside, NULL, memory_order_release);
	if (__builtin_expect(me->interrupted, 0)) fk_watch_settle(me);
}
