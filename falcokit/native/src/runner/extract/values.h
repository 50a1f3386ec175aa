// SPDX-License-Identifier: Apache-2.0
// Owns how the values of an extraction are written as JSON. The engine's thread only.
#pragma once

#include "runner/extract/fields.h"

// Appends a value, or an array for a list: numbers for uint64, reltime and abstime (ns), true and
// false, strings for the rest; null when there is none. False: the plugin's answer is invalid, `why`
// gives the reason, and null was appended. An invalid pointer is a crash, as in any host. With
// `objects`, a text that is not UTF-8 becomes an object instead of losing bytes, and sets it.
bool fkr_add_value(struct fkr_text *t, const struct fkr_field *field,
                   const ss_plugin_extract_field *answer, bool *objects, const char **why);
