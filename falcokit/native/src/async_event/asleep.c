// SPDX-License-Identifier: Apache-2.0
// The list of the event sources of this process that sleep in next_batch. See
// async_event/async_event.h.
#include "async_event/async_event.h"

_Atomic uint64_t fk_async_sent, fk_async_seen;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static fk_sleeper *sleepers;
static _Atomic int count;

void fk_sleeper_add(fk_sleeper *me) {
	pthread_mutex_lock(&lock);
	me->next = sleepers;
	sleepers = me;
	atomic_fetch_add(&count, 1);
	pthread_mutex_unlock(&lock);
}

void fk_sleeper_remove(fk_sleeper *me) {
	pthread_mutex_lock(&lock);
	fk_sleeper **at = &sleepers;
	while (*at != me) at = &(*at)->next;
	*at = me->next;
	atomic_fetch_sub(&count, 1);
	pthread_mutex_unlock(&lock);
}

void fk_async_was_sent(void) {
	atomic_fetch_add(&fk_async_sent, 1);
	if (!atomic_load(&count)) return;
	pthread_mutex_lock(&lock);
	for (fk_sleeper *s = sleepers; s; s = s->next) s->wake(s);
	pthread_mutex_unlock(&lock);
}

void fk_async_was_seen(void) { atomic_fetch_add_explicit(&fk_async_seen, 1, memory_order_relaxed); }
