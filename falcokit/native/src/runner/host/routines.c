// SPDX-License-Identifier: Apache-2.0
// The pool of the routines. `fkr_lock` guards the list; the routines run without it.
#include "runner/host/host.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum {
	FKR_THREADS = 2
};

struct fkr_routine {
	ss_plugin_routine_fn_t run;
	ss_plugin_routine_state_t *state;
	struct fkr_guest *guest;
	bool running, over;
	struct fkr_routine *next;
};

static pthread_mutex_t fkr_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t fkr_changed = PTHREAD_COND_INITIALIZER;
static struct fkr_routine *fkr_first; // in the order in which they have waited
static bool fkr_started;

static void fkr_append(struct fkr_routine *routine) {
	struct fkr_routine **at = &fkr_first;
	while (*at) at = &(*at)->next;
	routine->next = NULL;
	*at = routine;
}

static void fkr_remove(struct fkr_routine *routine) {
	struct fkr_routine **at = &fkr_first;
	while (*at != routine) at = &(*at)->next;
	*at = routine->next;
}

static void *fkr_work(void *unused) {
	pthread_mutex_lock(&fkr_lock);
	for (;;) {
		struct fkr_routine *routine = fkr_first;
		while (routine && routine->running) routine = routine->next;
		if (!routine) {
			pthread_cond_wait(&fkr_changed, &fkr_lock);
			continue;
		}
		routine->running = true;
		pthread_mutex_unlock(&fkr_lock);
		bool again = routine->run(routine->guest->state, routine->state);
		pthread_mutex_lock(&fkr_lock);
		routine->running = false;
		fkr_remove(routine);
		if (again && !routine->over)
			fkr_append(routine);
		else
			free(routine);
		pthread_cond_broadcast(&fkr_changed);
	}
	return NULL;
}

// Signals are for the engine's thread.
static bool fkr_start(void) {
	pthread_t thread;
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (int i = 0; i < FKR_THREADS; i++)
		if (pthread_create(&thread, NULL, fkr_work, NULL) == 0) {
			pthread_detach(thread);
			fkr_started = true;
		}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return fkr_started;
}

ss_plugin_routine_t *fkr_routine_subscribe(ss_plugin_owner_t *o, ss_plugin_routine_fn_t run,
                                           ss_plugin_routine_state_t *state) {
	struct fkr_owner *owner = o;
	if (!run || !owner->guest || (!fkr_started && !fkr_start())) {
		fkr_tables_fail(owner, "the routine cannot be run");
		return NULL;
	}
	struct fkr_routine *routine = fkr_must_alloc(NULL, sizeof *routine);
	*routine = (struct fkr_routine){.run = run, .state = state, .guest = owner->guest};
	pthread_mutex_lock(&fkr_lock);
	fkr_append(routine);
	pthread_cond_broadcast(&fkr_changed);
	pthread_mutex_unlock(&fkr_lock);
	return routine;
}

// With the lock.
static void fkr_end_one(struct fkr_routine *routine) {
	routine->over = true;
	if (routine->running) return; // its thread frees it
	fkr_remove(routine);
	free(routine);
}

ss_plugin_rc fkr_routine_unsubscribe(ss_plugin_owner_t *o, ss_plugin_routine_t *r) {
	pthread_mutex_lock(&fkr_lock);
	struct fkr_routine *routine = fkr_first;
	while (routine && (routine != r || routine->over)) routine = routine->next;
	if (routine) fkr_end_one(routine);
	pthread_mutex_unlock(&fkr_lock);
	if (routine) return SS_PLUGIN_SUCCESS;
	fkr_tables_fail(o, "there is no such routine");
	return SS_PLUGIN_FAILURE;
}

void fkr_routines_end(void) {
	pthread_mutex_lock(&fkr_lock);
	for (struct fkr_routine *routine = fkr_first, *next; routine; routine = next) {
		next = routine->next;
		if (!routine->over) fkr_end_one(routine);
	}
	while (fkr_first) pthread_cond_wait(&fkr_changed, &fkr_lock);
	pthread_mutex_unlock(&fkr_lock);
}
