// SPDX-License-Identifier: Apache-2.0
// Owns the form of a program: a tree of operators, written by falcokit/runtime/json/expressions.py,
// which uses the same numbers, and checked once when it is loaded.
#pragma once

#include "json/field.h"
#include <stdbool.h>

// X(name, fewest and most operands, fewest and most texts, function): one row per operator, in the order
// of falcokit/runtime/json/nodes.py. First those without operands, then those that lead from one value to
// one or none, by their function; from one to many; other forms. MANY: no limit but that of the form.
#define FK_JOPERATORS(X)                            \
	X(HERE, 0, 0, 0, 0, NULL)                       \
	X(ROOT, 0, 0, 0, 0, NULL)                       \
	X(OUTER, 0, 0, 0, 0, NULL)                      \
	X(CONST_TEXT, 0, 0, 1, 1, NULL)                 \
	X(CONST_UINT, 0, 0, 0, 0, NULL)                 \
	X(CONST_BOOL, 0, 0, 0, 0, NULL)                 \
	X(EVENT, 0, 0, 0, 0, NULL)                      \
	X(PATH, 1, 1, 0, MANY, fk_jmap_path)            \
	X(ARG_POINTER, 1, 1, 0, 0, fk_jmap_arg_pointer) \
	X(ARG_KEY, 1, 1, 0, 0, fk_jmap_arg_key)         \
	X(ARG_INDEX, 1, 1, 0, 0, fk_jmap_arg_index)     \
	X(TEXT, 1, 1, 0, 0, fk_jmap_text)               \
	X(JSON, 1, 1, 0, 0, fk_jmap_json)               \
	X(UINT, 1, 1, 0, 0, fk_jmap_uint)               \
	X(BOOL_OF, 1, 1, 0, 0, fk_jmap_bool)            \
	X(TIME, 1, 1, 0, 0, fk_jmap_time)               \
	X(IP, 1, 1, 0, 0, fk_jmap_ip)                   \
	X(EQUALS, 1, 1, 1, MANY, fk_jmap_equals)        \
	X(TEST, 1, 1, 1, 1, fk_jmap_test)               \
	X(COMPARE, 1, 1, 0, 0, fk_jmap_compare)         \
	X(IS_TYPE, 1, 1, 0, 0, fk_jmap_is_type)         \
	X(MATCH_ARG, 1, 1, 0, 0, fk_jmap_match_arg)     \
	X(URL_QUERY, 1, 1, 0, 1, fk_jmap_url_query)     \
	X(REGEX, 1, 1, 1, 1, fk_jmap_regex)             \
	X(MATCHES, 1, 1, 1, 1, fk_jmap_regex)           \
	X(PART, 1, 1, 1, 1, fk_jmap_part)               \
	X(STRIP, 1, 1, 1, 1, fk_jmap_strip)             \
	X(CASE, 1, 1, 0, 0, fk_jmap_case)               \
	X(SLICE, 1, 1, 0, 0, fk_jmap_slice)             \
	X(ELEMENTS, 1, 1, 0, 0, NULL)                   \
	X(KEYS, 1, 1, 0, MANY, NULL)                    \
	X(ENTRIES, 1, 1, 1, 1, NULL)                    \
	X(SPLIT, 1, 1, 1, 1, NULL)                      \
	X(MAP, 2, 2, 0, 0, NULL)                        \
	X(WHERE, 2, 2, 0, 0, NULL)                      \
	X(PICK, 1, 1, 0, 0, NULL)                       \
	X(EXISTS, 1, 1, 0, 0, NULL)                     \
	X(NOT, 1, 1, 0, 0, NULL)                        \
	X(ALL_OF, 1, MANY, 0, 0, NULL)                  \
	X(ANY_OF, 1, MANY, 0, 0, NULL)                  \
	X(COALESCE, 1, MANY, 0, 0, NULL)                \
	X(WHEN, 2, 3, 0, 0, NULL)                       \
	X(SWITCH, 2, MANY, 1, MANY, NULL)               \
	X(REQUIRED, 1, 1, 0, 0, NULL)                   \
	X(TEMPLATE, 0, MANY, 1, MANY, NULL)             \
	X(JOIN, 1, 1, 1, 1, NULL)                       \
	X(COUNT, 1, 1, 0, 0, NULL)                      \
	X(SUM, 1, 1, 0, 0, NULL)                        \
	X(UNIQUE, 1, 1, 0, 0, NULL)                     \
	X(ARG_GIVEN, 0, 0, 0, 0, NULL)                  \
	X(FLAT, 1, 1, 0, 0, NULL)

typedef enum fk_jop {
	FK_JNO_OPERATOR,
#define FK_JNUMBER_OF(name, kids_min, kids_max, texts_min, texts_max, function) FK_J##name,
	FK_JOPERATORS(FK_JNUMBER_OF)
#undef FK_JNUMBER_OF
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

// Loads `n` trees of operators, one after the other, into `memory`; *at is then behind them. False with
// the reason in *wrong.
bool fk_jnodes_load(const uint8_t **at, const uint8_t *end, fk_arena *memory,
                    const fk_jnode **roots, unsigned n, const char **wrong);
#define FK_JPROGRAM_MAX (1u << 20) // bytes of a program

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
