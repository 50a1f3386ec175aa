// SPDX-License-Identifier: Apache-2.0
// Watches over the author's code on threads of the host's: a call that does not return holds up
// Falco's event loop. Its place goes to the log after some seconds, and an exception is raised in
// it.
#pragma once
#include "python/state.h"

// Of one thread of the host's; kept in its fk_thread (python/gil.h).
typedef struct fk_watched {
	struct fk_watched *next;
	_Atomic(fk_impl *) inside; // whose code runs; NULL: none
	_Atomic uint32_t round;    // tells a call from the one before
	_Atomic bool waits;        // it has not got the GIL yet
	unsigned long ident;       // Python's name of the thread; 0: it is not known here yet
	uint32_t seen, looks;      // the round that was seen last, and how often
	bool logged, interrupted;  // its place is in the log; the exception is on its way
	bool reporting, others;    // the reporter waits for the GIL; somebody else has it all the time
} fk_watched;

void fk_watch_join(fk_watched *me);
void fk_watch_settle(fk_watched *me);
// Whether a thread of the host's has been in the author's code for so many looks; writes what it waits for.
bool fk_watch_held_up(uint32_t looks, char *what, size_t size);

// A hook on the worker, of which the host's thread waits for the end, and has waited for long.
typedef struct fk_late_hook {
	struct fk_late_hook *next;
	const fk_impl *impl;
	const char *hook;
	double waited_s;
} fk_late_hook;
void fk_watch_late(fk_late_hook *hook);
void fk_watch_done(fk_late_hook *hook);

// No text is logged for this state any more.
void fk_watch_forget(fk_impl *impl);
// install_watch(exception class, place_of_thread)
PyObject *fk_watch_install(PyObject *module, PyObject *args);

static inline void fk_watch_next(fk_watched *me, bool waits) {
	uint32_t round = atomic_load_explicit(&me->round, memory_order_relaxed);
	atomic_store_explicit(&me->waits, waits, memory_order_relaxed);
	atomic_store_explicit(&me->round, round + 1, memory_order_release);
}

// False: this is a call within one that is watched.
static inline bool fk_watch_begin(fk_watched *me, fk_impl *impl) {
	if (atomic_load_explicit(&me->inside, memory_order_relaxed)) return false;
	if (__builtin_expect(!me->ident, 0)) fk_watch_join(me);
	fk_watch_next(me, false);
	atomic_store_explicit(&me->inside, impl, memory_order_release);
	return true;
}

// The same before it takes the GIL, for which it may have to wait: none of its code can be interrupted
// for that. fk_watch_enter tells that it has it.
static inline bool fk_watch_wait(fk_watched *me, fk_impl *impl) {
	if (!fk_watch_begin(me, impl)) return false;
	atomic_store_explicit(&me->waits, true, memory_order_relaxed);
	return true;
}

static inline void fk_watch_enter(fk_watched *me) { fk_watch_next(me, false); }

// With the GIL: it is not interrupted meanwhile.
static inline void fk_watch_end(fk_watched *me) {
	atomic_store_explicit(&me->inside, NULL, memory_order_release);
	if (__builtin_expect(me->interrupted, 0)) fk_watch_settle(me);
}
