// SPDX-License-Identifier: Apache-2.0
// Owns the conversion of payload bytes to text for the host, and of text to numbers. Text is UTF-8
// without NUL: bytes that are not UTF-8 become U+FFFD (one for each maximal part of a character, as in
// Python), NUL becomes the six characters \u0000. With `out` NULL the functions return the length only.
#pragma once

#include "json/scan.h"

typedef enum fk_jcopying {
	FK_JRAW,    // bytes that are not a JSON string
	FK_JDECODE, // of a JSON string: escapes are decoded
	FK_JKEEP,   // of a JSON string: escapes are checked and kept
} fk_jcopying;

// Returns the bytes written, without a NUL after them; FK_JBROKEN for an invalid escape.
size_t fk_jcopy_text(const uint8_t *in, size_t len, fk_jcopying how, char *out);

// The value at `pos` as JSON: its source without spaces, or indented by two per level (`pretty`).
// FK_JBROKEN when it is not valid JSON, or nested deeper than FK_JDEPTH_MAX. `root`: it is the whole
// document, so a scalar may end with the text. *end, unless NULL: the position after it.
#define FK_JDEPTH_MAX 10000u
size_t fk_jserialize(const uint8_t *in, size_t len, size_t pos, bool pretty, bool root, char *out,
                     size_t *end);

// Whether no byte needs a conversion: all are ASCII, neither NUL nor a backslash.
bool fk_jis_verbatim(const uint8_t *in, size_t len);

// Whether all of the bytes are ASCII, and none is NUL.
bool fk_jis_plain(const uint8_t *in, size_t len);

// Whether a key with escapes, given as its bytes between the quotes, equals `key`.
bool fk_jkey_equals(const uint8_t *in, size_t len, const char *key, size_t key_len);

// The bytes of the character that begins at a byte from 0x80 on, or of the maximal part of one.
unsigned fk_jutf8_part(const uint8_t *in, size_t len, bool *whole);

// The length of the character that begins at a byte of valid UTF-8.
static inline unsigned fk_jchar_len(uint8_t c) {
	return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

// ---- numbers, times and addresses: number.c ---------------------------------------------------------
// Exact: no floating point is used.

// A JSON number, or digits alone, times 10 to the power of `scale`, truncated. False when the text is
// neither, or the number is negative or needs more than 64 bits.
bool fk_juint(const char *text, size_t len, unsigned scale, uint64_t *out);

// An RFC 3339 time, such as 2026-01-31T23:59:59.25+01:00, as ns since the epoch. False when it is
// invalid, before 1970 or after 2554.
bool fk_jrfc3339(const char *text, size_t len, uint64_t *ns);

// An IPv4 or IPv6 address, as 4 or 16 bytes; with `net`, "/" and a prefix length may follow. Returns
// the length of the address, 0 when it is invalid.
unsigned fk_jip(const char *text, size_t len, bool net, uint8_t out[16]);
