// SPDX-License-Identifier: Apache-2.0
// What the two files of the C table plugin share.
#pragma once
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin_api.h"

struct known {
	char *name;
	void *handle;
	ss_plugin_state_type type;
};

struct steps {
	int seen, limit;
	char *key;
};

struct session {
	const ss_plugin_init_input *in;
	FILE *out;
	ss_plugin_table_reader_vtable_ext *reader;
	ss_plugin_table_writer_vtable_ext *writer;
	ss_plugin_table_fields_vtable_ext *fields_api;
	void *table, *entry, *parent, *parent_entry, *watched;
	ss_plugin_state_type key_type, parent_key;
	struct known fields[64];
	int nfields;
	uint64_t steps, bad;
};

const ss_plugin_table_input *exported_table(void);
