// SPDX-License-Identifier: Apache-2.0
// Owns asking a plugin for the values of an event, one field a call as the framework does, and
// writing them as JSON. Engine's thread only.
#pragma once

#include "runner/extract/fields.h"

struct fk_asker {
	struct fk_guest *guest;
	struct fk_fields fields;
	ss_plugin_extract_field *answers;
	bool failed; // the first failure has been reported
};

// After fk_fields_select.
void fk_asker_open(struct fk_asker *asker, struct fk_guest *guest);
void fk_asker_close(struct fk_asker *asker);

// Appends the values, separated by commas, null for each that there is none of: `3,"text",null`, or with
// `named`, only those that there are: `"x.seq":3,"x.name":"text"`. A plugin that fails is reported once
// ("extract_failed"), and has no value.
void fk_asker_add(struct fk_asker *asker, const ss_plugin_event_input *event, struct fk_text *row,
                  bool named);
