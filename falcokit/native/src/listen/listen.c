// SPDX-License-Identifier: Apache-2.0
// Capture listening: the hooks capture_open, which may subscribe routines (listen/routine.c), and
// capture_close. On the host's thread.
#include "python/python.h"
#include "listen/listen.h"
#include "tables/tables.h"
#include <stdlib.h>

#define CLOSE_LIMIT_S (2 * FK_SHORT_S) // it waits for routines too

static struct fk_listening *listening_of(fk_impl *impl) {
	struct fk_listening *l = impl->listening;
	if (l || !(l = calloc(1, sizeof *l))) return l;
	pthread_mutex_init(&l->lock, NULL);
	fk_cond_init(&l->left);
	return impl->listening = l;
}

// The host no longer calls them: its pool was emptied when the capture closed. A routine that still
// runs on a thread of ours, because nothing could end it, is not freed.
static void forget_routines(struct fk_listening *l) {
	for (fk_routine *r = l->routines, *next; r; r = next) {
		next = r->next;
		if (!r->users && !r->handle) free(r);
	}
	l->routines = NULL;
	l->count = 0;
}

static ss_plugin_rc run_hook(fk_impl *impl, const ss_plugin_capture_listen_input *in,
                             enum fk_op op) {
	struct fk_listening *l = impl->listening;
	bool open = op == FK_OP_CAPTURE_OPEN;
	pthread_mutex_lock(&l->lock);
	l->hook = true;
	l->in = in;
	pthread_mutex_unlock(&l->lock);
	fk_routines_apart();
	fk_call call = {.op = op};
	fk_tables_enter_listen(impl, in);
	ss_plugin_rc rc = fk_worker_run(impl, &call, open ? "capture_open" : "capture_close",
	                                open ? FK_LONG_S : CLOSE_LIMIT_S);
	fk_tables_leave(impl);
	pthread_mutex_lock(&l->lock);
	bool failed = rc != SS_PLUGIN_SUCCESS;
	for (fk_routine *r = l->routines; r && (failed || !open); r = r->next) fk_routine_end(l, r);
	l->in = NULL;
	l->hook = false;
	l->open = open && !failed;
	pthread_mutex_unlock(&l->lock);
	return rc;
}

// A failure would make the host's close throw. The capture is closed either way, so an error is only
// logged.
ss_plugin_rc fk_listen_close(fk_plugin *p, const ss_plugin_capture_listen_input *in) {
	fk_impl *impl = p->impl;
	struct fk_listening *l = impl->listening;
	if (!l || !l->open) return SS_PLUGIN_SUCCESS;
	if (run_hook(impl, in, FK_OP_CAPTURE_CLOSE) != SS_PLUGIN_SUCCESS)
		fk_log(impl, SS_PLUGIN_LOG_SEV_ERROR, "%s", p->last_error);
	return SS_PLUGIN_SUCCESS;
}

ss_plugin_rc fk_listen_open(fk_plugin *p, const ss_plugin_capture_listen_input *in) {
	fk_impl *impl = p->impl;
	struct fk_listening *l = listening_of(impl);
	if (!l) return fk_fail(impl->plugin, "capture_open has no memory");
	fk_listen_close(p, in);
	forget_routines(l);
	l->open = true;
	return run_hook(impl, in, FK_OP_CAPTURE_OPEN);
}

void fk_listen_free(fk_impl *impl) {
	if (!impl->listening) return;
	forget_routines(impl->listening);
	free(impl->listening);
}
