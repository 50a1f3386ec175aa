// SPDX-License-Identifier: Apache-2.0
// torture, a host that does to plugins what no sensible host does: what its files share.
// Owns the slots: a loaded library each, its state, and what its handler saw. Slots are never freed, so
// that a plugin's thread which calls the handler too late is counted instead of crashing the host.
#pragma once

#define _GNU_SOURCE
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/runner/host/api.h"

enum {
	SLOTS = 16,
	QUEUE = 4096
};

enum mode {
	ACCEPT,
	REFUSE,
	SLOW
}; // what the handler answers; SLOW: SUCCESS after a while

struct slot {
	struct fkr_api api;
	void *library;
	char path[512];
	ss_plugin_t *state;
	ss_instance_t *instance;
	atomic_bool handler_set;
	_Atomic int in_flight; // handler calls that have not returned
	_Atomic uint64_t accepted, refused, dropped, malformed, parsed, logged;
	_Atomic uint64_t stray; // handler calls that began or ended while no handler was set
	_Atomic int mode;
	_Atomic unsigned slow_us;
	ss_plugin_event *queue[QUEUE]; // under the lock
	unsigned head, length;
	uint64_t evtnum;
};

extern struct slot slots[SLOTS];

ss_plugin_rc torture_handler(ss_plugin_owner_t *owner, const ss_plugin_event *evt, char *err);
ss_plugin_event *torture_take(struct slot *slot); // the oldest queued event; the caller frees it
void torture_forget(struct slot *slot);           // the queue

// Events that lie, to a plugin of so many fields; returns how many answers were wrong.
int torture_lie(struct slot *slot, uint32_t nfields);

// One operation; returns its rc. `error` gets the plugin's words, or why it could not be done.
enum {
	NOT_DONE = -100
};
int torture_do(struct slot *slot, const char *name, const char *value, char *error, size_t room);
