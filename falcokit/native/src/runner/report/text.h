// SPDX-License-Identifier: Apache-2.0
// Owns growing byte strings and how values are written into them as JSON.
// No shared state: whoever owns a text serialises its use.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fk_text {
	char *at;
	size_t len;
	size_t room;
};

// Ends the process: there is nothing sensible to do without memory.
void *fk_must_alloc(void *old, size_t size);
char *fk_must_copy(const char *s);

void fk_text_reserve(struct fk_text *t, size_t more);
void fk_text_free(struct fk_text *t);

void fk_add(struct fk_text *t, const char *s, size_t n);
void fk_add_s(struct fk_text *t, const char *s);
void fk_add_c(struct fk_text *t, char c);
void fk_add_u64(struct fk_text *t, uint64_t v);
void fk_add_i64(struct fk_text *t, int64_t v);
void fk_add_double(struct fk_text *t, double v); // null when not finite

// A quoted JSON string; bytes that are not UTF-8 become U+FFFD.
void fk_add_string(struct fk_text *t, const char *s, size_t n);
void fk_add_string_or_null(struct fk_text *t, const char *s);
void fk_add_base64(struct fk_text *t, const uint8_t *data, size_t n); // quoted

// `,"name":` - every report begins with a key of its own, so a comma always goes before.
void fk_add_key(struct fk_text *t, const char *name);

bool fk_is_utf8(const char *s, size_t n);
