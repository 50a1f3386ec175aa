// SPDX-License-Identifier: Apache-2.0
// What the files of capture listening share.
//   listen/listen.c   its hooks, on the host's thread     listen/routine.c   the routines that they subscribe
#pragma once
#include "python/state.h"

typedef struct fk_routine {
	struct fk_routine *next;
	fk_impl *impl;
	PyObject *function;          // guarded by the GIL; NULL when it is over
	unsigned long ident;         // guarded by the GIL: Python's of the thread within it, 0: none
	bool interrupted;            // guarded by the GIL
	ss_plugin_routine_t *handle; // the host's; NULL: it has a thread of its own
	_Atomic bool over;
	int users; // guarded by the lock: threads that run it
} fk_routine;

struct fk_listening {
	pthread_mutex_t lock;
	pthread_cond_t left;
	fk_routine *routines; // of this capture; of the last one, until the next is opened
	unsigned count;
	const ss_plugin_capture_listen_input *in; // within a hook of the host's call
	bool hook;                                // is under way
	bool open;
};

// No other routine of this process has answered 0 just now.
void fk_routines_apart(void);
// With the lock. Off the host's list where that is possible now; else with its next answer.
void fk_routine_end(struct fk_listening *l, fk_routine *r);

// listen.c: the hooks of base/plugin.c
ss_plugin_rc fk_listen_open(fk_impl *impl, const ss_plugin_capture_listen_input *in);
ss_plugin_rc fk_listen_close(fk_impl *impl, const ss_plugin_capture_listen_input *in);
void fk_listen_free(fk_impl *impl);
// listen/routine.c, for Python's side through Link
PyObject *fk_listen_subscribe(fk_impl *impl, PyObject *function);
PyObject *fk_listen_unsubscribe(fk_impl *impl, PyObject *id);
PyObject *fk_listen_interrupt(fk_impl *impl, PyObject *args);
PyObject *fk_listen_drain(fk_impl *impl, PyObject *seconds);
