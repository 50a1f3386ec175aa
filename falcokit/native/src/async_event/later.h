// SPDX-License-Identifier: Apache-2.0
// Events with a time that has not come yet: async_event/later.c for async_event/emitter.c,
// async_event/delivery.c and async_event/capture.c.
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "plugin_api.h"

#define FK_LATER_MAX   16384u      // events
#define FK_LATER_BYTES (16u << 20) // of them, unless a single one is larger

struct fk_later_event;
typedef struct fk_later {
	pthread_mutex_t lock;
	struct fk_later_event *heap; // the earliest on top
	uint32_t room;
	_Atomic uint32_t count; // with the one that is taken
	uint64_t bytes, order;
	_Atomic(ss_plugin_event *) taken; // due, and not sent yet
	_Atomic uint64_t due;             // when the earliest is, in the time of events
} fk_later;

void fk_later_open(fk_later *later);
void fk_later_close(fk_later *later);
// Takes over `event`, from malloc; false when there is no room, and `memory` whether that is missing.
bool fk_later_put(fk_later *later, ss_plugin_event *event, bool *memory);
// Nanoseconds until the earliest is due; UINT64_MAX without any.
uint64_t fk_later_due_in(const fk_later *later);
// With the role held: the earliest that is due, to be dropped when it was sent; or NULL.
ss_plugin_event *fk_later_peek(fk_later *later);
void fk_later_drop(fk_later *later);
uint32_t fk_later_discard(fk_later *later);
