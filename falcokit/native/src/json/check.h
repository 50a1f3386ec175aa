// SPDX-License-Identifier: Apache-2.0
// Owns the complete check of a document, for those who hand on its parts.
#pragma once

#include "json/blocks.h"

// Whether the text is one JSON value with white space around it, nested to at most FK_JDEPTH_MAX levels,
// as as_json() would have it: text in strings may have any bytes, but no invalid escape. Otherwise *at
// is where it stops being JSON. One pass, without recursion.
bool fk_jcheck(fk_jscan *scan, size_t *at);
