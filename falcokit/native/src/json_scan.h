// SPDX-License-Identifier: Apache-2.0
// Owns where JSON values end in a payload. Everything here is a function of the bytes alone, so that
// no answer hangs on what was asked before. Called by the other json_*.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#define FK_JBROKEN SIZE_MAX // there is no such place: the text ends or breaks off before

typedef enum fk_jtype {
	FK_JNULL = 1,
	FK_JBOOL = 2,
	FK_JNUMBER = 4,
	FK_JSTRING = 8,
	FK_JARRAY = 16,
	FK_JOBJECT = 32,
} fk_jtype;

// After the closing bracket of the container that opens at `pos`: strings are respected, and brackets
// counted whatever their kind.
size_t fk_jcontainer_end(const uint8_t *text, size_t len, size_t pos);

// After the quote that closes the string whose first byte (behind its quote) is at `pos`.
size_t fk_jstring_end_from(const uint8_t *text, size_t len, size_t pos);

// The type of the token text[pos..end), 0 when it is no scalar of JSON.
fk_jtype fk_jscalar_type(const uint8_t *text, size_t pos, size_t end);

static inline bool fk_jspace(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

static inline size_t fk_jskip_space(const uint8_t *text, size_t len, size_t pos) {
	while (pos < len && fk_jspace(text[pos])) pos++;
	return pos;
}

// The same for the string whose quote is at `pos`; short ones, which most are, at one glance.
static inline size_t fk_jstring_end(const uint8_t *text, size_t len, size_t pos) {
	pos++;
#if defined(__x86_64__)
	if (pos + 16 <= len) {
		__m128i v = _mm_loadu_si128((const __m128i *)(text + pos));
		unsigned hit = (unsigned)_mm_movemask_epi8(_mm_or_si128(
			_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
		size_t at = pos + (hit ? (unsigned)__builtin_ctz(hit) : 16);
		if (hit && text[at] == '"') return at + 1;
		pos = hit ? at : pos + 16;
	}
#endif
	return fk_jstring_end_from(text, len, pos);
}

static inline size_t fk_jkey_end(const uint8_t *text, size_t len, size_t pos, bool *escaped) {
	size_t end = fk_jstring_end(text, len, pos);
	*escaped = end != FK_JBROKEN && memchr(text + pos, '\\', end - pos) != NULL;
	return end;
}

// A scalar goes on to a comma, a closing bracket or a space.
static inline size_t fk_jscalar_end(const uint8_t *text, size_t len, size_t pos) {
	while (pos < len) {
		uint8_t c = text[pos];
		if (c == ',' || c == '}' || c == ']' || fk_jspace(c)) break;
		pos++;
	}
	return pos;
}

// After the value that begins at `pos`, whose first byte is there. A scalar that the text's end cuts
// off is broken, as more digits may have followed; not so one that is the whole document.
static inline size_t fk_jvalue_end(const uint8_t *text, size_t len, size_t pos, bool root) {
	if (text[pos] == '"') return fk_jstring_end(text, len, pos);
	if (text[pos] == '{' || text[pos] == '[') return fk_jcontainer_end(text, len, pos);
	size_t end = fk_jscalar_end(text, len, pos);
	return end == len && !root ? FK_JBROKEN : end;
}
