// SPDX-License-Identifier: Apache-2.0
// Owns the choice of events for a plugin that reads a capture: by code and by event source, for
// extract_fields and for parse_event. The engine's thread only.
#pragma once

#include "runner/host/host.h"

struct fkr_filter {
	const struct fkr_names *sources; // empty: all
	uint64_t codes[FKR_CODES / 64];  // all zero: the plugin lacks the capability
};

// After init: the codes may depend on the config.
void fkr_filter_extract(const struct fkr_guest *guest, struct fkr_filter *out);
void fkr_filter_parse(const struct fkr_guest *guest, struct fkr_filter *out);

// The name of the event's source, "" when no loaded plugin knows it.
const char *fkr_filter_source(const struct fkr_guest *guests, unsigned count,
                              const ss_plugin_event *evt);
bool fkr_filter_passes(const struct fkr_filter *filter, const ss_plugin_event *evt,
                       const char *source);

// `,"codes":[…],"plugin_ids":[…]`: the events that pass one of the filters, of which each guest has
// two; no others need to be sent. plugin_ids restricts plugin and async events; null: those of every
// plugin.
void fkr_filter_report(struct fkr_text *t, const struct fkr_guest *guests, unsigned count,
                       const struct fkr_filter (*filters)[2]);
