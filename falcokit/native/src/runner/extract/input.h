// SPDX-License-Identifier: Apache-2.0
// Owns the stored events on stdin. The engine's thread only. Each comes as a frame, in this machine's
// byte order:
//
//     u32 size      bytes of the event, equal to `len` in its header
//     u32 kind      enum fkr_frame_kind
//     u64 number    of the event in its capture, from 1
//     the event     header, u16 or u32 parameter lengths as its code has them, parameters; or what the
//                   kind says
//     0 to 7 bytes  0, up to a multiple of 8
//
// The padding keeps every event at an address that is a multiple of 8.
#pragma once

#include <stdbool.h>

#include "plugin_api.h"

enum fkr_frame_kind {
	FKR_FRAME_EVENT,
	FKR_FRAME_STATE,   // an event that only parsers see
	FKR_FRAME_THREADS, // no event, but changes of the table `threads` (runner/host/threads.h)
	FKR_FRAME_BEGIN,   // nothing: the state at the head of the capture is complete
	FKR_FRAME_ASK,     // nothing: a report "answered" is wanted for all that came before
	FKR_FRAME_COLUMNS, // u32 first, u32 end: the columns that rows have from here on
	FKR_FRAME_KINDS,
};

struct fkr_frame {
	enum fkr_frame_kind kind;
	uint64_t number;
	ss_plugin_event *evt; // until the next call; NULL: no event
	const char *bytes;
	uint32_t size;
};

enum fkr_input {
	FKR_INPUT_FRAME,
	FKR_INPUT_EMPTY, // there is no complete frame yet
	FKR_INPUT_END,   // stdin was closed, or the runner has to stop
	FKR_INPUT_WRONG, // the input is not in this form; reported
};

// Takes stdin away from the plugin: descriptor 0 becomes /dev/null.
bool fkr_input_open(const char *phase);                 // `phase` is a literal, for its errors
enum fkr_input fkr_input_next(struct fkr_frame *frame); // never waits
void fkr_input_wait(void); // until there is something, or a reason to end
void fkr_input_close(void);
