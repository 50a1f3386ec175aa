// SPDX-License-Identifier: Apache-2.0
// Reads JSON with the reader of declared fields (json/text.h), and checks more than that does: reports
// are JSON of one line, which others must be able to read. No state; any thread.
#include "runner/report/report.h"

#include <stdlib.h>
#include <string.h>

#include "json/text.h"

enum {
	FKR_JSON_DEPTH = 64
};

// Of compact JSON: no string has a control character, and few containers are open at once.
static bool fkr_fits_reports(const char *json, size_t len) {
	int depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < len && depth <= FKR_JSON_DEPTH; i++) {
		char c = json[i];
		if ((unsigned char)c < 0x20) return false;
		if (c == '"')
			in_string = !in_string;
		else if (in_string)
			i += c == '\\';
		else
			depth += (c == '{' || c == '[') - (c == '}' || c == ']');
	}
	return depth == 0;
}

bool fkr_json_compact(const char *text, struct fkr_text *out) {
	size_t len = strlen(text), end = 0;
	const uint8_t *in = (const uint8_t *)text;
	fkr_text_reserve(out, len + 1);
	char *to = out->at + out->len; // where JSON without spaces has room
	size_t n =
		fkr_is_utf8(text, len) ? fk_jserialize(in, len, 0, false, true, to, &end) : FK_JBROKEN;
	if (n == FK_JBROKEN || fk_jskip_space(in, len, end) != len || !fkr_fits_reports(to, n))
		return false;
	out->len += n;
	return true;
}

bool fkr_json_names(const char *text, struct fkr_names *out) {
	struct fkr_text checked = {0}, name = {0};
	*out = (struct fkr_names){0};
	if (!text || !text[strspn(text, " \t\r\n")]) return true;
	bool ok = fkr_json_compact(text, &checked) && checked.at[0] == '[';
	const uint8_t *in = (const uint8_t *)checked.at;
	for (size_t at = 1, end; ok && in[at] != ']'; at = end + (in[end] == ',')) {
		ok = in[at] == '"';
		if (!ok) break;
		end = fk_jstring_end(in, checked.len, at);
		fkr_text_reserve(&name, end - at);
		name.len = fk_jcopy_text(in + at + 1, end - at - 2, FK_JDECODE, name.at);
		name.at[name.len] = 0;
		if (name.len) fkr_names_add(out, name.at);
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
