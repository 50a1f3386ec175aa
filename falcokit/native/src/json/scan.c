// SPDX-License-Identifier: Apache-2.0
// See json/scan.h.
#include "json/scan.h"

// ---- strings ----------------------------------------------------------------------------------------

size_t fk_jstring_end_from(const uint8_t *text, size_t len, size_t pos) {
	while (pos + FK_JGLANCE <= len) {
		unsigned n = fk_jglance(text, pos);
		pos += n;
		if (n == FK_JGLANCE) continue;
		if (text[pos] == '"') return pos + 1;
		pos += 2;
	}
	while (pos < len) {
		if (text[pos] == '"') return pos + 1;
		pos += text[pos] == '\\' ? 2 : 1;
	}
	return FK_JBROKEN;
}

// ---- scalars ----------------------------------------------------------------------------------------

const bool fk_jends_scalar[256] = {
	[','] = true,  ['}'] = true,  [']'] = true,  [' '] = true,
	['\n'] = true, ['\r'] = true, ['\t'] = true,
};

static inline bool digit(uint8_t c) { return (unsigned)(c - '0') < 10; }

static size_t digits(const uint8_t *text, size_t pos, size_t end) {
	while (pos < end && digit(text[pos])) pos++;
	return pos;
}

static bool is_number(const uint8_t *text, size_t pos, size_t end) {
	if (pos < end && text[pos] == '-') pos++;
	if (pos == end || !digit(text[pos])) return false;
	pos = text[pos] == '0' ? pos + 1 : digits(text, pos, end);
	if (pos < end && text[pos] == '.') {
		size_t from = pos + 1;
		pos = digits(text, from, end);
		if (pos == from) return false;
	}
	if (pos < end && (text[pos] | 0x20) == 'e') {
		size_t from = pos + 1;
		if (from < end && (text[from] == '+' || text[from] == '-')) from++;
		pos = digits(text, from, end);
		if (pos == from) return false;
	}
	return pos == end;
}

fk_jtype fk_jscalar_type(const uint8_t *text, size_t pos, size_t end) {
	size_t n = end - pos;
	if (n == 4 && !memcmp(text + pos, "true", 4)) return FK_JBOOL;
	if (n == 5 && !memcmp(text + pos, "false", 5)) return FK_JBOOL;
	if (n == 4 && !memcmp(text + pos, "null", 4)) return FK_JNULL;
	return is_number(text, pos, end) ? FK_JNUMBER : 0;
}
