// SPDX-License-Identifier: Apache-2.0
// Owns the form of a program: a tree of operators, written by falcokit/runtime/json/expressions.py,
// which uses the same numbers, and checked once when it is loaded.
#pragma once

#include "json/field.h"
#include <stdbool.h>

typedef enum fk_jop {
	FK_JHERE = 1, // no operand
	FK_JROOT,
	FK_JOUTER,
	FK_JCONST_TEXT,
	FK_JCONST_UINT,
	FK_JCONST_BOOL,
	FK_JEVENT,
	FK_JPATH, // from one value to one or none
	FK_JARG_POINTER,
	FK_JARG_KEY,
	FK_JARG_INDEX,
	FK_JTEXT,
	FK_JJSON,
	FK_JUINT,
	FK_JBOOL_OF,
	FK_JTIME,
	FK_JIP,
	FK_JEQUALS,
	FK_JTEST,
	FK_JCOMPARE,
	FK_JIS_TYPE,
	FK_JMATCH_ARG,
	FK_JURL_QUERY,
	FK_JREGEX,
	FK_JMATCHES,
	FK_JPART,
	FK_JSTRIP,
	FK_JCASE,
	FK_JSLICE,
	FK_JELEMENTS, // from one value to many
	FK_JKEYS,
	FK_JENTRIES,
	FK_JSPLIT,
	FK_JMAP, // other forms
	FK_JWHERE,
	FK_JPICK,
	FK_JEXISTS,
	FK_JNOT,
	FK_JALL_OF,
	FK_JANY_OF,
	FK_JCOALESCE,
	FK_JWHEN,
	FK_JSWITCH,
	FK_JREQUIRED,
	FK_JTEMPLATE,
	FK_JJOIN,
	FK_JCOUNT,
	FK_JSUM,
	FK_JUNIQUE,
	FK_JOPS,
} fk_jop;

typedef enum fk_jarg {
	FK_JARG_NONE,
	FK_JARG_IS_INDEX,
	FK_JARG_IS_KEY,
	FK_JARG_IS_EITHER,
} fk_jarg;

// The result for a value that an operator does not accept: two bits of its flags each.
typedef enum fk_jpolicy {
	FK_JPOLICY_NONE, // no value
	FK_JPOLICY_JSON, // its source
	FK_JPOLICY_EMPTY,
	FK_JPOLICY_FAIL, // the whole field has no value
} fk_jpolicy;

typedef struct fk_jspan {
	const char *text; // followed by a NUL
	uint32_t len;
} fk_jspan;

typedef struct fk_jnode {
	uint8_t op, flags, kids_n;
	uint16_t texts_n;
	int64_t a, b;
	const fk_jspan *texts;
	const struct fk_jnode *const *kids;
} fk_jnode;

#define FK_JPROGRAM_DEPTH_MAX 64u

struct fk_jprogram {
	uint32_t ftype; // ss_plugin_field_type
	bool list, arg_required;
	uint8_t arg; // fk_jarg
	const fk_jnode *root;
	fk_arena memory;
};

// ---- patterns: regex.c ------------------------------------------------------------------------------
// Compiled by falcokit/runtime/json/regex.py. All paths through a pattern are followed at once, so that
// time grows with the product of text and pattern, never faster.

#define FK_JREGEX_STEPS_MAX 512u   // of a compiled pattern
#define FK_JREGEX_TEXT_MAX  65536u // bytes that are searched; longer texts are an error

// Checks a compiled pattern; `bytes` are aligned to 4. False when it is invalid.
bool fk_jregex_check(const void *bytes, size_t len);

// Finds the leftmost match, by the pattern's order of preference, and the group for which it was
// compiled. False: no match, or the budget is spent. *start is SIZE_MAX when the group did not match.
bool fk_jregex_search(const void *bytes, const char *text, size_t len, size_t *start, size_t *end,
                      fk_jwork *work);
