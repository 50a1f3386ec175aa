// SPDX-License-Identifier: Apache-2.0
// Owns where JSON strings and scalars end, by their bytes. Everything here is a function of the
// bytes alone, so that no answer hangs on what was asked before.
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

// After the quote that closes the string that goes on at `pos`, behind its opening quote.
size_t fk_jstring_end_from(const uint8_t *text, size_t len, size_t pos);

// The type of the token text[pos..end), 0 when it is no scalar of JSON.
fk_jtype fk_jscalar_type(const uint8_t *text, size_t pos, size_t end);

static inline bool fk_jspace(uint8_t c) {
	return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t');
}

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

// A scalar goes on to a comma, a closing bracket or a space.
extern const bool fk_jends_scalar[256];
static inline size_t fk_jscalar_end(const uint8_t *text, size_t len, size_t pos) {
#if defined(FK_JSSE2)
	if (pos + FK_JGLANCE <= len) { // most are short: without a guess for each byte
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
