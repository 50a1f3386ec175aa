// SPDX-License-Identifier: Apache-2.0
// What the host hands to plugins. Tables answer NULL and an error text: this host has none. Routines
// are refused with NULL, as a framework built without its thread pool does.
#include "inputs.h"

#include "guest.h"
#include "handler.h"
#include "report.h"

static const char fk_no_tables_text[] = "this host has no state tables and no routines";

const char *fk_owner_last_error(ss_plugin_owner_t *owner) {
	(void)owner;
	return fk_no_tables_text;
}

void fk_log(ss_plugin_owner_t *owner, const char *component, const char *message,
            ss_plugin_log_severity severity) {
	static const char *const names[] = {"fatal",  "critical", "error", "warning",
	                                    "notice", "info",     "debug", "trace"};
	char plugin[128];
	fk_handler_owner_name(owner, plugin, sizeof plugin);
	unsigned i = (unsigned)severity - SS_PLUGIN_LOG_SEV_FATAL;
	struct fk_text *t = fk_report_begin("log");
	fk_add_key(t, "severity");
	fk_add_string_or_null(t, i < sizeof names / sizeof *names ? names[i] : "info");
	fk_add_key(t, "component");
	fk_add_string_or_null(t, component);
	fk_add_key(t, "plugin");
	fk_add_string_or_null(t, plugin[0] ? plugin : NULL);
	fk_add_key(t, "message");
	fk_add_string_or_null(t, message ? message : "");
	fk_report_end(true);
}

static ss_plugin_table_info *fk_list_tables(ss_plugin_owner_t *o, uint32_t *n) {
	(void)o;
	*n = 0;
	return NULL;
}

static ss_plugin_table_t *fk_get_table(ss_plugin_owner_t *o, const char *name,
                                       ss_plugin_state_type key) {
	(void)o, (void)name, (void)key;
	return NULL;
}

static ss_plugin_rc fk_add_table(ss_plugin_owner_t *o, const ss_plugin_table_input *in) {
	(void)o, (void)in;
	return SS_PLUGIN_FAILURE;
}

static const ss_plugin_table_fieldinfo *fk_list_fields(ss_plugin_table_t *t, uint32_t *n) {
	(void)t;
	*n = 0;
	return NULL;
}

static ss_plugin_table_field_t *fk_field(ss_plugin_table_t *t, const char *name,
                                         ss_plugin_state_type type) {
	(void)t, (void)name, (void)type;
	return NULL;
}

static const char *fk_table_name(ss_plugin_table_t *t) {
	(void)t;
	return NULL;
}

static uint64_t fk_table_size(ss_plugin_table_t *t) {
	(void)t;
	return UINT64_MAX; // the API's way to say that it failed
}

static ss_plugin_table_entry_t *fk_entry(ss_plugin_table_t *t, const ss_plugin_state_data *key) {
	(void)t, (void)key;
	return NULL;
}

static ss_plugin_rc fk_read(ss_plugin_table_t *t, ss_plugin_table_entry_t *e,
                            const ss_plugin_table_field_t *f, ss_plugin_state_data *out) {
	(void)t, (void)e, (void)f, (void)out;
	return SS_PLUGIN_FAILURE;
}

static void fk_release(ss_plugin_table_t *t, ss_plugin_table_entry_t *e) { (void)t, (void)e; }

static ss_plugin_bool fk_iterate(ss_plugin_table_t *t, ss_plugin_table_iterator_func_t it,
                                 ss_plugin_table_iterator_state_t *s) {
	(void)t, (void)it, (void)s;
	return 0;
}

static ss_plugin_rc fk_clear(ss_plugin_table_t *t) {
	(void)t;
	return SS_PLUGIN_FAILURE;
}

static ss_plugin_rc fk_erase(ss_plugin_table_t *t, const ss_plugin_state_data *key) {
	(void)t, (void)key;
	return SS_PLUGIN_FAILURE;
}

static ss_plugin_table_entry_t *fk_create(ss_plugin_table_t *t) {
	(void)t;
	return NULL;
}

static ss_plugin_table_entry_t *fk_add_entry(ss_plugin_table_t *t, const ss_plugin_state_data *key,
                                             ss_plugin_table_entry_t *e) {
	(void)t, (void)key, (void)e;
	return NULL;
}

static ss_plugin_rc fk_write(ss_plugin_table_t *t, ss_plugin_table_entry_t *e,
                             const ss_plugin_table_field_t *f, const ss_plugin_state_data *in) {
	(void)t, (void)e, (void)f, (void)in;
	return SS_PLUGIN_FAILURE;
}

static ss_plugin_routine_t *fk_subscribe(ss_plugin_owner_t *o, ss_plugin_routine_fn_t f,
                                         ss_plugin_routine_state_t *i) {
	(void)o, (void)f, (void)i;
	return NULL;
}

static ss_plugin_rc fk_unsubscribe(ss_plugin_owner_t *o, ss_plugin_routine_t *r) {
	(void)o, (void)r;
	return SS_PLUGIN_FAILURE;
}

static ss_plugin_table_fields_vtable_ext fk_fields = {fk_list_fields, fk_field, fk_field};
static ss_plugin_table_reader_vtable_ext fk_reader = {fk_table_name, fk_table_size, fk_entry,
                                                      fk_read,       fk_release,    fk_iterate};
static ss_plugin_table_writer_vtable_ext fk_writer = {fk_clear,   fk_erase,     fk_create,
                                                      fk_release, fk_add_entry, fk_write};
static ss_plugin_routine_vtable fk_routines = {fk_subscribe, fk_unsubscribe};

const ss_plugin_init_tables_input fk_no_tables = {
	.list_tables = fk_list_tables,
	.get_table = fk_get_table,
	.add_table = fk_add_table,
	.fields = {fk_list_fields, fk_field, fk_field},
	.fields_ext = &fk_fields,
	.reader_ext = &fk_reader,
	.writer_ext = &fk_writer,
};
const ss_plugin_event_parse_input fk_parse_without_tables = {
	.get_owner_last_error = fk_owner_last_error,
	.table_reader = {fk_table_name, fk_table_size, fk_entry, fk_read},
	.table_writer = {fk_clear, fk_erase, fk_create, fk_release, fk_add_entry, fk_write},
	.table_reader_ext = &fk_reader,
	.table_writer_ext = &fk_writer,
};
ss_plugin_capture_listen_input fk_listen_without_tables = {
	.routine = &fk_routines,
	.table_reader_ext = &fk_reader,
	.table_writer_ext = &fk_writer,
	.get_owner_last_error = fk_owner_last_error,
};
