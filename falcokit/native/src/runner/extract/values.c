// SPDX-License-Identifier: Apache-2.0
// Values as JSON, bounded whatever length the plugin claims. Plugins leave values at any alignment.
#include "runner/extract/values.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	FK_MAX_VALUES = 1 << 16,
	FK_MAX_STRING = 1 << 24,
	FK_MAX_ROW = 1 << 26,
};

static bool fk_add_address(struct fk_text *t, const char *at) {
	ss_plugin_byte_buffer buffer;
	char text[INET6_ADDRSTRLEN];
	memcpy(&buffer, at, sizeof buffer);
	bool known = buffer.ptr && (buffer.len == 4 || buffer.len == 16);
	if (known) inet_ntop(buffer.len == 4 ? AF_INET : AF_INET6, buffer.ptr, text, sizeof text);
	fk_add_string_or_null(t, known ? text : NULL);
	return known;
}

static bool fk_add_one(struct fk_text *t, uint32_t type, const char *values, uint64_t i) {
	const char *string;
	uint64_t number;
	ss_plugin_bool truth;
	switch (type) {
	case FTYPE_STRING:
		memcpy(&string, values + i * sizeof string, sizeof string);
		if (string)
			fk_add_string(t, string, strnlen(string, FK_MAX_STRING));
		else
			fk_add_s(t, "null");
		return true;
	case FTYPE_BOOL:
		memcpy(&truth, values + i * sizeof truth, sizeof truth);
		fk_add_s(t, truth ? "true" : "false");
		return true;
	case FTYPE_IPADDR:
	case FTYPE_IPNET: return fk_add_address(t, values + i * sizeof(ss_plugin_byte_buffer));
	default:
		memcpy(&number, values + i * sizeof number, sizeof number);
		fk_add_u64(t, number);
		return true;
	}
}

static const char *fk_add_list(struct fk_text *t, uint32_t type, const char *values, uint64_t n) {
	fk_add_c(t, '[');
	for (uint64_t i = 0; i < n; i++) {
		if (i) fk_add_c(t, ',');
		if (!fk_add_one(t, type, values, i)) return "an address has neither 4 nor 16 bytes";
		if (t->len > FK_MAX_ROW) return "the values of one event are above 64 MiB";
	}
	fk_add_c(t, ']');
	return NULL;
}

bool fk_add_value(struct fk_text *t, const struct fk_field *field,
                  const ss_plugin_extract_field *answer, const char **why) {
	const char *values = (const char *)answer->res.u64;
	size_t before = t->len;
	*why = NULL;
	if (!answer->res_len) {
		fk_add_s(t, "null");
		return true;
	}
	if (!values)
		*why = "values were announced and there are none";
	else if (field->list && answer->res_len > FK_MAX_VALUES)
		*why = "a list has more than 65536 values";
	else if (t->len > FK_MAX_ROW)
		*why = "the values of one event are above 64 MiB";
	else if (field->list)
		*why = fk_add_list(t, field->type, values, answer->res_len);
	else if (!fk_add_one(t, field->type, values, 0))
		*why = "an address has neither 4 nor 16 bytes";
	if (!*why) return true;
	t->len = before;
	fk_add_s(t, "null");
	return false;
}
