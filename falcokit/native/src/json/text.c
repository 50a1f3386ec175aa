// SPDX-License-Identifier: Apache-2.0
// Converts payload bytes to text: escapes, UTF-8, NUL. See json/text.h.
#include "json/text.h"
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd", nul[] = "\\u0000";

// ---- plain bytes ------------------------------------------------------------------------------------

static inline bool plain(uint8_t c) { return c && c < 0x80 && c != '\\'; }

// Whether all 8 bytes are.
static inline bool plain_eight(const uint8_t *in) {
	const uint64_t ones = 0x0101010101010101u;
	uint64_t v, x;
	memcpy(&v, in, 8);
	x = v ^ '\\' * ones; // a byte is 0 where ones are borrowed from it, or from one below
	return !((v | (v - ones) | ((x - ones) & ~x)) & 0x80 * ones);
}

// How many bytes from here are ASCII, neither NUL nor a backslash.
static inline size_t plain_run(const uint8_t *in, size_t len) {
	size_t n = 0;
#if defined(FK_JSSE2)
	const __m128i slash = _mm_set1_epi8('\\'), zero = _mm_setzero_si128();
	for (; n + 16 <= len; n += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(in + n));
		__m128i bad = _mm_or_si128(_mm_cmpeq_epi8(v, slash), _mm_cmpeq_epi8(v, zero));
		unsigned hit = (unsigned)_mm_movemask_epi8(_mm_or_si128(bad, v));
		if (hit) return n + (unsigned)__builtin_ctz(hit);
	}
#endif
	if (len >= 8) {
		while (n + 8 <= len && plain_eight(in + n)) n += 8;
		if (n + 8 > len && plain_eight(in + len - 8)) return len;
	}
	while (n < len && plain(in[n])) n++;
	return n;
}

bool fk_jis_verbatim(const uint8_t *in, size_t len) { return plain_run(in, len) == len; }

bool fk_jis_plain(const uint8_t *in, size_t len) {
	while (len) {
		size_t run = plain_run(in, len);
		if (run == len) return true;
		if (in[run] != '\\') return false;
		in += run + 1;
		len -= run + 1;
	}
	return true;
}

// ---- UTF-8 ------------------------------------------------------------------------------------------

unsigned fk_jutf8_part(const uint8_t *in, size_t len, bool *whole) {
	uint8_t c = in[0], low = 0x80, high = 0xbf;
	*whole = false;
	if (c < 0xc2 || c > 0xf4) return 1;
	unsigned n = fk_jchar_len(c);
	if (c == 0xe0) low = 0xa0;
	if (c == 0xed) high = 0x9f;
	if (c == 0xf0) low = 0x90;
	if (c == 0xf4) high = 0x8f;
	for (unsigned i = 1; i < n; i++) {
		if (i >= len || in[i] < low || in[i] > high) return i;
		low = 0x80;
		high = 0xbf;
	}
	*whole = true;
	return n;
}

static unsigned put_utf8(uint32_t code, char *out) {
	if (code < 0x80) return out[0] = (char)code, 1;
	unsigned n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (unsigned i = n - 1; i; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
	out[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | code);
	return n;
}

// ---- escapes ----------------------------------------------------------------------------------------

static bool hex4(const uint8_t *in, uint32_t *code) {
	*code = 0;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t c = in[i], letter = (uint8_t)((c | 0x20) - 'a');
		if ((uint8_t)(c - '0') < 10)
			*code = *code << 4 | (uint32_t)(c - '0');
		else if (letter < 6)
			*code = *code << 4 | (letter + 10u);
		else
			return false;
	}
	return true;
}

// Reads the escape at in[0], a backslash. Returns its length, 0 when it is invalid; a lone surrogate
// becomes U+FFFD.
static unsigned read_escape(const uint8_t *in, size_t len, uint32_t *code) {
	static const char names[] = "\"\\/bfnrt", stand_for[] = "\"\\/\b\f\n\r\t";
	if (len < 2) return 0;
	const char *found = in[1] ? strchr(names, in[1]) : NULL;
	if (found) return *code = (uint8_t)stand_for[found - names], 2;
	if (in[1] != 'u' || len < 6 || !hex4(in + 2, code)) return 0;
	if (*code < 0xd800 || *code > 0xdfff) return 6;
	uint32_t second;
	if (*code < 0xdc00 && len >= 12 && in[6] == '\\' && in[7] == 'u' && hex4(in + 8, &second) &&
	    second >= 0xdc00 && second <= 0xdfff) {
		*code = 0x10000 + ((*code - 0xd800) << 10) + (second - 0xdc00);
		return 12;
	}
	*code = 0xfffd;
	return 6;
}

// ---- copying ----------------------------------------------------------------------------------------

static inline size_t put(char *out, size_t at, const void *from, size_t n) {
	if (out) memcpy(out + at, from, n);
	return at + n;
}

// Copies what is not plain: the escape, character or byte at in[0]. Returns the bytes that it read.
static size_t copy_special(const uint8_t *in, size_t len, fk_jcopying how, char *out, size_t *n) {
	if (!in[0]) return *n = put(out, *n, nul, 6), 1;
	if (in[0] == '\\') {
		uint32_t code;
		char bytes[4];
		unsigned taken = how == FK_JRAW ? 1 : read_escape(in, len, &code);
		if (taken == 0) return 0;
		if (how != FK_JDECODE)
			*n = put(out, *n, in, taken);
		else if (code == 0)
			*n = put(out, *n, nul, 6);
		else
			*n = put(out, *n, bytes, put_utf8(code, bytes));
		return taken;
	}
	bool whole;
	unsigned taken = fk_jutf8_part(in, len, &whole);
	*n = whole ? put(out, *n, in, taken) : put(out, *n, replacement, 3);
	return taken;
}

size_t fk_jcopy_text(const uint8_t *in, size_t len, fk_jcopying how, char *out) {
	size_t n = 0;
	while (len) {
		size_t run = plain_run(in, len);
		n = put(out, n, in, run);
		in += run;
		len -= run;
		if (!len) break;
		size_t taken = copy_special(in, len, how, out, &n);
		if (!taken) return FK_JBROKEN;
		in += taken;
		len -= taken;
	}
	return n;
}

bool fk_jkey_equals(const uint8_t *in, size_t len, const char *key, size_t key_len) {
	size_t at = 0;
	while (len) {
		uint32_t code = 0;
		char bytes[4] = {(char)in[0]};
		unsigned taken = in[0] == '\\' ? read_escape(in, len, &code) : 1;
		if (!taken) return false;
		unsigned n = in[0] == '\\' ? put_utf8(code, bytes) : 1;
		if (key_len - at < n || memcmp(key + at, bytes, n) != 0) return false;
		at += n;
		in += taken;
		len -= taken;
	}
	return at == key_len;
}
