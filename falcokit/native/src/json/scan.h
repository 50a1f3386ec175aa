// SPDX-License-Identifier: Apache-2.0
// Owns finding the ends of JSON strings and scalars. Results depend on the bytes alone, not on what was
// read before.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// The vector instructions that every x86-64 has. FK_JPORTABLE, for tests: do not use them.
#if defined(__x86_64__) && !defined(FK_JPORTABLE)
#define FK_JSSE2 1
#include <emmintrin.h>
#endif

#define FK_JBROKEN SIZE_MAX // no position: the text ends before, or is not JSON

typedef enum fk_jtype {
	FK_JNULL = 1,
	FK_JBOOL = 2,
	FK_JNUMBER = 4,
	FK_JSTRING = 8,
	FK_JARRAY = 16,
	FK_JOBJECT = 32,
} fk_jtype;

// The position after the closing quote of the string whose text continues at `pos`.
size_t fk_jstring_end_from(const uint8_t *text, size_t len, size_t pos);

// The type of the token text[pos..end), 0 when it is not a JSON scalar.
fk_jtype fk_jscalar_type(const uint8_t *text, size_t pos, size_t end);

static inline bool fk_jspace(uint8_t c) {
	return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t');
}

static inline size_t fk_jskip_space(const uint8_t *text, size_t len, size_t pos) {
	while (pos < len && fk_jspace(text[pos])) pos++;
	return pos;
}

#define FK_JGLANCE 16

// The distance from `pos` to the first quote or backslash: FK_JGLANCE when there is none in the next
// FK_JGLANCE bytes, which must exist.
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

// The position after the closing quote of the string at `pos`. Most strings are short and have no
// backslash.
static inline size_t fk_jstring_end(const uint8_t *text, size_t len, size_t pos) {
	if (++pos + FK_JGLANCE <= len) {
		unsigned n = fk_jglance(text, pos);
		pos += n;
		if (n < FK_JGLANCE && text[pos] == '"') return pos + 1;
	}
	return fk_jstring_end_from(text, len, pos);
}

// A scalar ends at a comma, a closing bracket or white space.
extern const bool fk_jends_scalar[256];
static inline size_t fk_jscalar_end(const uint8_t *text, size_t len, size_t pos) {
#if defined(FK_JSSE2)
	if (pos + FK_JGLANCE <= len) { // most are short: no branch for each byte
		const __m128i low = _mm_set1_epi8(0x20);
		__m128i v = _mm_loadu_si128((const __m128i *)(text + pos));
		__m128i commas = _mm_cmpeq_epi8(v, _mm_set1_epi8(','));
		__m128i closing = _mm_cmpeq_epi8(_mm_or_si128(v, low), _mm_set1_epi8('}'));
		__m128i spaces = _mm_cmpeq_epi8(_mm_min_epu8(v, low), v); // and other control characters
		__m128i ends = _mm_or_si128(_mm_or_si128(commas, closing), spaces);
		unsigned hit = (unsigned)_mm_movemask_epi8(ends);
		pos += (unsigned)__builtin_ctz(hit | 1u << FK_JGLANCE);
	}
#endif
	while (pos < len && !fk_jends_scalar[text[pos]]) pos++;
	return pos;
}
