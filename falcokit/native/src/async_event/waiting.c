// SPDX-License-Identifier: Apache-2.0
// Waiting: of producers for room in the ring, and of the pacer for something to do.
#include "async_event/async_event.h"

void fk_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t ns) {
	struct timespec until = {.tv_sec = (time_t)(ns / 1000000000u),
	                         .tv_nsec = (long)(ns % 1000000000u)};
	pthread_cond_timedwait(cond, lock, &until);
}

// False when the capture is being stopped, and there will be no room.
bool fk_wait_for_room(fk_async *a, uint64_t ns) {
	pthread_mutex_lock(&a->lock);
	atomic_fetch_add(&a->waiting, 1);
	if (!atomic_load(&a->stopping)) fk_wait_until(&a->room, &a->lock, fk_now() + ns);
	atomic_fetch_sub(&a->waiting, 1);
	pthread_mutex_unlock(&a->lock);
	return !atomic_load(&a->stopping);
}

void fk_wake_pacer(fk_async *a) {
	pthread_mutex_lock(&a->lock);
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->lock);
}
