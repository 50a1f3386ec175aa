// SPDX-License-Identifier: Apache-2.0
// Checks the order of the runner's queue by itself: prints what comes out of it, one line a case.
// Built with the runner's queue.c and text.c. One thread.
#include <stdio.h>

#include "src/runner/capture/queue.h"
#include "src/runner/host/host.h"

static bool push(uint64_t ts, uint64_t id) {
	ss_plugin_event evt = {ts, id, sizeof evt, FK_CODE_ASYNCEVENT, 3};
	fkr_owner_lock();
	bool ok = fkr_queue_push(&evt, 0);
	fkr_owner_unlock();
	return ok;
}

static void drain(const char *name, uint64_t not_after) {
	printf("%s:", name);
	for (struct fkr_async *a; (a = fkr_queue_pop(not_after));) printf(" %lu", a->evt->tid);
	printf(" left=%u\n", fkr_queue_close());
}

int main(void) {
	const uint64_t unset = FK_NOT_SET;
	push(30, 1), push(10, 2), push(20, 3), push(10, 4), push(30, 5);
	drain("lowest first, equal ones as they came", 100);
	for (uint64_t i = 0; i < 20; i++) push(unset, i);
	drain("without a timestamp as they came", 0);
	push(5, 1), push(7, 2), push(9, 3);
	drain("none before its time", 7);
	push(unset, 1), push(50, 2);
	drain("without a timestamp at once", 0);
	uint64_t accepted = 0;
	for (uint64_t i = 0; i < FKR_QUEUE_SLOTS + 10; i++) accepted += push(i ^ 1365, i);
	uint64_t last = 0, ordered = 0;
	for (struct fkr_async *a; (a = fkr_queue_pop(100000)); last = a->evt->ts)
		ordered += a->evt->ts >= last;
	printf("full: accepted=%lu ordered=%lu\n", accepted, ordered);
	for (int i = 0; i < 3; i++) push(1, 1);
	unsigned closed = fkr_queue_close();
	printf("closed: %u then %u\n", closed, fkr_queue_length());
	return 0;
}
