// SPDX-License-Identifier: Apache-2.0
// Owns what the source's plugin says of an event of a running capture, its text, and the fields
// that the first plugin extracts from it. For a report of each event, or of the last one now and
// then. Engine's thread only.
#pragma once

#include "runner/host/options.h"

// After init. False: a field that was asked for cannot be; reported.
bool fk_live_begin(struct fk_options *o, struct fk_guest *source, const char *source_name);
void fk_live_end(void);

// `,"text":"…","fields":{…}`, either only where there is any; until the next call. A plugin may log
// meanwhile, so no report may be begun.
const struct fk_text *fk_live_read(const ss_plugin_event_input *event);

// The last event goes to the statistics: at once when a while has passed, else when nothing else comes.
void fk_live_sample(const ss_plugin_event_input *event, const char *name, const char *data,
                    size_t size);
void fk_live_idle(void);
