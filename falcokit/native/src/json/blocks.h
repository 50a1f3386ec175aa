// SPDX-License-Identifier: Apache-2.0
// Owns the structure of a payload as bit masks of quotes and brackets, one set per block of 64 bytes,
// made as far as needed and kept for the event. The ends of strings and containers are found in them.
// Results depend on the bytes alone, not on what was read before.
#pragma once

#include "json/scan.h"

// One bit per byte, the lowest for the first byte. A byte after a backslash has no bit set.
typedef struct fk_jblock {
	uint64_t quote;
	uint64_t open, close;   // brackets of both kinds, outside of strings
	uint8_t opened, closed; // the number of them
	bool slashes;           // there is a backslash
} fk_jblock;

// What is carried from one block to the next.
typedef struct fk_jcarry {
	uint64_t in_string; // all ones: the block begins inside a string
	uint64_t escaped;   // 1: its first byte follows a backslash
} fk_jcarry;

// Reads n times 64 bytes into n blocks.
typedef void (*fk_jreader)(const uint8_t *text, size_t n, fk_jblock *to, fk_jcarry *carry);
// The fastest reader that this processor supports.
fk_jreader fk_jbest_reader(void);

#define FK_JBLOCKS_MAX \
	16384u // of 32 bytes each; text beyond these blocks is scanned again for each question

typedef struct fk_jscan {
	const uint8_t *text;
	size_t len;
	size_t covered; // positions for which the blocks cover the next 64 bytes
	fk_jblock *blocks;
	uint32_t count, room;
	fk_jcarry carry;
	fk_jreader read;
} fk_jscan;

static inline void fk_jscan_begin(fk_jscan *scan, const uint8_t *text, size_t len) {
	scan->text = text;
	scan->len = len;
	scan->covered = scan->count = 0;
	scan->carry = (fk_jcarry){0};
}

// Reads further until the blocks cover `pos`. False when they cannot.
bool fk_jscan_reach(fk_jscan *scan, size_t pos);

size_t fk_jafter_quote_slow(fk_jscan *scan, size_t pos);
size_t fk_jcontainer_end(fk_jscan *scan, size_t pos);

static inline bool fk_jscan_has(fk_jscan *scan, size_t pos) {
	return __builtin_expect(pos < scan->covered, 1) || fk_jscan_reach(scan, pos);
}

// The 64 bits from `pos` on, taken from two blocks.
#define FK_JBITS(scan, pos, mask)                                                        \
	((scan)->blocks[(pos) / 64].mask >> (pos) % 64 | (scan)->blocks[(pos) / 64 + 1].mask \
	                                                     << 1 << (63 - (pos) % 64))

// The position after the closing quote of the string whose opening quote is at `pos`.
static inline size_t fk_jafter_quote(fk_jscan *scan, size_t pos) {
	if (__builtin_expect(!fk_jscan_has(scan, ++pos), 0))
		return fk_jstring_end_from(scan->text, scan->len, pos);
	uint64_t bits = FK_JBITS(scan, pos, quote);
	if (__builtin_expect(bits != 0, 1)) return pos + (unsigned)__builtin_ctzll(bits) + 1;
	return fk_jafter_quote_slow(scan, pos);
}

// Whether there is a backslash in text[pos..end), a string that was found.
static inline bool fk_jhas_slash(const fk_jscan *scan, size_t pos, size_t end) {
	if (__builtin_expect(end - pos <= 64 && pos < scan->covered, 1)) {
		bool any = scan->blocks[pos / 64].slashes | scan->blocks[(end - 1) / 64].slashes;
		if (__builtin_expect(!any, 1)) return false;
	}
	return memchr(scan->text + pos, '\\', end - pos) != NULL;
}

// The position after the value that begins at `pos` < len. A scalar at the end of the text is broken,
// because more digits may have followed.
static inline __attribute__((always_inline)) size_t fk_jvalue_end(fk_jscan *scan, size_t pos) {
	uint8_t c = scan->text[pos];
	if (c == '"') return fk_jafter_quote(scan, pos);
	if (c == '{' || c == '[') {
		if (__builtin_expect(fk_jscan_has(scan, pos), 1)) {
			uint64_t open = FK_JBITS(scan, pos, open), close = FK_JBITS(scan, pos, close);
			// Most containers close soon, before another one opens.
			if ((open & 1) && close && !(open & (close ^ (close - 1)) & ~(uint64_t)1))
				return pos + (unsigned)__builtin_ctzll(close) + 1;
		}
		return fk_jcontainer_end(scan, pos);
	}
	size_t end = fk_jscalar_end(scan->text, scan->len, pos);
	return end == scan->len ? FK_JBROKEN : end;
}
