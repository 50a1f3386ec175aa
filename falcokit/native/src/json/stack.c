// SPDX-License-Identifier: Apache-2.0
// For all operators: pushing items on the stack, making texts, reading an index, and failing the run.
#include "json/run.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ITEMS 64u

fk_joutcome fk_jfail(fk_jstate *run, const char *why) {
	if (run->errlen) snprintf(run->err, run->errlen, "%s", why);
	return FK_FAIL;
}

fk_joutcome fk_jfail_spent(fk_jstate *run) {
	return fk_jfail(run, "it takes more work than fields may");
}

static bool grow(fk_jstate *run) {
	fk_jdoc *doc = run->doc;
	uint32_t room = doc->items_room ? 2 * doc->items_room : FIRST_ITEMS;
	fk_jitem *more = realloc(doc->items, room * sizeof *more);
	if (!more) return fk_jfail(run, "there is no memory") == FK_KEEP;
	doc->items = more;
	doc->items_room = room;
	return true;
}

bool fk_jpush(fk_jstate *run, const fk_jitem *item) {
	fk_jitem copy;
	if (++run->values > FK_JVALUES_MAX)
		return fk_jfail(run, "it makes more values than fields may") == FK_KEEP;
	if (run->top == run->doc->items_room) {
		copy = *item; // it may lie on the stack that moves
		item = &copy;
		if (!grow(run)) return false;
	}
	run->doc->items[run->top++] = *item;
	return true;
}

bool fk_jcharge(fk_jstate *run, size_t len) {
	if (len >= run->text_left)
		return fk_jfail(run, "it makes more text than fields may") == FK_KEEP;
	run->text_left -= len + 1;
	return true;
}

char *fk_jnew_text(fk_jstate *run, size_t len) {
	if (!fk_jcharge(run, len)) return NULL;
	char *text = fk_arena_alloc(run->arena, len + 1);
	if (!text) return (void)fk_jfail(run, "there is no memory"), NULL;
	text[len] = 0;
	return text;
}

fk_joutcome fk_jcopy(fk_jstate *run, fk_jitem *item, const char *from, size_t len) {
	char *text = fk_jnew_text(run, len);
	if (text) memcpy(text, from, len);
	return fk_jset_text(item, text, len);
}

fk_joutcome fk_jconvert(fk_jstate *run, fk_jitem *item, const uint8_t *from, size_t len,
                        fk_jcopying how) {
	size_t n = fk_jcopy_text(from, len, how, NULL);
	if (n == FK_JBROKEN) return FK_DROP;
	char *text = fk_jnew_text(run, n);
	if (text) fk_jcopy_text(from, len, how, text);
	return fk_jset_text(item, text, n);
}

bool fk_jread_index(const char *text, size_t len, uint64_t *index) {
	if (!len || (text[0] == '0' && len > 1)) return false;
	*index = 0;
	for (size_t i = 0; i < len; i++)
		if ((unsigned)(text[i] - '0') > 9 || __builtin_mul_overflow(*index, 10u, index) ||
		    __builtin_add_overflow(*index, (unsigned)(text[i] - '0'), index))
			return false;
	return true;
}
