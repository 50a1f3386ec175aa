// SPDX-License-Identifier: Apache-2.0
// The routines of a capture. A routine runs on the host's thread pool or, if the host has none and
// subscribe returns NULL, on a thread of its own. Runs on the threads of the pool; Link's methods, for
// falcokit.runtime.listen.routines, with the GIL.
//
// The framework keeps its routines in a list without a lock, and removes one from it on the pool's
// thread when it returns 0. So a routine that is over returns 1 while a hook runs, because hooks change
// that list too; and at other times no two routines return 0 at the same moment.
#include "listen/listen.h"
#include "python/python.h"
#include <stdlib.h>

#define MAX_ROUTINES 64
#define APART_NS     1000000u

// ---- running one ------------------------------------------------------------------------------------

static pthread_mutex_t apart_lock = PTHREAD_MUTEX_INITIALIZER;

static void pause_ns(long ns) { nanosleep(&(struct timespec){.tv_nsec = ns}, NULL); }

void fk_routines_apart(void) {
	pthread_mutex_lock(&apart_lock);
	pause_ns(APART_NS);
	pthread_mutex_unlock(&apart_lock);
}

static bool answer_of(fk_routine *r) {
	if (atomic_load(&r->over) || !r->function) return false;
	PyObject *function = Py_NewRef(r->function);
	r->ident = PyThread_get_thread_ident();
	PyObject *answer = PyObject_CallNoArgs(function);
	if (r->interrupted)
		PyThreadState_SetAsyncExc(r->ident, NULL); // not for the thread's next routine
	r->ident = 0;
	bool again = answer == Py_True;
	PyErr_Clear(); // Python's side has logged it
	Py_XDECREF(answer);
	Py_DECREF(function);
	return again;
}

static bool run_once(fk_routine *r) {
	struct fk_listening *l = r->impl->listening;
	pthread_mutex_lock(&l->lock);
	bool hook = l->hook;
	r->users += !hook;
	pthread_mutex_unlock(&l->lock);
	if (hook) { // capture_open has not finished yet, or capture_close is running
		if (!atomic_load(&r->over)) pause_ns(APART_NS);
		return !atomic_load(&r->over);
	}
	if (!atomic_load(&r->over)) {
		fk_gil how = fk_gil_enter();
		if (!answer_of(r)) atomic_store(&r->over, true);
		if (atomic_load(&r->over)) Py_CLEAR(r->function);
		fk_gil_leave(how);
	}
	bool over = atomic_load(&r->over);
	pthread_mutex_lock(&l->lock);
	r->users--;
	pthread_cond_broadcast(&l->left);
	pthread_mutex_unlock(&l->lock);
	return !over;
}

static ss_plugin_bool run_in_pool(ss_plugin_t *s, ss_plugin_routine_state_t *state) {
	fk_routine *r = state;
	struct fk_listening *l = r->impl->listening;
	if (run_once(r)) return 1;
	fk_routines_apart();
	pthread_mutex_lock(&l->lock);
	bool again = l->hook;
	if (!again) r->handle = NULL; // the host may reuse the handle for another routine now
	pthread_mutex_unlock(&l->lock);
	return again;
}

static void *run_alone(void *arg) {
	fk_routine *r = arg;
	fk_impl *impl = r->impl;
	while (run_once(r)) continue;
	pthread_mutex_lock(&impl->listening->lock);
	r->users--;
	pthread_cond_broadcast(&impl->listening->left);
	pthread_mutex_unlock(&impl->listening->lock);
	fk_impl_unref(impl);
	return NULL;
}

static bool start_alone(fk_routine *r) {
	pthread_t thread;
	r->users = 1; // until the thread ends
	fk_impl_ref(r->impl);
	if (!fk_thread_start(&thread, "falcokit-routin", run_alone, r)) {
		fk_impl_unref(r->impl);
		return false;
	}
	pthread_detach(thread);
	return true;
}

// ---- for Python -------------------------------------------------------------------------------------

static fk_routine *routine_of(fk_impl *impl, PyObject *id) {
	void *wanted = PyLong_AsVoidPtr(id);
	for (fk_routine *r = impl->listening->routines; r; r = r->next)
		if (r == wanted) return r;
	if (!PyErr_Occurred()) PyErr_SetString(PyExc_KeyError, "there is no such routine");
	return NULL;
}

// subscribe(function) -> id: function is called again as long as it returns True.
PyObject *fk_listen_subscribe(fk_impl *impl, PyObject *function) {
	struct fk_listening *l = impl->listening;
	if (!l || !l->in) // the host no longer waits for the hook
		return PyErr_Format(PyExc_RuntimeError, "capture_open has taken too long");
	if (l->count >= MAX_ROUTINES)
		return PyErr_Format(PyExc_RuntimeError, "a capture has at most %d routines", MAX_ROUTINES);
	fk_routine *r = calloc(1, sizeof *r);
	if (!r) return PyErr_NoMemory();
	r->impl = impl;
	r->function = Py_NewRef(function);
	bool ok = true;
	Py_BEGIN_ALLOW_THREADS
	pthread_mutex_lock(&l->lock);
	const ss_plugin_capture_listen_input *in = l->in; // NULL when the host no longer waits
	if (in && in->routine) r->handle = in->routine->subscribe(in->owner, run_in_pool, r);
	ok = in && (r->handle || start_alone(r));
	if (ok) {
		r->next = l->routines;
		l->routines = r;
		l->count++;
	}
	pthread_mutex_unlock(&l->lock);
	Py_END_ALLOW_THREADS
	if (ok) return PyLong_FromVoidPtr(r);
	Py_DECREF(r->function);
	free(r);
	return PyErr_Format(PyExc_RuntimeError, "a routine needs a thread, and there are no resources");
}

void fk_routine_end(struct fk_listening *l, fk_routine *r) {
	const ss_plugin_capture_listen_input *in = l->in;
	atomic_store(&r->over, true);
	if (!r->handle || !in) return;
	in->routine->unsubscribe(in->owner, r->handle);
	r->handle = NULL;
}

// unsubscribe(id): it is not called again; a call under way goes on.
PyObject *fk_listen_unsubscribe(fk_impl *impl, PyObject *id) {
	struct fk_listening *l = impl->listening;
	fk_routine *r = l ? routine_of(impl, id) : NULL;
	if (!r) {
		PyErr_Clear(); // it is of an earlier capture
		Py_RETURN_NONE;
	}
	Py_BEGIN_ALLOW_THREADS
	pthread_mutex_lock(&l->lock);
	fk_routine_end(l, r);
	pthread_mutex_unlock(&l->lock);
	Py_END_ALLOW_THREADS
	if (!r->ident) Py_CLEAR(r->function);
	Py_RETURN_NONE;
}

// interrupt(id, exception class): raises it in the thread that is within that routine.
PyObject *fk_listen_interrupt(fk_impl *impl, PyObject *args) {
	PyObject *id, *error;
	if (!PyArg_ParseTuple(args, "OO", &id, &error)) return NULL;
	fk_routine *r = routine_of(impl, id);
	if (!r) return NULL;
	if (r->ident) {
		r->interrupted = true;
		PyThreadState_SetAsyncExc(r->ident, error);
	}
	Py_RETURN_NONE;
}

static bool any_user(const struct fk_listening *l) {
	for (fk_routine *r = l->routines; r; r = r->next)
		if (r->users) return true;
	return false;
}

// drain(seconds) -> [(id, thread ident)]: waits for the routines to return, and lists those that did
// not.
PyObject *fk_listen_drain(fk_impl *impl, PyObject *seconds) {
	struct fk_listening *l = impl->listening;
	double s = PyFloat_AsDouble(seconds);
	PyObject *stuck = PyList_New(0);
	if (!stuck || !l || PyErr_Occurred()) return stuck;
	uint64_t until = fk_now() + (uint64_t)(s * 1e9);
	Py_BEGIN_ALLOW_THREADS
	pthread_mutex_lock(&l->lock);
	while (any_user(l) && fk_now() < until) fk_cond_wait_until(&l->left, &l->lock, until);
	pthread_mutex_unlock(&l->lock);
	Py_END_ALLOW_THREADS
	for (fk_routine *r = l->routines; r; r = r->next) {
		if (!r->ident) continue;
		PyObject *pair = Py_BuildValue("(Nk)", PyLong_FromVoidPtr(r), r->ident);
		if (!pair || PyList_Append(stuck, pair) < 0) {
			Py_XDECREF(pair);
			Py_DECREF(stuck);
			return NULL;
		}
		Py_DECREF(pair);
	}
	return stuck;
}
