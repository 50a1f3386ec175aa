// SPDX-License-Identifier: Apache-2.0
// Owns which events go to a plugin that reads a capture: by code and by event source, for
// extract_fields and for parse_event. Engine's thread only.
#pragma once

#include "runner/host/guest.h"

struct fk_filter {
	const struct fk_names *sources; // without any: all
	uint64_t codes[FK_CODES / 64];  // none at all: the plugin lacks the capability
};

// After init: the codes may depend on the config.
void fk_filter_extract(const struct fk_guest *guest, struct fk_filter *out);
void fk_filter_parse(const struct fk_guest *guest, struct fk_filter *out);

// The name of the event's source, "" when no plugin that is loaded could tell.
const char *fk_filter_source(const struct fk_guest *guest, const ss_plugin_event *evt);
bool fk_filter_passes(const struct fk_filter *filter, const ss_plugin_event *evt,
                      const char *source);

// `,"codes":[…],"plugin_ids":[…]`: what passes one of the filters, so that nothing else need be sent.
// plugin_ids is about plugin and async events; null: those of every plugin.
void fk_filter_report(struct fk_text *t, const struct fk_guest *guest,
                      const struct fk_filter filters[2]);
