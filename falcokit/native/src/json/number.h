// SPDX-License-Identifier: Apache-2.0
// Owns numbers, times and addresses out of text, exactly: no floating point is used. Called by
// json/convert.c.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A number of JSON, or digits alone, times ten to the `scale`, cut to a whole number. False when the
// text is neither, or the number is negative or needs more than 64 bits.
bool fk_juint(const char *text, size_t len, unsigned scale, uint64_t *out);

// An RFC 3339 time, such as 2026-01-31T23:59:59.25+01:00, as ns since the epoch. False when it is none,
// or lies before 1970 or after 2554.
bool fk_jrfc3339(const char *text, size_t len, uint64_t *ns);

// An IPv4 or IPv6 address, into 4 or 16 bytes; with `net`, one that "/" and a prefix length may follow.
// The length of the address, 0 when it is none.
unsigned fk_jip(const char *text, size_t len, bool net, uint8_t out[16]);
