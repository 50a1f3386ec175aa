// SPDX-License-Identifier: Apache-2.0
// Runs fuzz_fields.c without libFuzzer: fuzz ROUNDS FILE... replays every file, and then each of them
// ROUNDS times with random changes, the same in every run.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MOST 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state = 88172645463325252u;

static size_t below(size_t n) { // xorshift
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (size_t)(state % n);
}

// Most changes go into the payload: behind `from`.
static size_t change(uint8_t *data, size_t size, size_t from) {
	static const uint8_t marks[] = "\"\\{}[]:,0-.eu \x00\xff\xe2\xed";
	size_t at = below(4) ? from + below(size - from + 1) : below(size + 1);
	uint8_t byte = below(4) ? marks[below(sizeof marks - 1)] : (uint8_t)below(256);
	switch (below(5)) {
	case 0: return at; // cut off
	case 1:
		if (at < size) memmove(data + at, data + at + 1, size - at - 1);
		return size - (at < size);
	case 2:
		if (size == SIZE_MOST) return size;
		memmove(data + at + 1, data + at, size - at);
		data[at] = byte;
		return size + 1;
	case 3: { // a part twice
		size_t n = at < size ? below(size - at) : 0;
		if (size + n > SIZE_MOST) return size;
		memmove(data + at + n, data + at, size - at);
		return size + n;
	}
	default:
		if (at < size) data[at] = byte;
		return size;
	}
}

int main(int argc, char **argv) {
	static uint8_t seed[SIZE_MOST], data[SIZE_MOST];
	for (int i = 2; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		if (!file) return 2;
		size_t size = fread(seed, 1, sizeof seed, file);
		fclose(file);
		LLVMFuzzerTestOneInput(seed, size);
		size_t from = size < 2 ? 0 : 2 + (size_t)(seed[0] | seed[1] << 8);
		for (long round = atol(argv[1]); round > 0; round--) {
			memcpy(data, seed, size);
			size_t n = size;
			for (size_t changes = 1 + below(6); changes; changes--)
				n = change(data, n, from < n ? from : n);
			LLVMFuzzerTestOneInput(data, n);
		}
	}
	return 0;
}
