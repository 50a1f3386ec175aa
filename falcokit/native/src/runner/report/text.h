// SPDX-License-Identifier: Apache-2.0
// Owns growing byte strings, and writing values into them as JSON. No shared state: the owner of a
// text serialises its use.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fkr_text {
	char *at;
	size_t len;
	size_t room;
};

// These end the process when there is no memory.
void *fkr_must_alloc(void *old, size_t size);
char *fkr_must_copy(const char *s);

void fkr_text_reserve(struct fkr_text *t, size_t more);
void fkr_text_free(struct fkr_text *t);

void fkr_add(struct fkr_text *t, const char *s, size_t n);
void fkr_add_s(struct fkr_text *t, const char *s);
void fkr_add_c(struct fkr_text *t, char c);
void fkr_add_u64(struct fkr_text *t, uint64_t v);
void fkr_add_i64(struct fkr_text *t, int64_t v);
void fkr_add_double(struct fkr_text *t, double v); // null when not finite

// A quoted JSON string; bytes that are not UTF-8 become U+FFFD.
void fkr_add_string(struct fkr_text *t, const char *s, size_t n);
void fkr_add_string_or_null(struct fkr_text *t, const char *s);
void fkr_add_base64(struct fkr_text *t, const uint8_t *data, size_t n); // quoted

// `,"name":` - every report begins with a key of its own, so a comma always goes before.
void fkr_add_key(struct fkr_text *t, const char *name);
void fkr_add_member(struct fkr_text *t, const char *name, const char *value); // a string, or null

bool fkr_is_utf8(const char *s, size_t n);
