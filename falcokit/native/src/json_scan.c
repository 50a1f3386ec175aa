// SPDX-License-Identifier: Apache-2.0
// See json_scan.h. Blocks of 64 bytes become bit masks, one bit per byte: with AVX2 where the processor
// has it, with SSE2 on any x86-64, and byte by byte elsewhere.
#include "json_scan.h"
#include <string.h>
#if defined(FK_JSSE2)
#include <immintrin.h>
#endif

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

// ---- containers -------------------------------------------------------------------------------------

// What goes from one block to the next.
typedef struct fk_jbalance {
	uint64_t in_string; // all ones: the block begins inside a string
	uint64_t escaped;   // 1: its first byte is behind a backslash
	uint64_t depth;
} fk_jbalance;

typedef struct fk_jmasks {
	uint64_t quote, slash, open, close;
} fk_jmasks;

// The bytes behind a backslash that is not behind one itself. Few blocks have any.
static uint64_t behind_backslash(fk_jbalance *at, uint64_t slash) {
	uint64_t escaped = at->escaped;
	slash &= ~escaped;
	at->escaped = slash >> 63;
	while (slash) {
		uint64_t bit = slash & -slash, next = bit << 1;
		escaped |= next;
		slash &= ~(bit | next);
		if (next >> 63) at->escaped = 0; // the last byte is escaped, and escapes nothing
	}
	return escaped;
}

// The place in the block behind the bracket that closes all, 0 when that is further on. `counted`: the
// processor counts bits, and a block that cannot close all is not looked at bracket by bracket.
static inline __attribute__((always_inline)) unsigned balance_block(fk_jbalance *at, fk_jmasks m,
                                                                    bool counted) {
	if (__builtin_expect((m.slash | at->escaped) != 0, 0))
		m.quote &= ~behind_backslash(at, m.slash);
	uint64_t inside = m.quote;
	for (unsigned shift = 1; shift < 64; shift *= 2) inside ^= inside << shift;
	inside ^= at->in_string;
	at->in_string = (uint64_t)((int64_t)inside >> 63);
	uint64_t open = m.open & ~inside, close = m.close & ~inside, both = open | close;
	if (counted) {
		uint64_t closed = (uint64_t)__builtin_popcountll(close);
		if (closed < at->depth) {
			at->depth += (uint64_t)__builtin_popcountll(open) - closed;
			return 0;
		}
	}
	while (both) {
		unsigned bit = (unsigned)__builtin_ctzll(both);
		if (open >> bit & 1)
			at->depth++;
		else if (--at->depth == 0)
			return bit + 1;
		both &= both - 1;
	}
	return 0;
}

// Of 64 bytes.
static inline fk_jmasks masks_of(const uint8_t *text) {
	fk_jmasks m = {0};
#if defined(FK_JSSE2)
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
	const __m128i low = _mm_set1_epi8(0x20), open = _mm_set1_epi8('{'), close = _mm_set1_epi8('}');
	for (unsigned i = 0; i < 64; i += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(text + i)), f = _mm_or_si128(v, low);
		m.quote |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, quote)) << i;
		m.slash |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, slash)) << i;
		m.open |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(f, open)) << i;
		m.close |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(f, close)) << i;
	}
#else
	for (unsigned i = 0; i < 64; i++) {
		m.quote |= (uint64_t)(text[i] == '"') << i;
		m.slash |= (uint64_t)(text[i] == '\\') << i;
		m.open |= (uint64_t)((text[i] | 0x20) == '{') << i;
		m.close |= (uint64_t)((text[i] | 0x20) == '}') << i;
	}
#endif
	return m;
}

static size_t container_end_from(const uint8_t *text, size_t len, size_t pos, fk_jbalance *at) {
	for (; pos + 64 <= len; pos += 64) {
		unsigned end = balance_block(at, masks_of(text + pos), false);
		if (end) return pos + end;
	}
	uint8_t rest[64] = {0};
	memcpy(rest, text + pos, len - pos);
	unsigned end = balance_block(at, masks_of(rest), false);
	return end ? pos + end : FK_JBROKEN;
}

#if defined(FK_JSSE2)
#define WITH_AVX2 __attribute__((target("avx2,popcnt,bmi")))

WITH_AVX2 static inline uint64_t equal_avx2(__m256i a, __m256i b, char c) {
	__m256i wanted = _mm256_set1_epi8(c);
	uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, wanted));
	uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, wanted));
	return (uint64_t)high << 32 | low;
}

WITH_AVX2 static size_t container_end_avx2(const uint8_t *text, size_t len, size_t pos) {
	fk_jbalance at = {0};
	const __m256i low = _mm256_set1_epi8(0x20);
	for (; pos + 64 <= len; pos += 64) {
		__m256i a = _mm256_loadu_si256((const __m256i *)(text + pos));
		__m256i b = _mm256_loadu_si256((const __m256i *)(text + pos + 32));
		__m256i fa = _mm256_or_si256(a, low), fb = _mm256_or_si256(b, low);
		fk_jmasks m = {equal_avx2(a, b, '"'), equal_avx2(a, b, '\\'), equal_avx2(fa, fb, '{'),
		               equal_avx2(fa, fb, '}')};
		unsigned end = balance_block(&at, m, true);
		if (end) return pos + end;
	}
	return container_end_from(text, len, pos, &at);
}
#endif

size_t fk_jcontainer_end(const uint8_t *text, size_t len, size_t pos) {
#if defined(FK_JSSE2)
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
		return container_end_avx2(text, len, pos);
#endif
	fk_jbalance at = {0};
	return container_end_from(text, len, pos, &at);
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
