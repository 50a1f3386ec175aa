// SPDX-License-Identifier: Apache-2.0
// See json/check.h.
#include "json/check.h"
#include "json/text.h"

typedef struct fk_jchecker {
	fk_jscan *scan;
	const uint8_t *text;
	size_t len, pos;
	uint32_t depth;
	bool object;                            // the innermost container is one
	uint8_t objects[FK_JDEPTH_MAX / 8 + 1]; // a bit for each container around it: it is an object
} fk_jchecker;

static inline uint8_t peek(fk_jchecker *c) {
	c->pos = fk_jskip_space(c->text, c->len, c->pos);
	return c->pos < c->len ? c->text[c->pos] : 0;
}

static inline bool pass_string(fk_jchecker *c) {
	size_t from = c->pos, end = fk_jafter_quote(c->scan, from);
	if (end == FK_JBROKEN) return false;
	if (fk_jhas_slash(c->scan, from, end) &&
	    fk_jcopy_text(c->text + from, end - from, FK_JKEEP, NULL) == FK_JBROKEN)
		return false;
	c->pos = end;
	return true;
}

static inline bool pass_scalar(fk_jchecker *c) {
	size_t end = fk_jscalar_end(c->text, c->len, c->pos);
	if ((end == c->len && c->depth) || !fk_jscalar_type(c->text, c->pos, end)) return false;
	c->pos = end;
	return true;
}

static inline bool pass_key(fk_jchecker *c) {
	if (peek(c) != '"' || !pass_string(c) || peek(c) != ':') return false;
	c->pos++;
	return true;
}

static bool enter(fk_jchecker *c, bool object) {
	if (c->depth == FK_JDEPTH_MAX) return false;
	uint8_t bit = (uint8_t)(1 << c->depth % 8), *bits = &c->objects[c->depth / 8];
	*bits = (uint8_t)(c->object ? *bits | bit : *bits & ~bit);
	c->depth++;
	c->object = object;
	c->pos++;
	return true;
}

static void leave(fk_jchecker *c) {
	c->depth--;
	c->object = c->objects[c->depth / 8] >> (c->depth % 8) & 1;
	c->pos++;
}

// After a value: the brackets that close, and the comma and key before another one.
static inline bool pass_end(fk_jchecker *c) {
	while (c->depth) {
		uint8_t next = peek(c);
		if (next == ',') {
			c->pos++;
			return !c->object || pass_key(c);
		}
		if (next != (c->object ? '}' : ']')) return false;
		leave(c);
	}
	return true;
}

// At a value. It is complete afterwards, unless it is a container that is not empty.
static inline bool pass_value(fk_jchecker *c, bool *complete) {
	uint8_t first = peek(c);
	*complete = true;
	if (first == '"') return pass_string(c);
	if (first != '{' && first != '[') return pass_scalar(c);
	if (!enter(c, first == '{')) return false;
	if (peek(c) == (c->object ? '}' : ']')) return leave(c), true;
	*complete = false;
	return !c->object || pass_key(c);
}

bool fk_jcheck(fk_jscan *scan, size_t *at) {
	fk_jchecker c;
	c.scan = scan;
	c.text = scan->text;
	c.len = scan->len;
	c.pos = 0;
	c.depth = 0;
	c.object = false;
	bool complete, good;
	do good = pass_value(&c, &complete) && (!complete || pass_end(&c));
	while (good && c.depth);
	if (good) peek(&c); // white space
	*at = c.pos;
	return good && c.pos == c.len;
}
