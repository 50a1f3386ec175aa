// SPDX-License-Identifier: Apache-2.0
// SHA-256, to check the payload of a packaged library.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct fk_sha256 {
	uint32_t state[8];
	uint64_t bytes;          // so far
	unsigned char block[64]; // bytes that do not fill a block yet
} fk_sha256;

void fk_sha256_start(fk_sha256 *h);
void fk_sha256_add(fk_sha256 *h, const void *data, size_t n);
void fk_sha256_end(fk_sha256 *h, unsigned char digest[32]);
