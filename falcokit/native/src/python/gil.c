// SPDX-License-Identifier: Apache-2.0
// How a host thread enters and leaves Python on frequent calls: its Python thread state is made once
// and kept, so that entering costs no more than taking the GIL. States of threads that have ended
// are freed by the next thread that makes one. See below for the keeper.
#include "python/python.h"
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// The data of one thread. Finding it is a function call: done once in each call of the host.
typedef struct fk_thread {
	PyThreadState *state; // for frequent calls, NULL until the first
	uint32_t calls;       // that took the GIL, for sampling
	int slow, calm, late; // slow samples, samples left until it is calm, its usual timer slack
	fk_watched watched;
} fk_thread;
static __thread fk_thread this_thread;

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

static fk_gil enter_as(fk_thread *me) {
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

fk_gil fk_gil_enter(void) { return enter_as(&this_thread); }

void fk_gil_leave(fk_gil how) {
	if (how == FK_GIL_TAKEN) PyEval_SaveThread();
	if (how == FK_GIL_ENSURED) PyGILState_Release(PyGILState_UNLOCKED);
}

// ---- the keeper -------------------------------------------------------------------------------------
// Keeps the GIL for a host thread between its calls, while another Python thread wants it all the time.
// If the host thread released the GIL after each call, the other thread would take it nearly every
// time, for a switch interval plus the time to wake up. The host thread cannot keep it itself, because
// it may not come back. So the keeper, a separate thread, holds the GIL and sleeps. The host thread
// runs under that hold with its own thread state, and yields to other threads as any Python code does.
// When no host thread is running at the end of a turn, the keeper yields; when host threads stay away,
// it releases the GIL. Before CPython 3.12 only: since then a thread cannot change its state without
// taking the GIL.

#define CAN_KEEP   (PY_VERSION_HEX < 0x030c0000)
#define SAMPLE     16     // time every 16th call
#define SLOW_NS    8000   // taking the GIL took longer: another thread had it
#define CALM       64     // samples in a row without a slow one: no other thread wants the GIL
#define SURE       3      // slow samples before that: another thread does
#define TURN_NS    100000 // after this time the keeper yields to others
#define STAY_TURNS 5000   // after these turns it leaves, to find out whether it is still needed

// FREE: the keeper is not active, calls take the GIL. AWAY: it does not hold the GIL, others have their
// turn. KEPT: it holds the GIL. IN_USE: a host thread runs under its hold.
enum {
	FREE,
	AWAY,
	KEPT,
	IN_USE
};
static _Atomic uint32_t hold = FREE;     // a futex for threads that wait while it is AWAY
static _Atomic uint32_t sleepers, calls; // threads that wait; number of calls so far
static _Atomic uint32_t wanted;          // a futex for the keeper
static atomic_bool started;
static PyThreadState *keeper;

static void futex(_Atomic uint32_t *word, int op, uint32_t value) {
	syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static bool change(uint32_t from, uint32_t to) {
	return atomic_compare_exchange_strong(&hold, &from, to);
}

// ---- the keeper: its thread -------------------------------------------------------------------------

static void set_hold(uint32_t state) {
	atomic_store(&hold, state);
	if (atomic_load(&sleepers)) futex(&hold, FUTEX_WAKE_PRIVATE, INT32_MAX);
}

// From AWAY to FREE; the GIL is not held before or after.
static void keep(void) {
	struct timespec turn = {0, TURN_NS};
	PyEval_RestoreThread(keeper);
	set_hold(KEPT);
	uint32_t seen = atomic_load(&calls), idle = 0;
	for (int i = 0; i < STAY_TURNS && idle < 2; i++) {
		nanosleep(&turn, NULL);
		uint32_t n = atomic_load(&calls);
		idle = n == seen ? idle + 1 : 0;
		seen = n;
		if (!change(KEPT, AWAY)) continue; // the thread that runs under the hold yields itself
		PyEval_SaveThread();               // to the threads that want it
		PyEval_RestoreThread(keeper);
		set_hold(KEPT);
	}
	while (!change(KEPT, AWAY)) nanosleep(&turn, NULL);
	PyEval_SaveThread();
	set_hold(FREE);
}

static void *keeper_main(void *arg) {
	prctl(PR_SET_TIMERSLACK, 1); // its waits are short
	PyGILState_Ensure();
	keeper = PyEval_SaveThread();
	for (;;) {
		uint32_t seen = atomic_load(&wanted);
		if (atomic_load(&hold) == AWAY) keep();
		futex(&wanted, FUTEX_WAIT_PRIVATE, seen);
	}
	return NULL;
}

// ---- the keeper: the host's thread ------------------------------------------------------------------

static void call_keeper(void) {
	pthread_t thread;
	if (!CAN_KEEP || !change(FREE, AWAY)) return;
	atomic_fetch_add(&wanted, 1);
	if (atomic_exchange(&started, true)) {
		futex(&wanted, FUTEX_WAKE_PRIVATE, 1);
	} else if (fk_thread_start(&thread, "falcokit-keeper", keeper_main, NULL)) {
		pthread_detach(thread);
	} else {
		atomic_store(&started, false);
		set_hold(FREE);
	}
}

// True: this thread runs under the keeper's hold now.
static bool borrow(PyThreadState *mine) {
	while (!change(KEPT, IN_USE)) {
		if (atomic_load(&hold) != AWAY) return false;
		atomic_fetch_add(&sleepers, 1);
		futex(&hold, FUTEX_WAIT_PRIVATE, AWAY);
		atomic_fetch_sub(&sleepers, 1);
	}
	atomic_store_explicit(&calls, atomic_load_explicit(&calls, memory_order_relaxed) + 1,
	                      memory_order_relaxed);
	PyThreadState_Swap(mine);
	return true;
}

static void give_back(void) {
	PyThreadState_Swap(keeper);
	atomic_store_explicit(&hold, KEPT, memory_order_release);
}

// By default a wait of this thread ends up to 50 us late, and others hold the GIL that much longer in
// each turn. So its timer slack is minimal from a slow sample on, until CALM samples without one.
static void take_sample(fk_thread *me, uint64_t begin, uint64_t end) {
	if (end - begin <= SLOW_NS) {
		if (me->calm && !--me->calm) prctl(PR_SET_TIMERSLACK, me->late);
		return;
	}
	me->slow = me->calm ? me->slow + 1 : 1;
	if (!me->calm) me->late = prctl(PR_GET_TIMERSLACK), prctl(PR_SET_TIMERSLACK, 1);
	me->calm = CALM;
	if (me->slow >= SURE) call_keeper();
}

static inline void run(fk_thread *me, bool watched, void (*work)(void *), void *arg) {
	if (watched) fk_watch_enter(&me->watched);
	if (__builtin_expect(fk_debugging(), 0)) fk_debug_join();
	work(arg);
	if (watched) fk_watch_end(&me->watched);
}

void fk_gil_call(fk_impl *impl, void (*work)(void *), void *arg) {
	fk_thread *me = &this_thread;
	bool watched = fk_watch_begin(&me->watched, impl);
	if (atomic_load_explicit(&hold, memory_order_relaxed) != FREE && me->state &&
	    active() != me->state && borrow(me->state)) {
		run(me, watched, work, arg);
		give_back();
		return;
	}
	bool sample = ++me->calls % SAMPLE == 0;
	uint64_t begin = sample ? fk_now() : 0;
	fk_gil gil = enter_as(me);
	uint64_t end = sample ? fk_now() : 0;
	run(me, watched, work, arg);
	fk_gil_leave(gil);
	if (sample) take_sample(me, begin, end);
}

typedef struct released {
	fk_impl *impl;
	int (*hook)(fk_impl *, void *);
	void *arg;
	int answer;
} released;

// cffi takes the GIL itself, from CPython 3.15 on with a thread state of its own, which a thread that
// holds the GIL already must not enter.
static void without_gil(void *arg) {
	released *r = arg;
	PyThreadState *state = PyEval_SaveThread();
	r->answer = r->hook(r->impl, r->arg);
	PyEval_RestoreThread(state);
}

int fk_hook_call(fk_impl *impl, int (*hook)(fk_impl *, void *), void *arg) {
	bool host_waited = fk_blocks_host;
	released r = {impl, hook, arg, SS_PLUGIN_FAILURE};
	fk_blocks_host = true;
	fk_gil_call(impl, without_gil, &r);
	fk_blocks_host = host_waited;
	return r.answer;
}
