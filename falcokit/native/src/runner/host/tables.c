// SPDX-License-Identifier: Apache-2.0
// The registry of tables: by name, with the framework's checks of what is added.
#include "runner/host/owner.h"
#include "runner/host/tables.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "runner/report/report.h"
#include "runner/host/threads.h"
#include "tables/store.h"

// A table as its owner added it; the vtables are copies, for the owner's may be gone by now.
struct fk_table {
	struct fk_guest *owner;
	char *name;
	ss_plugin_table_input in;
	ss_plugin_table_reader_vtable_ext reader;
	ss_plugin_table_writer_vtable_ext writer;
	ss_plugin_table_fields_vtable_ext fields;
	struct fk_table *next;
};

static struct fk_table *fk_tables;
static struct fk_handle *fk_handles;
int fk_table_entries;

void fk_tables_fail(struct fk_owner *reader, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(reader->last_error, sizeof reader->last_error, format, args);
	va_end(args);
}

static struct fk_table *fk_find(const char *name) {
	struct fk_table *table = fk_tables;
	while (table && strcmp(table->name, name) != 0) table = table->next;
	return table;
}

ss_plugin_table_info *fk_tables_list(ss_plugin_owner_t *o, uint32_t *n) {
	static ss_plugin_table_info *infos; // until the next call
	uint32_t count = 0;
	(void)o;
	for (struct fk_table *table = fk_tables; table; table = table->next) {
		infos = fk_must_alloc(infos, (count + 1) * sizeof *infos);
		infos[count++] = (ss_plugin_table_info){table->name, table->in.key_type};
	}
	*n = count;
	return infos;
}

static struct fk_handle *fk_new_handle(struct fk_owner *reader, struct fk_guest *owner,
                                       ss_plugin_table_input *table) {
	struct fk_handle *handle = fk_must_alloc(NULL, sizeof *handle);
	*handle = (struct fk_handle){
		.in = {.name = table->name, .key_type = table->key_type, .table = handle},
		.reader = reader,
		.owner = owner,
		.table = table,
		.next = fk_handles,
	};
	memcpy(&handle->in.reader, &fk_table_reader, sizeof handle->in.reader);
	handle->in.writer = fk_table_writer;
	handle->in.fields = fk_table_fields;
	handle->in.reader_ext = &fk_table_reader;
	handle->in.writer_ext = &fk_table_writer;
	handle->in.fields_ext = &fk_table_fields;
	return fk_handles = handle;
}

ss_plugin_table_t *fk_tables_get(ss_plugin_owner_t *o, const char *name, ss_plugin_state_type key) {
	struct fk_table *table = fk_find(name);
	if (!table) {
		fk_tables_fail(o, "there is no table '%.200s'", name);
		return NULL;
	}
	if (table->in.key_type != key) {
		fk_tables_fail(o, "the keys of table '%.200s' are of type %d, not %d", name,
		               table->in.key_type, key);
		return NULL;
	}
	for (struct fk_handle *handle = fk_handles; handle; handle = handle->next)
		if (handle->reader == o && handle->table == &table->in) return handle;
	return fk_new_handle(o, table->owner, &table->in);
}

static bool fk_whole(const ss_plugin_table_input *in) {
	if (!in->reader_ext || !in->writer_ext || !in->fields_ext) return false;
	const ss_plugin_table_reader_vtable_ext *r = in->reader_ext;
	const ss_plugin_table_writer_vtable_ext *w = in->writer_ext;
	const ss_plugin_table_fields_vtable_ext *f = in->fields_ext;
	return r->get_table_name && r->get_table_size && r->get_table_entry && r->read_entry_field &&
	       r->release_table_entry && r->iterate_entries && w->clear_table && w->erase_table_entry &&
	       w->create_table_entry && w->destroy_table_entry && w->add_table_entry &&
	       w->write_entry_field && f->list_table_fields && f->get_table_field &&
	       f->add_table_field && memcmp(&in->reader, r, sizeof in->reader) == 0 &&
	       memcmp(&in->writer, w, sizeof in->writer) == 0 &&
	       memcmp(&in->fields, f, sizeof in->fields) == 0;
}

ss_plugin_rc fk_tables_add(ss_plugin_owner_t *o, const ss_plugin_table_input *in) {
	struct fk_owner *owner = o;
	if (!in || !in->name || !in->table || !fk_whole(in)) {
		fk_tables_fail(owner, "a table needs a name and every function, the same in both vtables");
		return SS_PLUGIN_FAILURE;
	}
	if (fk_find(in->name)) {
		fk_tables_fail(owner, "there is a table '%.200s' already", in->name);
		return SS_PLUGIN_FAILURE;
	}
	struct fk_table *table = fk_must_alloc(NULL, sizeof *table);
	*table = (struct fk_table){
		.owner = owner->guest,
		.name = fk_must_copy(in->name),
		.in = *in,
		.reader = *in->reader_ext,
		.writer = *in->writer_ext,
		.fields = *in->fields_ext,
		.next = fk_tables,
	};
	table->in.name = table->name;
	table->in.reader_ext = &table->reader;
	table->in.writer_ext = &table->writer;
	table->in.fields_ext = &table->fields;
	fk_tables = table;
	return SS_PLUGIN_SUCCESS;
}

struct fk_handle *fk_tables_nested(const struct fk_handle *parent, ss_plugin_table_input *table) {
	struct fk_handle *handle = fk_new_handle(parent->reader, parent->owner, table);
	handle->nested = true;
	return handle;
}

static void fk_drop_nested(void) {
	for (struct fk_handle **at = &fk_handles, *handle; (handle = *at);) {
		if (!handle->nested) {
			at = &handle->next;
			continue;
		}
		*at = handle->next;
		free(handle);
	}
}

void fk_tables_leave(const struct fk_guest *guest) {
	if (!fk_tables) return;
	fk_drop_nested();
	if (!fk_table_entries) return;
	char why[128];
	snprintf(why, sizeof why, "%d table entries were not released when the call returned",
	         fk_table_entries);
	fk_table_entries = 0;
	fk_log(guest->owner, NULL, why, SS_PLUGIN_LOG_SEV_WARNING);
}

// The handles that others have stay, and answer with a failure.
void fk_tables_forget(struct fk_guest *guest) {
	for (struct fk_handle *handle = fk_handles; handle; handle = handle->next)
		if (handle->owner == guest) handle->owner = NULL;
	for (struct fk_table **at = &fk_tables, *table; (table = *at);) {
		if (table->owner != guest) {
			at = &table->next;
			continue;
		}
		*at = table->next;
		free(table->name);
		free(table);
	}
	for (struct fk_handle **at = &fk_handles, *handle; (handle = *at);) {
		if (handle->reader != guest->owner) {
			at = &handle->next;
			continue;
		}
		*at = handle->next;
		free(handle);
	}
	if (!fk_tables && !fk_handles) fk_table_fields_forget();
}

// The calls of tables: each goes to the plugin whose table it is, and what that plugin says of a
// failure becomes the last error of the caller's owner. Fields are wrapped with their type, by
// which a read tells a nested table from a number.

struct fk_field {
	ss_plugin_table_field_t *field; // the owner's
	ss_plugin_state_type type;
	struct fk_field *next;
};

static struct fk_field *fk_fields; // kept as long as any table: plugins may keep them, too

void fk_table_fields_forget(void) {
	for (struct fk_field *field = fk_fields, *next; field; field = next) {
		next = field->next;
		free(field);
	}
	fk_fields = NULL;
}

static bool fk_gone(struct fk_handle *h) {
	if (h->owner) return false;
	fk_tables_fail(h->reader, "the plugin that had this table is gone");
	return true;
}

static void fk_failed(struct fk_handle *h, const char *what) {
	const struct fk_guest *owner = h->owner;
	const char *why = owner->initialized ? owner->api.get_last_error(owner->state) : NULL;
	fk_tables_fail(h->reader, "%s of table '%.100s' failed: %.600s", what, h->table->name,
	               why && *why ? why : "its owner left no error text");
}

static ss_plugin_table_field_t *fk_wrap(ss_plugin_table_field_t *field, ss_plugin_state_type type) {
	struct fk_field *known = fk_fields;
	while (known && (known->field != field || known->type != type)) known = known->next;
	if (known) return known;
	known = fk_must_alloc(NULL, sizeof *known);
	*known = (struct fk_field){field, type, fk_fields};
	return fk_fields = known;
}

static const ss_plugin_table_fieldinfo *fk_list_fields(ss_plugin_table_t *t, uint32_t *n) {
	struct fk_handle *h = t;
	*n = 0;
	if (fk_gone(h)) return NULL;
	return h->table->fields_ext->list_table_fields(h->table->table, n);
}

static ss_plugin_table_field_t *fk_get_field(ss_plugin_table_t *t, const char *name,
                                             ss_plugin_state_type type) {
	struct fk_handle *h = t;
	if (fk_gone(h)) return NULL;
	ss_plugin_table_field_t *field =
		h->table->fields_ext->get_table_field(h->table->table, name, type);
	if (!field) fk_failed(h, "get_table_field");
	return field ? fk_wrap(field, type) : NULL;
}

static ss_plugin_table_field_t *fk_add_field(ss_plugin_table_t *t, const char *name,
                                             ss_plugin_state_type type) {
	struct fk_handle *h = t;
	if (fk_gone(h)) return NULL;
	if (type == SS_PLUGIN_ST_TABLE) {
		fk_tables_fail(h->reader, "a field that is a table cannot be added");
		return NULL;
	}
	const char *why = fk_threads_own(h->owner) ? fk_threads_refuse_field(h->table, name) : NULL;
	if (why) {
		fk_tables_fail(h->reader, "field '%.100s' cannot be added to table '%.100s': %s", name,
		               h->table->name, why);
		return NULL;
	}
	ss_plugin_table_field_t *field =
		h->table->fields_ext->add_table_field(h->table->table, name, type);
	if (!field) fk_failed(h, "add_table_field");
	return field ? fk_wrap(field, type) : NULL;
}

static const char *fk_name(ss_plugin_table_t *t) {
	struct fk_handle *h = t;
	return fk_gone(h) ? NULL : h->table->reader_ext->get_table_name(h->table->table);
}

static uint64_t fk_size(ss_plugin_table_t *t) {
	struct fk_handle *h = t;
	if (fk_gone(h)) return UINT64_MAX;
	uint64_t size = h->table->reader_ext->get_table_size(h->table->table);
	if (size == UINT64_MAX) fk_failed(h, "get_table_size");
	return size;
}

static ss_plugin_table_entry_t *fk_get(ss_plugin_table_t *t, const ss_plugin_state_data *key) {
	struct fk_handle *h = t;
	if (fk_gone(h)) return NULL;
	ss_plugin_table_entry_t *e = h->table->reader_ext->get_table_entry(h->table->table, key);
	if (e)
		fk_table_entries++;
	else
		fk_failed(h, "get_table_entry");
	return e;
}

static ss_plugin_rc fk_read(ss_plugin_table_t *t, ss_plugin_table_entry_t *e,
                            const ss_plugin_table_field_t *f, ss_plugin_state_data *out) {
	struct fk_handle *h = t;
	const struct fk_field *field = f;
	if (fk_gone(h)) return SS_PLUGIN_FAILURE;
	ss_plugin_rc rc = h->table->reader_ext->read_entry_field(h->table->table, e, field->field, out);
	if (rc == SS_PLUGIN_FAILURE) fk_failed(h, "read_entry_field");
	if (rc == SS_PLUGIN_SUCCESS && field->type == SS_PLUGIN_ST_TABLE)
		out->table = fk_tables_nested(h, out->table);
	return rc;
}

static void fk_release(ss_plugin_table_t *t, ss_plugin_table_entry_t *e) {
	struct fk_handle *h = t;
	fk_table_entries--;
	if (!fk_gone(h)) h->table->reader_ext->release_table_entry(h->table->table, e);
}

static ss_plugin_bool fk_iterate(ss_plugin_table_t *t, ss_plugin_table_iterator_func_t it,
                                 ss_plugin_table_iterator_state_t *s) {
	struct fk_handle *h = t;
	return !fk_gone(h) && h->table->reader_ext->iterate_entries(h->table->table, it, s);
}

static ss_plugin_rc fk_clear(ss_plugin_table_t *t) {
	struct fk_handle *h = t;
	if (fk_gone(h)) return SS_PLUGIN_FAILURE;
	ss_plugin_rc rc = h->table->writer_ext->clear_table(h->table->table);
	if (rc == SS_PLUGIN_FAILURE) fk_failed(h, "clear_table");
	return rc;
}

static ss_plugin_rc fk_erase(ss_plugin_table_t *t, const ss_plugin_state_data *key) {
	struct fk_handle *h = t;
	if (fk_gone(h)) return SS_PLUGIN_FAILURE;
	ss_plugin_rc rc = h->table->writer_ext->erase_table_entry(h->table->table, key);
	if (rc == SS_PLUGIN_FAILURE) fk_failed(h, "erase_table_entry");
	if (rc == SS_PLUGIN_SUCCESS && fk_threads_own(h->owner)) fk_threads_erased(h->table, key);
	return rc;
}

static ss_plugin_table_entry_t *fk_create(ss_plugin_table_t *t) {
	struct fk_handle *h = t;
	if (fk_gone(h)) return NULL;
	ss_plugin_table_entry_t *e = h->table->writer_ext->create_table_entry(h->table->table);
	if (!e) fk_failed(h, "create_table_entry");
	return e;
}

static void fk_destroy(ss_plugin_table_t *t, ss_plugin_table_entry_t *e) {
	struct fk_handle *h = t;
	if (!fk_gone(h)) h->table->writer_ext->destroy_table_entry(h->table->table, e);
}

static ss_plugin_table_entry_t *fk_insert(ss_plugin_table_t *t, const ss_plugin_state_data *key,
                                          ss_plugin_table_entry_t *e) {
	struct fk_handle *h = t;
	if (fk_gone(h)) return NULL;
	if (fk_threads_own(h->owner) && !fk_threads_make_room(h->table, key, e)) {
		fk_tables_fail(h->reader, "there is no memory for a list of that length");
		h->table->writer_ext->destroy_table_entry(h->table->table, e);
		return NULL;
	}
	e = h->table->writer_ext->add_table_entry(h->table->table, key, e);
	if (!e) {
		fk_failed(h, "add_table_entry");
		return NULL;
	}
	fk_table_entries++;
	if (fk_threads_own(h->owner)) fk_threads_inserted(h->table, key, e);
	return e;
}

static ss_plugin_rc fk_write(ss_plugin_table_t *t, ss_plugin_table_entry_t *e,
                             const ss_plugin_table_field_t *f, const ss_plugin_state_data *in) {
	struct fk_handle *h = t;
	const struct fk_field *field = f;
	if (fk_gone(h)) return SS_PLUGIN_FAILURE;
	if (field->type == SS_PLUGIN_ST_TABLE) {
		fk_tables_fail(h->reader, "a field that is a table cannot be written");
		return SS_PLUGIN_FAILURE;
	}
	ss_plugin_rc rc = h->table->writer_ext->write_entry_field(h->table->table, e, field->field, in);
	if (rc == SS_PLUGIN_FAILURE) fk_failed(h, "write_entry_field");
	return rc;
}

ss_plugin_table_fields_vtable_ext fk_table_fields = {fk_list_fields, fk_get_field, fk_add_field};
ss_plugin_table_reader_vtable_ext fk_table_reader = {fk_name, fk_size,    fk_get,
                                                     fk_read, fk_release, fk_iterate};
ss_plugin_table_writer_vtable_ext fk_table_writer = {fk_clear,   fk_erase,  fk_create,
                                                     fk_destroy, fk_insert, fk_write};

// The declaration of `threads`; entries and values are kept by the storage of tables that plugins
// export (../glue_store.h), and the registry has it like a table of a plugin. Sockets' fields share
// no memory here, as they do in the framework.

struct fk_column {
	const char *name;
	ss_plugin_state_type type;
	int64_t initial;
	bool read_only;
	const struct fk_nest *nest;
};

struct fk_nest {
	ss_plugin_state_type key;
	const struct fk_column *columns; // where the key is an i64, the first column is the key
};

enum {
	FK_NOBODY = UINT32_MAX,      // as user and group
	FK_FD_UNKNOWN = UINT8_MAX,   // as type of a file descriptor
	FK_LIST_MAX = 1 << 20,       // where the framework is without memory, at some size
	FK_NAME_CHANGED = 0x00020000 // of the flags of a thread
};

#define FK_FIELD_OF(type, name, initial) {name, SS_PLUGIN_ST_##type, initial, false, NULL}
#define FK_FIELD(type, name)             FK_FIELD_OF(type, name, 0)
#define FK_TABLE(name, nest)             {name, SS_PLUGIN_ST_TABLE, 0, true, nest}
#define FK_END                           {NULL, SS_PLUGIN_ST_BOOL, 0, false, NULL}

static const struct fk_column fk_fd_columns[] = {
	FK_FIELD_OF(INT64, "fd", -1),
	FK_FIELD_OF(UINT8, "type", FK_FD_UNKNOWN),
	FK_FIELD(UINT32, "open_flags"),
	FK_FIELD(STRING, "name"),
	FK_FIELD(STRING, "name_raw"),
	FK_FIELD(STRING, "old_name"),
	FK_FIELD(UINT32, "flags"),
	FK_FIELD(UINT32, "dev"),
	FK_FIELD(UINT32, "mount_id"),
	FK_FIELD(UINT64, "ino"),
	FK_FIELD(INT64, "pid"),
	FK_FIELD(UINT32, "socket_ipv4_src_ip"),
	FK_FIELD(UINT32, "socket_ipv4_dest_dip"),
	FK_FIELD(UINT16, "socket_ipv4_src_port"),
	FK_FIELD(UINT16, "socket_ipv4_dst_port"),
	FK_FIELD(UINT8, "socket_ipv4_l4_proto"),
	FK_FIELD(UINT64, "socket_ipv6_src_ip_low"),
	FK_FIELD(UINT64, "socket_ipv6_src_ip_high"),
	FK_FIELD(UINT64, "socket_ipv6_dest_ip_low"),
	FK_FIELD(UINT64, "socket_ipv6_dest_ip_high"),
	FK_FIELD(UINT16, "socket_ipv6_src_port"),
	FK_FIELD(UINT16, "socket_ipv6_dst_port"),
	FK_FIELD(UINT8, "socket_ipv6_l4_proto"),
	FK_FIELD(UINT32, "socket_ipv4_server_ip"),
	FK_FIELD(UINT16, "socket_ipv4_server_port"),
	FK_FIELD(UINT8, "socket_ipv4_server_l4_proto"),
	FK_FIELD(UINT64, "socket_ipv6_server_ip_low"),
	FK_FIELD(UINT64, "socket_ipv6_server_ip_high"),
	FK_FIELD(UINT16, "socket_ipv6_server_port"),
	FK_FIELD(UINT8, "socket_ipv6_server_l4_proto"),
	FK_FIELD(UINT64, "socket_unix_src"),
	FK_FIELD(UINT64, "socket_unix_dest"),
	FK_END,
};
static const struct fk_column fk_value[] = {FK_FIELD(STRING, "value"), FK_END};
static const struct fk_column fk_pair[] = {FK_FIELD(STRING, "first"), FK_FIELD(STRING, "second"),
                                           FK_END};

static const struct fk_nest fk_fds = {SS_PLUGIN_ST_INT64, fk_fd_columns};
static const struct fk_nest fk_list = {SS_PLUGIN_ST_UINT64, fk_value};
static const struct fk_nest fk_pairs = {SS_PLUGIN_ST_UINT64, fk_pair};

static const struct fk_column fk_thread_columns[] = {
	FK_FIELD(INT64, "tid"),
	FK_FIELD_OF(INT64, "pid", -1),
	FK_FIELD_OF(INT64, "ptid", -1),
	FK_FIELD_OF(INT64, "reaper_tid", -1),
	FK_FIELD_OF(INT64, "sid", -1),
	FK_FIELD(STRING, "comm"),
	FK_FIELD(STRING, "exe"),
	FK_FIELD(STRING, "exe_path"),
	FK_FIELD(BOOL, "exe_writable"),
	FK_FIELD(BOOL, "exe_upper_layer"),
	FK_FIELD(BOOL, "exe_lower_layer"),
	FK_FIELD(BOOL, "exe_from_memfd"),
	FK_TABLE("args", &fk_list),
	FK_TABLE("env", &fk_list),
	FK_TABLE("cgroups", &fk_pairs),
	FK_FIELD_OF(UINT32, "flags", FK_NAME_CHANGED),
	FK_FIELD_OF(INT64, "fd_limit", -1),
	FK_FIELD_OF(UINT32, "uid", FK_NOBODY),
	FK_FIELD_OF(UINT32, "gid", FK_NOBODY),
	FK_FIELD_OF(UINT32, "loginuid", FK_NOBODY),
	FK_FIELD(UINT64, "exe_ino"),
	FK_FIELD(UINT64, "exe_ino_ctime"),
	FK_FIELD(UINT64, "exe_ino_mtime"),
	FK_FIELD_OF(INT64, "vtid", -1),
	FK_FIELD_OF(INT64, "vpid", -1),
	FK_FIELD_OF(INT64, "vpgid", -1),
	FK_FIELD_OF(INT64, "pgid", -1),
	FK_FIELD(UINT64, "pidns_init_start_ts"),
	FK_FIELD(STRING, "root"),
	FK_FIELD(UINT32, "tty"),
	FK_TABLE("file_descriptors", &fk_fds),
	{"cwd", SS_PLUGIN_ST_STRING, 0, true, NULL},
	FK_END,
};

static struct fk_owner fk_host_owner;
static const char *fk_host_error(ss_plugin_t *state) {
	(void)state;
	return fk_host_owner.last_error;
}

// Like a plugin that has exported a table.
static struct fk_guest fk_host = {
	.name = "falcokit-runner",
	.initialized = true,
	.api.get_last_error = fk_host_error,
	.owner = &fk_host_owner,
};
static struct fk_owner fk_host_owner = {.guest = &fk_host};
static fk_xroot *fk_threads;

static bool fk_declare(fk_xschema *schema, const struct fk_column *columns) {
	for (const struct fk_column *c = columns; schema && c->name; c++) {
		fk_xfield *field = fk_xfield_new(schema, c->name, c->type, c->read_only);
		if (!field) return false;
		field->initial = (uint64_t)c->initial;
		if (!c->nest) continue;
		field->nested = fk_xschema_new(schema->root, c->name, c->nest->key);
		if (!fk_declare(field->nested, c->nest->columns)) return false;
	}
	if (schema) schema->declared = schema->count;
	return schema != NULL;
}

void fk_threads_begin(void) {
	fk_threads = fk_xroot_new("threads", SS_PLUGIN_ST_INT64);
	if (!fk_threads) return;
	fk_threads->error = fk_host_owner.last_error;
	fk_threads->error_size = sizeof fk_host_owner.last_error;
	if (fk_declare(fk_threads->table.schema, fk_thread_columns))
		fk_tables_add(&fk_host_owner, &fk_threads->table.input);
}

void fk_threads_end(void) {
	fk_tables_forget(&fk_host);
	if (fk_threads) fk_xroot_close(fk_threads);
	fk_threads = NULL;
}

bool fk_threads_own(const struct fk_guest *owner) { return owner == &fk_host; }

const char *fk_threads_refuse_field(const ss_plugin_table_input *table, const char *name) {
	fk_xschema *schema = ((fk_xtable *)table->table)->schema;
	if (schema->key != SS_PLUGIN_ST_INT64) return "nobody can add fields to it";
	const fk_xfield *field = fk_xfield_find(schema, name);
	return field && field->index < schema->declared ? "it has this field of its own" : NULL;
}

void fk_threads_inserted(const ss_plugin_table_input *table, const ss_plugin_state_data *key,
                         ss_plugin_table_entry_t *entry) {
	fk_xschema *schema = ((fk_xtable *)table->table)->schema;
	if (schema->key == SS_PLUGIN_ST_INT64) fk_xwrite(entry, &schema->fields[0], (uint64_t)key->s64);
}

static bool fk_is_list(const fk_xtable *table) { return table->schema->key == SS_PLUGIN_ST_UINT64; }

static bool fk_add_empty(fk_xtable *table, uint64_t index) {
	fk_xkey key = fk_xkey_number(index);
	fk_xentry *entry = fk_xentry_new(table->schema);
	bool ok = entry && fk_xput(table, &key, entry, 0);
	if (entry) fk_xlet_go(entry, FK_X_REF);
	return ok;
}

bool fk_threads_make_room(const ss_plugin_table_input *input, const ss_plugin_state_data *key,
                          ss_plugin_table_entry_t *made) {
	fk_xtable *table = input->table;
	if (!fk_is_list(table)) return true;
	if (key->u64 > FK_LIST_MAX) return false;
	for (uint64_t i = table->map.live; i-- > key->u64 + 1;) {
		fk_xkey behind = fk_xkey_number(i);
		fk_xerase(table, &behind);
	}
	bool ok = true;
	for (uint64_t i = table->map.live; ok && i < key->u64; i++) ok = fk_add_empty(table, i);
	fk_xkey at = fk_xkey_number(key->u64);
	fk_xentry *old = fk_xget(table, &at, FK_X_REF);
	for (uint32_t i = 0; old && i < table->schema->declared; i++) { // all of them are texts
		const fk_xfield *field = &table->schema->fields[i];
		ok = ok && fk_xwrite_text(made, field, fk_xtext_locked(old, field, false));
	}
	if (old) fk_xlet_go(old, FK_X_REF);
	return ok;
}

void fk_threads_erased(const ss_plugin_table_input *input, const ss_plugin_state_data *key) {
	fk_xtable *table = input->table;
	if (!fk_is_list(table)) return;
	for (uint64_t i = key->u64 + 1, last = table->map.live; i <= last; i++) {
		fk_xkey from = fk_xkey_number(i), to = fk_xkey_number(i - 1);
		fk_xentry *entry = fk_xget(table, &from, FK_X_REF);
		if (!entry) return;
		fk_xerase(table, &from);
		fk_xput(table, &to, entry, 0);
		fk_xlet_go(entry, FK_X_REF);
	}
}
