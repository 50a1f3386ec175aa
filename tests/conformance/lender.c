// SPDX-License-Identifier: Apache-2.0
// A host that lends one table and looks after what it lent: `lender LIB COMMAND...`, a line for each.
//
//     i:CONFIG init    p parse_event    x extract_fields, lending no tables    d destroy
//     w:FILE wait until there is the file
//
// The table "items" has the keys 1 to 3, the number "n", "small" and the nested table "kids", which
// refuses to erase without saying why. What the tables are lent by is overwritten and freed when the
// call returns. Counted: calls outside of a call ("stray"), entries not given back ("kept").
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugin_api.h"

enum {
	ENTRIES = 4, // one of them is made by the plugin
	DEADLINE_S = 20
};

typedef struct entry {
	int64_t key;
	uint64_t n;
	int8_t small;
} entry;

static entry entries[ENTRIES] = {{1, 10, -1}, {2, 20, -2}, {3, 30, -3}, {0}};
static char n_field, small_field, kids_field;
static ss_plugin_table_input items = {.name = "items", .key_type = SS_PLUGIN_ST_INT64};
static ss_plugin_table_input kids = {.name = "kids", .key_type = SS_PLUGIN_ST_INT64};
static _Atomic bool lending;
static _Atomic int stray, kept;
static const char *error = "";

static void *say(const char *text) {
	error = text;
	return NULL;
}

static void check(void) { stray += !lending; }

static const char *name_of(ss_plugin_table_t *t) {
	return check(), ((ss_plugin_table_input *)t)->name;
}
static uint64_t size_of(ss_plugin_table_t *t) { return check(), (void)t, 3; }

static ss_plugin_table_entry_t *entry_of(ss_plugin_table_t *t, const ss_plugin_state_data *key) {
	check();
	(void)t;
	if (key->s64 < 1 || key->s64 > 3) return say("items has no such entry");
	kept++;
	return &entries[key->s64 - 1];
}

static ss_plugin_rc read_it(ss_plugin_table_t *t, ss_plugin_table_entry_t *e,
                            const ss_plugin_table_field_t *f, ss_plugin_state_data *out) {
	check();
	(void)t;
	if (f == &kids_field)
		out->table = &kids;
	else if (f == &n_field)
		out->u64 = ((entry *)e)->n;
	else
		out->s8 = ((entry *)e)->small;
	return SS_PLUGIN_SUCCESS;
}

static void release(ss_plugin_table_t *t, ss_plugin_table_entry_t *e) {
	check();
	(void)t, (void)e;
	kept--;
}

static ss_plugin_bool iterate(ss_plugin_table_t *t, ss_plugin_table_iterator_func_t step,
                              ss_plugin_table_iterator_state_t *state) {
	volatile char frame[20000] = {0}; // a frame that the sanitizer watches
	bool more = true;
	check();
	(void)t;
	for (int i = 0; more && i < 3; i++) frame[i * 100] = 1, more = step(state, &entries[i]);
	check();
	return more && !frame[1];
}

static ss_plugin_rc clear(ss_plugin_table_t *t) { return check(), (void)t, SS_PLUGIN_FAILURE; }

static ss_plugin_rc erase(ss_plugin_table_t *t, const ss_plugin_state_data *key) {
	check();
	(void)key;
	if (t == &items) say("items keeps what it has");
	return SS_PLUGIN_FAILURE;
}

static ss_plugin_table_entry_t *create(ss_plugin_table_t *t) {
	check();
	(void)t;
	kept++;
	return &entries[3];
}

static ss_plugin_table_entry_t *add(ss_plugin_table_t *t, const ss_plugin_state_data *key,
                                    ss_plugin_table_entry_t *e) {
	check();
	(void)t, (void)key;
	return e;
}

static ss_plugin_rc write_it(ss_plugin_table_t *t, ss_plugin_table_entry_t *e,
                             const ss_plugin_table_field_t *f, const ss_plugin_state_data *in) {
	check();
	(void)t;
	if (f == &n_field)
		((entry *)e)->n = in->u64;
	else
		((entry *)e)->small = in->s8;
	return SS_PLUGIN_SUCCESS;
}

static ss_plugin_table_field_t *field_of(ss_plugin_table_t *t, const char *name,
                                         ss_plugin_state_type type) {
	check();
	(void)t, (void)type;
	return !strcmp(name, "n") ? &n_field : !strcmp(name, "kids") ? &kids_field : &small_field;
}

static ss_plugin_table_info *list(ss_plugin_owner_t *o, uint32_t *n) {
	static ss_plugin_table_info infos[] = {{"items", SS_PLUGIN_ST_INT64}};
	check();
	(void)o;
	*n = 1;
	return infos;
}

static ss_plugin_table_t *table_of(ss_plugin_owner_t *o, const char *name,
                                   ss_plugin_state_type type) {
	check();
	(void)o, (void)name, (void)type;
	return &items;
}

static const char *last_error(ss_plugin_owner_t *o) { return check(), (void)o, error; }

static void log_line(ss_plugin_owner_t *o, const char *component, const char *text,
                     ss_plugin_log_severity severity) {
	(void)o, (void)component, (void)severity;
	printf("log %s\n", text);
}

// ---- what is lent -----------------------------------------------------------------------------------

typedef struct lent {
	ss_plugin_table_reader_vtable_ext reader;
	ss_plugin_table_writer_vtable_ext writer;
	ss_plugin_table_fields_vtable_ext fields;
	ss_plugin_init_tables_input init;
} lent;

static lent *lend(void) {
	lent *l = calloc(1, sizeof *l);
	l->reader =
		(ss_plugin_table_reader_vtable_ext){name_of, size_of, entry_of, read_it, release, iterate};
	l->writer = (ss_plugin_table_writer_vtable_ext){clear, erase, create, release, add, write_it};
	l->fields = (ss_plugin_table_fields_vtable_ext){NULL, field_of, field_of};
	l->init = (ss_plugin_init_tables_input){.list_tables = list,
	                                        .get_table = table_of,
	                                        .fields_ext = &l->fields,
	                                        .reader_ext = &l->reader,
	                                        .writer_ext = &l->writer};
	lending = true;
	return l;
}

static void take_back(lent *l) {
	lending = false;
	memset(l, 0xdd, sizeof *l);
	free(l);
}

// ---- commands ---------------------------------------------------------------------------------------

static void *lib;
static ss_plugin_t *state;
static struct {
	ss_plugin_event head;
	uint32_t lengths[3], plugin_id;
	char name[2];
} __attribute__((packed)) event = {{0, 1, 44, 402, 3}, {4, 2, 0}, 0, "x"};
#define EXPORT(name, type, ...) type (*name)(__VA_ARGS__) = dlsym(lib, "plugin_" #name)

static ss_plugin_rc run_init(const char *config) {
	EXPORT(init, ss_plugin_t *, const ss_plugin_init_input *, ss_plugin_rc *);
	ss_plugin_rc rc;
	lent *l = lend();
	ss_plugin_init_input in = {config, NULL, last_error, &l->init, log_line};
	state = init(&in, &rc);
	take_back(l);
	return rc;
}

static ss_plugin_rc run_parse(void) {
	EXPORT(parse_event, ss_plugin_rc, ss_plugin_t *, const ss_plugin_event_input *,
	       const ss_plugin_event_parse_input *);
	ss_plugin_event_input about = {&event.head, 0, "syscall"};
	lent *l = lend();
	ss_plugin_event_parse_input in = {.get_owner_last_error = last_error,
	                                  .table_reader_ext = &l->reader,
	                                  .table_writer_ext = &l->writer};
	ss_plugin_rc rc = parse_event(state, &about, &in);
	take_back(l);
	return rc;
}

static ss_plugin_rc run_extract(void) {
	EXPORT(extract_fields, ss_plugin_rc, ss_plugin_t *, const ss_plugin_event_input *,
	       const ss_plugin_field_extract_input *);
	ss_plugin_event_input about = {&event.head, 0, "syscall"};
	ss_plugin_extract_field field = {.field = "lent.x", .ftype = FTYPE_UINT64};
	ss_plugin_field_extract_input in = {.num_fields = 1, .fields = &field};
	return extract_fields(state, &about, &in);
}

static void run_destroy(void) {
	EXPORT(destroy, void, ss_plugin_t *);
	destroy(state);
}

static int wait_for(const char *path) {
	for (time_t end = time(NULL) + DEADLINE_S; access(path, F_OK) && time(NULL) < end;)
		usleep(1000);
	return access(path, F_OK);
}

int main(int argc, char **argv) {
	setvbuf(stdout, NULL, _IOLBF, 0);
	lib = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
	if (!lib) return fprintf(stderr, "%s\n", dlerror()), 2;
	for (int i = 2; i < argc; i++) {
		int rc = 0;
		if (*argv[i] == 'i') rc = run_init(argv[i] + 2);
		if (*argv[i] == 'p') rc = run_parse();
		if (*argv[i] == 'x') rc = run_extract();
		if (*argv[i] == 'd') run_destroy();
		if (*argv[i] == 'w') rc = wait_for(argv[i] + 2);
		printf("%c %d stray %d kept %d\n", *argv[i], rc, stray, kept);
	}
	return 0;
}
