// SPDX-License-Identifier: Apache-2.0
// Growing byte strings and JSON values in them. No state; any thread, its own text.
#include "runner/report/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json/text.h"

enum {
	FKR_ESCAPE_CHUNK = 4096,
	FKR_ESCAPE_GROWTH = 6
};

void *fkr_must_alloc(void *old, size_t size) {
	void *p = realloc(old, size ? size : 1);
	if (!p) {
		static const char text[] = "falcokit-runner: out of memory\n";
		ssize_t ignored = write(2, text, sizeof text - 1);
		(void)ignored;
		_exit(1);
	}
	return p;
}

char *fkr_must_copy(const char *s) {
	size_t n = strlen(s) + 1;
	return memcpy(fkr_must_alloc(NULL, n), s, n);
}

void fkr_text_reserve(struct fkr_text *t, size_t more) {
	if (t->room - t->len >= more) return;
	size_t room = t->room ? t->room * 2 : 256;
	while (room - t->len < more) room *= 2;
	t->at = fkr_must_alloc(t->at, room);
	t->room = room;
}

void fkr_text_free(struct fkr_text *t) {
	free(t->at);
	*t = (struct fkr_text){0};
}

void fkr_add(struct fkr_text *t, const char *s, size_t n) {
	if (!n) return; // `s` may be NULL then
	fkr_text_reserve(t, n);
	memcpy(t->at + t->len, s, n);
	t->len += n;
}

void fkr_add_s(struct fkr_text *t, const char *s) { fkr_add(t, s, strlen(s)); }

void fkr_add_c(struct fkr_text *t, char c) { fkr_add(t, &c, 1); }

void fkr_add_u64(struct fkr_text *t, uint64_t v) {
	char digits[20];
	size_t i = sizeof digits;
	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	fkr_add(t, digits + i, sizeof digits - i);
}

void fkr_add_i64(struct fkr_text *t, int64_t v) {
	if (v < 0) fkr_add_c(t, '-');
	fkr_add_u64(t, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void fkr_add_double(struct fkr_text *t, double v) {
	char digits[40];
	if (!isfinite(v)) {
		fkr_add_s(t, "null");
		return;
	}
	snprintf(digits, sizeof digits, "%.15g", v);
	if (strtod(digits, NULL) != v) snprintf(digits, sizeof digits, "%.17g", v);
	fkr_add_s(t, digits);
}

// The length of the character at `s`, which is not ASCII; 0 when it is invalid.
static size_t fkr_utf8_step(const uint8_t *s, size_t n) {
	bool whole;
	unsigned len = fk_jutf8_part(s, n, &whole);
	return whole ? len : 0;
}

bool fkr_is_utf8(const char *s, size_t n) {
	const uint8_t *p = (const uint8_t *)s;
	for (size_t i = 0; i < n;) {
		size_t step = p[i] < 0x80 ? 1 : fkr_utf8_step(p + i, n - i);
		if (!step) return false;
		i += step;
	}
	return true;
}

static size_t fkr_escape(char *out, uint8_t c) {
	static const char hex[] = "0123456789abcdef";
	char short_form = c == '"' || c == '\\' ? (char)c
	                  : c == '\n'           ? 'n'
	                  : c == '\r'           ? 'r'
	                  : c == '\t'           ? 't'
	                                        : 0;
	out[0] = '\\';
	if (short_form) {
		out[1] = short_form;
		return 2;
	}
	memcpy(out + 1, "u00", 3);
	out[4] = hex[c >> 4];
	out[5] = hex[c & 15];
	return 6;
}

void fkr_add_string(struct fkr_text *t, const char *s, size_t n) {
	const uint8_t *p = (const uint8_t *)s;
	fkr_add_c(t, '"');
	for (size_t i = 0; i < n;) {
		// Reserved in chunks: at once it would be six times the size of a large payload.
		size_t end = n - i < FKR_ESCAPE_CHUNK ? n : i + FKR_ESCAPE_CHUNK;
		fkr_text_reserve(t, (end - i + 4) * FKR_ESCAPE_GROWTH);
		char *out = t->at + t->len;
		while (i < end) {
			uint8_t c = p[i];
			if (c < 0x80) {
				i++;
				if (c >= 0x20 && c != '"' && c != '\\')
					*out++ = (char)c;
				else
					out += fkr_escape(out, c);
				continue;
			}
			size_t step = fkr_utf8_step(p + i, n - i);
			memcpy(out, step ? (const char *)p + i : "\xef\xbf\xbd", step ? step : 3);
			out += step ? step : 3;
			i += step ? step : 1;
		}
		t->len = (size_t)(out - t->at);
	}
	fkr_add_c(t, '"');
}

void fkr_add_string_or_null(struct fkr_text *t, const char *s) {
	if (s)
		fkr_add_string(t, s, strlen(s));
	else
		fkr_add_s(t, "null");
}

void fkr_add_base64(struct fkr_text *t, const uint8_t *data, size_t n) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	fkr_text_reserve(t, (n + 2) / 3 * 4 + 2);
	char *out = t->at + t->len;
	*out++ = '"';
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t v = (uint32_t)data[i] << 16 | (left > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
		             (left > 2 ? data[i + 2] : 0);
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = left > 1 ? digits[v >> 6 & 63] : '=';
		*out++ = left > 2 ? digits[v & 63] : '=';
	}
	*out++ = '"';
	t->len = (size_t)(out - t->at);
}

void fkr_add_key(struct fkr_text *t, const char *name) {
	fkr_add_s(t, ",\"");
	fkr_add_s(t, name);
	fkr_add_s(t, "\":");
}

void fkr_add_member(struct fkr_text *t, const char *name, const char *value) {
	fkr_add_key(t, name);
	fkr_add_string_or_null(t, value);
}
