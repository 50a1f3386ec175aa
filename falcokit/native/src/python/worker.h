// SPDX-License-Identifier: Apache-2.0
// The worker of a state: the thread on which its lifecycle hooks run.
#pragma once
#include "python/state.h"

typedef struct fk_worker {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	fk_call call; // the job under way or done
	char *text;   // owned copy of call.text
	char err[FK_ERRLEN];
	int rc;
	bool busy, quit, started;
	bool given_up; // the host no longer waits for the job under way
} fk_worker;

bool fk_worker_start(fk_impl *impl);
void fk_worker_end(fk_impl *impl);
void fk_worker_free(fk_worker *w);
ss_plugin_rc fk_worker_run(fk_impl *impl, fk_call *call, const char *hook, double limit_s);
