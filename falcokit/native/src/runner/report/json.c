// SPDX-License-Identifier: Apache-2.0
// A small JSON reader: checks a value and copies it compactly. No state; any thread.
#include "runner/report/json.h"

#include <stdlib.h>
#include <string.h>

enum {
	FK_JSON_DEPTH = 64
};

static const char *fk_space(const char *p) { return p + strspn(p, " \t\r\n"); }

static const char *fk_hex4(const char *p) {
	return strspn(p, "0123456789abcdefABCDEF") >= 4 ? p + 4 : NULL;
}

// Each reader returns the place after what it read, or NULL.
static const char *fk_string(const char *p, struct fk_text *out) {
	const char *start = p;
	if (*p++ != '"') return NULL;
	for (; *p != '"'; p++) {
		if ((unsigned char)*p < 0x20) return NULL;
		if (*p != '\\') continue;
		p++;
		if (*p == 'u') {
			p = fk_hex4(p + 1);
			if (!p) return NULL;
			p--;
		} else if (!*p || !strchr("\"\\/bfnrt", *p)) {
			return NULL;
		}
	}
	p++;
	if (!fk_is_utf8(start, (size_t)(p - start))) return NULL;
	fk_add(out, start, (size_t)(p - start));
	return p;
}

static const char *fk_digits(const char *p) {
	size_t n = strspn(p, "0123456789");
	return n ? p + n : NULL;
}

static const char *fk_number(const char *p, struct fk_text *out) {
	const char *start = p;
	if (*p == '-') p++;
	p = *p == '0' ? p + 1 : fk_digits(p);
	if (p && *p == '.') p = fk_digits(p + 1);
	if (p && (*p == 'e' || *p == 'E')) {
		p++;
		p = fk_digits(*p == '+' || *p == '-' ? p + 1 : p);
	}
	if (p) fk_add(out, start, (size_t)(p - start));
	return p;
}

static const char *fk_word(const char *p, const char *word, struct fk_text *out) {
	size_t n = strlen(word);
	if (strncmp(p, word, n) != 0) return NULL;
	fk_add(out, word, n);
	return p + n;
}

static const char *fk_value(const char *p, struct fk_text *out, int depth);

static const char *fk_container(const char *p, struct fk_text *out, int depth) {
	char open = *p, close = open == '{' ? '}' : ']';
	if (depth >= FK_JSON_DEPTH) return NULL;
	fk_add_c(out, open);
	p = fk_space(p + 1);
	if (*p == close) {
		fk_add_c(out, close);
		return p + 1;
	}
	for (;;) {
		if (open == '{') {
			p = fk_string(p, out);
			if (!p || *(p = fk_space(p)) != ':') return NULL;
			fk_add_c(out, ':');
			p = fk_space(p + 1);
		}
		p = fk_value(p, out, depth + 1);
		if (!p) return NULL;
		p = fk_space(p);
		fk_add_c(out, *p == ',' ? ',' : close);
		if (*p == close) return p + 1;
		if (*p != ',') return NULL;
		p = fk_space(p + 1);
	}
}

static const char *fk_value(const char *p, struct fk_text *out, int depth) {
	switch (*p) {
	case '{':
	case '[': return fk_container(p, out, depth);
	case '"': return fk_string(p, out);
	case 't': return fk_word(p, "true", out);
	case 'f': return fk_word(p, "false", out);
	case 'n': return fk_word(p, "null", out);
	default: return fk_number(p, out);
	}
}

bool fk_json_compact(const char *text, struct fk_text *out) {
	size_t before = out->len;
	const char *end = fk_value(fk_space(text), out, 0);
	if (end && !*fk_space(end)) return true;
	out->len = before;
	return false;
}

static void fk_add_code_point(struct fk_text *t, uint32_t c) {
	if (c < 0x80) {
		fk_add_c(t, (char)c);
	} else if (c < 0x800) {
		fk_add_c(t, (char)(0xc0 | c >> 6));
		fk_add_c(t, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		fk_add_c(t, (char)(0xe0 | c >> 12));
		fk_add_c(t, (char)(0x80 | (c >> 6 & 63)));
		fk_add_c(t, (char)(0x80 | (c & 63)));
	} else {
		fk_add_c(t, (char)(0xf0 | c >> 18));
		fk_add_c(t, (char)(0x80 | (c >> 12 & 63)));
		fk_add_c(t, (char)(0x80 | (c >> 6 & 63)));
		fk_add_c(t, (char)(0x80 | (c & 63)));
	}
}

static uint32_t fk_code_unit(const char *p) {
	char hex[5] = {p[0], p[1], p[2], p[3], 0};
	return (uint32_t)strtoul(hex, NULL, 16);
}

// `p` is at the quote of a checked string; appends what it means and returns the place after it.
static const char *fk_unquote(const char *p, struct fk_text *out) {
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	for (p++; *p != '"'; p++) {
		if (*p != '\\') {
			fk_add_c(out, *p);
		} else if (*++p != 'u') {
			fk_add_c(out, to[strchr(from, *p) - from]);
		} else {
			uint32_t c = fk_code_unit(p + 1);
			p += 4;
			if (c >= 0xd800 && c < 0xdc00 && p[1] == '\\' && p[2] == 'u') {
				c = 0x10000 + ((c - 0xd800) << 10) + ((fk_code_unit(p + 3) - 0xdc00) & 0x3ff);
				p += 6;
			}
			fk_add_code_point(out, c);
		}
	}
	return p + 1;
}

bool fk_json_names(const char *text, struct fk_names *out) {
	struct fk_text checked = {0}, name = {0};
	*out = (struct fk_names){0};
	if (!text || !*fk_space(text)) return true;
	bool ok = fk_json_compact(text, &checked) && checked.at[0] == '[';
	fk_add_c(&checked, 0);
	for (const char *p = checked.at + 1; ok && *p && *p != ']';) {
		if (*p != '"') {
			ok = false;
			break;
		}
		name.len = 0;
		p = fk_unquote(p, &name);
		fk_add_c(&name, 0);
		if (name.at[0]) fk_names_add(out, name.at);
		p += *p == ',';
	}
	fk_text_free(&checked);
	fk_text_free(&name);
	return ok;
}

bool fk_names_have(const struct fk_names *names, const char *name) {
	for (unsigned i = 0; i < names->count; i++)
		if (strcmp(names->at[i], name) == 0) return true;
	return false;
}

bool fk_names_add(struct fk_names *names, const char *name) {
	if (fk_names_have(names, name)) return false;
	names->at = fk_must_alloc(names->at, (names->count + 1) * sizeof *names->at);
	names->at[names->count++] = fk_must_copy(name);
	return true;
}

void fk_names_free(struct fk_names *names) {
	for (unsigned i = 0; i < names->count; i++) free(names->at[i]);
	free(names->at);
	*names = (struct fk_names){0};
}
