// SPDX-License-Identifier: Apache-2.0
// Capture listening: its hooks, on the host's thread (listen.c), and the routines that they subscribe
// (routine.c).
#pragma once
#include "python/python.h"

typedef struct fk_routine {
	struct fk_routine *next;
	fk_impl *impl;
	PyObject *function;  // guarded by the GIL; NULL when the routine is over
	unsigned long ident; // guarded by the GIL: Python's id of the thread that runs it, 0: none
	bool interrupted;    // guarded by the GIL
	ss_plugin_routine_t *handle; // of the host; NULL: it has a thread of its own
	_Atomic bool over;
	int users; // guarded by the lock: threads that run it
} fk_routine;

struct fk_listening {
	pthread_mutex_t lock;
	pthread_cond_t left;
	fk_routine *routines; // of this capture, or of the last one until the next opens
	unsigned count;
	const ss_plugin_capture_listen_input *in; // while a hook runs
	bool hook;                                // a hook is running
	bool open;
};

// Waits so that no other routine of this process has returned 0 just before.
void fk_routines_apart(void);
// With the lock. Removes it from the host's list if that is possible now, otherwise its next call does.
void fk_routine_end(struct fk_listening *l, fk_routine *r);

ss_plugin_rc fk_listen_open(fk_plugin *p, const ss_plugin_capture_listen_input *in);
ss_plugin_rc fk_listen_close(fk_plugin *p, const ss_plugin_capture_listen_input *in);
void fk_listen_free(fk_impl *impl);
// Methods of Link.
PyObject *fk_listen_subscribe(fk_impl *impl, PyObject *function);
PyObject *fk_listen_unsubscribe(fk_impl *impl, PyObject *id);
PyObject *fk_listen_interrupt(fk_impl *impl, PyObject *args);
PyObject *fk_listen_drain(fk_impl *impl, PyObject *seconds);
