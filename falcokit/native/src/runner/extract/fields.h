// SPDX-License-Identifier: Apache-2.0
// Owns the selection of fields: the names from the command line, looked up in the answer of
// plugin_get_fields. The engine's thread only.
#pragma once

#include "runner/host/host.h"

struct fkr_field {
	char *asked;    // as on the command line, with its argument
	char *name;     // without it
	char *argument; // NULL: none given
	bool key;       // the argument goes to the plugin as text
	uint64_t index; // UINT64_MAX unless the argument is an index that the field accepts
	uint32_t id, type;
	bool list;
};

struct fkr_fields {
	struct fkr_field *at;
	unsigned count;
};

// `wanted`: "x.a,x.b[3],x.c[some key]", or "*" for every field that needs no argument. False: reported.
bool fkr_fields_select(const struct fkr_guest *guest, const char *wanted, struct fkr_fields *out);
// The same as "*", but succeeds when there is no such field.
bool fkr_fields_without_argument(const struct fkr_guest *guest, struct fkr_fields *out);
void fkr_fields_free(struct fkr_fields *fields);
