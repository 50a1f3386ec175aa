// SPDX-License-Identifier: Apache-2.0
// Owns the state of one run of a program, and the operators. json/run.c explains the protocol.
#pragma once

#include "json/doc.h"
#include "json/program.h"
#include "json/text.h"

// The limits of a run: the number of values, and bytes of text in addition to twice the payload.
#define FK_JVALUES_MAX 262144u
#define FK_JTEXT_EXTRA (1u << 20)

typedef struct fk_jstate {
	const fk_jprogram *program;
	fk_jdoc *doc;
	fk_arena *arena;
	bool arg_given, has_index;
	uint64_t index;
	const char *key; // NULL: there is none
	size_t key_len;
	uint32_t top, values; // of the stack; number of values made so far
	size_t text_left;
	char *err;
	size_t errlen;
	unsigned depth; // of contexts: the values that each() and where() are inside of
	fk_jitem contexts[FK_JPROGRAM_DEPTH_MAX + 1]; // without the outermost, the document
} fk_jstate;

typedef enum fk_joutcome {
	FK_DROP, // no value
	FK_KEEP,
	FK_FAIL, // the run has failed, and its error is set
} fk_joutcome;

// The form of an operator that maps one item to one, and of one that pushes several.
typedef fk_joutcome fk_jmap(fk_jstate *run, const fk_jnode *node, fk_jitem *item);
typedef bool fk_jpusher(fk_jstate *run, const fk_jnode *node, const fk_jitem *of);

bool fk_jeval(fk_jstate *run, const fk_jnode *node);
// Whether one of the node's values is true; false when the run has failed.
bool fk_jtruth(fk_jstate *run, const fk_jnode *node, bool *holds);
// Begins a run without an argument, with the whole budget.
void fk_jrun_begin(fk_jstate *run, fk_jdoc *doc, fk_arena *arena, char *err, size_t errlen);
// Frees a stack that has grown large.
void fk_jrun_end(fk_jstate *run);
bool fk_jpush(fk_jstate *run, const fk_jitem *item);
fk_joutcome fk_jfail(fk_jstate *run, const char *why);
fk_joutcome fk_jfail_spent(fk_jstate *run); // the budget of work is spent

// Counts a text of `len` bytes; false when the run makes more text than it may.
bool fk_jcharge(fk_jstate *run, size_t len);
// Memory for a text of `len` bytes and its NUL, which is set; NULL when the run has failed.
char *fk_jnew_text(fk_jstate *run, size_t len);
// Makes the item a copy of a text, or of converted bytes: FK_DROP when these have an invalid escape.
fk_joutcome fk_jcopy(fk_jstate *run, fk_jitem *item, const char *from, size_t len);
fk_joutcome fk_jconvert(fk_jstate *run, fk_jitem *item, const uint8_t *from, size_t len,
                        fk_jcopying how);

// Convert an item to its text, number or boolean. The policies apply to null and to other types: bits
// 0-1 to null; bits 2-3 to another type, for text to numbers and booleans; bits 4-5 for text to
// containers.
#define FK_JTEXT_DEFAULT (FK_JPOLICY_JSON << 2 | FK_JPOLICY_JSON << 4)
fk_joutcome fk_jto_text(fk_jstate *run, fk_jitem *item, uint8_t policies);
fk_joutcome fk_jto_uint(fk_jstate *run, fk_jitem *item, unsigned scale, uint8_t policies);
bool fk_jis_true(const fk_jstate *run, const fk_jitem *item);

// Digits without a leading zero, as RFC 6901 has them.
bool fk_jread_index(const char *text, size_t len, uint64_t *index);

static inline fk_joutcome fk_jset_bool(fk_jitem *item, bool value) {
	*item = (fk_jitem){.kind = FK_KBOOL, .number = value};
	return FK_KEEP;
}

static inline fk_joutcome fk_jset_text(fk_jitem *item, const char *text, size_t len) {
	*item = (fk_jitem){.kind = FK_KTEXT, .text = text, .len = (uint32_t)len};
	return text ? FK_KEEP : FK_FAIL;
}

// The operators: json/values.c, convert.c, strings.c, tests.c.
fk_jmap fk_jmap_path, fk_jmap_arg_pointer, fk_jmap_arg_key, fk_jmap_arg_index;
fk_jpusher fk_jpush_flat, fk_jpush_elements, fk_jpush_keys, fk_jpush_entries;
fk_jmap fk_jmap_text, fk_jmap_json, fk_jmap_uint, fk_jmap_bool, fk_jmap_time, fk_jmap_ip;
fk_jmap fk_jmap_url_query, fk_jmap_regex, fk_jmap_part, fk_jmap_strip, fk_jmap_case, fk_jmap_slice;
fk_jpusher fk_jpush_parts;
fk_jmap fk_jmap_equals, fk_jmap_test, fk_jmap_compare, fk_jmap_is_type, fk_jmap_match_arg;
// The number of the node's constant that the item equals, or -1.
int fk_jwhich(fk_jstate *run, const fk_jnode *node, const fk_jitem *item, fk_joutcome *outcome);
