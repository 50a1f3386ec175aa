// SPDX-License-Identifier: Apache-2.0
// Owns where JSON values end in a payload. Everything here is a function of the bytes alone, so that
// no answer hangs on what was asked before. Called by the other json_*.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The vector instructions that every x86-64 has. FK_JPORTABLE: as where there are none, for tests.
#if defined(__x86_64__) && !defined(FK_JPORTABLE)
#define FK_JSSE2 1
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

// After the quote that closes the string that goes on at `pos`, behind its opening quote.
size_t fk_jstring_end_from(const uint8_t *text, size_t len, size_t pos);

// The type of the token text[pos..end), 0 when it is no scalar of JSON.
fk_jtype fk_jscalar_type(const uint8_t *text, size_t pos, size_t end);

static inline bool fk_jspace(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

static inline size_t fk_jskip_space(const uint8_t *text, size_t len, size_t pos) {
	while (pos < len && fk_jspace(text[pos])) pos++;
	return pos;
}

#define FK_JGLANCE 16

// How far the first quote or backslash is from `pos`: FK_JGLANCE when neither is so near. That many
// bytes are there.
static inline unsigned fk_jglance(const uint8_t *text, size_t pos) {
#if defined(FK_JSSE2)
	__m128i v = _mm_loadu_si128((const __m128i *)(text + pos));
	__m128i quotes = _mm_cmpeq_epi8(v, _mm_set1_epi8('"'));
	__m128i slashes = _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'));
	unsigned hit = (unsigned)_mm_movemask_epi8(_mm_or_si128(quotes, slashes));
	return (unsigned)__builtin_ctz(hit | 1u << FK_JGLANCE);
#else
	unsigned n = 0;
	while (n < FK_JGLANCE && text[pos + n] != '"' && text[pos + n] != '\\') n++;
	return n;
#endif
}

// After the quote that closes the string whose quote is at `pos`; most have no backslash, and are short.
static inline size_t fk_jstring_end(const uint8_t *text, size_t len, size_t pos) {
	if (++pos + FK_JGLANCE <= len) {
		unsigned n = fk_jglance(text, pos);
		pos += n;
		if (n < FK_JGLANCE && text[pos] == '"') return pos + 1;
	}
	return fk_jstring_end_from(text, len, pos);
}

static inline size_t fk_jkey_end(const uint8_t *text, size_t len, size_t pos, bool *escaped) {
	*escaped = false;
	if (pos + 1 + FK_JGLANCE <= len) {
		size_t at = pos + 1 + fk_jglance(text, pos + 1);
		if (at < pos + 1 + FK_JGLANCE && text[at] == '"') return at + 1;
	}
	size_t end = fk_jstring_end_from(text, len, pos + 1);
	*escaped = end != FK_JBROKEN && memchr(text + pos, '\\', end - pos) != NULL;
	return end;
}

// A scalar goes on to a comma, a closing bracket or a space.
extern const bool fk_jends_scalar[256];
static inline size_t fk_jscalar_end(const uint8_t *text, size_t len, size_t pos) {
	while (pos < len && !fk_jends_scalar[text[pos]]) pos++;
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
