// SPDX-License-Identifier: Apache-2.0
// What Python and C share for events on their way to a plugin in the runner. scan.py gives it to cffi
// too, like scan.h. The frames are those of native/src/runner/extract/input.h.
#pragma once
#include "condition.h"

struct fk_frames {
	uint8_t *out;
	uint64_t room, used;
	uint8_t *sent;        // for each event: 1 if a row of values will come for it
	uint32_t most, count; // events
	uint8_t codes[512];   // FK_CODES, those that the plugin wants
	uint8_t any_id;       // of plugin and async events; or these:
	uint32_t ids_count;
	const uint32_t *ids;
	uint8_t parses;                       // the plugin sees events that are not asked for, too
	const struct fk_condition *condition; // asked for are events that may pass; NULL: all
};

// Adds the frame of an event, if there is one; 0, and nothing added, where there is no room or
// where Python must look.
int fk_frame(struct fk_frames *frames, const struct event *event, const struct fk_code *code,
             uint64_t number, uint32_t cpu, int swap);
