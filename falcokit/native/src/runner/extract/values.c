// SPDX-License-Identifier: Apache-2.0
// Writes values as JSON, within limits that hold whatever length the plugin claims. Values of plugins
// may have any alignment.
#include "runner/extract/values.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	FKR_MAX_VALUES = 1 << 16,
	FKR_MAX_STRING = 1 << 24,
	FKR_MAX_ROW = 1 << 26,
};

static bool fkr_add_address(struct fkr_text *t, const char *at) {
	ss_plugin_byte_buffer buffer;
	char text[INET6_ADDRSTRLEN];
	memcpy(&buffer, at, sizeof buffer);
	bool known = buffer.ptr && (buffer.len == 4 || buffer.len == 16);
	if (known) inet_ntop(buffer.len == 4 ? AF_INET : AF_INET6, buffer.ptr, text, sizeof text);
	fkr_add_string_or_null(t, known ? text : NULL);
	return known;
}

static void fkr_add_text(struct fkr_text *t, const char *text, bool *objects) {
	size_t size = strnlen(text, FKR_MAX_STRING);
	if (!objects || fkr_is_utf8(text, size)) {
		fkr_add_string(t, text, size);
		return;
	}
	*objects = true;
	fkr_add_s(t, "{\"base64\":");
	fkr_add_base64(t, (const uint8_t *)text, size);
	fkr_add_c(t, '}');
}

static bool fkr_add_one(struct fkr_text *t, uint32_t type, const char *values, uint64_t i,
                        bool *objects) {
	const char *string;
	uint64_t number;
	ss_plugin_bool truth;
	switch (type) {
	case FTYPE_STRING:
		memcpy(&string, values + i * sizeof string, sizeof string);
		if (string)
			fkr_add_text(t, string, objects);
		else
			fkr_add_s(t, "null");
		return true;
	case FTYPE_BOOL:
		memcpy(&truth, values + i * sizeof truth, sizeof truth);
		fkr_add_s(t, truth ? "true" : "false");
		return true;
	case FTYPE_IPADDR:
	case FTYPE_IPNET: return fkr_add_address(t, values + i * sizeof(ss_plugin_byte_buffer));
	default:
		memcpy(&number, values + i * sizeof number, sizeof number);
		fkr_add_u64(t, number);
		return true;
	}
}

static const char *fkr_add_list(struct fkr_text *t, uint32_t type, const char *values, uint64_t n,
                                bool *objects) {
	fkr_add_c(t, '[');
	for (uint64_t i = 0; i < n; i++) {
		if (i) fkr_add_c(t, ',');
		if (!fkr_add_one(t, type, values, i, objects))
			return "an address has neither 4 nor 16 bytes";
		if (t->len > FKR_MAX_ROW) return "the values of one event are above 64 MiB";
	}
	fkr_add_c(t, ']');
	return NULL;
}

bool fkr_add_value(struct fkr_text *t, const struct fkr_field *field,
                   const ss_plugin_extract_field *answer, bool *objects, const char **why) {
	const char *values = (const char *)answer->res.u64;
	size_t before = t->len;
	*why = NULL;
	if (!answer->res_len) {
		fkr_add_s(t, "null");
		return true;
	}
	if (!values)
		*why = "values were announced and there are none";
	else if (field->list && answer->res_len > FKR_MAX_VALUES)
		*why = "a list has more than 65536 values";
	else if (t->len > FKR_MAX_ROW)
		*why = "the values of one event are above 64 MiB";
	else if (field->list)
		*why = fkr_add_list(t, field->type, values, answer->res_len, objects);
	else if (!fkr_add_one(t, field->type, values, 0, objects))
		*why = "an address has neither 4 nor 16 bytes";
	if (!*why) return true;
	t->len = before;
	fkr_add_s(t, "null");
	return false;
}
