// SPDX-License-Identifier: Apache-2.0
// Owns the form of a program: a tree of operators, written by falcokit/runtime/json/expressions.py
// and checked once when it is loaded. The numbers are the same there.
#pragma once

#include "json/field.h"
#include <stdbool.h>

typedef enum fk_jop {
	FK_JHERE = 1, // sources: no operand
	FK_JROOT,
	FK_JOUTER,
	FK_JCONST_TEXT,
	FK_JCONST_UINT,
	FK_JCONST_BOOL,
	FK_JEVENT,
	FK_JPATH, // from one value to one, or none
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
	FK_JMAP, // the rest
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

// What becomes of a value that an operator cannot take: two bits of its flags each.
typedef enum fk_jpolicy {
	FK_JPOLICY_NONE, // no value
	FK_JPOLICY_JSON, // its source
	FK_JPOLICY_EMPTY,
	FK_JPOLICY_FAIL, // the whole field has no value
} fk_jpolicy;

typedef struct fk_jspan {
	const char *text; // a NUL is behind it
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
