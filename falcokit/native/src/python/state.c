// SPDX-License-Identifier: Apache-2.0
// The state of a plugin: its references, its last error, what it writes to the host's log; and waiting.
#include "python/python.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__thread bool fk_blocks_host;

void fk_impl_ref(fk_impl *impl) { atomic_fetch_add(&impl->refs, 1); }

void fk_impl_unref(fk_impl *impl) {
	if (atomic_fetch_sub(&impl->refs, 1) != 1) return;
	impl->dispose(impl);
	for (char **path = impl->paths; path && *path; path++) free(*path);
	free(impl->paths);
	free(impl->target);
	free(impl->build);
	free(impl->source_dir);
	free(impl->name);
	free(impl);
}

ss_plugin_rc fk_fail(fk_plugin *p, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(p->last_error, sizeof p->last_error, format, args);
	va_end(args);
	return SS_PLUGIN_FAILURE;
}

void fk_log(fk_impl *impl, ss_plugin_log_severity sev, const char *format, ...) {
	char text[FK_ERRLEN];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	fk_log_text(impl, sev, NULL, text);
}

// Any thread. After destroy the owner is gone; the lock keeps destroy from returning during a call.
void fk_log_text(fk_impl *impl, ss_plugin_log_severity sev, const char *component,
                 const char *text) {
	pthread_mutex_lock(&impl->log_lock);
	if (impl->log_fn) impl->log_fn(impl->owner, component, text, sev);
	pthread_mutex_unlock(&impl->log_lock);
}

void fk_cond_init(pthread_cond_t *cond) {
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

int fk_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t ns) {
	struct timespec until = {.tv_sec = (time_t)(ns / 1000000000u),
	                         .tv_nsec = (long)(ns % 1000000000u)};
	return pthread_cond_timedwait(cond, lock, &until);
}
