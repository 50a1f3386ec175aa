// SPDX-License-Identifier: Apache-2.0
// A small JSON reader: validates a value and copies it without white space. No state; any thread.
#include "runner/report/json.h"

#include <stdlib.h>
#include <string.h>

enum {
	FKR_JSON_DEPTH = 64
};

static const char *fkr_space(const char *p) { return p + strspn(p, " \t\r\n"); }

static const char *fkr_hex4(const char *p) {
	return strspn(p, "0123456789abcdefABCDEF") >= 4 ? p + 4 : NULL;
}

// Each reader returns the place after what it read, or NULL.
static const char *fkr_string(const char *p, struct fkr_text *out) {
	const char *start = p;
	if (*p++ != '"') return NULL;
	for (; *p != '"'; p++) {
		if ((unsigned char)*p < 0x20) return NULL;
		if (*p != '\\') continue;
		p++;
		if (*p == 'u') {
			p = fkr_hex4(p + 1);
			if (!p) return NULL;
			p--;
		} else if (!*p || !strchr("\"\\/bfnrt", *p)) {
			return NULL;
		}
	}
	p++;
	if (!fkr_is_utf8(start, (size_t)(p - start))) return NULL;
	fkr_add(out, start, (size_t)(p - start));
	return p;
}

static const char *fkr_digits(const char *p) {
	size_t n = strspn(p, "0123456789");
	return n ? p + n : NULL;
}

static const char *fkr_number(const char *p, struct fkr_text *out) {
	const char *start = p;
	if (*p == '-') p++;
	p = *p == '0' ? p + 1 : fkr_digits(p);
	if (p && *p == '.') p = fkr_digits(p + 1);
	if (p && (*p == 'e' || *p == 'E')) {
		p++;
		p = fkr_digits(*p == '+' || *p == '-' ? p + 1 : p);
	}
	if (p) fkr_add(out, start, (size_t)(p - start));
	return p;
}

static const char *fkr_word(const char *p, const char *word, struct fkr_text *out) {
	size_t n = strlen(word);
	if (strncmp(p, word, n) != 0) return NULL;
	fkr_add(out, word, n);
	return p + n;
}

static const char *fkr_value(const char *p, struct fkr_text *out, int depth);

static const char *fkr_container(const char *p, struct fkr_text *out, int depth) {
	char open = *p, close = open == '{' ? '}' : ']';
	if (depth >= FKR_JSON_DEPTH) return NULL;
	fkr_add_c(out, open);
	p = fkr_space(p + 1);
	if (*p == close) {
		fkr_add_c(out, close);
		return p + 1;
	}
	for (;;) {
		if (open == '{') {
			p = fkr_string(p, out);
			if (!p || *(p = fkr_space(p)) != ':') return NULL;
			fkr_add_c(out, ':');
			p = fkr_space(p + 1);
		}
		p = fkr_value(p, out, depth + 1);
		if (!p) return NULL;
		p = fkr_space(p);
		fkr_add_c(out, *p == ',' ? ',' : close);
		if (*p == close) return p + 1;
		if (*p != ',') return NULL;
		p = fkr_space(p + 1);
	}
}

static const char *fkr_value(const char *p, struct fkr_text *out, int depth) {
	switch (*p) {
	case '{':
	case '[': return fkr_container(p, out, depth);
	case '"': return fkr_string(p, out);
	case 't': return fkr_word(p, "true", out);
	case 'f': return fkr_word(p, "false", out);
	case 'n': return fkr_word(p, "null", out);
	default: return fkr_number(p, out);
	}
}

bool fkr_json_compact(const char *text, struct fkr_text *out) {
	size_t before = out->len;
	const char *end = fkr_value(fkr_space(text), out, 0);
	if (end && !*fkr_space(end)) return true;
	out->len = before;
	return false;
}

static void fkr_add_code_point(struct fkr_text *t, uint32_t c) {
	if (c < 0x80) {
		fkr_add_c(t, (char)c);
	} else if (c < 0x800) {
		fkr_add_c(t, (char)(0xc0 | c >> 6));
		fkr_add_c(t, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		fkr_add_c(t, (char)(0xe0 | c >> 12));
		fkr_add_c(t, (char)(0x80 | (c >> 6 & 63)));
		fkr_add_c(t, (char)(0x80 | (c & 63)));
	} else {
		fkr_add_c(t, (char)(0xf0 | c >> 18));
		fkr_add_c(t, (char)(0x80 | (c >> 12 & 63)));
		fkr_add_c(t, (char)(0x80 | (c >> 6 & 63)));
		fkr_add_c(t, (char)(0x80 | (c & 63)));
	}
}

static uint32_t fkr_code_unit(const char *p) {
	char hex[5] = {p[0], p[1], p[2], p[3], 0};
	return (uint32_t)strtoul(hex, NULL, 16);
}

// `p` is at the quote of a checked string; appends what it means and returns the place after it.
static const char *fkr_unquote(const char *p, struct fkr_text *out) {
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	for (p++; *p != '"'; p++) {
		if (*p != '\\') {
			fkr_add_c(out, *p);
		} else if (*++p != 'u') {
			fkr_add_c(out, to[strchr(from, *p) - from]);
		} else {
			uint32_t c = fkr_code_unit(p + 1);
			p += 4;
			if (c >= 0xd800 && c < 0xdc00 && p[1] == '\\' && p[2] == 'u') {
				c = 0x10000 + ((c - 0xd800) << 10) + ((fkr_code_unit(p + 3) - 0xdc00) & 0x3ff);
				p += 6;
			}
			fkr_add_code_point(out, c);
		}
	}
	return p + 1;
}

bool fkr_json_names(const char *text, struct fkr_names *out) {
	struct fkr_text checked = {0}, name = {0};
	*out = (struct fkr_names){0};
	if (!text || !*fkr_space(text)) return true;
	bool ok = fkr_json_compact(text, &checked) && checked.at[0] == '[';
	fkr_add_c(&checked, 0);
	for (const char *p = checked.at + 1; ok && *p && *p != ']';) {
		if (*p != '"') {
			ok = false;
			break;
		}
		name.len = 0;
		p = fkr_unquote(p, &name);
		fkr_add_c(&name, 0);
		if (name.at[0]) fkr_names_add(out, name.at);
		p += *p == ',';
	}
	fkr_text_free(&checked);
	fkr_text_free(&name);
	return ok;
}

bool fkr_names_have(const struct fkr_names *names, const char *name) {
	for (unsigned i = 0; i < names->count; i++)
		if (strcmp(names->at[i], name) == 0) return true;
	return false;
}

bool fkr_names_add(struct fkr_names *names, const char *name) {
	if (fkr_names_have(names, name)) return false;
	names->at = fkr_must_alloc(names->at, (names->count + 1) * sizeof *names->at);
	names->at[names->count++] = fkr_must_copy(name);
	return true;
}

void fkr_names_free(struct fkr_names *names) {
	for (unsigned i = 0; i < names->count; i++) free(names->at[i]);
	free(names->at);
	*names = (struct fkr_names){0};
}
