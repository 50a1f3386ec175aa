// SPDX-License-Identifier: Apache-2.0
// The channel between a source's Python side and next_batch.
//
// Theory of operation
//
// There are two sides. Producers put events in (source/queue.c); they hold the GIL, so there is one at
// a time. The consumer is the host's thread in next_batch (source/source.c), which never takes the GIL.
// Neither takes a lock for an event; `lock` is for waiting only.
//
// - Memory. Events lie one after the other in segments, which form a list. The producer writes an event
//   at the end of the last segment and publishes it by increasing `used` (release); the consumer reads
//   `used` (acquire) and returns pointers into the segment, so an event is copied once. A new segment
//   is appended through `next`; a larger event gets one of its own. The host may use a batch until its
//   next call: only then fk_channel_take moves `oldest` up to `first` and pushes the segments before it
//   onto the stack `spares`, from which the producer takes them again.
// - Bounds. `put` and `put_bytes` are the producer's counters, `taken` and `taken_bytes` the
//   consumer's; the difference is what waits in the channel. A single event always fits into an empty
//   channel.
// - The host waits. It first naps for a moment, since more events are likely soon after a batch, and
//   then sleeps, until a time that source.c chooses. The producer wakes a napping host for WAKE_EVENTS
//   events and a sleeping one for the first. For this the producer stores an event and then reads
//   `host_state`, while the host stores `host_state` and then looks for events: with a barrier on both
//   sides at least one of them sees the other. The producer's barrier is made by the host's membarrier
//   call, because the host waits rarely and the producer puts often.
// - Producers wait. For room they wait on `room` without the GIL, in short steps, and look at their
//   wait limit after each (async_event/waiting.c).
// - The end. fk_channel_end is the producer's: what is in the channel is still delivered, then `rc`.
//   fk_channel_shut is the host's: waiting producers return, and nothing is accepted any more.
// - Lifetime. The Python object and the open instance each hold a reference.
#include "source/source.h"
#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEGMENT_MIN (4u << 10)
#define SEGMENT_MAX (256u << 10) // larger ones hold a single event, and are not kept
#define WAKE_EVENTS 256          // this many events end a nap

bool fk_barriers_here = true;

// ---- memory -----------------------------------------------------------------------------------------

static fk_segment *new_segment(size_t size) {
	fk_segment *segment = malloc(sizeof *segment + size);
	if (!segment) return NULL;
	segment->below = NULL;
	segment->size = size;
	atomic_init(&segment->next, NULL);
	atomic_init(&segment->used, 0);
	return segment;
}

static void free_spares(fk_segment *spare) {
	while (spare) {
		fk_segment *below = spare->below;
		free(spare);
		spare = below;
	}
}

static void choose_barriers(void) {
	fk_barriers_here =
		syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0;
}

fk_channel *fk_channel_new(uint64_t max_events) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, choose_barriers);
	fk_channel *ch = aligned_alloc(FK_LINE, sizeof *ch);
	fk_segment *segment = new_segment(SEGMENT_MIN);
	if (!ch || !segment) {
		free(ch);
		free(segment);
		return NULL;
	}
	memset(ch, 0, sizeof *ch);
	ch->refs = 1;
	ch->last = ch->oldest = ch->first = segment;
	ch->max_events = max_events;
	ch->next_size = 2 * SEGMENT_MIN;
	pthread_mutex_init(&ch->lock, NULL);
	fk_cond_init(&ch->events);
	fk_cond_init(&ch->room);
	return ch;
}

void fk_channel_ref(fk_channel *ch) { atomic_fetch_add(&ch->refs, 1); }

void fk_channel_unref(fk_channel *ch) {
	if (atomic_fetch_sub(&ch->refs, 1) != 1) return;
	while (ch->oldest) {
		fk_segment *next = atomic_load(&ch->oldest->next);
		free(ch->oldest);
		ch->oldest = next;
	}
	free_spares(ch->kept);
	free_spares(atomic_load(&ch->spares));
	pthread_mutex_destroy(&ch->lock);
	pthread_cond_destroy(&ch->events);
	pthread_cond_destroy(&ch->room);
	free(ch);
}

static fk_segment *take_spare(fk_channel *ch, size_t size) {
	if (!ch->kept) ch->kept = atomic_exchange(&ch->spares, NULL);
	fk_segment *spare = ch->kept;
	if (!spare) return NULL;
	ch->kept = spare->below;
	if (spare->size < size) {
		free(spare);
		return NULL;
	}
	atomic_store(&spare->next, NULL);
	atomic_store(&spare->used, 0);
	return spare;
}

static bool add_segment(fk_channel *ch, size_t len) {
	bool alone = len > SEGMENT_MAX;
	size_t size = ch->next_size;
	if (!alone) {
		while (size < len) size *= 2;
		ch->next_size = size < SEGMENT_MAX ? 2 * size : size;
	}
	fk_segment *segment = alone ? NULL : take_spare(ch, size);
	if (!segment) segment = new_segment(alone ? len : size);
	if (!segment) return false;
	atomic_store_explicit(&ch->last->next, segment, memory_order_release);
	ch->last = segment;
	return true;
}

bool fk_channel_room(const fk_channel *ch, size_t len) {
	uint64_t events = ch->put - ch->taken;
	return events == 0 || (events < ch->max_events &&
	                       ch->put_bytes - ch->taken_bytes + fk_rounded(len) <= FK_CHANNEL_BYTES);
}

// Where to write an event of `len` bytes, aligned to 8; NULL when there is no memory.
uint8_t *fk_channel_reserve(fk_channel *ch, size_t len) {
	size_t size = fk_rounded(len);
	size_t used = atomic_load_explicit(&ch->last->used, memory_order_relaxed);
	if (size > ch->last->size - used) {
		if (!add_segment(ch, size)) return NULL;
		used = 0;
	}
	return (uint8_t *)ch->last->bytes + used;
}

// ---- taking -----------------------------------------------------------------------------------------

// The host's last batch lies before `first`: the producer may use those segments again.
static void give_back(fk_channel *ch) {
	while (ch->oldest != ch->first) {
		fk_segment *segment = ch->oldest;
		ch->oldest = atomic_load(&segment->next);
		if (segment->size > SEGMENT_MAX || segment->size < SEGMENT_MIN * 2) {
			free(segment);
			continue;
		}
		segment->below = atomic_load(&ch->spares);
		while (!atomic_compare_exchange_weak(&ch->spares, &segment->below, segment)) {
		}
	}
}

bool fk_channel_empty(const fk_channel *ch) {
	return ch->at == atomic_load(&ch->first->used) && !atomic_load(&ch->first->next);
}

// Returns the published events, up to `max`. The events of the last call become invalid.
uint32_t fk_channel_take(fk_channel *ch, ss_plugin_event **out, uint32_t max, uint64_t *bytes) {
	uint32_t n = 0;
	uint64_t size = 0, total = 0;
	give_back(ch);
	while (n < max) {
		fk_segment *next = atomic_load_explicit(&ch->first->next, memory_order_acquire);
		size_t used = atomic_load_explicit(&ch->first->used, memory_order_acquire);
		size_t begin = ch->at, at = begin;
		while (at < used && n < max) {
			ss_plugin_event *event = (ss_plugin_event *)((uint8_t *)ch->first->bytes + at);
			total += event->len;
			at += fk_rounded(event->len);
			out[n++] = event;
		}
		size += at - begin;
		ch->at = at;
		if (at < used || !next) break;
		ch->first = next;
		ch->at = 0;
	}
	if (!n) return 0;
	*bytes += total;
	atomic_fetch_add(&ch->taken, n);
	atomic_fetch_add(&ch->taken_bytes, size);
	if (atomic_load(&ch->waiting)) {
		pthread_mutex_lock(&ch->lock);
		pthread_cond_broadcast(&ch->room);
		pthread_mutex_unlock(&ch->lock);
	}
	return n;
}

// ---- waiting ----------------------------------------------------------------------------------------

// Wakes the host if it waits; while it naps only for many events, unless `for_all`.
void fk_channel_wake(fk_channel *ch, bool for_all) {
	int how = atomic_load(&ch->host_state);
	if (how == FK_HOST_NAPS && !for_all && ch->put - ch->taken < WAKE_EVENTS) return;
	if (!atomic_exchange(&ch->host_state, FK_HOST_AWAY)) return;
	pthread_mutex_lock(&ch->lock);
	pthread_cond_signal(&ch->events);
	pthread_mutex_unlock(&ch->lock);
}

// A barrier in all threads of the process. A nap needs none, because it is short.
static void barrier(enum fk_host_state how) {
	atomic_thread_fence(memory_order_seq_cst);
	if (!fk_barriers_here && how == FK_HOST_SLEEPS)
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

// The host waits for an event or the end. False when the time is over.
bool fk_channel_wait(fk_channel *ch, enum fk_host_state how, uint64_t until) {
	bool woken = true;
	pthread_mutex_lock(&ch->lock);
	atomic_store(&ch->host_state, how);
	barrier(how);
	while (fk_channel_empty(ch) && !atomic_load(&ch->ended) && atomic_load(&ch->host_state))
		if (fk_cond_wait_until(&ch->events, &ch->lock, until) == ETIMEDOUT) {
			woken = !atomic_load(&ch->host_state);
			break;
		}
	atomic_store(&ch->host_state, FK_HOST_AWAY);
	pthread_mutex_unlock(&ch->lock);
	return woken;
}

// A producer waits, without the GIL, until the host has taken events. False when the channel was shut.
bool fk_channel_wait_room(fk_channel *ch, uint64_t ns) {
	pthread_mutex_lock(&ch->lock);
	atomic_fetch_add(&ch->waiting, 1);
	if (!atomic_load(&ch->shut)) fk_cond_wait_until(&ch->room, &ch->lock, fk_now() + ns);
	atomic_fetch_sub(&ch->waiting, 1);
	pthread_mutex_unlock(&ch->lock);
	return !atomic_load(&ch->shut);
}

static void announce(fk_channel *ch, _Atomic bool *what) {
	pthread_mutex_lock(&ch->lock);
	atomic_store(what, true);
	pthread_cond_broadcast(&ch->room);
	pthread_mutex_unlock(&ch->lock);
}

// The first next_batch was called. The source's own thread waits for it, so that no code of the source
// runs during start_async and capture_open, which hosts call after open.
void fk_channel_ask(fk_channel *ch) { announce(ch, &ch->asked); }

// Waits for that, or until the channel is shut. Without the GIL.
void fk_channel_wait_asked(fk_channel *ch) {
	pthread_mutex_lock(&ch->lock);
	while (!atomic_load(&ch->asked) && !atomic_load(&ch->shut))
		pthread_cond_wait(&ch->room, &ch->lock);
	pthread_mutex_unlock(&ch->lock);
}

// ---- the end ----------------------------------------------------------------------------------------

void fk_channel_end(fk_channel *ch, int rc, const char *err) {
	if (atomic_load(&ch->ended)) return;
	ch->rc = rc;
	snprintf(ch->err, sizeof ch->err, "%s", err);
	atomic_store(&ch->ended, true);
	fk_channel_wake(ch, true);
}

void fk_channel_shut(fk_channel *ch) { announce(ch, &ch->shut); }
