// SPDX-License-Identifier: Apache-2.0
// The account of the async events that are on their way through the host: async_event/in_flight.c
// for async_event/delivery.c and async_event/capture.c.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include "plugin_api.h"

#define FK_FLIGHT    4096         // what the host's queue holds; power of two
#define FK_TIMED_MAX 2048         // of them, how many with a timestamp of their own
#define FK_TAG       8u           // bytes behind an event's last parameter
#define FK_APART     (1ull << 63) // in what fk_flight_enter returns: of the table `apart`
enum fk_state {
	FK_STRUCK,      // came back, or was refused
	FK_COUNTED,     // in the window
	FK_WRITTEN_OFF, // was in it for a second
	FK_DIRECT,
	FK_TIMED,
	FK_PASSED, // a later one came back
	FK_LOST,
	FK_LEFT, // in the host's queue when the capture closed
};
typedef struct fk_flight { // each event sent and not yet seen again, oldest first
	uint32_t sent_ms[FK_FLIGHT];
	uint8_t state[FK_FLIGHT];
	uint64_t head, tail;     // free-running
	uint64_t passed, closed; // positions: of what came back last, of the last close
} fk_flight;

struct fk_async;
void fk_flight_open(struct fk_async *a);
uint64_t fk_flight_enter(struct fk_async *a, ss_plugin_event *event, bool direct);
bool fk_flight_is_beyond(uint64_t entry);
void fk_flight_leave(struct fk_async *a, uint64_t position);
bool fk_flight_strike(struct fk_async *a, const ss_plugin_event *event);
bool fk_flight_write_off(struct fk_async *a);
void fk_flight_end(struct fk_async *a);
