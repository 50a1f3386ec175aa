// SPDX-License-Identifier: Apache-2.0
// Owns reading the JSON that plugins return: fields, schemas, and lists of names.
// No state, no threads.
#pragma once

#include <stdbool.h>

#include "runner/report/text.h"

struct fkr_names {
	char **at;
	unsigned count;
};

// Appends the one JSON value in `text` to `out` without white space; false when it is not JSON.
bool fkr_json_compact(const char *text, struct fkr_text *out);

// Reads an array of strings; NULL and "" are an empty list. Empty and repeated names are skipped, as
// in the framework. False when it is not an array of strings.
bool fkr_json_names(const char *text, struct fkr_names *out);

bool fkr_names_add(struct fkr_names *names, const char *name); // false: it was there already
bool fkr_names_have(const struct fkr_names *names, const char *name);
void fkr_names_free(struct fkr_names *names);
