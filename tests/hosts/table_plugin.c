// SPDX-License-Identifier: Apache-2.0
// A C plugin that uses tables as its init config says: "FILE COMMAND...", each command's outcome a
// line of FILE, a failure with the host's last error behind " !".
//
//     T:NAME:TYPE get_table (numbers of TYPE: plugin_api.h)   E export the table of table_export.c
//     n name   z size   l fields as NAME:TYPE:READ_ONLY       f:NAME:TYPE get field   a:NAME:TYPE add
//     g:KEY get   .  release   c create   x destroy   +:KEY add entry   -:KEY erase   C clear
//     r:FIELD read   w:FIELD:VALUE write   s:FIELD enter the nested table   t leave it
//     i:N iterate, breaking after N entries (0: none)         R:KEY iterate, and at each step erase KEY,
//     k:KEY keep the string `text` of KEY over a write        insert KEY again, read and count
//     b:N:FIELD N times get key 1, read, write, release; ns each      ?:NAME is there a table NAME
//
// With "p:FIELD" parse_event checks that string of every entry to be one letter repeated; metrics
// `steps` and `bad` tell how many it saw. Called on the host's thread.
#include "table_plugin.h"

static struct session s;

static const char *owner_error(void) {
	const char *text = s.in->get_owner_last_error(s.in->owner);
	return text ? text : "(none)";
}

static void say(const char *command, int ok, const char *format, ...) {
	va_list args;
	fprintf(s.out, "%s ", command);
	va_start(args, format);
	vfprintf(s.out, format, args);
	va_end(args);
	fprintf(s.out, ok ? "\n" : " ! %s\n", owner_error());
	fflush(s.out);
}

static ss_plugin_state_data key_of(char *text) {
	ss_plugin_state_data key = {.u64 = 0};
	if (s.key_type == SS_PLUGIN_ST_STRING)
		key.str = text;
	else if (s.key_type == SS_PLUGIN_ST_BOOL)
		key.b = (ss_plugin_bool)atoi(text);
	else
		key.s64 = atoll(text);
	return key;
}

static struct known *known(const char *name) {
	for (int i = 0; i < s.nfields; i++)
		if (strcmp(s.fields[i].name, name) == 0) return &s.fields[i];
	return NULL;
}

static ss_plugin_bool count_step(ss_plugin_table_iterator_state_t *state,
                                 ss_plugin_table_entry_t *e) {
	struct steps *steps = state;
	(void)e;
	return ++steps->seen != steps->limit;
}

static ss_plugin_bool rude_step(ss_plugin_table_iterator_state_t *state,
                                ss_plugin_table_entry_t *e) {
	struct steps *steps = state;
	ss_plugin_state_data key = key_of(steps->key), value;
	(void)e;
	steps->seen++;
	s.writer->erase_table_entry(s.table, &key);
	ss_plugin_table_entry_t *made = s.writer->create_table_entry(s.table);
	made = made ? s.writer->add_table_entry(s.table, &key, made) : NULL;
	if (made && s.nfields) s.reader->read_entry_field(s.table, made, s.fields[0].handle, &value);
	if (made) s.reader->release_table_entry(s.table, made);
	return 1;
}

static void iterate(char *command, char *argument, ss_plugin_table_iterator_func_t step) {
	struct steps steps = {.limit = atoi(argument), .key = argument};
	ss_plugin_bool all = s.reader->iterate_entries(s.table, step, &steps);
	say(command, 1, "%d %s", steps.seen, all ? "all" : "broken");
}

static void read_value(char *command, struct known *f) {
	ss_plugin_state_data v = {.u64 = 0xeeeeeeeeeeeeeeee};
	ss_plugin_rc rc = s.reader->read_entry_field(s.table, s.entry, f ? f->handle : NULL, &v);
	if (rc != SS_PLUGIN_SUCCESS)
		say(command, 0, "rc %d", rc);
	else if (f->type == SS_PLUGIN_ST_STRING)
		say(command, 1, "'%s'", v.str);
	else if (f->type == SS_PLUGIN_ST_BOOL)
		say(command, 1, "%u", v.b);
	else if (f->type == SS_PLUGIN_ST_INT8)
		say(command, 1, "%d", v.s8);
	else if (f->type == SS_PLUGIN_ST_UINT16)
		say(command, 1, "%u", v.u16);
	else if (f->type == SS_PLUGIN_ST_UINT8)
		say(command, 1, "%u", v.u8);
	else if (f->type == SS_PLUGIN_ST_UINT32)
		say(command, 1, "%u", v.u32);
	else if (f->type == SS_PLUGIN_ST_INT32)
		say(command, 1, "%d", v.s32);
	else
		say(command, 1, "%" PRIi64, v.s64);
}

static void write_value(char *command, struct known *f, char *text) {
	ss_plugin_state_data v = {.u64 = 0};
	if (f && f->type == SS_PLUGIN_ST_STRING)
		v.str = strcmp(text, "NULL") ? text : NULL;
	else
		v.s64 = atoll(text);
	ss_plugin_rc rc = s.writer->write_entry_field(s.table, s.entry, f ? f->handle : NULL, &v);
	say(command, rc == SS_PLUGIN_SUCCESS, "rc %d", rc);
}

static void list(char *command) {
	uint32_t n = 0;
	char text[4096] = "", *end = text;
	const ss_plugin_table_fieldinfo *infos = s.fields_api->list_table_fields(s.table, &n);
	for (uint32_t i = 0; infos && i < n; i++)
		end += snprintf(end, (size_t)(text + sizeof text - end), "%s:%d:%u,", infos[i].name,
		                infos[i].field_type, infos[i].read_only);
	say(command, infos != NULL, "%s", text);
}

static void get_field(char *command, char *name, char *type, int add) {
	ss_plugin_state_type t = (ss_plugin_state_type)atoi(type);
	ss_plugin_table_field_t *f = add ? s.fields_api->add_table_field(s.table, name, t)
	                                 : s.fields_api->get_table_field(s.table, name, t);
	struct known *same = known(name);
	if (f && !same) s.fields[s.nfields++] = (struct known){strdup(name), f, t};
	say(command, f != NULL, !f ? "NULL" : same && same->handle == f ? "same" : "ok");
}

static void keep_text(char *command, char *name) {
	ss_plugin_state_data key = key_of(name), old, again = {.str = "overwritten"};
	void *text = known("text")->handle, *e = s.reader->get_table_entry(s.table, &key);
	s.reader->read_entry_field(s.table, e, text, &old);
	for (int i = 0; i < 1000; i++) s.writer->write_entry_field(s.table, e, text, &again);
	say(command, 1, "'%s'", old.str);
	s.reader->release_table_entry(s.table, e);
}

static void measure(char *command, long n, struct known *f) {
	struct timespec a, b;
	ss_plugin_state_data key = {.u64 = 1}, v;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (long i = 0; i < n; i++) {
		void *e = s.reader->get_table_entry(s.table, &key);
		s.reader->read_entry_field(s.table, e, f->handle, &v);
		v.u64++;
		s.writer->write_entry_field(s.table, e, f->handle, &v);
		s.reader->release_table_entry(s.table, e);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	say(command, 1, "%.2f",
	    ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / (double)n);
}

static void enter(char *command, struct known *f) {
	ss_plugin_state_data v = {.table = NULL};
	ss_plugin_rc rc = s.reader->read_entry_field(s.table, s.entry, f ? f->handle : NULL, &v);
	if (rc == SS_PLUGIN_SUCCESS) {
		s.parent = s.table, s.parent_entry = s.entry, s.parent_key = s.key_type;
		s.table = v.table; // a ss_plugin_table_input, as the host's dispatch takes it
		s.key_type = ((ss_plugin_table_input *)v.table)->key_type;
	}
	say(command, rc == SS_PLUGIN_SUCCESS, "rc %d", rc);
}

static void table(char *command, char *name, char *type) {
	s.key_type = (ss_plugin_state_type)atoi(type);
	s.table = s.in->tables->get_table(s.in->owner, name, s.key_type);
	say(command, s.table != NULL, s.table ? "ok" : "NULL");
}

static void is_there(char *command, char *name) {
	uint32_t n = 0, found = 0;
	ss_plugin_table_info *infos = s.in->tables->list_tables(s.in->owner, &n);
	for (uint32_t i = 0; i < n; i++) found += strcmp(infos[i].name, name) == 0;
	say(command, 1, "%u", found);
}

static void with_entry(char *command, char *argument) {
	ss_plugin_state_data key = key_of(argument);
	void *e = NULL;
	ss_plugin_rc rc;
	switch (*command) {
	case 'g': e = s.reader->get_table_entry(s.table, &key); break;
	case 'c': e = s.writer->create_table_entry(s.table); break;
	case '+': e = s.writer->add_table_entry(s.table, &key, s.entry); break;
	case '-':
	case 'C':
		rc = *command == 'C' ? s.writer->clear_table(s.table)
		                     : s.writer->erase_table_entry(s.table, &key);
		say(command, rc == SS_PLUGIN_SUCCESS, "rc %d", rc);
		return;
	}
	if (e) s.entry = e;
	say(command, e != NULL, e ? "ok" : "NULL");
}

static void run(char *command) {
	char kept[256];
	snprintf(kept, sizeof kept, "%s", command);
	strtok(command, ":");
	char *a = strtok(NULL, ":"), *b = strtok(NULL, ":");
	if (!a) a = "";
	switch (*command) {
	case '?': is_there(kept, a); break;
	case 'T': table(kept, a, b); break;
	case 'E': say(kept, 1, "rc %d", s.in->tables->add_table(s.in->owner, exported_table())); break;
	case 'n': say(kept, 1, "%s", s.reader->get_table_name(s.table)); break;
	case 'z': say(kept, 1, "%" PRIi64, s.reader->get_table_size(s.table)); break;
	case 'l': list(kept); break;
	case 'f': get_field(kept, a, b, 0); break;
	case 'a': get_field(kept, a, b, 1); break;
	case 'r': read_value(kept, known(a)); break;
	case 'w': write_value(kept, known(a), b ? b : ""); break;
	case 's': enter(kept, known(a)); break;
	case 't': s.table = s.parent, s.entry = s.parent_entry, s.key_type = s.parent_key; break;
	case '.': s.reader->release_table_entry(s.table, s.entry); break;
	case 'x': s.writer->destroy_table_entry(s.table, s.entry); break;
	case 'i': iterate(kept, a, count_step); break;
	case 'R': iterate(kept, a, rude_step); break;
	case 'k': keep_text(kept, a); break;
	case 'b': measure(kept, atol(a), known(b)); break;
	case 'p': s.watched = known(a)->handle; break;
	default: with_entry(kept, a);
	}
}

static int state;

ss_plugin_t *plugin_init(const ss_plugin_init_input *in, ss_plugin_rc *rc) {
	char *config = strdup(in->config), *next, *file = strtok_r(config, " ", &next);
	s = (struct session){.in = in,
	                     .out = fopen(file, "w"),
	                     .reader = in->tables->reader_ext,
	                     .writer = in->tables->writer_ext,
	                     .fields_api = in->tables->fields_ext};
	while ((file = strtok_r(NULL, " ", &next))) run(file);
	fclose(s.out);
	free(config);
	*rc = SS_PLUGIN_SUCCESS;
	return &state;
}

static ss_plugin_bool check(ss_plugin_table_iterator_state_t *input, ss_plugin_table_entry_t *e) {
	const ss_plugin_event_parse_input *in = input;
	ss_plugin_state_data v;
	s.steps++;
	if (in->table_reader_ext->read_entry_field(s.table, e, s.watched, &v) != SS_PLUGIN_SUCCESS)
		s.bad++;
	else
		for (const char *c = v.str; *c; c++) s.bad += *c != v.str[0];
	return 1;
}

ss_plugin_rc plugin_parse_event(ss_plugin_t *p, const ss_plugin_event_input *event,
                                const ss_plugin_event_parse_input *in) {
	(void)p, (void)event;
	if (s.watched) in->table_reader_ext->iterate_entries(s.table, check, (void *)in);
	return SS_PLUGIN_SUCCESS;
}

ss_plugin_metric *plugin_get_metrics(ss_plugin_t *p, uint32_t *n) {
	static ss_plugin_metric metrics[2] = {{.name = "steps", .value_type = 2},
	                                      {.name = "bad", .value_type = 2}};
	(void)p;
	metrics[0].value.u64 = s.steps;
	metrics[1].value.u64 = s.bad;
	*n = 2;
	return metrics;
}

const char *plugin_get_required_api_version(void) { return "3.6.0"; }
const char *plugin_get_required_event_schema_version(void) { return "4.0.0"; }
const char *plugin_get_name(void) { return "table_c"; }
const char *plugin_get_description(void) { return "Uses tables."; }
const char *plugin_get_contact(void) { return "tests@example.com"; }
const char *plugin_get_version(void) { return "0.1.0"; }
const char *plugin_get_last_error(ss_plugin_t *p) {
	(void)p;
	return "the C table refuses";
}
void plugin_destroy(ss_plugin_t *p) { (void)p; }
const char *plugin_get_parse_event_sources(void) { return ""; }
uint16_t *plugin_get_parse_event_types(uint32_t *n, ss_plugin_t *p) {
	static uint16_t types[] = {FK_CODE_PLUGINEVENT};
	(void)p;
	*n = 1;
	return types;
}
