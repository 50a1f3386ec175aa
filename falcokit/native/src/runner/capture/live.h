// SPDX-License-Identifier: Apache-2.0
// Owns the text that a source's plugin makes of an event in a running capture, and the fields that the
// first plugin extracts from it: for a report of every event, or a sample of the last one. The
// engine's thread only.
#pragma once

#include "runner/host/host.h"

// After init. False: a requested field cannot be extracted; reported.
bool fkr_live_begin(struct fkr_options *o, struct fkr_guest *source);
void fkr_live_end(void);

// `,"text":"…","fields":{…}`, each part only when it is not empty; valid until the next call. The
// plugin may log during this call, so the caller must not have begun a report.
const struct fkr_text *fkr_live_read(const ss_plugin_event_input *event);

// What the plugin of the source says of its event; NULL: nothing. Valid until the next call.
const char *fkr_live_text(const ss_plugin_event_input *event);

// Puts the last event into the statistics: at once when the last sample is old enough, otherwise from
// fkr_live_idle, when no other event comes.
void fkr_live_sample(const ss_plugin_event_input *event, const char *name, const char *data,
                     size_t size);
void fkr_live_idle(void);
