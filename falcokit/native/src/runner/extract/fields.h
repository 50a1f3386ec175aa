// SPDX-License-Identifier: Apache-2.0
// Owns which fields are extracted: the names of the command line, looked up in what
// plugin_get_fields says. Engine's thread only.
#pragma once

#include "runner/host/guest.h"

struct fk_field {
	char *asked;    // as on the command line, with its argument
	char *name;     // without it
	char *argument; // NULL: none given
	bool key;       // the argument goes to the plugin as text
	uint64_t index; // all ones unless the argument is a number that the field takes
	uint32_t id, type;
	bool list;
};

struct fk_fields {
	struct fk_field *at;
	unsigned count;
};

// `wanted`: "x.a,x.b[3],x.c[some key]", or "*" for every field that needs no argument. False: reported.
bool fk_fields_select(const struct fk_guest *guest, const char *wanted, struct fk_fields *out);
// The same as "*", and none at all is fine.
bool fk_fields_without_argument(const struct fk_guest *guest, struct fk_fields *out);
void fk_fields_free(struct fk_fields *fields);
