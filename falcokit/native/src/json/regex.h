// SPDX-License-Identifier: Apache-2.0
// Owns the matching of patterns, compiled by falcokit/runtime/json/regex.py: all ways through a
// pattern are followed at once, so that time grows with the text times the pattern, never faster.
#pragma once

#include "json/work.h"

#define FK_JREGEX_STEPS_MAX 512u   // of a compiled pattern
#define FK_JREGEX_TEXT_MAX  65536u // bytes that are searched; longer texts are an error

typedef struct fk_jregex fk_jregex; // inside the memory it was loaded into

// Checks the compiled pattern, and points into `bytes`, which are aligned to 4. False when it is none.
bool fk_jregex_check(const void *bytes, size_t len);

// The first match, leftmost and as the pattern prefers it: of the group it was compiled for. False when
// there is no match, or all of the work is spent; *start is SIZE_MAX when the group had no part in it.
bool fk_jregex_search(const void *bytes, const char *text, size_t len, size_t *start, size_t *end,
                      fk_jwork *work);
