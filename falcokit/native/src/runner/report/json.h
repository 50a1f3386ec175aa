// SPDX-License-Identifier: Apache-2.0
// Owns reading the JSON that plugins hand out: fields, schemas, and lists of names.
// No state, no threads.
#pragma once

#include <stdbool.h>

#include "runner/report/text.h"

struct fk_names {
	char **at;
	unsigned count;
};

// Appends the one JSON value in `text` to `out` without white space; false when it is not JSON.
bool fk_json_compact(const char *text, struct fk_text *out);

// Reads an array of strings; NULL and "" are an empty list. Empty and repeated names are left out,
// as the framework does. False when it is something else.
bool fk_json_names(const char *text, struct fk_names *out);

bool fk_names_add(struct fk_names *names, const char *name); // false: it was there
bool fk_names_have(const struct fk_names *names, const char *name);
void fk_names_free(struct fk_names *names);
