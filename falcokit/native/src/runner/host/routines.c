// SPDX-License-Identifier: Apache-2.0
// The pool of the routines. `fk_lock` guards the list; the routines run without it.
#include "runner/host/routines.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "runner/host/tables.h"

enum {
	FK_THREADS = 2
};

struct fk_routine {
	ss_plugin_routine_fn_t run;
	ss_plugin_routine_state_t *state;
	struct fk_guest *guest;
	bool running, over;
	struct fk_routine *next;
};

static pthread_mutex_t fk_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t fk_changed = PTHREAD_COND_INITIALIZER;
static struct fk_routine *fk_first; // the one that has waited longest first
static bool fk_started;

static void fk_append(struct fk_routine *routine) {
	struct fk_routine **at = &fk_first;
	while (*at) at = &(*at)->next;
	routine->next = NULL;
	*at = routine;
}

static void fk_remove(struct fk_routine *routine) {
	struct fk_routine **at = &fk_first;
	while (*at != routine) at = &(*at)->next;
	*at = routine->next;
}

static void *fk_work(void *unused) {
	(void)unused;
	pthread_mutex_lock(&fk_lock);
	for (;;) {
		struct fk_routine *routine = fk_first;
		while (routine && routine->running) routine = routine->next;
		if (!routine) {
			pthread_cond_wait(&fk_changed, &fk_lock);
			continue;
		}
		routine->running = true;
		pthread_mutex_unlock(&fk_lock);
		bool again = routine->run(routine->guest->state, routine->state);
		pthread_mutex_lock(&fk_lock);
		routine->running = false;
		fk_remove(routine);
		if (again && !routine->over)
			fk_append(routine);
		else
			free(routine);
		pthread_cond_broadcast(&fk_changed);
	}
	return NULL;
}

// Signals are for the engine's thread.
static bool fk_start(void) {
	pthread_t thread;
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (int i = 0; i < FK_THREADS; i++)
		if (pthread_create(&thread, NULL, fk_work, NULL) == 0) {
			pthread_detach(thread);
			fk_started = true;
		}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return fk_started;
}

ss_plugin_routine_t *fk_routine_subscribe(ss_plugin_owner_t *o, ss_plugin_routine_fn_t run,
                                          ss_plugin_routine_state_t *state) {
	struct fk_owner *owner = o;
	if (!run || !owner->guest || (!fk_started && !fk_start())) {
		fk_tables_fail(owner, "the routine cannot be run");
		return NULL;
	}
	struct fk_routine *routine = fk_must_alloc(NULL, sizeof *routine);
	*routine = (struct fk_routine){.run = run, .state = state, .guest = owner->guest};
	pthread_mutex_lock(&fk_lock);
	fk_append(routine);
	pthread_cond_broadcast(&fk_changed);
	pthread_mutex_unlock(&fk_lock);
	return routine;
}

// With the lock.
static void fk_end_one(struct fk_routine *routine) {
	routine->over = true;
	if (routine->running) return; // its thread frees it
	fk_remove(routine);
	free(routine);
}

ss_plugin_rc fk_routine_unsubscribe(ss_plugin_owner_t *o, ss_plugin_routine_t *r) {
	pthread_mutex_lock(&fk_lock);
	struct fk_routine *routine = fk_first;
	while (routine && (routine != r || routine->over)) routine = routine->next;
	if (routine) fk_end_one(routine);
	pthread_mutex_unlock(&fk_lock);
	if (routine) return SS_PLUGIN_SUCCESS;
	fk_tables_fail(o, "there is no such routine");
	return SS_PLUGIN_FAILURE;
}

void fk_routines_end(void) {
	pthread_mutex_lock(&fk_lock);
	for (struct fk_routine *routine = fk_first, *next; routine; routine = next) {
		next = routine->next;
		if (!routine->over) fk_end_one(routine);
	}
	while (fk_first) pthread_cond_wait(&fk_changed, &fk_lock);
	pthread_mutex_unlock(&fk_lock);
}
