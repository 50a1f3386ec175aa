// SPDX-License-Identifier: Apache-2.0
// Writes JSON as in the source, without its spaces: all keys in their order, numbers and escapes
// unchanged. See fk_jserialize in json/text.h.
#include "json/text.h"
#include <string.h>

typedef struct fk_jwriter {
	const uint8_t *in;
	size_t len, pos, n;
	char *out;
	bool pretty;
	uint32_t depth;
	uint8_t objects[FK_JDEPTH_MAX / 8 + 1]; // a bit for each open container: it is an object
} fk_jwriter;

static void put_byte(fk_jwriter *w, char c) {
	if (w->out) w->out[w->n] = c;
	w->n++;
}

static void put_line(fk_jwriter *w) {
	if (!w->pretty) return;
	put_byte(w, '\n');
	if (w->out) memset(w->out + w->n, ' ', 2u * w->depth);
	w->n += 2u * w->depth;
}

static bool in_object(const fk_jwriter *w) {
	return w->objects[(w->depth - 1) / 8] >> ((w->depth - 1) % 8) & 1;
}

static uint8_t peek(fk_jwriter *w) {
	w->pos = fk_jskip_space(w->in, w->len, w->pos);
	return w->pos < w->len ? w->in[w->pos] : 0;
}

static bool put_part(fk_jwriter *w, size_t end) {
	size_t n = fk_jcopy_text(w->in + w->pos, end - w->pos, FK_JKEEP, w->out ? w->out + w->n : NULL);
	if (n == FK_JBROKEN) return false;
	w->n += n;
	w->pos = end;
	return true;
}

static bool put_string(fk_jwriter *w) {
	size_t end = fk_jstring_end(w->in, w->len, w->pos);
	return end != FK_JBROKEN && put_part(w, end);
}

static bool put_scalar(fk_jwriter *w, bool root) {
	size_t end = fk_jscalar_end(w->in, w->len, w->pos);
	if ((end == w->len && !root) || !fk_jscalar_type(w->in, w->pos, end)) return false;
	return put_part(w, end);
}

static bool put_key(fk_jwriter *w) {
	if (peek(w) != '"' || !put_string(w) || peek(w) != ':') return false;
	w->pos++;
	put_byte(w, ':');
	if (w->pretty) put_byte(w, ' ');
	return true;
}

// Opens the container at `pos`; `*empty` when it is closed at once.
static bool open_container(fk_jwriter *w, bool *empty) {
	if (w->depth == FK_JDEPTH_MAX) return false;
	uint8_t c = w->in[w->pos++];
	uint8_t bit = (uint8_t)(1 << w->depth % 8), *bits = &w->objects[w->depth / 8];
	*bits = (uint8_t)(c == '{' ? *bits | bit : *bits & ~bit);
	w->depth++;
	put_byte(w, (char)c);
	*empty = peek(w) == (c == '{' ? '}' : ']');
	if (*empty) return true;
	put_line(w);
	return c != '{' || put_key(w);
}

// After a value: closing brackets, and a comma with the key that must follow it.
static bool after_value(fk_jwriter *w, bool empty) {
	while (w->depth) {
		uint8_t c = peek(w), closing = in_object(w) ? '}' : ']';
		if (c == ',') {
			w->pos++;
			put_byte(w, ',');
			put_line(w);
			return closing == ']' || put_key(w);
		}
		if (c != closing) return false;
		w->pos++;
		w->depth--;
		if (!empty) put_line(w);
		empty = false;
		put_byte(w, (char)closing);
	}
	return true;
}

size_t fk_jserialize(const uint8_t *in, size_t len, size_t pos, bool pretty, bool root, char *out,
                     size_t *end) {
	fk_jwriter w;
	w.in = in;
	w.len = len;
	w.pos = pos;
	w.n = 0;
	w.out = out;
	w.pretty = pretty;
	w.depth = 0;
	do {
		uint8_t c = peek(&w);
		bool empty = false, good;
		if (c == '{' || c == '[')
			good = open_container(&w, &empty);
		else
			good = c == '"' ? put_string(&w) : put_scalar(&w, root && w.depth == 0);
		if (!good) return FK_JBROKEN;
		if ((c == '{' || c == '[') && !empty) continue;
		if (!after_value(&w, empty)) return FK_JBROKEN;
	} while (w.depth);
	if (end) *end = w.pos;
	return w.n;
}
