// SPDX-License-Identifier: Apache-2.0
// Owns extracting the values of an event from a plugin, one field per call as the framework does it,
// and writing them as JSON. The engine's thread only.
#pragma once

#include "runner/extract/fields.h"

struct fkr_extractor {
	struct fkr_guest *guest;
	struct fkr_fields fields;
	ss_plugin_extract_field *answers;
	unsigned first, end; // the fields that are extracted, at first all
	bool failed;         // the first failure has been reported
};

// After fkr_fields_select.
void fkr_extractor_open(struct fkr_extractor *extractor, struct fkr_guest *guest);
void fkr_extractor_close(struct fkr_extractor *extractor);

enum fkr_form {
	FKR_NAMED = 1, // only values that exist, with their names: `"x.seq":3,"x.name":"text"`
	FKR_EXACT = 2, // a text that is not UTF-8 is an object: `{"base64":"/w=="}`
};

// Appends the values, separated by commas, with null for a missing one: `3,"text",null`. `form` is
// made of enum fkr_form. A failure counts as a missing value; the first one is reported
// ("extract_failed"). Returns whether there is such an object.
bool fkr_extractor_append(struct fkr_extractor *extractor, const ss_plugin_event_input *event,
                          struct fkr_text *row, unsigned form);
