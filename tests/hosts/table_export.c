// SPDX-License-Identifier: Apache-2.0
// The table that table_plugin.c exports: "ctable", key u64 below 64, fields `value` (u64) and `text`
// (str). As plain as a C author would write it: an array, no locks. The baseline of bench/tables.py.
#include "table_plugin.h"

enum {
	KEYS = 64
};
struct entry {
	uint64_t value;
	char text[64];
	int used;
};
static struct entry entries[KEYS];
static struct entry *detached;
static int value_field, text_field;

static const ss_plugin_table_fieldinfo infos[] = {{"value", SS_PLUGIN_ST_UINT64, 0},
                                                  {"text", SS_PLUGIN_ST_STRING, 0}};

static const ss_plugin_table_fieldinfo *list_fields(ss_plugin_table_t *t, uint32_t *n) {
	(void)t;
	*n = 2;
	return infos;
}

static ss_plugin_table_field_t *field(ss_plugin_table_t *t, const char *name,
                                      ss_plugin_state_type type) {
	(void)t;
	if (strcmp(name, "value") == 0 && type == SS_PLUGIN_ST_UINT64) return &value_field;
	return strcmp(name, "text") == 0 && type == SS_PLUGIN_ST_STRING ? &text_field : NULL;
}

static const char *name(ss_plugin_table_t *t) {
	(void)t;
	return "ctable";
}

static uint64_t size(ss_plugin_table_t *t) {
	uint64_t n = 0;
	(void)t;
	for (int i = 0; i < KEYS; i++) n += (uint64_t)entries[i].used;
	return n;
}

static ss_plugin_table_entry_t *get(ss_plugin_table_t *t, const ss_plugin_state_data *key) {
	(void)t;
	return key->u64 < KEYS && entries[key->u64].used ? &entries[key->u64] : NULL;
}

static ss_plugin_rc read_field(ss_plugin_table_t *t, ss_plugin_table_entry_t *e,
                               const ss_plugin_table_field_t *f, ss_plugin_state_data *out) {
	struct entry *entry = e;
	(void)t;
	if (f == &value_field)
		out->u64 = entry->value;
	else
		out->str = entry->text;
	return SS_PLUGIN_SUCCESS;
}

static ss_plugin_rc write_field(ss_plugin_table_t *t, ss_plugin_table_entry_t *e,
                                const ss_plugin_table_field_t *f, const ss_plugin_state_data *in) {
	struct entry *entry = e;
	(void)t;
	if (f == &value_field)
		entry->value = in->u64;
	else
		snprintf(entry->text, sizeof entry->text, "%s", in->str);
	return SS_PLUGIN_SUCCESS;
}

static void release(ss_plugin_table_t *t, ss_plugin_table_entry_t *e) { (void)t, (void)e; }

static ss_plugin_bool iterate(ss_plugin_table_t *t, ss_plugin_table_iterator_func_t step,
                              ss_plugin_table_iterator_state_t *state) {
	(void)t;
	for (int i = 0; i < KEYS; i++)
		if (entries[i].used && !step(state, &entries[i])) return 0;
	return 1;
}

static ss_plugin_rc clear(ss_plugin_table_t *t) {
	(void)t;
	memset(entries, 0, sizeof entries);
	return SS_PLUGIN_SUCCESS;
}

static ss_plugin_rc erase(ss_plugin_table_t *t, const ss_plugin_state_data *key) {
	struct entry *e = get(t, key);
	if (!e) return SS_PLUGIN_FAILURE;
	e->used = 0;
	return SS_PLUGIN_SUCCESS;
}

static ss_plugin_table_entry_t *create(ss_plugin_table_t *t) {
	(void)t;
	return detached = calloc(1, sizeof *detached);
}

static void destroy(ss_plugin_table_t *t, ss_plugin_table_entry_t *e) {
	(void)t;
	free(e);
}

static ss_plugin_table_entry_t *add(ss_plugin_table_t *t, const ss_plugin_state_data *key,
                                    ss_plugin_table_entry_t *e) {
	(void)t;
	if (key->u64 >= KEYS) return NULL;
	entries[key->u64] = *(struct entry *)e;
	entries[key->u64].used = 1;
	free(e);
	return &entries[key->u64];
}

const ss_plugin_table_input *exported_table(void) {
	static ss_plugin_table_fields_vtable_ext fields = {list_fields, field, field};
	static ss_plugin_table_reader_vtable_ext reader = {name,       size,    get,
	                                                   read_field, release, iterate};
	static ss_plugin_table_writer_vtable_ext writer = {clear,   erase, create,
	                                                   destroy, add,   write_field};
	static ss_plugin_table_input input;
	static int table;
	input = (ss_plugin_table_input){.name = "ctable",
	                                .key_type = SS_PLUGIN_ST_UINT64,
	                                .table = &table,
	                                .reader = {name, size, get, read_field},
	                                .writer = writer,
	                                .fields = fields,
	                                .reader_ext = &reader,
	                                .writer_ext = &writer,
	                                .fields_ext = &fields};
	return &input;
}
