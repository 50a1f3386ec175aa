// SPDX-License-Identifier: Apache-2.0
// See json/blocks.h. Masks are made with AVX2 and a carry-less multiplication where the processor has
// them, with SSE2 on any x86-64, and byte by byte elsewhere.
#include "json/blocks.h"
#include <stdlib.h>
#if defined(FK_JSSE2)
#include <immintrin.h>
#endif

#define FIRST_BLOCKS 64u
#define READ_AT_ONCE 4u // blocks, plus a quarter of those read so far, so that few are read in vain

// ---- masks ------------------------------------------------------------------------------------------

typedef struct fk_jmasks {
	uint64_t quote, slash, open, close;
} fk_jmasks;

// The bytes that follow an unescaped backslash. Few blocks have any.
static uint64_t after_backslash(fk_jcarry *carry, uint64_t slash) {
	uint64_t escaped = carry->escaped;
	slash &= ~escaped;
	carry->escaped = slash >> 63;
	while (slash) {
		uint64_t bit = slash & -slash, next = bit << 1;
		escaped |= next;
		slash &= ~(bit | next);
		if (next >> 63) carry->escaped = 0; // the last byte is escaped, and escapes nothing
	}
	return escaped;
}

static inline __attribute__((always_inline)) void unescape(fk_jcarry *carry, fk_jmasks *m) {
	if (__builtin_expect((m->slash | carry->escaped) == 0, 1)) return;
	uint64_t escaped = after_backslash(carry, m->slash);
	m->quote &= ~escaped;
	m->open &= ~escaped;
	m->close &= ~escaped;
}

// `inside`: the bytes from each quote to the next, for this block alone.
static inline __attribute__((always_inline)) void put_block(fk_jblock *to, fk_jcarry *carry,
                                                            const fk_jmasks *m, uint64_t inside) {
	inside ^= carry->in_string;
	carry->in_string = (uint64_t)((int64_t)inside >> 63);
	to->quote = m->quote;
	to->open = m->open & ~inside;
	to->close = m->close & ~inside;
	to->opened = (uint8_t)__builtin_popcountll(to->open);
	to->closed = (uint8_t)__builtin_popcountll(to->close);
	to->slashes = m->slash != 0;
}

// For 64 bytes.
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

static void read_blocks(const uint8_t *text, size_t n, fk_jblock *to, fk_jcarry *carry) {
	fk_jcarry at = *carry;
	for (; n; n--, text += 64, to++) {
		fk_jmasks m = masks_of(text);
		unescape(&at, &m);
		uint64_t inside = m.quote;
		for (unsigned shift = 1; shift < 64; shift *= 2) inside ^= inside << shift;
		put_block(to, &at, &m, inside);
	}
	*carry = at;
}

#if defined(FK_JSSE2)
#define WITH_AVX2 __attribute__((target("avx2,pclmul,popcnt,bmi")))

WITH_AVX2 static inline uint64_t equal_avx2(__m256i a, __m256i b, char c) {
	__m256i wanted = _mm256_set1_epi8(c);
	uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, wanted));
	uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(b, wanted));
	return (uint64_t)high << 32 | low;
}

WITH_AVX2 static void read_blocks_avx2(const uint8_t *text, size_t n, fk_jblock *to,
                                       fk_jcarry *carry) {
	const __m256i low = _mm256_set1_epi8(0x20);
	const __m128i ones = _mm_set1_epi8(-1);
	fk_jcarry at = *carry;
	for (; n; n--, text += 64, to++) {
		__m256i a = _mm256_loadu_si256((const __m256i *)text);
		__m256i b = _mm256_loadu_si256((const __m256i *)(text + 32));
		__m256i fa = _mm256_or_si256(a, low), fb = _mm256_or_si256(b, low);
		fk_jmasks m = {equal_avx2(a, b, '"'), equal_avx2(a, b, '\\'), equal_avx2(fa, fb, '{'),
		               equal_avx2(fa, fb, '}')};
		unescape(&at, &m);
		__m128i quotes = _mm_cvtsi64_si128((long long)m.quote);
		__m128i inside =
			_mm_clmulepi64_si128(quotes, ones, 0); // bit i: the parity of the bits up to i
		put_block(to, &at, &m, (uint64_t)_mm_cvtsi128_si64(inside));
	}
	*carry = at;
}
#endif

fk_jreader fk_jbest_reader(void) {
#if defined(FK_JSSE2)
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
	    __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi"))
		return read_blocks_avx2;
#endif
	return read_blocks;
}

// ---- reading further --------------------------------------------------------------------------------

// Reads blocks from text[pos]; bytes after the end count as NUL. Returns their number.
static size_t read_some(const fk_jscan *scan, size_t pos, size_t n, fk_jblock *to,
                        fk_jcarry *carry) {
	size_t whole = (scan->len - pos) / 64;
	if (n <= whole) return scan->read(scan->text + pos, n, to, carry), n;
	if (whole) scan->read(scan->text + pos, whole, to, carry);
	pos += 64 * whole;
	if (pos == scan->len) return whole;
	uint8_t rest[64] = {0};
	memcpy(rest, scan->text + pos, scan->len - pos);
	scan->read(rest, 1, to + whole, carry);
	return whole + 1;
}

static bool make_room(fk_jscan *scan, size_t blocks) {
	if (blocks <= scan->room) return true;
	size_t room = scan->room ? scan->room : FIRST_BLOCKS;
	while (room < blocks) room *= 2;
	fk_jblock *more = realloc(scan->blocks, room * sizeof *more);
	if (!more) return false;
	scan->blocks = more;
	scan->room = (uint32_t)room;
	return true;
}

bool fk_jscan_reach(fk_jscan *scan, size_t pos) {
	if (pos >= scan->len) return false;
	while (pos >= scan->covered) {
		size_t at = (size_t)scan->count * 64, n = READ_AT_ONCE + scan->count / 4;
		if (n > FK_JBLOCKS_MAX - scan->count) n = FK_JBLOCKS_MAX - scan->count;
		if (!n || !make_room(scan, scan->count + n + 1)) return false;
		n = read_some(scan, at, n, scan->blocks + scan->count, &scan->carry);
		scan->count += (uint32_t)n;
		scan->covered = at + 64 * n - 64;
		if (scan->covered + 64 < scan->len) continue;
		scan->blocks[scan->count] = (fk_jblock){0}; // after the end of the text
		scan->covered += 64;
	}
	return true;
}

size_t fk_jafter_quote_slow(fk_jscan *scan, size_t pos) {
	do {
		pos = (pos / 64 + 1) * 64;
		if (!fk_jscan_has(scan, pos)) return fk_jstring_end_from(scan->text, scan->len, pos);
	} while (!scan->blocks[pos / 64].quote);
	return pos + (unsigned)__builtin_ctzll(scan->blocks[pos / 64].quote) + 1;
}

// ---- containers -------------------------------------------------------------------------------------

// The position after the bracket that closes all `*depth` open ones; 0 when it is in a later block.
static inline unsigned close_in(const fk_jblock *block, unsigned from, uint64_t *depth) {
	if (!from && block->closed < *depth) {
		*depth += (uint64_t)block->opened - block->closed;
		return 0;
	}
	uint64_t open = block->open >> from << from, both = open | block->close >> from << from;
	for (; both; both &= both - 1) {
		unsigned bit = (unsigned)__builtin_ctzll(both);
		if (open >> bit & 1)
			++*depth;
		else if (--*depth == 0)
			return bit + 1;
	}
	return 0;
}

// For positions that the kept blocks do not describe: after the last block, or where an unpaired quote
// before `pos` has swapped the inside and the outside of strings.
static size_t end_without_blocks(const fk_jscan *scan, size_t pos) {
	fk_jcarry carry = {0};
	uint64_t depth = 0;
	fk_jblock some[16];
	for (; pos < scan->len; pos += sizeof some / sizeof *some * 64) {
		size_t n = read_some(scan, pos, sizeof some / sizeof *some, some, &carry);
		for (size_t i = 0; i < n; i++) {
			unsigned end = close_in(&some[i], 0, &depth);
			if (end) return pos + 64 * i + end;
		}
	}
	return FK_JBROKEN;
}

size_t fk_jcontainer_end(fk_jscan *scan, size_t pos) {
	if (!fk_jscan_has(scan, pos) || !(scan->blocks[pos / 64].open >> pos % 64 & 1))
		return end_without_blocks(scan, pos);
	uint64_t depth = 0;
	unsigned from = pos % 64;
	for (size_t at = pos - from; fk_jscan_has(scan, at); at += 64, from = 0) {
		unsigned end = close_in(&scan->blocks[at / 64], from, &depth);
		if (end) return at + end;
	}
	return end_without_blocks(scan, pos);
}
