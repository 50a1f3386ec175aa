// SPDX-License-Identifier: Apache-2.0
// The worker: one thread per plugin state, on which every lifecycle hook runs (init, open, start, stop,
// dump, config, close, destroy).
//
// Theory of operation
//
// Falco calls a plugin on its own threads, and ends or hangs with it. The author's hooks therefore run
// on the worker: the author's objects see one thread all their life, and the host's thread waits in C,
// without the GIL and with a time limit, so that a hook that hangs becomes a failed call.
//
// - A job. fk_worker_run copies the fk_call into the fk_worker, sets `busy` and waits on `changed`. The
//   worker makes the call, which takes the GIL itself, sets `rc`, clears `busy` and signals. `lock`
//   guards all of the fk_worker except `call` and `err` while `busy` is set: they belong to the worker
//   then. There is one job at a time; a call while another job runs fails at once.
// - The limit. When it is over, the host's thread sets `given_up`, finds out where the hook hangs and
//   returns FAILURE. The worker stays busy. If the hook returns later, the worker undoes what it began
//   (undo_late): after a late init it calls destroy, after a late open it calls close. So the author's
//   code never sees a hook that the host knows nothing about.
// - A late hook. A hook may wait for a lock whose holder waits for room in a queue, and the host makes
//   no room while it waits here. After some time wait_for announces the hook (fk_watch_late), and
//   producers that wait for room give up with an error (async_event/waiting.c).
// - The end. fk_worker_end sets `quit` and joins the thread. A worker that is stuck in a hook is
//   detached instead, and keeps a reference to the state: nothing that it uses is freed until its hook
//   returns, if ever.
// - Where it hangs. The line at which the worker is can only be asked for with the GIL, which the hook
//   may hold. So find_where asks on a thread of its own and waits for a second.
#include "python/python.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHERE_NS 1000000000u // for the answer where a hook hangs

static int opposite(int op) {
	return op == FK_OP_START          ? FK_OP_STOP
	       : op == FK_OP_OPEN         ? FK_OP_CLOSE
	       : op == FK_OP_CAPTURE_OPEN ? FK_OP_CAPTURE_CLOSE
	                                  : 0;
}

// A hook has returned after the host was told that it failed: ends what it began.
static int undo_late(fk_worker *w, int rc) {
	bool began = rc == SS_PLUGIN_SUCCESS && (w->call.op == FK_OP_INIT || opposite(w->call.op));
	bool gone = w->quit && w->call.op != FK_OP_DESTROY && w->call.op != FK_OP_INIT;
	enum fk_op started = w->call.op;
	w->given_up = false;
	pthread_mutex_unlock(&w->lock);
	w->call.text = NULL;
	if (began && started != FK_OP_INIT) {
		w->call.op = opposite(started);
		fk_call_python(&w->call);
	}
	if (gone || (began && started == FK_OP_INIT)) {
		w->call.op = FK_OP_DESTROY;
		fk_call_python(&w->call);
	}
	pthread_mutex_lock(&w->lock);
	return SS_PLUGIN_FAILURE;
}

static void *worker_main(void *arg) {
	fk_impl *impl = arg;
	fk_worker *w = impl->worker;
	fk_blocks_host = true;
	pthread_mutex_lock(&w->lock);
	while (!w->quit || w->busy) {
		if (!w->busy) {
			pthread_cond_wait(&w->changed, &w->lock);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		int rc = fk_call_python(&w->call);
		pthread_mutex_lock(&w->lock);
		if (w->given_up) rc = undo_late(w, rc);
		w->rc = rc;
		w->busy = false;
		pthread_cond_broadcast(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	fk_impl_unref(impl);
	return NULL;
}

bool fk_worker_start(fk_impl *impl) {
	fk_worker *w = impl->worker = calloc(1, sizeof *w);
	if (!w) return false;
	pthread_mutex_init(&w->lock, NULL);
	fk_cond_init(&w->changed);
	fk_impl_ref(impl);
	w->started = fk_thread_start(&w->thread, "falcokit", worker_main, impl);
	if (!w->started) fk_impl_unref(impl);
	return w->started;
}

// Ends the thread; one that is stuck in a hook is left behind, with a reference to its state.
void fk_worker_end(fk_impl *impl) {
	fk_worker *w = impl->worker;
	if (!w || !w->started) return;
	pthread_mutex_lock(&w->lock);
	w->quit = true;
	bool stuck = w->busy;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	if (stuck)
		pthread_detach(w->thread);
	else
		pthread_join(w->thread, NULL);
}

void fk_worker_free(fk_worker *w) {
	if (w) free(w->text);
	free(w);
}

// ---- where a hook hangs -----------------------------------------------------------------------------

typedef struct where_job {
	_Atomic int refs;
	pthread_mutex_t lock;
	pthread_cond_t done;
	uint64_t plugin;
	bool ready;
	char text[1024];
} where_job;

static void where_unref(where_job *job) {
	if (atomic_fetch_sub(&job->refs, 1) == 1) free(job);
}

static void *where_main(void *arg) {
	where_job *job = arg;
	char text[1024] = "";
	fk_python_where(job->plugin, text, sizeof text);
	pthread_mutex_lock(&job->lock);
	memcpy(job->text, text, sizeof text);
	job->ready = true;
	pthread_cond_signal(&job->done);
	pthread_mutex_unlock(&job->lock);
	where_unref(job);
	return NULL;
}

// Asks Python for the worker's current line, on a thread of its own: if the hook holds the GIL, that
// thread hangs too.
static void find_where(fk_impl *impl, char *out, size_t len) {
	char held[FK_ERRLEN];
	snprintf(out, len, "in code that does not release the GIL");
	where_job *job = calloc(1, sizeof *job);
	pthread_t thread;
	if (!job) return;
	pthread_mutex_init(&job->lock, NULL);
	fk_cond_init(&job->done);
	job->refs = 2;
	job->plugin = (uint64_t)(uintptr_t)impl;
	if (!fk_thread_start(&thread, "falcokit-where", where_main, job)) {
		free(job);
		return;
	}
	pthread_detach(thread);
	uint64_t until = fk_now() + WHERE_NS;
	pthread_mutex_lock(&job->lock);
	while (!job->ready && fk_cond_wait_until(&job->done, &job->lock, until) == 0) continue;
	if (job->ready && job->text[0])
		snprintf(out, len, "at %.*s", (int)len - 4, job->text);
	else if (!job->ready && fk_gil_holder(held, sizeof held))
		snprintf(out, len, "held up by %.*s", (int)len - 16, held);
	pthread_mutex_unlock(&job->lock);
	where_unref(job);
}

// ---- run --------------------------------------------------------------------------------------------

static uint64_t time_in(double s) { return fk_now() + (uint64_t)(s * 1e9); }

static void wait_until(fk_worker *w, uint64_t until) {
	while (w->busy)
		if (fk_cond_wait_until(&w->changed, &w->lock, until) == ETIMEDOUT) return;
}

// Announces a hook that takes long: during a capture soon, while one opens or closes later, because
// hooks may well take time there.
static void wait_for(fk_impl *impl, const char *hook, double limit_s) {
	fk_worker *w = impl->worker;
	bool in_capture = w->call.op == FK_OP_DUMP || w->call.op == FK_OP_SET_CONFIG;
	fk_late_hook late = {.impl = impl, .hook = hook};
	uint64_t until = time_in(limit_s);
	late.waited_s = in_capture && FK_LIMIT_S < limit_s / 2 ? FK_LIMIT_S : limit_s / 2;
	wait_until(w, time_in(late.waited_s));
	if (!w->busy) return;
	fk_watch_late(&late);
	wait_until(w, until);
	while (w->busy && fk_debugging()) wait_until(w, time_in(limit_s));
	fk_watch_done(&late);
}

// Runs one hook to its end or to its limit. The text of a failure becomes the last error.
ss_plugin_rc fk_worker_run(fk_impl *impl, fk_call *call, const char *hook, double limit_s) {
	fk_worker *w = impl->worker;
	pthread_mutex_lock(&w->lock);
	if (w->busy) {
		pthread_mutex_unlock(&w->lock);
		return fk_fail(impl->plugin,
		               "%s was not called: an earlier hook of plugin '%s' has not returned yet",
		               hook, impl->name);
	}
	free(w->text);
	w->text = call->text ? strdup(call->text) : NULL;
	w->call = *call;
	w->call.plugin = (uint64_t)(uintptr_t)impl;
	w->call.text = w->text;
	w->call.err = w->err;
	w->call.errlen = sizeof w->err;
	snprintf(w->err, sizeof w->err, "%s failed and gave no reason", hook);
	w->busy = true;
	pthread_cond_broadcast(&w->changed);
	wait_for(impl, hook, limit_s);
	bool done = !w->busy;
	int rc = w->rc;
	if (done) call->channel = w->call.channel;
	w->given_up = !done;
	if (done && rc != SS_PLUGIN_SUCCESS) fk_fail(impl->plugin, "%s", w->err);
	pthread_mutex_unlock(&w->lock);
	if (done) return (ss_plugin_rc)rc;

	char where[1024];
	find_where(impl, where, sizeof where);
	return fk_fail(impl->plugin, "%s of plugin '%s' did not return within %g s: it is %s", hook,
	               impl->name, limit_s, where);
}
