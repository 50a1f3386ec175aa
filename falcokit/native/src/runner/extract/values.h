// SPDX-License-Identifier: Apache-2.0
// Owns how the values of an extraction are written as JSON. Engine's thread only.
#pragma once

#include "runner/extract/fields.h"

// Appends one value, or an array of them for a list: numbers for uint64, reltime and abstime (ns),
// true and false, text for the rest; null when there is none. False: the answer of the plugin makes no
// sense, `why` says so, and null was appended. A pointer into nowhere is a crash, as in any host.
bool fk_add_value(struct fk_text *t, const struct fk_field *field,
                  const ss_plugin_extract_field *answer, const char **why);
