// SPDX-License-Identifier: Apache-2.0
// Owns a replay: a capture whose events come from stdin (runner/extract/input.h), in the framework's
// order of calls. No source is opened and no async plugin is started: their events are in the capture.
//
//     {"report":"replaying","codes":[…],"plugin_ids":[…],"threads":null}
//         once, after init: what to send; see runner/extract/stored.h
//
// State at the head of the capture goes to the parsers first; then the listeners are told that a
// capture is open, and everything else is reported as in any capture.
#pragma once

#include "runner/capture/capture.h"

bool fkr_replay_begin(void);                    // before anything is loaded. False: reported
enum fkr_end fkr_replay(struct fkr_options *o); // after init; only once, since stdin ends
