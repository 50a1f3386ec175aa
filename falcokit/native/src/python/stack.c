// SPDX-License-Identifier: Apache-2.0
// The stacks of falcokit's threads, and how deep C may recurse on a thread. Recursion in C (repr,
// JSON, __getattr__) uses stack, and CPython before 3.14 counts levels instead of bytes and assumes a
// stack of 8 MiB. Threads of the host may have less (`ulimit -s`), and authors may raise the limit.
#include "python/python.h"
#include <limits.h>

#define OWN_BYTES     (8u << 20)
#define LARGE_BYTES   (7u << 20)  // enough for all levels that Python allows by default
#define LEVEL_BYTES   2048u       // more than nearly every level uses
#define SPARE_BYTES   (64u << 10) // for calls at the last level
#define LEVELS_FEWEST 50
#define JSON_LEVELS   1000

// A smaller remaining count makes a thread look as if it were deep in calls already, up to the limit of
// all threads, which CPython 3.11 reads when nothing remains.
#if PY_VERSION_HEX < 0x030c0000
#define REMAINING(state) (state)->recursion_remaining
#elif PY_VERSION_HEX < 0x030e0000
#define REMAINING(state) (state)->c_recursion_remaining
#endif

size_t fk_stack_bytes(void) {
	pthread_attr_t attr;
	size_t usual = 0;
	if (pthread_attr_init(&attr) != 0) return OWN_BYTES;
	pthread_attr_getstacksize(&attr, &usual);
	pthread_attr_destroy(&attr);
	return usual > OWN_BYTES ? usual : OWN_BYTES;
}

bool fk_thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg) {
	pthread_attr_t attr;
	if (pthread_attr_init(&attr) != 0) return false;
	pthread_attr_setstacksize(&attr, fk_stack_bytes());
	bool ok = pthread_create(thread, &attr, run, arg) == 0;
	pthread_attr_destroy(&attr);
	if (ok) pthread_setname_np(*thread, name);
	return ok;
}

#ifdef REMAINING
// Levels for which this thread's stack has room from here; looked up once.
static int levels_here(void) {
	static __thread int levels;
	pthread_attr_t attr;
	void *lowest;
	size_t size;
	if (levels) return levels;
	levels = INT_MAX;
	if (pthread_getattr_np(pthread_self(), &attr) != 0) return levels;
	if (pthread_attr_getstack(&attr, &lowest, &size) == 0 && size < LARGE_BYTES) {
		size_t room = (size_t)((char *)__builtin_frame_address(0) - (char *)lowest);
		size_t fit = room > SPARE_BYTES ? (room - SPARE_BYTES) / LEVEL_BYTES : 0;
		levels = fit > LEVELS_FEWEST ? (int)fit : LEVELS_FEWEST;
	}
	pthread_attr_destroy(&attr);
	return levels;
}

void fk_fit_recursion(void) {
	PyThreadState *state = PyThreadState_Get();
	if (REMAINING(state) > levels_here()) REMAINING(state) = levels_here();
}
#else
void fk_fit_recursion(void) {}
#endif

PyObject *fk_call_bounded(PyObject *module, PyObject *const *args, Py_ssize_t n) {
	if (n != 2) return PyErr_Format(PyExc_TypeError, "bounded takes a function and its argument");
#ifdef REMAINING
	PyThreadState *state = PyThreadState_Get();
	int levels = levels_here() < JSON_LEVELS ? levels_here() : JSON_LEVELS;
	int less = REMAINING(state) > levels ? REMAINING(state) - levels : 0;
	REMAINING(state) -= less;
	PyObject *result = PyObject_CallOneArg(args[0], args[1]);
	REMAINING(state) += less;
	return result;
#else
	return PyObject_CallOneArg(args[0], args[1]); // Python measures the stack itself
#endif
}
