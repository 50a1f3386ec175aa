// SPDX-License-Identifier: Apache-2.0
// Two plugins about one table, for tests of hosts. Without READER: "keeper" exports the table "pair" of
// one entry, with the field "n" (u64) and the nested table "inner". With READER: "reader" uses that
// at init and logs, one line a step, what it was answered and what the owner said.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "plugin_api.h"

#define EXPORT __attribute__((visibility("default")))

static const ss_plugin_init_input *init_in;
static char error[256];

EXPORT const char *plugin_get_required_api_version(void) { return "3.5.0"; }
EXPORT const char *plugin_get_version(void) { return "0.1.0"; }
EXPORT const char *plugin_get_description(void) { return "One of a pair."; }
EXPORT const char *plugin_get_contact(void) { return "tests@example.com"; }
EXPORT const char *plugin_get_last_error(ss_plugin_t *s) {
	(void)s;
	return error;
}
EXPORT void plugin_destroy(ss_plugin_t *s) { (void)s; }
EXPORT ss_plugin_rc plugin_parse_event(ss_plugin_t *s, const ss_plugin_event_input *e,
                                       const ss_plugin_event_parse_input *in) {
	(void)s, (void)e, (void)in;
	return SS_PLUGIN_SUCCESS;
}
EXPORT uint16_t *plugin_get_parse_event_types(uint32_t *n, ss_plugin_t *s) {
	static uint16_t types[] = {402};
	(void)s;
	*n = 1;
	return types;
}

#ifndef READER
EXPORT const char *plugin_get_name(void) { return "keeper"; }

static uint64_t number = 7;
static char entry, field, nested_field;
static ss_plugin_table_input outer, inner;

static void *say(const char *text) {
	snprintf(error, sizeof error, "%s", text);
	return NULL;
}
static const ss_plugin_table_fieldinfo *list(ss_plugin_table_t *t, uint32_t *n) {
	static ss_plugin_table_fieldinfo fields[] = {{"n", SS_PLUGIN_ST_UINT64, 0},
	                                             {"inner", SS_PLUGIN_ST_TABLE, 1}};
	*n = t == &inner ? 1 : 2;
	return fields;
}
static ss_plugin_table_field_t *get(ss_plugin_table_t *t, const char *name,
                                    ss_plugin_state_type type) {
	if (!strcmp(name, "n") && type == SS_PLUGIN_ST_UINT64) return &field;
	if (t == &outer && !strcmp(name, "inner") && type == SS_PLUGIN_ST_TABLE) return &nested_field;
	return say("keeper knows no such field");
}
static ss_plugin_table_field_t *add(ss_plugin_table_t *t, const char *name,
                                    ss_plugin_state_type type) {
	(void)t, (void)name, (void)type;
	return say("keeper takes no fields");
}
static const char *name_of(ss_plugin_table_t *t) { return t == &inner ? "inner" : "pair"; }
static uint64_t size_of(ss_plugin_table_t *t) {
	(void)t;
	return 1;
}
static ss_plugin_table_entry_t *entry_of(ss_plugin_table_t *t, const ss_plugin_state_data *key) {
	(void)t;
	return key->s64 == 1 ? &entry : say("keeper has no such entry");
}
static ss_plugin_rc read_it(ss_plugin_table_t *t, ss_plugin_table_entry_t *e,
                            const ss_plugin_table_field_t *f, ss_plugin_state_data *out) {
	(void)e;
	if (f == &nested_field)
		out->table = &inner;
	else
		out->u64 = t == &inner ? number * 10 : number;
	return SS_PLUGIN_SUCCESS;
}
static void release(ss_plugin_table_t *t, ss_plugin_table_entry_t *e) { (void)t, (void)e; }
static ss_plugin_bool iterate(ss_plugin_table_t *t, ss_plugin_table_iterator_func_t it,
                              ss_plugin_table_iterator_state_t *s) {
	(void)t;
	return it(s, &entry);
}
static ss_plugin_rc clear(ss_plugin_table_t *t) {
	(void)t;
	say("keeper keeps all");
	return SS_PLUGIN_FAILURE;
}
static ss_plugin_rc erase(ss_plugin_table_t *t, const ss_plugin_state_data *key) {
	(void)key;
	return clear(t);
}
static ss_plugin_table_entry_t *create(ss_plugin_table_t *t) {
	(void)t;
	return say("keeper has one entry");
}
static ss_plugin_table_entry_t *insert(ss_plugin_table_t *t, const ss_plugin_state_data *key,
                                       ss_plugin_table_entry_t *e) {
	(void)key, (void)e;
	return create(t);
}
static ss_plugin_rc write_it(ss_plugin_table_t *t, ss_plugin_table_entry_t *e,
                             const ss_plugin_table_field_t *f, const ss_plugin_state_data *in) {
	(void)t, (void)e, (void)f;
	number = in->u64;
	return SS_PLUGIN_SUCCESS;
}
static ss_plugin_table_reader_vtable_ext reader = {name_of, size_of, entry_of,
                                                   read_it, release, iterate};
static ss_plugin_table_writer_vtable_ext writer = {clear, erase, create, release, insert, write_it};
static ss_plugin_table_fields_vtable_ext fields = {list, get, add};

static void fill(ss_plugin_table_input *in, const char *name) {
	*in = (ss_plugin_table_input){.name = name, .key_type = SS_PLUGIN_ST_INT64, .table = in};
	memcpy(&in->reader, &reader, sizeof in->reader);
	in->writer = writer;
	in->fields = fields;
	in->reader_ext = &reader;
	in->writer_ext = &writer;
	in->fields_ext = &fields;
}

EXPORT ss_plugin_t *plugin_init(const ss_plugin_init_input *in, ss_plugin_rc *rc) {
	init_in = in;
	fill(&outer, "pair");
	fill(&inner, "inner");
	*rc = in->tables->add_table(in->owner, &outer);
	if (*rc != SS_PLUGIN_SUCCESS) say(in->get_owner_last_error(in->owner));
	// Once more: a name can be used once.
	if (in->tables->add_table(in->owner, &outer) == SS_PLUGIN_SUCCESS) *rc = SS_PLUGIN_FAILURE;
	return &outer;
}
#else
EXPORT const char *plugin_get_name(void) { return "reader"; }

static void told(const char *step, uint64_t answer, int failed) {
	char text[512];
	const char *why = failed ? init_in->get_owner_last_error(init_in->owner) : NULL; // may be NULL
	snprintf(text, sizeof text, "pair: %s %llu%s%s", step, (unsigned long long)answer,
	         failed ? " failed" : "", why && *why ? ", and why" : "");
	init_in->log_fn(init_in->owner, NULL, text, SS_PLUGIN_LOG_SEV_INFO);
}

static ss_plugin_bool count(ss_plugin_table_iterator_state_t *s, ss_plugin_table_entry_t *e) {
	(void)e;
	++*(uint64_t *)s;
	return 0;
}

static void use(const ss_plugin_init_tables_input *tables) {
	ss_plugin_table_reader_vtable_ext *r = tables->reader_ext;
	ss_plugin_table_writer_vtable_ext *w = tables->writer_ext;
	ss_plugin_state_data key = {.s64 = 1}, out = {0}, in = {.u64 = 8};
	uint32_t n;
	uint64_t seen = 0;
	int listed = 0;
	ss_plugin_table_info *infos = tables->list_tables(init_in->owner, &n);
	for (uint32_t i = 0; i < n; i++) listed |= !strcmp(infos[i].name, "pair");
	told("listed", listed, 0);
	told("absent", 0, !tables->get_table(init_in->owner, "none", SS_PLUGIN_ST_INT64));
	told("wrong key", 0, !tables->get_table(init_in->owner, "pair", SS_PLUGIN_ST_STRING));
	ss_plugin_table_t *t = tables->get_table(init_in->owner, "pair", SS_PLUGIN_ST_INT64);
	if (!t) return told("get", 0, 1);
	tables->fields.list_table_fields(t, &n);
	told("fields", n, 0);
	ss_plugin_table_field_t *f = tables->fields.get_table_field(t, "n", SS_PLUGIN_ST_UINT64);
	ss_plugin_table_field_t *nested =
		tables->fields_ext->get_table_field(t, "inner", SS_PLUGIN_ST_TABLE);
	told("no field", 0, !tables->fields.get_table_field(t, "m", SS_PLUGIN_ST_UINT64));
	told("add field", 0, !tables->fields.add_table_field(t, "m", SS_PLUGIN_ST_UINT64));
	ss_plugin_table_entry_t *e = r->get_table_entry(t, &key);
	told("read", (r->read_entry_field(t, e, f, &out), out.u64), 0);
	told("write", w->write_entry_field(t, e, f, &in), 0);
	r->read_entry_field(t, e, nested, &out);
	ss_plugin_table_t *sub = out.table;
	ss_plugin_table_field_t *sf = tables->fields.get_table_field(sub, "n", SS_PLUGIN_ST_UINT64);
	ss_plugin_table_entry_t *se = r->get_table_entry(sub, &key);
	told("nested", (r->read_entry_field(sub, se, sf, &out), out.u64), 0);
	told("nested key", ((ss_plugin_table_input *)sub)->key_type, 0);
	r->release_table_entry(sub, se);
	r->release_table_entry(t, e);
	key.s64 = 2;
	told("no entry", 0, !r->get_table_entry(t, &key));
	told("clear", 0, w->clear_table(t) != SS_PLUGIN_SUCCESS);
	told("finished", r->iterate_entries(t, count, &seen), 0);
	told("iterated", seen, 0);
	told("size", r->get_table_size(t), 0);
}

EXPORT ss_plugin_t *plugin_init(const ss_plugin_init_input *in, ss_plugin_rc *rc) {
	init_in = in;
	use(in->tables);
	*rc = SS_PLUGIN_SUCCESS;
	return error;
}
#endif
