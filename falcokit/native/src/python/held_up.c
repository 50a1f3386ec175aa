// SPDX-License-Identifier: Apache-2.0
// The watch is a thread that looks at the host's threads once a second and
// never takes the GIL, because code that hangs may hold it. What needs Python is done by another
// thread, the reporter.
#include "python/python.h"
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock =
	PTHREAD_MUTEX_INITIALIZER; // guards the list; no state ends while it is held
static fk_watched *all;
static pthread_key_t key;
static PyObject *timeout_error, *place_of_thread;

// ---- the host's threads -----------------------------------------------------------------------------

static void thread_ends(void *arg) {
	pthread_mutex_lock(&lock);
	fk_watched **at = &all;
	while (*at && *at != arg) at = &(*at)->next;
	if (*at) *at = (*at)->next;
	pthread_mutex_unlock(&lock);
}

static void start(void);

void fk_watch_join(fk_watched *me) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, start);
	me->ident = (unsigned long)pthread_self(); // equal to Python's id on Linux
	if (pthread_setspecific(key, me) != 0) return;
	pthread_mutex_lock(&lock);
	me->next = all;
	all = me;
	pthread_mutex_unlock(&lock);
}

// Removes an exception that was not raised before the call ended, so that the next call does not get
// it.
void fk_watch_settle(fk_watched *me) {
	PyGILState_STATE gil = PyGILState_Ensure();
	me->interrupted = false;
	PyThreadState_SetAsyncExc(me->ident, NULL);
	PyGILState_Release(gil);
}

void fk_watch_forget(fk_impl *impl) {
	pthread_mutex_lock(&lock);
	for (fk_watched *w = all; w; w = w->next)
		if (atomic_load(&w->inside) == impl) atomic_store(&w->inside, NULL);
	pthread_mutex_unlock(&lock);
}

// ---- the reporter -----------------------------------------------------------------------------------

typedef struct late {
	fk_watched *who;
	fk_impl *impl; // referenced
	unsigned long ident;
	uint32_t round;
} late;

static bool still_inside(const late *l) {
	for (fk_watched *w = all; w; w = w->next)
		if (w == l->who) return atomic_load(&w->round) == l->round && atomic_load(&w->inside);
	return false;
}

// The reporter holds the GIL. True: it is still the same call, and its own code used the GIL.
static bool is_at_fault(const late *l) {
	bool here = false;
	for (fk_watched *w = all; w && !here; w = w->next) here = w == l->who;
	if (!here) return false;
	l->who->reporting = false;
	if (!still_inside(l) || !l->who->others) return still_inside(l);
	l->who->others = l->who->logged = false; // its time starts again
	l->who->looks = 0;
	return false;
}

static void log_place(const late *l) {
	PyObject *place = PyObject_CallFunction(place_of_thread, "k", l->ident);
	const char *text = place ? PyUnicode_AsUTF8(place) : NULL;
	if (!text) PyErr_Clear(), text = "at an unknown place";
	Py_BEGIN_ALLOW_THREADS
	fk_log(l->impl, SS_PLUGIN_LOG_SEV_ERROR,
	       "Falco has waited %g s for plugin '%s', and is held up: its code is %s", FK_LIMIT_S,
	       l->impl->name, text);
	Py_END_ALLOW_THREADS
	Py_XDECREF(place);
}

static void *reporter_main(void *arg) {
	late *l = arg;
	PyGILState_STATE gil = PyGILState_Ensure();
	pthread_mutex_lock(&lock);
	bool inside = is_at_fault(l), tell = inside && !l->who->logged;
	if (inside) l->who->logged = true;
	pthread_mutex_unlock(&lock);
	if (tell) log_place(l);
	pthread_mutex_lock(&lock); // with the GIL, so that the call cannot end meanwhile
	if (inside && still_inside(l)) {
		l->who->interrupted = true;
		PyThreadState_SetAsyncExc(l->ident, timeout_error);
	}
	pthread_mutex_unlock(&lock);
	PyGILState_Release(gil);
	fk_impl_unref(l->impl);
	free(l);
	return NULL;
}

static void interrupt(fk_watched *w, fk_impl *impl) {
	late *l = malloc(sizeof *l);
	pthread_t thread;
	if (!l) return;
	*l = (late){w, impl, w->ident, w->seen};
	fk_impl_ref(impl);
	if (fk_thread_start(&thread, "falcokit-reporter", reporter_main, l)) {
		pthread_detach(thread);
		w->reporting = true;
		return;
	}
	fk_impl_unref(impl);
	free(l);
}

// ---- for producers that wait for room ---------------------------------------------------------------

static fk_late_hook *late_hooks;

void fk_watch_late(fk_late_hook *hook) {
	pthread_mutex_lock(&lock);
	hook->next = late_hooks;
	late_hooks = hook;
	pthread_mutex_unlock(&lock);
}

void fk_watch_done(fk_late_hook *hook) {
	pthread_mutex_lock(&lock);
	fk_late_hook **at = &late_hooks;
	while (*at != hook) at = &(*at)->next;
	*at = hook->next;
	pthread_mutex_unlock(&lock);
}

bool fk_watch_held_up(uint32_t looks, char *what, size_t size) {
	bool found = false;
	pthread_mutex_lock(&lock);
	for (fk_watched *w = all; w && !found; w = w->next) {
		fk_impl *impl = atomic_load(&w->inside);
		// A thread that waits for the GIL is not blocked by a lock of a producer.
		bool for_gil = atomic_load(&w->waits) || w->others;
		found = impl && !for_gil && w->looks >= looks && atomic_load(&w->round) == w->seen;
		if (found)
			snprintf(what, size, "%g s for the code of plugin '%s'", w->looks * FK_LOOK_MS / 1000.0,
			         impl->name);
	}
	for (fk_late_hook *hook = late_hooks; hook && !found; hook = NULL) {
		snprintf(what, size, "%g s for %s of plugin '%s'", hook->waited_s, hook->hook,
		         hook->impl->name);
		found = true;
	}
	pthread_mutex_unlock(&lock);
	return found;
}

// ---- the watch --------------------------------------------------------------------------------------

// For a call that does not return, or that waits for the GIL: logs which code holds the GIL.
static void log_holder(fk_watched *w, fk_impl *impl) {
	char held[FK_ERRLEN] = "";
	unsigned long holder = fk_gil_holder(held, sizeof held);
	const char *call = strstr(held, "in a call");
	if (!holder && atomic_load(&w->waits)) return; // the GIL is free: it is about to get it
	w->logged = true;
	w->others = holder && holder != w->ident;
	fk_log(impl, SS_PLUGIN_LOG_SEV_ERROR,
	       "Falco has waited %g s for plugin '%s', and is held up: %s%s",
	       w->looks * FK_LOOK_MS / 1000.0, impl->name,
	       w->others ? "its code waits for " : "its code is ",
	       w->others ? held
	       : call    ? call
	                 : "in a call that does not release the GIL");
}

static void look_at(fk_watched *w) {
	fk_impl *impl = atomic_load(&w->inside);
	uint32_t round = atomic_load(&w->round);
	if (!impl || round != w->seen) {
		w->seen = round;
		w->looks = 0;
		w->logged = w->others = false;
		return;
	}
	bool waits = atomic_load(&w->waits), late = ++w->looks % FK_LIMIT_LOOKS == 0;
	if (fk_debugging()) return;
	if (!waits && late && !w->reporting) interrupt(w, impl);
	if (w->looks == (waits ? FK_LIMIT_LOOKS : FK_GIL_LOOKS) && !w->logged) log_holder(w, impl);
}

static void *watch_main(void *arg) {
	for (;;) {
		usleep(FK_LOOK_MS * 1000);
		pthread_mutex_lock(&lock);
		for (fk_watched *w = all; w; w = w->next) look_at(w);
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static void start(void) {
	pthread_t thread;
	pthread_key_create(&key, thread_ends);
	if (!fk_thread_start(&thread, "falcokit-watch", watch_main, NULL)) return; // works without it
	pthread_detach(thread);
}

PyObject *fk_watch_install(PyObject *module, PyObject *args) {
	if (!PyArg_ParseTuple(args, "OO", &timeout_error, &place_of_thread)) return NULL;
	Py_INCREF(timeout_error);
	Py_INCREF(place_of_thread);
	Py_RETURN_NONE;
}
