// SPDX-License-Identifier: Apache-2.0
// Looks fields up by name and checks their arguments by the framework's rules. The JSON was checked
// when the plugin was loaded, and it is compact: a walk over it needs to check nothing again.
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
} fk_types[] = {{"uint64", FTYPE_UINT64},   {"string", FTYPE_STRING}, {"reltime", FTYPE_RELTIME},
                {"abstime", FTYPE_ABSTIME}, {"bool", FTYPE_BOOL},     {"ipaddr", FTYPE_IPADDR},
                {"ipnet", FTYPE_IPNET}};

static const char *fk_skip(const char *p) {
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

static bool fk_is(const char *string, const char *text, size_t n) {
	return *string == '"' && strncmp(string + 1, text, n) == 0 && string[n + 1] == '"';
}

// The value of the member `name` of the object at `p`; NULL when there is none.
static const char *fk_member(const char *p, const char *name) {
	const char *found = NULL;
	if (*p != '{') return NULL;
	for (p++; *p == '"'; p += *p == ',') {
		const char *value = fk_skip(p) + 1;
		if (fk_is(p, name, strlen(name))) found = value;
		p = fk_skip(value);
	}
	return found;
}

static bool fk_true(const char *object, const char *name) {
	const char *value = object ? fk_member(object, name) : NULL;
	return value && *value == 't';
}

__attribute__((format(printf, 2, 3))) static bool fk_wrong(const struct fk_guest *guest,
                                                           const char *format, ...) {
	char why[512];
	va_list args;
	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	fk_report_error("fields", guest->name, SS_PLUGIN_FAILURE, why);
	return false;
}

static bool fk_number(const char *text, uint64_t *n) {
	char *end;
	if (strspn(text, "0123456789") != strlen(text) || (text[0] == '0' && text[1])) return false;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (errno) return false;
	*n = v;
	return true;
}

static bool fk_check_argument(const struct fk_guest *guest, struct fk_field *field,
                              const char *object) {
	const char *arg = fk_member(object, "arg");
	bool index = fk_true(arg, "isIndex"), key = fk_true(arg, "isKey");
	field->index = UINT64_MAX;
	field->key = key;
	if (!field->argument) {
		if (!fk_true(arg, "isRequired")) return true;
		return fk_wrong(guest, "the field %.100s needs an argument, as in %.100s[%s]", field->name,
		                field->name, key ? "key" : "0");
	}
	if (!index && !key) return fk_wrong(guest, "the field %.100s takes no argument", field->name);
	if (!field->argument[0]) return fk_wrong(guest, "the argument of %.100s is empty", field->name);
	if (index && !fk_number(field->argument, &field->index) && !key)
		return fk_wrong(guest,
		                "the field %.100s takes a number (decimal, without leading zeros), not "
		                "'%.100s'",
		                field->name, field->argument);
	return true;
}

static bool fk_fill(const struct fk_guest *guest, struct fk_field *field, const char *object) {
	const char *type = fk_member(object, "type");
	field->list = fk_true(object, "isList");
	for (unsigned i = 0; type && i < sizeof fk_types / sizeof *fk_types; i++)
		if (fk_is(type, fk_types[i].name, strlen(fk_types[i].name))) field->type = fk_types[i].type;
	if (!field->type) return fk_wrong(guest, "the field %.100s has no known type", field->name);
	return fk_check_argument(guest, field, object);
}

static char *fk_copy(const char *text, size_t n) {
	char *copy = fk_must_alloc(NULL, n + 1);
	memcpy(copy, text, n);
	copy[n] = 0;
	return copy;
}

static struct fk_field *fk_append(struct fk_fields *out, const char *asked, size_t n) {
	const char *bracket = memchr(asked, '[', n);
	out->at = fk_must_alloc(out->at, (out->count + 1) * sizeof *out->at);
	struct fk_field *field = &out->at[out->count++];
	*field = (struct fk_field){.asked = fk_copy(asked, n)};
	field->name = fk_copy(asked, bracket ? (size_t)(bracket - asked) : n);
	if (bracket) field->argument = fk_copy(bracket + 1, (size_t)(asked + n - 1 - (bracket + 1)));
	return field;
}

static bool fk_find(const struct fk_guest *guest, struct fk_field *field) {
	const char *p = guest->fields.at + 1;
	for (; *p != ']'; p = fk_skip(p), p += *p == ',', field->id++) {
		const char *name = fk_member(p, "name");
		if (name && fk_is(name, field->name, strlen(field->name))) return fk_fill(guest, field, p);
	}
	return fk_wrong(guest, "the plugin has no field %.200s", field->name);
}

bool fk_fields_without_argument(const struct fk_guest *guest, struct fk_fields *out) {
	uint32_t id = 0;
	*out = (struct fk_fields){0};
	for (const char *p = guest->fields.at + 1; *p != ']'; p = fk_skip(p), p += *p == ',', id++) {
		const char *name = fk_member(p, "name");
		if (!name || *name != '"') return fk_wrong(guest, "a field has no name");
		if (fk_true(fk_member(p, "arg"), "isRequired")) continue;
		struct fk_field *field = fk_append(out, name + 1, (size_t)(fk_skip(name) - name) - 2);
		field->id = id;
		if (!fk_fill(guest, field, p)) return false;
	}
	return true;
}

// The end of the first name: a comma inside of brackets belongs to the argument.
static size_t fk_name_length(const char *p) {
	size_t n = strcspn(p, ",[");
	if (p[n] != '[') return n;
	for (n++; p[n]; n++)
		if (p[n] == ']' && (!p[n + 1] || p[n + 1] == ',')) return n + 1;
	return 0;
}

bool fk_fields_select(const struct fk_guest *guest, const char *wanted, struct fk_fields *out) {
	*out = (struct fk_fields){0};
	if (!(guest->caps & FK_CAP_EXTRACT))
		return fk_wrong(guest,
		                "the plugin extracts no fields: it exports no plugin_extract_fields");
	if (!strcmp(wanted, "*"))
		return fk_fields_without_argument(guest, out) &&
		       (out->count || fk_wrong(guest, "every field needs an argument: name the fields"));
	for (const char *p = wanted;; p++) {
		size_t n = fk_name_length(p);
		if (!n) return fk_wrong(guest, "'%.200s' is no field name", p);
		if (!fk_find(guest, fk_append(out, p, n))) return false;
		p += n;
		if (!*p) return true;
	}
}

void fk_fields_free(struct fk_fields *fields) {
	for (unsigned i = 0; i < fields->count; i++) {
		free(fields->at[i].asked);
		free(fields->at[i].name);
		free(fields->at[i].argument);
	}
	free(fields->at);
	*fields = (struct fk_fields){0};
}
