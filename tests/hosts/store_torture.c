// SPDX-License-Identifier: Apache-2.0
// The storage of exported tables without Python and without a host, under a sanitizer: threads of the
// owner insert, overwrite, erase and clear while threads of the host read, write, iterate, add fields
// and walk nested tables through the vtable. `store_torture ROUNDS`; says what was seen on stdout and
// exits with 1 when a value was torn or a call with NULL succeeded.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables/store.h"

enum {
	KEYS = 64,
	OWNERS = 3,
	HOSTS = 3,
	TABLES = FK_X_CLOSED_MAX + 3
};

static fk_xroot *root;
static fk_xfield *number, *text, *nested;
static char last_error[256];
static long rounds;
static _Atomic long read_strings, torn, steps, failed;

static uint32_t next(uint32_t *seed) { return *seed = *seed * 1664525u + 1013904223u, *seed >> 8; }

// A letter repeated: a string of two halves would have two.
static const char *letters(char *buffer, uint32_t n) {
	memset(buffer, 'a' + (int)(n % 26), n % 60 + 1);
	buffer[n % 60 + 1] = 0;
	return buffer;
}

static void check(const char *s) {
	read_strings++;
	for (const char *c = s; *c; c++) torn += *c != s[0];
}

static fk_xkey key(uint32_t n, char *buffer) {
	snprintf(buffer, 16, "/key/%u", n % KEYS);
	return fk_xkey_text(buffer);
}

static void *owner(void *arg) {
	uint32_t seed = (uint32_t)(uintptr_t)arg;
	char name[16], value[64];
	for (long i = 0; i < rounds; i++) {
		uint32_t n = next(&seed);
		fk_xkey k = key(n, name);
		fk_xentry *e = n % 3 ? fk_xget(&root->table, &k, FK_X_REF) : fk_xentry_new(number->schema);
		if (!e) continue;
		fk_xwrite(e, number, n);
		fk_xwrite_text(e, text, letters(value, n));
		if (n % 3 == 0) fk_xput(&root->table, &k, e);
		if (n % 11 == 0) fk_xerase(&root->table, &k);
		if (n % 4001 == 0) fk_xclear(&root->table);
		if (n % 5 == 0) {
			fk_xtable *t = fk_xnested(e, nested);
			fk_xkey inner = fk_xkey_number(n % 7);
			fk_xentry *child = fk_xentry_new(nested->nested);
			fk_xput(t, &inner, child);
			fk_xrelease(child, FK_X_REF);
			if (n % 35 == 0) fk_xclear(t);
		}
		fk_xrelease(e, FK_X_REF);
	}
	return NULL;
}

typedef struct host {
	ss_plugin_table_input *in;
	void *extra;
	uint32_t seed;
} host;

static ss_plugin_bool step(ss_plugin_table_iterator_state_t *state, ss_plugin_table_entry_t *e) {
	host *h = state;
	ss_plugin_state_data out;
	if (h->in->reader_ext->read_entry_field(h->in->table, e, text, &out) == SS_PLUGIN_SUCCESS)
		check(out.str);
	char name[16];
	uint32_t n = next(&h->seed);
	snprintf(name, sizeof name, "/key/%u", n % KEYS);
	ss_plugin_state_data k = {.str = name};
	if (n % 9 == 0) h->in->writer_ext->erase_table_entry(h->in->table, &k);
	steps++;
	return n % 50 != 0;
}

static void walk_nested(host *h, void *e) {
	ss_plugin_state_data out, k = {.s64 = h->seed % 7};
	if (h->in->reader_ext->read_entry_field(h->in->table, e, nested, &out)) return;
	h->in->reader_ext->release_table_entry(h->in->table, e); // the table is good for a while yet
	ss_plugin_table_input *in = out.table;
	void *child = in->reader_ext->get_table_entry(in->table, &k);
	if (child) in->reader_ext->release_table_entry(in->table, child);
	child = in->writer_ext->create_table_entry(in->table);
	if (in->writer_ext->add_table_entry(in->table, &k, child))
		in->reader_ext->release_table_entry(in->table, child);
	else
		in->writer_ext->destroy_table_entry(in->table, child);
}

static void use_entry(host *h, void *e) {
	ss_plugin_table_input *in = h->in;
	ss_plugin_state_data out, again = {.str = "zzz"};
	char value[64];
	in->reader_ext->read_entry_field(in->table, e, text, &out);
	if (h->seed % 2) again.str = letters(value, h->seed);
	in->writer_ext->write_entry_field(in->table, e, text, &again);
	check(out.str); // overwritten, and not released
	in->reader_ext->read_entry_field(in->table, e, h->extra, &out);
	in->writer_ext->write_entry_field(in->table, e, h->extra, &out);
	if (h->seed % 3 == 0)
		walk_nested(h, e);
	else
		in->reader_ext->release_table_entry(in->table, e);
}

static void *reader(void *arg) {
	host h = {.in = &root->table.input, .seed = (uint32_t)(uintptr_t)arg};
	ss_plugin_table_input *in = h.in;
	char name[16];
	snprintf(name, sizeof name, "extra%u", h.seed % 2);
	h.extra = in->fields_ext->add_table_field(in->table, name, SS_PLUGIN_ST_UINT64);
	for (long i = 0; i < rounds; i++) {
		uint32_t n = next(&h.seed);
		snprintf(name, sizeof name, "/key/%u", n % KEYS);
		ss_plugin_state_data k = {.str = name};
		void *e = in->reader_ext->get_table_entry(in->table, &k);
		if (e)
			use_entry(&h, e);
		else
			failed++;
		if (n % 100 == 0) in->reader_ext->iterate_entries(in->table, step, &h);
		if (n % 4099 == 0) in->writer_ext->clear_table(in->table);
		in->reader_ext->get_table_size(in->table);
	}
	return NULL;
}

static void open_table(void) {
	root = fk_xroot_new("torture", SS_PLUGIN_ST_STRING);
	fk_xschema *s = root->table.schema;
	number = fk_xfield_new(s, "number", SS_PLUGIN_ST_UINT64, false);
	text = fk_xfield_new(s, "text", SS_PLUGIN_ST_STRING, false);
	text->initial_text = strdup("aaaa");
	nested = fk_xfield_new(s, "nested", SS_PLUGIN_ST_TABLE, false);
	nested->nested = fk_xschema_new(root, "nested", SS_PLUGIN_ST_INT64);
	fk_xfield_new(nested->nested, "n", SS_PLUGIN_ST_UINT8, false);
	nested->nested->declared = 1;
	s->declared = 3;
	root->error = last_error;
	root->error_size = sizeof last_error;
}

// What no sensible host passes is answered with a failure.
static void null_calls(void) {
	ss_plugin_table_input *in = &root->table.input;
	ss_plugin_table_reader_vtable_ext *r = in->reader_ext;
	ss_plugin_table_writer_vtable_ext *w = in->writer_ext;
	ss_plugin_table_fields_vtable_ext *f = in->fields_ext;
	ss_plugin_state_data none = {.str = NULL};
	void *t = in->table, *e = w->create_table_entry(t);
	uint32_t n = 7;
	bool ok = !f->list_table_fields(NULL, &n) && n == 0 && !f->list_table_fields(t, NULL) &&
	          !f->get_table_field(NULL, "text", 9) && !f->get_table_field(t, NULL, 9) &&
	          !f->add_table_field(NULL, "x", 9) && !f->add_table_field(t, NULL, 9) &&
	          !f->add_table_field(t, "", 9) && !f->add_table_field(t, "x", 11) &&
	          !f->add_table_field(t, "x", 10) && !r->get_table_name(NULL) &&
	          r->get_table_size(NULL) == UINT64_MAX && !r->get_table_entry(NULL, &none) &&
	          !r->get_table_entry(t, NULL) && !r->get_table_entry(t, &none) &&
	          r->read_entry_field(NULL, e, text, &none) &&
	          r->read_entry_field(t, NULL, text, &none) && r->read_entry_field(t, e, NULL, &none) &&
	          r->read_entry_field(t, e, text, NULL) &&
	          r->read_entry_field(t, e, &nested->nested->fields[0], &none) &&
	          !r->iterate_entries(NULL, step, NULL) && !r->iterate_entries(t, NULL, NULL) &&
	          w->clear_table(NULL) && w->erase_table_entry(NULL, &none) &&
	          w->erase_table_entry(t, NULL) && !w->create_table_entry(NULL) &&
	          !w->add_table_entry(NULL, &none, e) && !w->add_table_entry(t, &none, e) &&
	          w->write_entry_field(t, e, text, NULL) && w->write_entry_field(t, e, text, &none) &&
	          w->write_entry_field(t, e, nested, &none);
	r->release_table_entry(t, NULL);
	w->destroy_table_entry(t, NULL);
	w->destroy_table_entry(t, e);
	torn += !ok;
}

// Calls on a table whose owner is gone, and handles that outlive it.
static void close_table(void) {
	ss_plugin_table_input *in = &root->table.input;
	ss_plugin_state_data k = {.str = "/key/late"}, out;
	void *held = in->writer_ext->create_table_entry(in->table);
	in->writer_ext->add_table_entry(in->table, &k, held);
	fk_xroot_close(root);
	failed += in->reader_ext->get_table_size(in->table) == UINT64_MAX;
	failed += in->reader_ext->get_table_entry(in->table, &k) == NULL;
	failed += in->reader_ext->read_entry_field(in->table, held, text, &out) != SS_PLUGIN_SUCCESS;
	in->reader_ext->release_table_entry(in->table, held);
}

int main(int argc, char **argv) {
	pthread_t threads[OWNERS + HOSTS];
	rounds = argc > 1 ? atol(argv[1]) : 1000;
	open_table();
	for (uintptr_t i = 0; i < OWNERS + HOSTS; i++)
		pthread_create(&threads[i], NULL, i < OWNERS ? owner : reader, (void *)(i + 1));
	for (int i = 0; i < OWNERS + HOSTS; i++) pthread_join(threads[i], NULL);
	null_calls();
	close_table();
	for (int i = 0; i < TABLES; i++) {
		open_table();
		close_table();
	}
	printf("strings %ld torn %ld steps %ld failed %ld\n", read_strings, torn, steps, failed);
	return torn != 0;
}
