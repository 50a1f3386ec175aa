// SPDX-License-Identifier: Apache-2.0
// Events whose timestamp lies in the future wait here and not in the host's queue, which all plugins
// share: an event at its head whose time has not come would hold back all events behind it. A heap,
// bounded in number and bytes. Producers put, with the GIL; the holder of the consumer lock takes.
#include "async_event/async_event.h"
#include <stdint.h>
#include <stdlib.h>

#define NONE UINT64_MAX

struct fk_later_event {
	uint64_t order; // of insertion, for events with the same time
	ss_plugin_event *event;
};

void fk_later_open(fk_later *later) {
	pthread_mutex_init(&later->lock, NULL);
	later->due = NONE;
}

void fk_later_close(fk_later *later) {
	if (later->count) fk_later_discard(later);
	free(later->heap);
	later->heap = NULL;
}

static bool before(const struct fk_later_event *a, const struct fk_later_event *b) {
	return a->event->ts != b->event->ts ? a->event->ts < b->event->ts : a->order < b->order;
}

static uint32_t in_heap(const fk_later *later) { return later->count - (later->taken != NULL); }

static void rise(struct fk_later_event *heap, uint32_t i, struct fk_later_event item) {
	for (; i && before(&item, &heap[(i - 1) / 2]); i = (i - 1) / 2) heap[i] = heap[(i - 1) / 2];
	heap[i] = item;
}

static void sink(struct fk_later_event *heap, uint32_t n, struct fk_later_event item) {
	uint32_t i = 0;
	for (uint32_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && before(&heap[child + 1], &heap[child])) child++;
		if (!before(&heap[child], &item)) break;
		heap[i] = heap[child];
	}
	heap[i] = item;
}

static bool grow(fk_later *later) {
	uint32_t room = later->room ? later->room * 2 : 64;
	struct fk_later_event *more = realloc(later->heap, room * sizeof *more);
	if (!more) return false;
	later->heap = more;
	later->room = room;
	return true;
}

static void note_due(fk_later *later) {
	uint64_t due = later->taken ? 0 : in_heap(later) ? later->heap[0].event->ts : NONE;
	atomic_store(&later->due, due);
}

bool fk_later_put(fk_later *later, ss_plugin_event *event, bool *memory) {
	bool ok = true;
	pthread_mutex_lock(&later->lock);
	bool full = later->count &&
	            (later->count >= FK_LATER_MAX || later->bytes + event->len > FK_LATER_BYTES);
	*memory = full || in_heap(later) < later->room || grow(later);
	ok = !full && *memory;
	if (ok) {
		rise(later->heap, in_heap(later), (struct fk_later_event){later->order++, event});
		later->bytes += event->len;
		later->count++;
		note_due(later);
	}
	pthread_mutex_unlock(&later->lock);
	return ok;
}

uint64_t fk_later_due_in(const fk_later *later) {
	uint64_t due = atomic_load(&later->due);
	if (due == NONE || due == 0) return due;
	uint64_t now = fk_time_of_day();
	return due > now ? due - now : 0;
}

ss_plugin_event *fk_later_peek(fk_later *later) {
	if (later->taken || fk_later_due_in(later) != 0) return later->taken;
	pthread_mutex_lock(&later->lock);
	uint32_t n = in_heap(later);
	if (n) {
		ss_plugin_event *event = later->heap[0].event;
		sink(later->heap, n - 1, later->heap[n - 1]);
		later->taken = event;
		note_due(later);
	}
	pthread_mutex_unlock(&later->lock);
	return later->taken;
}

void fk_later_drop(fk_later *later) {
	pthread_mutex_lock(&later->lock);
	ss_plugin_event *event = later->taken;
	later->bytes -= event->len;
	later->taken = NULL;
	later->count--;
	note_due(later);
	pthread_mutex_unlock(&later->lock);
	free(event);
}

uint32_t fk_later_discard(fk_later *later) {
	pthread_mutex_lock(&later->lock);
	uint32_t n = later->count, waiting = in_heap(later);
	free(later->taken);
	later->taken = NULL;
	for (uint32_t i = 0; i < waiting; i++) free(later->heap[i].event);
	later->count = 0;
	later->bytes = 0;
	note_due(later);
	pthread_mutex_unlock(&later->lock);
	return n;
}
