// SPDX-License-Identifier: Apache-2.0
// Owns the events on stdin. Engine's thread only. Each comes as a frame, in this machine's byte
// order:
//
//     u32 size      bytes of the event, the header's `len` again
//     u32           0
//     u64 number    of the event in its capture, from 1
//     the event     header, u16 or u32 parameter lengths as its code has them, parameters
//     0 to 7 bytes  0, up to a multiple of 8
//
// The padding keeps every event at an address that is a multiple of 8.
#pragma once

#include <stdbool.h>

#include "plugin_api.h"

struct fk_frame {
	uint64_t number;
	ss_plugin_event *evt; // until the next call
};

enum fk_input {
	FK_INPUT_EVENT,
	FK_INPUT_EMPTY, // nothing has come yet
	FK_INPUT_END,   // the other side closed it, or the runner has to end
	FK_INPUT_WRONG, // not frames; reported
};

// Takes stdin away from the plugin: descriptor 0 becomes /dev/null.
bool fk_input_open(void);
enum fk_input fk_input_next(struct fk_frame *frame); // never waits
void fk_input_wait(void);                            // until there is something, or a reason to end
void fk_input_close(void);
