// SPDX-License-Identifier: Apache-2.0
// See json/check.h. All state is in one function's variables, and its parts are inlined: kept in memory,
// each token would wait for the one before it to be stored.
#include "json/check.h"
#include "json/text.h"

#define INLINE static inline __attribute__((always_inline))

typedef struct fk_jchecker {
	fk_jscan *scan;
	const uint8_t *text;
	size_t len, pos;
	uint32_t depth;
	bool object; // the innermost container is one
} fk_jchecker;

INLINE uint8_t peek(fk_jchecker *c) {
	while (c->pos < c->len) {
		uint8_t next = c->text[c->pos];
		if (__builtin_expect(!fk_jspace(next), 1)) return next;
		c->pos++;
	}
	return 0;
}

static bool has_good_escapes(const uint8_t *text, size_t len) {
	return fk_jcopy_text(text, len, FK_JKEEP, NULL) != FK_JBROKEN;
}

INLINE bool pass_string(fk_jchecker *c) {
	size_t from = c->pos, end = fk_jafter_quote(c->scan, from);
	if (__builtin_expect(end == FK_JBROKEN, 0)) return false;
	if (__builtin_expect(fk_jhas_slash(c->scan, from, end), 0) &&
	    !has_good_escapes(c->text + from, end - from))
		return false;
	c->pos = end;
	return true;
}

INLINE bool pass_scalar(fk_jchecker *c) {
	size_t end = fk_jscalar_end(c->text, c->len, c->pos);
	if ((end == c->len && c->depth) || !fk_jscalar_type(c->text, c->pos, end)) return false;
	c->pos = end;
	return true;
}

INLINE bool pass_key(fk_jchecker *c) {
	if (peek(c) != '"' || !pass_string(c) || peek(c) != ':') return false;
	c->pos++;
	return true;
}

// `objects` has a bit for each container that is open: it is an object.
INLINE bool enter(fk_jchecker *c, uint8_t *objects, bool object) {
	if (c->depth == FK_JDEPTH_MAX) return false;
	uint8_t bit = (uint8_t)(1 << c->depth % 8), *bits = &objects[c->depth / 8];
	*bits = (uint8_t)(object ? *bits | bit : *bits & ~bit);
	c->depth++;
	c->object = object;
	c->pos++;
	return true;
}

INLINE void leave(fk_jchecker *c, const uint8_t *objects) {
	uint32_t outer = --c->depth - 1;
	c->object = c->depth && (objects[outer / 8] >> outer % 8 & 1);
	c->pos++;
}

INLINE bool check(fk_jchecker *c) {
	uint8_t objects[FK_JDEPTH_MAX / 8 + 1];
	for (;;) {
		if (c->object && !pass_key(c)) return false;
		uint8_t next = peek(c);
		if (next == '"') {
			if (!pass_string(c)) return false;
		} else if (next == '{' || next == '[') {
			if (!enter(c, objects, next == '{')) return false;
			if (peek(c) != (next == '{' ? '}' : ']')) continue;
			leave(c, objects);
		} else if (!pass_scalar(c)) {
			return false;
		}
		for (;;) { // after a value
			next = peek(c);
			if (!c->depth) return c->pos == c->len;
			if (next == ',') break;
			if (next != (c->object ? '}' : ']')) return false;
			leave(c, objects);
		}
		c->pos++;
	}
}

bool fk_jcheck(fk_jscan *scan, size_t *at) {
	fk_jchecker c = {.scan = scan, .text = scan->text, .len = scan->len};
	bool good = check(&c);
	*at = c.pos;
	return good;
}
