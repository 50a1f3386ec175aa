// SPDX-License-Identifier: Apache-2.0
// Looks fields up by name and checks their arguments by the framework's rules. The JSON was
// validated and compacted when the plugin was loaded, so this code does not check it again.
#include "runner/extract/fields.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/report/report.h"

static const struct {
	const char *name;
	ss_plugin_field_type type;
} fkr_types[] = {{"uint64", FTYPE_UINT64},   {"string", FTYPE_STRING}, {"reltime", FTYPE_RELTIME},
                 {"abstime", FTYPE_ABSTIME}, {"bool", FTYPE_BOOL},     {"ipaddr", FTYPE_IPADDR},
                 {"ipnet", FTYPE_IPNET}};

static const char *fkr_skip(const char *p) {
	int depth = 0;
	do {
		if (*p == '"') {
			for (p++; *p != '"'; p++) p += *p == '\\';
		} else if (*p == '[' || *p == '{') {
			depth++;
		} else if (*p == ']' || *p == '}') {
			depth--;
		} else if (!depth) { // a number or a word
			while (p[1] != ',' && p[1] != ']' && p[1] != '}') p++;
		}
		p++;
	} while (depth);
	return p;
}

static bool fkr_is(const char *string, const char *text, size_t n) {
	return *string == '"' && strncmp(string + 1, text, n) == 0 && string[n + 1] == '"';
}

// The value of the member `name` of the object at `p`; NULL when there is none.
static const char *fkr_member(const char *p, const char *name) {
	const char *found = NULL;
	if (*p != '{') return NULL;
	for (p++; *p == '"'; p += *p == ',') {
		const char *value = fkr_skip(p) + 1;
		if (fkr_is(p, name, strlen(name))) found = value;
		p = fkr_skip(value);
	}
	return found;
}

static bool fkr_true(const char *object, const char *name) {
	const char *value = object ? fkr_member(object, name) : NULL;
	return value && *value == 't';
}

__attribute__((format(printf, 2, 3))) static bool fkr_wrong(const struct fkr_guest *guest,
                                                            const char *format, ...) {
	char why[512];
	va_list args;
	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	fkr_report_error("fields", guest->name, SS_PLUGIN_FAILURE, why);
	return false;
}

static bool fkr_number(const char *text, uint64_t *n) {
	char *end;
	if (strspn(text, "0123456789") != strlen(text) || (text[0] == '0' && text[1])) return false;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (errno) return false;
	*n = v;
	return true;
}

static bool fkr_check_argument(const struct fkr_guest *guest, struct fkr_field *field,
                               const char *object) {
	const char *arg = fkr_member(object, "arg");
	bool index = fkr_true(arg, "isIndex"), key = fkr_true(arg, "isKey");
	field->index = UINT64_MAX;
	field->key = key;
	if (!field->argument) {
		if (!fkr_true(arg, "isRequired")) return true;
		return fkr_wrong(guest, "the field %.100s needs an argument, as in %.100s[%s]", field->name,
		                 field->name, key ? "key" : "0");
	}
	if (!index && !key) return fkr_wrong(guest, "the field %.100s takes no argument", field->name);
	if (!field->argument[0])
		return fkr_wrong(guest, "the argument of %.100s is empty", field->name);
	if (index && !fkr_number(field->argument, &field->index) && !key)
		return fkr_wrong(guest,
		                 "the field %.100s takes a number (decimal, without leading zeros), not "
		                 "'%.100s'",
		                 field->name, field->argument);
	return true;
}

static bool fkr_fill(const struct fkr_guest *guest, struct fkr_field *field, const char *object) {
	const char *type = fkr_member(object, "type");
	field->list = fkr_true(object, "isList");
	for (unsigned i = 0; type && i < sizeof fkr_types / sizeof *fkr_types; i++)
		if (fkr_is(type, fkr_types[i].name, strlen(fkr_types[i].name)))
			field->type = fkr_types[i].type;
	if (!field->type) return fkr_wrong(guest, "the field %.100s has no known type", field->name);
	return fkr_check_argument(guest, field, object);
}

static char *fkr_copy(const char *text, size_t n) {
	char *copy = fkr_must_alloc(NULL, n + 1);
	memcpy(copy, text, n);
	copy[n] = 0;
	return copy;
}

static struct fkr_field *fkr_append(struct fkr_fields *out, const char *asked, size_t n) {
	const char *bracket = memchr(asked, '[', n);
	out->at = fkr_must_alloc(out->at, (out->count + 1) * sizeof *out->at);
	struct fkr_field *field = &out->at[out->count++];
	*field = (struct fkr_field){.asked = fkr_copy(asked, n)};
	field->name = fkr_copy(asked, bracket ? (size_t)(bracket - asked) : n);
	if (bracket) field->argument = fkr_copy(bracket + 1, (size_t)(asked + n - 1 - (bracket + 1)));
	return field;
}

static bool fkr_find(const struct fkr_guest *guest, struct fkr_field *field) {
	const char *p = guest->fields.at + 1;
	for (; *p != ']'; p = fkr_skip(p), p += *p == ',', field->id++) {
		const char *name = fkr_member(p, "name");
		if (name && fkr_is(name, field->name, strlen(field->name)))
			return fkr_fill(guest, field, p);
	}
	return fkr_wrong(guest, "the plugin has no field %.200s", field->name);
}

bool fkr_fields_without_argument(const struct fkr_guest *guest, struct fkr_fields *out) {
	uint32_t id = 0;
	*out = (struct fkr_fields){0};
	for (const char *p = guest->fields.at + 1; *p != ']'; p = fkr_skip(p), p += *p == ',', id++) {
		const char *name = fkr_member(p, "name");
		if (!name || *name != '"') return fkr_wrong(guest, "a field has no name");
		if (fkr_true(fkr_member(p, "arg"), "isRequired")) continue;
		struct fkr_field *field = fkr_append(out, name + 1, (size_t)(fkr_skip(name) - name) - 2);
		field->id = id;
		if (!fkr_fill(guest, field, p)) return false;
	}
	return true;
}

// The length of the first name; a comma inside the brackets belongs to the argument.
static size_t fkr_name_length(const char *p) {
	size_t n = strcspn(p, ",[");
	if (p[n] != '[') return n;
	for (n++; p[n]; n++)
		if (p[n] == ']' && (!p[n + 1] || p[n + 1] == ',')) return n + 1;
	return 0;
}

bool fkr_fields_select(const struct fkr_guest *guest, const char *wanted, struct fkr_fields *out) {
	*out = (struct fkr_fields){0};
	if (!(guest->caps & FKR_CAP_EXTRACT))
		return fkr_wrong(guest,
		                 "the plugin extracts no fields: it exports no plugin_extract_fields");
	if (!strcmp(wanted, "*"))
		return fkr_fields_without_argument(guest, out) &&
		       (out->count || fkr_wrong(guest, "every field needs an argument: name the fields"));
	for (const char *p = wanted;; p++) {
		size_t n = fkr_name_length(p);
		if (!n) return fkr_wrong(guest, "'%.200s' is no field name", p);
		if (!fkr_find(guest, fkr_append(out, p, n))) return false;
		p += n;
		if (!*p) return true;
	}
}

void fkr_fields_free(struct fkr_fields *fields) {
	for (unsigned i = 0; i < fields->count; i++) {
		free(fields->at[i].asked);
		free(fields->at[i].name);
		free(fields->at[i].argument);
	}
	free(fields->at);
	*fields = (struct fkr_fields){0};
}
