// SPDX-License-Identifier: Apache-2.0
// Owns the events on stdin. The engine's thread only. Each comes as a frame, in this machine's byte
// order:
//
//     u32 size      bytes of the event, equal to `len` in its header
//     u32           0
//     u64 number    of the event in its capture, from 1
//     the event     header, u16 or u32 parameter lengths as its code has them, parameters
//     0 to 7 bytes  0, up to a multiple of 8
//
// The padding keeps every event at an address that is a multiple of 8.
#pragma once

#include <stdbool.h>

#include "plugin_api.h"

struct fkr_frame {
	uint64_t number;
	ss_plugin_event *evt; // until the next call
};

enum fkr_input {
	FKR_INPUT_EVENT,
	FKR_INPUT_EMPTY, // there is no complete frame yet
	FKR_INPUT_END,   // stdin was closed, or the runner has to stop
	FKR_INPUT_WRONG, // the input is not in this form; reported
};

// Takes stdin away from the plugin: descriptor 0 becomes /dev/null.
bool fkr_input_open(void);
enum fkr_input fkr_input_next(struct fkr_frame *frame); // never waits
void fkr_input_wait(void); // until there is something, or a reason to end
void fkr_input_close(void);
