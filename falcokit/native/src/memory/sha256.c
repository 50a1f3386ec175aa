// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4). Every init of a packaged plugin hashes some 15 MB while the host waits, so
// the processor's own instructions are used where it has them: 10 ms instead of 60.
#include "memory/sha256.h"
#include <string.h>

static const uint32_t K[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void blocks_portable(uint32_t state[8], const unsigned char *data, size_t n) {
	for (; n; n--, data += 64) {
		uint32_t w[64], v[8];
		for (int i = 0; i < 16; i++)
			w[i] = (uint32_t)data[4 * i] << 24 | (uint32_t)data[4 * i + 1] << 16 |
			       (uint32_t)data[4 * i + 2] << 8 | data[4 * i + 3];
		for (int i = 16; i < 64; i++) {
			uint32_t a = w[i - 15], b = w[i - 2];
			w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] +
			       (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
		}
		memcpy(v, state, sizeof v);
#pragma GCC unroll 64
		for (int i = 0; i < 64; i++) { // the eight words change their roles instead of their places
			uint32_t a = v[-i & 7], e = v[(4 - i) & 7];
			uint32_t t = v[(7 - i) & 7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) +
			             ((e & v[(5 - i) & 7]) ^ (~e & v[(6 - i) & 7])) + K[i] + w[i];
			uint32_t b = v[(1 - i) & 7], c = v[(2 - i) & 7];
			v[(3 - i) & 7] += t;
			v[(7 - i) & 7] =
				t + (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
		}
		for (int i = 0; i < 8; i++) state[i] += v[i];
	}
}

#ifdef __x86_64__
#include <immintrin.h>

// The instructions keep the state as ABEF and CDGH, and do two rounds at a time.
__attribute__((target("sha,sse4.1"))) static void blocks_sha_ni(uint32_t state[8],
                                                                const unsigned char *data,
                                                                size_t n) {
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
	__m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
	__m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xf0);
	for (; n; n--, data += 64) {
		__m128i w[4], abef_before = abef, cdgh_before = cdgh;
		for (int i = 0; i < 4; i++)
			w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)data + i), swap);
#pragma GCC unroll 16
		for (int i = 0; i < 16; i++) { // four rounds each
			__m128i now = w[i & 3];
			__m128i sum = _mm_add_epi32(now, _mm_load_si128((const __m128i *)K + i));
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
			if (i < 12) { // the words of four steps later
				__m128i after = _mm_sha256msg1_epu32(now, w[(i + 1) & 3]);
				after = _mm_add_epi32(after, _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
				w[i & 3] = _mm_sha256msg2_epu32(after, w[(i + 3) & 3]);
			}
		}
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}
	low = _mm_shuffle_epi32(abef, 0x1b);
	high = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xf0));
	_mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

#include <cpuid.h>
static int has_sha_ni(void) {
	unsigned a, b, c, d;
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSE4_1) || !(c & bit_SSSE3)) return 0;
	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}
#endif

static void blocks(uint32_t state[8], const unsigned char *data, size_t n) {
#ifdef __x86_64__
	static int ni = -1; // a race writes the same value twice
	if (ni < 0) ni = has_sha_ni();
	if (ni) {
		blocks_sha_ni(state, data, n);
		return;
	}
#endif
	blocks_portable(state, data, n);
}

void fk_sha256_start(fk_sha256 *h) {
	static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
	memcpy(h->state, initial, sizeof initial);
	h->bytes = 0;
}

void fk_sha256_add(fk_sha256 *h, const void *data, size_t n) {
	const unsigned char *from = data;
	size_t held = h->bytes & 63;
	h->bytes += n;
	if (held) {
		size_t take = n < 64 - held ? n : 64 - held;
		memcpy(h->block + held, from, take);
		if (held + take < 64) return;
		blocks(h->state, h->block, 1);
		from += take;
		n -= take;
	}
	blocks(h->state, from, n / 64);
	memcpy(h->block, from + (n & ~(size_t)63), n & 63);
}

void fk_sha256_end(fk_sha256 *h, unsigned char digest[32]) {
	uint64_t bits = h->bytes * 8;
	unsigned char tail[72] = {0x80};
	size_t pad = 64 - ((h->bytes + 8) & 63);
	for (int i = 0; i < 8; i++) tail[pad + i] = (unsigned char)(bits >> (56 - 8 * i));
	fk_sha256_add(h, tail, pad + 8);
	for (int i = 0; i < 32; i++) digest[i] = (unsigned char)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}
