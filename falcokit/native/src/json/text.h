// SPDX-License-Identifier: Apache-2.0
// Owns how bytes of a payload become text for the host: UTF-8 without NUL. What is not UTF-8
// becomes U+FFFD (one for each longest part that could have begun a character, as in Python), NUL
// the six characters \u0000. Each function can be asked for the length first, with `out` NULL.
#pragma once

#include "json/scan.h"

typedef enum fk_jcopy {
	FK_JRAW,    // bytes that are no JSON string
	FK_JDECODE, // a JSON string's: escapes become what they stand for
	FK_JKEEP,   // a JSON string's: escapes are checked, and stay
} fk_jcopy;

// Bytes written, without a NUL behind them; FK_JBROKEN when an escape is none of JSON's.
size_t fk_jcopy_text(const uint8_t *in, size_t len, fk_jcopy how, char *out);

// The value at `pos` as JSON: its source without the spaces, or with two per level (`pretty`).
// FK_JBROKEN when it is not JSON throughout, or nested deeper than FK_JDEPTH_MAX.
#define FK_JDEPTH_MAX 10000u
size_t fk_jserialize(const uint8_t *in, size_t len, size_t pos, bool pretty, bool root, char *out);

// Whether all of the bytes stay as they are: ASCII, neither NUL nor a backslash.
bool fk_jis_verbatim(const uint8_t *in, size_t len);

// Whether all of the bytes are ASCII, and none is NUL.
bool fk_jis_plain(const uint8_t *in, size_t len);

// Whether a key with escapes, as it is between its quotes, is this one.
bool fk_jkey_equals(const uint8_t *in, size_t len, const char *key, size_t key_len);

// The length of the character that begins at a byte of valid UTF-8.
static inline unsigned fk_jchar_len(uint8_t c) {
	return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}
