// SPDX-License-Identifier: Apache-2.0
// Owns extracting the values of an event from a plugin, one field per call as the framework does it,
// and writing them as JSON. The engine's thread only.
#pragma once

#include "runner/extract/fields.h"

struct fkr_extractor {
	struct fkr_guest *guest;
	struct fkr_fields fields;
	ss_plugin_extract_field *answers;
	bool failed; // the first failure has been reported
};

// After fkr_fields_select.
void fkr_extractor_open(struct fkr_extractor *extractor, struct fkr_guest *guest);
void fkr_extractor_close(struct fkr_extractor *extractor);

// Appends the values, separated by commas, with null for a missing one: `3,"text",null`. With `named`
// appends only those that exist: `"x.seq":3,"x.name":"text"`. A failure counts as a missing value;
// the first one is reported ("extract_failed").
void fkr_extractor_append(struct fkr_extractor *extractor, const ss_plugin_event_input *event,
                          struct fkr_text *row, bool named);
