// SPDX-License-Identifier: Apache-2.0
// Who waits, how long, and who wakes whom: producers that wait for room, the pacer, and event sources of
// this process that sleep in next_batch. See async_event/async_event.h.
#include "async_event/async_event.h"
#include <stdio.h>
#include "python/python.h"

// Nothing was taken for this long. Less than FK_STALL_MS, after which one event of the ring is sent
// anyway.
#define STALLED_NS 300000000u
#define LONGEST_S  1e9
#define PER_S      1e9

bool fk_wait_limit_begin(fk_wait_limit *p, PyObject *timeout) {
	*p = (fk_wait_limit){.until = FK_NO_LIMIT};
	if (!timeout || timeout == Py_None) return true;
	double s = PyFloat_AsDouble(timeout);
	if (s == -1.0 && PyErr_Occurred()) {
		PyErr_Clear();
		return false;
	}
	if (s != s) return false;
	if (s < LONGEST_S) p->until = fk_now() + (s > 0 ? (uint64_t)(s * PER_S) : 0);
	return true;
}

uint64_t fk_wait_limit_left(const fk_wait_limit *p, uint64_t ns) {
	if (p->until == FK_NO_LIMIT) return ns;
	uint64_t now = fk_now(), left = p->until > now ? p->until - now : 0;
	return left < ns ? left : ns;
}

bool fk_wait_limit_reached(fk_wait_limit *p, uint64_t taken, uint32_t looks, char *why,
                           size_t size) {
	uint64_t now = fk_now();
	if (now >= p->until) {
		snprintf(why, size, "and stayed so for the time of timeout=");
		return true;
	}
	if (!p->since || p->taken != taken) {
		p->taken = taken;
		p->since = now;
		return false;
	}
	char what[256];
	if (now - p->since < STALLED_NS || !fk_watch_held_up(looks, what, sizeof what)) return false;
	snprintf(why, size,
	         "and nothing is taken from it: Falco has waited %s; if that code waits for a lock, "
	         "release the lock before you emit, put or yield",
	         what);
	return true;
}

// False when the capture is being stopped, and there will be no room.
bool fk_wait_for_room(fk_async *a, uint64_t ns) {
	pthread_mutex_lock(&a->lock);
	atomic_fetch_add(&a->waiting, 1);
	if (!atomic_load(&a->stopping)) fk_cond_wait_until(&a->room, &a->lock, fk_now() + ns);
	atomic_fetch_sub(&a->waiting, 1);
	pthread_mutex_unlock(&a->lock);
	return !atomic_load(&a->stopping);
}

void fk_wake_pacer(fk_async *a) {
	pthread_mutex_lock(&a->lock);
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
}

// ---- sleeping event sources -------------------------------------------------------------------------

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
