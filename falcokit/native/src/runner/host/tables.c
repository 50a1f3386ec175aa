// SPDX-License-Identifier: Apache-2.0
// Three parts: the registry of tables by name, with the framework's checks; the calls that plugins
// make on tables, each passed on to the owner of the table; and the host's own table `threads`.
#include "runner/host/owner.h"
#include "runner/host/tables.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "runner/report/report.h"
#include "runner/host/threads.h"
#include "tables/store.h"

// A table as its owner added it. The vtables are copies, because the owner may be gone.
struct fkr_table {
	struct fkr_guest *owner;
	char *name;
	ss_plugin_table_input in;
	ss_plugin_table_reader_vtable_ext reader;
	ss_plugin_table_writer_vtable_ext writer;
	ss_plugin_table_fields_vtable_ext fields;
	struct fkr_table *next;
};

static struct fkr_table *fkr_tables;
static struct fkr_handle *fkr_handles;
int fkr_table_entries;

void fkr_tables_fail(struct fkr_owner *reader, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(reader->last_error, sizeof reader->last_error, format, args);
	va_end(args);
}

static struct fkr_table *fkr_find(const char *name) {
	struct fkr_table *table = fkr_tables;
	while (table && strcmp(table->name, name) != 0) table = table->next;
	return table;
}

ss_plugin_table_info *fkr_tables_list(ss_plugin_owner_t *o, uint32_t *n) {
	static ss_plugin_table_info *infos; // until the next call
	uint32_t count = 0;
	(void)o;
	for (struct fkr_table *table = fkr_tables; table; table = table->next) {
		infos = fkr_must_alloc(infos, (count + 1) * sizeof *infos);
		infos[count++] = (ss_plugin_table_info){table->name, table->in.key_type};
	}
	*n = count;
	return infos;
}

static struct fkr_handle *fkr_new_handle(struct fkr_owner *reader, struct fkr_guest *owner,
                                         ss_plugin_table_input *table) {
	struct fkr_handle *handle = fkr_must_alloc(NULL, sizeof *handle);
	*handle = (struct fkr_handle){
		.in = {.name = table->name, .key_type = table->key_type, .table = handle},
		.reader = reader,
		.owner = owner,
		.table = table,
		.next = fkr_handles,
	};
	memcpy(&handle->in.reader, &fkr_table_reader, sizeof handle->in.reader);
	handle->in.writer = fkr_table_writer;
	handle->in.fields = fkr_table_fields;
	handle->in.reader_ext = &fkr_table_reader;
	handle->in.writer_ext = &fkr_table_writer;
	handle->in.fields_ext = &fkr_table_fields;
	return fkr_handles = handle;
}

ss_plugin_table_t *fkr_tables_get(ss_plugin_owner_t *o, const char *name,
                                  ss_plugin_state_type key) {
	struct fkr_table *table = fkr_find(name);
	if (!table) {
		fkr_tables_fail(o, "there is no table '%.200s'", name);
		return NULL;
	}
	if (table->in.key_type != key) {
		fkr_tables_fail(o, "the keys of table '%.200s' are of type %d, not %d", name,
		                table->in.key_type, key);
		return NULL;
	}
	for (struct fkr_handle *handle = fkr_handles; handle; handle = handle->next)
		if (handle->reader == o && handle->table == &table->in) return handle;
	return fkr_new_handle(o, table->owner, &table->in);
}

static bool fkr_whole(const ss_plugin_table_input *in) {
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

ss_plugin_rc fkr_tables_add(ss_plugin_owner_t *o, const ss_plugin_table_input *in) {
	struct fkr_owner *owner = o;
	if (!in || !in->name || !in->table || !fkr_whole(in)) {
		fkr_tables_fail(owner, "a table needs a name and every function, the same in both vtables");
		return SS_PLUGIN_FAILURE;
	}
	if (fkr_find(in->name)) {
		fkr_tables_fail(owner, "there is a table '%.200s' already", in->name);
		return SS_PLUGIN_FAILURE;
	}
	struct fkr_table *table = fkr_must_alloc(NULL, sizeof *table);
	*table = (struct fkr_table){
		.owner = owner->guest,
		.name = fkr_must_copy(in->name),
		.in = *in,
		.reader = *in->reader_ext,
		.writer = *in->writer_ext,
		.fields = *in->fields_ext,
		.next = fkr_tables,
	};
	table->in.name = table->name;
	table->in.reader_ext = &table->reader;
	table->in.writer_ext = &table->writer;
	table->in.fields_ext = &table->fields;
	fkr_tables = table;
	return SS_PLUGIN_SUCCESS;
}

struct fkr_handle *fkr_tables_nested(const struct fkr_handle *parent,
                                     ss_plugin_table_input *table) {
	struct fkr_handle *handle = fkr_new_handle(parent->reader, parent->owner, table);
	handle->nested = true;
	return handle;
}

static void fkr_drop_nested(void) {
	for (struct fkr_handle **at = &fkr_handles, *handle; (handle = *at);) {
		if (!handle->nested) {
			at = &handle->next;
			continue;
		}
		*at = handle->next;
		free(handle);
	}
}

void fkr_tables_leave(const struct fkr_guest *guest) {
	if (!fkr_tables) return;
	fkr_drop_nested();
	if (!fkr_table_entries) return;
	char why[128];
	snprintf(why, sizeof why, "%d table entries were not released when the call returned",
	         fkr_table_entries);
	fkr_table_entries = 0;
	fkr_log(guest->owner, NULL, why, SS_PLUGIN_LOG_SEV_WARNING);
}

// Handles that other plugins hold stay valid, and answer with FAILURE.
void fkr_tables_forget(struct fkr_guest *guest) {
	for (struct fkr_handle *handle = fkr_handles; handle; handle = handle->next)
		if (handle->owner == guest) handle->owner = NULL;
	for (struct fkr_table **at = &fkr_tables, *table; (table = *at);) {
		if (table->owner != guest) {
			at = &table->next;
			continue;
		}
		*at = table->next;
		free(table->name);
		free(table);
	}
	for (struct fkr_handle **at = &fkr_handles, *handle; (handle = *at);) {
		if (handle->reader != guest->owner) {
			at = &handle->next;
			continue;
		}
		*at = handle->next;
		free(handle);
	}
	if (!fkr_tables && !fkr_handles) fkr_table_fields_forget();
}

// ---- the calls on tables ----------------------------------------------------------------------------
// Each goes to the plugin that owns the table; the error text of that plugin becomes the last error
// of the caller's owner. Fields are wrapped together with their type, so that a read can distinguish
// a nested table from a number.

struct fkr_field {
	ss_plugin_table_field_t *field; // the owner's
	ss_plugin_state_type type;
	struct fkr_field *next;
};

static struct fkr_field *fkr_fields; // freed with the last table, because plugins may keep them

void fkr_table_fields_forget(void) {
	for (struct fkr_field *field = fkr_fields, *next; field; field = next) {
		next = field->next;
		free(field);
	}
	fkr_fields = NULL;
}

static bool fkr_gone(struct fkr_handle *h) {
	if (h->owner) return false;
	fkr_tables_fail(h->reader, "the plugin that had this table is gone");
	return true;
}

static void fkr_failed(struct fkr_handle *h, const char *what) {
	const struct fkr_guest *owner = h->owner;
	const char *why = owner->initialized ? owner->api.get_last_error(owner->state) : NULL;
	fkr_tables_fail(h->reader, "%s of table '%.100s' failed: %.600s", what, h->table->name,
	                why && *why ? why : "its owner left no error text");
}

static ss_plugin_table_field_t *fkr_wrap(ss_plugin_table_field_t *field,
                                         ss_plugin_state_type type) {
	struct fkr_field *known = fkr_fields;
	while (known && (known->field != field || known->type != type)) known = known->next;
	if (known) return known;
	known = fkr_must_alloc(NULL, sizeof *known);
	*known = (struct fkr_field){field, type, fkr_fields};
	return fkr_fields = known;
}

static const ss_plugin_table_fieldinfo *fkr_list_fields(ss_plugin_table_t *t, uint32_t *n) {
	struct fkr_handle *h = t;
	*n = 0;
	if (fkr_gone(h)) return NULL;
	return h->table->fields_ext->list_table_fields(h->table->table, n);
}

static ss_plugin_table_field_t *fkr_get_field(ss_plugin_table_t *t, const char *name,
                                              ss_plugin_state_type type) {
	struct fkr_handle *h = t;
	if (fkr_gone(h)) return NULL;
	ss_plugin_table_field_t *field =
		h->table->fields_ext->get_table_field(h->table->table, name, type);
	if (!field) fkr_failed(h, "get_table_field");
	return field ? fkr_wrap(field, type) : NULL;
}

static ss_plugin_table_field_t *fkr_add_field(ss_plugin_table_t *t, const char *name,
                                              ss_plugin_state_type type) {
	struct fkr_handle *h = t;
	if (fkr_gone(h)) return NULL;
	if (type == SS_PLUGIN_ST_TABLE) {
		fkr_tables_fail(h->reader, "a field that is a table cannot be added");
		return NULL;
	}
	const char *why = fkr_threads_own(h->owner) ? fkr_threads_refuse_field(h->table, name) : NULL;
	if (why) {
		fkr_tables_fail(h->reader, "field '%.100s' cannot be added to table '%.100s': %s", name,
		                h->table->name, why);
		return NULL;
	}
	ss_plugin_table_field_t *field =
		h->table->fields_ext->add_table_field(h->table->table, name, type);
	if (!field) fkr_failed(h, "add_table_field");
	return field ? fkr_wrap(field, type) : NULL;
}

static const char *fkr_name(ss_plugin_table_t *t) {
	struct fkr_handle *h = t;
	return fkr_gone(h) ? NULL : h->table->reader_ext->get_table_name(h->table->table);
}

static uint64_t fkr_size(ss_plugin_table_t *t) {
	struct fkr_handle *h = t;
	if (fkr_gone(h)) return UINT64_MAX;
	uint64_t size = h->table->reader_ext->get_table_size(h->table->table);
	if (size == UINT64_MAX) fkr_failed(h, "get_table_size");
	return size;
}

static ss_plugin_table_entry_t *fkr_get(ss_plugin_table_t *t, const ss_plugin_state_data *key) {
	struct fkr_handle *h = t;
	if (fkr_gone(h)) return NULL;
	ss_plugin_table_entry_t *e = h->table->reader_ext->get_table_entry(h->table->table, key);
	if (e)
		fkr_table_entries++;
	else
		fkr_failed(h, "get_table_entry");
	return e;
}

static ss_plugin_rc fkr_read(ss_plugin_table_t *t, ss_plugin_table_entry_t *e,
                             const ss_plugin_table_field_t *f, ss_plugin_state_data *out) {
	struct fkr_handle *h = t;
	const struct fkr_field *field = f;
	if (fkr_gone(h)) return SS_PLUGIN_FAILURE;
	ss_plugin_rc rc = h->table->reader_ext->read_entry_field(h->table->table, e, field->field, out);
	if (rc == SS_PLUGIN_FAILURE) fkr_failed(h, "read_entry_field");
	if (rc == SS_PLUGIN_SUCCESS && field->type == SS_PLUGIN_ST_TABLE)
		out->table = fkr_tables_nested(h, out->table);
	return rc;
}

static void fkr_release(ss_plugin_table_t *t, ss_plugin_table_entry_t *e) {
	struct fkr_handle *h = t;
	fkr_table_entries--;
	if (!fkr_gone(h)) h->table->reader_ext->release_table_entry(h->table->table, e);
}

static ss_plugin_bool fkr_iterate(ss_plugin_table_t *t, ss_plugin_table_iterator_func_t it,
                                  ss_plugin_table_iterator_state_t *s) {
	struct fkr_handle *h = t;
	return !fkr_gone(h) && h->table->reader_ext->iterate_entries(h->table->table, it, s);
}

static ss_plugin_rc fkr_clear(ss_plugin_table_t *t) {
	struct fkr_handle *h = t;
	if (fkr_gone(h)) return SS_PLUGIN_FAILURE;
	ss_plugin_rc rc = h->table->writer_ext->clear_table(h->table->table);
	if (rc == SS_PLUGIN_FAILURE) fkr_failed(h, "clear_table");
	return rc;
}

static ss_plugin_rc fkr_erase(ss_plugin_table_t *t, const ss_plugin_state_data *key) {
	struct fkr_handle *h = t;
	if (fkr_gone(h)) return SS_PLUGIN_FAILURE;
	ss_plugin_rc rc = h->table->writer_ext->erase_table_entry(h->table->table, key);
	if (rc == SS_PLUGIN_FAILURE) fkr_failed(h, "erase_table_entry");
	if (rc == SS_PLUGIN_SUCCESS && fkr_threads_own(h->owner)) fkr_threads_erased(h->table, key);
	return rc;
}

static ss_plugin_table_entry_t *fkr_create(ss_plugin_table_t *t) {
	struct fkr_handle *h = t;
	if (fkr_gone(h)) return NULL;
	ss_plugin_table_entry_t *e = h->table->writer_ext->create_table_entry(h->table->table);
	if (!e) fkr_failed(h, "create_table_entry");
	return e;
}

static void fkr_destroy(ss_plugin_table_t *t, ss_plugin_table_entry_t *e) {
	struct fkr_handle *h = t;
	if (!fkr_gone(h)) h->table->writer_ext->destroy_table_entry(h->table->table, e);
}

static ss_plugin_table_entry_t *fkr_insert(ss_plugin_table_t *t, const ss_plugin_state_data *key,
                                           ss_plugin_table_entry_t *e) {
	struct fkr_handle *h = t;
	if (fkr_gone(h)) return NULL;
	if (fkr_threads_own(h->owner) && !fkr_threads_make_room(h->table, key, e)) {
		fkr_tables_fail(h->reader, "there is no memory for a list of that length");
		h->table->writer_ext->destroy_table_entry(h->table->table, e);
		return NULL;
	}
	e = h->table->writer_ext->add_table_entry(h->table->table, key, e);
	if (!e) {
		fkr_failed(h, "add_table_entry");
		return NULL;
	}
	fkr_table_entries++;
	if (fkr_threads_own(h->owner)) fkr_threads_inserted(h->table, key, e);
	return e;
}

static ss_plugin_rc fkr_write(ss_plugin_table_t *t, ss_plugin_table_entry_t *e,
                              const ss_plugin_table_field_t *f, const ss_plugin_state_data *in) {
	struct fkr_handle *h = t;
	const struct fkr_field *field = f;
	if (fkr_gone(h)) return SS_PLUGIN_FAILURE;
	if (field->type == SS_PLUGIN_ST_TABLE) {
		fkr_tables_fail(h->reader, "a field that is a table cannot be written");
		return SS_PLUGIN_FAILURE;
	}
	ss_plugin_rc rc = h->table->writer_ext->write_entry_field(h->table->table, e, field->field, in);
	if (rc == SS_PLUGIN_FAILURE) fkr_failed(h, "write_entry_field");
	return rc;
}

ss_plugin_table_fields_vtable_ext fkr_table_fields = {fkr_list_fields, fkr_get_field,
                                                      fkr_add_field};
ss_plugin_table_reader_vtable_ext fkr_table_reader = {fkr_name, fkr_size,    fkr_get,
                                                      fkr_read, fkr_release, fkr_iterate};
ss_plugin_table_writer_vtable_ext fkr_table_writer = {fkr_clear,   fkr_erase,  fkr_create,
                                                      fkr_destroy, fkr_insert, fkr_write};

// ---- the table `threads` ----------------------------------------------------------------------------
// Its entries live in the store of exported tables (tables/store.h), and it is registered like a table
// of a plugin. The fields of sockets share no memory here, other than in the framework.

struct fkr_column {
	const char *name;
	ss_plugin_state_type type;
	int64_t initial;
	bool read_only;
	const struct fkr_nest *nest;
};

struct fkr_nest {
	ss_plugin_state_type key;
	const struct fkr_column *columns; // where the key is an i64, the first column is the key
};

enum {
	FKR_NOBODY = UINT32_MAX,      // as user and group
	FKR_FD_UNKNOWN = UINT8_MAX,   // as type of a file descriptor
	FKR_LIST_MAX = 1 << 20,       // the framework runs out of memory at some size
	FKR_NAME_CHANGED = 0x00020000 // of the flags of a thread
};

#define FKR_FIELD_OF(type, name, initial) {name, SS_PLUGIN_ST_##type, initial, false, NULL}
#define FKR_FIELD(type, name)             FKR_FIELD_OF(type, name, 0)
#define FKR_TABLE(name, nest)             {name, SS_PLUGIN_ST_TABLE, 0, true, nest}
#define FKR_END                           {NULL, SS_PLUGIN_ST_BOOL, 0, false, NULL}

static const struct fkr_column fkr_fd_columns[] = {
	FKR_FIELD_OF(INT64, "fd", -1),
	FKR_FIELD_OF(UINT8, "type", FKR_FD_UNKNOWN),
	FKR_FIELD(UINT32, "open_flags"),
	FKR_FIELD(STRING, "name"),
	FKR_FIELD(STRING, "name_raw"),
	FKR_FIELD(STRING, "old_name"),
	FKR_FIELD(UINT32, "flags"),
	FKR_FIELD(UINT32, "dev"),
	FKR_FIELD(UINT32, "mount_id"),
	FKR_FIELD(UINT64, "ino"),
	FKR_FIELD(INT64, "pid"),
	FKR_FIELD(UINT32, "socket_ipv4_src_ip"),
	FKR_FIELD(UINT32, "socket_ipv4_dest_dip"),
	FKR_FIELD(UINT16, "socket_ipv4_src_port"),
	FKR_FIELD(UINT16, "socket_ipv4_dst_port"),
	FKR_FIELD(UINT8, "socket_ipv4_l4_proto"),
	FKR_FIELD(UINT64, "socket_ipv6_src_ip_low"),
	FKR_FIELD(UINT64, "socket_ipv6_src_ip_high"),
	FKR_FIELD(UINT64, "socket_ipv6_dest_ip_low"),
	FKR_FIELD(UINT64, "socket_ipv6_dest_ip_high"),
	FKR_FIELD(UINT16, "socket_ipv6_src_port"),
	FKR_FIELD(UINT16, "socket_ipv6_dst_port"),
	FKR_FIELD(UINT8, "socket_ipv6_l4_proto"),
	FKR_FIELD(UINT32, "socket_ipv4_server_ip"),
	FKR_FIELD(UINT16, "socket_ipv4_server_port"),
	FKR_FIELD(UINT8, "socket_ipv4_server_l4_proto"),
	FKR_FIELD(UINT64, "socket_ipv6_server_ip_low"),
	FKR_FIELD(UINT64, "socket_ipv6_server_ip_high"),
	FKR_FIELD(UINT16, "socket_ipv6_server_port"),
	FKR_FIELD(UINT8, "socket_ipv6_server_l4_proto"),
	FKR_FIELD(UINT64, "socket_unix_src"),
	FKR_FIELD(UINT64, "socket_unix_dest"),
	FKR_END,
};
static const struct fkr_column fkr_value[] = {FKR_FIELD(STRING, "value"), FKR_END};
static const struct fkr_column fkr_pair[] = {FKR_FIELD(STRING, "first"),
                                             FKR_FIELD(STRING, "second"), FKR_END};

static const struct fkr_nest fkr_fds = {SS_PLUGIN_ST_INT64, fkr_fd_columns};
static const struct fkr_nest fkr_list = {SS_PLUGIN_ST_UINT64, fkr_value};
static const struct fkr_nest fkr_pairs = {SS_PLUGIN_ST_UINT64, fkr_pair};

static const struct fkr_column fkr_thread_columns[] = {
	FKR_FIELD(INT64, "tid"),
	FKR_FIELD_OF(INT64, "pid", -1),
	FKR_FIELD_OF(INT64, "ptid", -1),
	FKR_FIELD_OF(INT64, "reaper_tid", -1),
	FKR_FIELD_OF(INT64, "sid", -1),
	FKR_FIELD(STRING, "comm"),
	FKR_FIELD(STRING, "exe"),
	FKR_FIELD(STRING, "exe_path"),
	FKR_FIELD(BOOL, "exe_writable"),
	FKR_FIELD(BOOL, "exe_upper_layer"),
	FKR_FIELD(BOOL, "exe_lower_layer"),
	FKR_FIELD(BOOL, "exe_from_memfd"),
	FKR_TABLE("args", &fkr_list),
	FKR_TABLE("env", &fkr_list),
	FKR_TABLE("cgroups", &fkr_pairs),
	FKR_FIELD_OF(UINT32, "flags", FKR_NAME_CHANGED),
	FKR_FIELD_OF(INT64, "fd_limit", -1),
	FKR_FIELD_OF(UINT32, "uid", FKR_NOBODY),
	FKR_FIELD_OF(UINT32, "gid", FKR_NOBODY),
	FKR_FIELD_OF(UINT32, "loginuid", FKR_NOBODY),
	FKR_FIELD(UINT64, "exe_ino"),
	FKR_FIELD(UINT64, "exe_ino_ctime"),
	FKR_FIELD(UINT64, "exe_ino_mtime"),
	FKR_FIELD_OF(INT64, "vtid", -1),
	FKR_FIELD_OF(INT64, "vpid", -1),
	FKR_FIELD_OF(INT64, "vpgid", -1),
	FKR_FIELD_OF(INT64, "pgid", -1),
	FKR_FIELD(UINT64, "pidns_init_start_ts"),
	FKR_FIELD(STRING, "root"),
	FKR_FIELD(UINT32, "tty"),
	FKR_TABLE("file_descriptors", &fkr_fds),
	{"cwd", SS_PLUGIN_ST_STRING, 0, true, NULL},
	FKR_END,
};

static struct fkr_owner fkr_host_owner;
static const char *fkr_host_error(ss_plugin_t *state) {
	(void)state;
	return fkr_host_owner.last_error;
}

// Like a plugin that has exported a table.
static struct fkr_guest fkr_host = {
	.name = "falcokit-runner",
	.initialized = true,
	.api.get_last_error = fkr_host_error,
	.owner = &fkr_host_owner,
};
static struct fkr_owner fkr_host_owner = {.guest = &fkr_host};
static fk_xroot *fkr_threads;

static bool fkr_declare(fk_xschema *schema, const struct fkr_column *columns) {
	for (const struct fkr_column *c = columns; schema && c->name; c++) {
		fk_xfield *field = fk_xfield_new(schema, c->name, c->type, c->read_only);
		if (!field) return false;
		field->initial = (uint64_t)c->initial;
		if (!c->nest) continue;
		field->nested = fk_xschema_new(schema->root, c->name, c->nest->key);
		if (!fkr_declare(field->nested, c->nest->columns)) return false;
	}
	if (schema) schema->declared = schema->count;
	return schema != NULL;
}

void fkr_threads_begin(void) {
	fkr_threads = fk_xroot_new("threads", SS_PLUGIN_ST_INT64);
	if (!fkr_threads) return;
	fkr_threads->error = fkr_host_owner.last_error;
	fkr_threads->error_size = sizeof fkr_host_owner.last_error;
	if (fkr_declare(fkr_threads->table.schema, fkr_thread_columns))
		fkr_tables_add(&fkr_host_owner, &fkr_threads->table.input);
}

void fkr_threads_end(void) {
	fkr_tables_forget(&fkr_host);
	if (fkr_threads) fk_xroot_close(fkr_threads);
	fkr_threads = NULL;
}

bool fkr_threads_own(const struct fkr_guest *owner) { return owner == &fkr_host; }

const char *fkr_threads_refuse_field(const ss_plugin_table_input *table, const char *name) {
	fk_xschema *schema = ((fk_xtable *)table->table)->schema;
	if (schema->key != SS_PLUGIN_ST_INT64) return "nobody can add fields to it";
	const fk_xfield *field = fk_xfield_find(schema, name);
	return field && field->index < schema->declared ? "it has this field of its own" : NULL;
}

void fkr_threads_inserted(const ss_plugin_table_input *table, const ss_plugin_state_data *key,
                          ss_plugin_table_entry_t *entry) {
	fk_xschema *schema = ((fk_xtable *)table->table)->schema;
	if (schema->key == SS_PLUGIN_ST_INT64) fk_xwrite(entry, &schema->fields[0], (uint64_t)key->s64);
}

static bool fkr_is_list(const fk_xtable *table) {
	return table->schema->key == SS_PLUGIN_ST_UINT64;
}

static bool fkr_add_empty(fk_xtable *table, uint64_t index) {
	fk_xkey key = fk_xkey_number(index);
	fk_xentry *entry = fk_xentry_new(table->schema);
	bool ok = entry && fk_xput(table, &key, entry);
	if (entry) fk_xrelease(entry, FK_X_REF);
	return ok;
}

bool fkr_threads_make_room(const ss_plugin_table_input *input, const ss_plugin_state_data *key,
                           ss_plugin_table_entry_t *made) {
	fk_xtable *table = input->table;
	if (!fkr_is_list(table)) return true;
	if (key->u64 > FKR_LIST_MAX) return false;
	for (uint64_t i = table->map.live; i-- > key->u64 + 1;) {
		fk_xkey behind = fk_xkey_number(i);
		fk_xerase(table, &behind);
	}
	bool ok = true;
	for (uint64_t i = table->map.live; ok && i < key->u64; i++) ok = fkr_add_empty(table, i);
	fk_xkey at = fk_xkey_number(key->u64);
	fk_xentry *old = fk_xget(table, &at, FK_X_REF);
	for (uint32_t i = 0; old && i < table->schema->declared; i++) { // all of them are texts
		const fk_xfield *field = &table->schema->fields[i];
		ok = ok && fk_xwrite_text(made, field, fk_xtext_locked(old, field, false));
	}
	if (old) fk_xrelease(old, FK_X_REF);
	return ok;
}

void fkr_threads_erased(const ss_plugin_table_input *input, const ss_plugin_state_data *key) {
	fk_xtable *table = input->table;
	if (!fkr_is_list(table)) return;
	for (uint64_t i = key->u64 + 1, last = table->map.live; i <= last; i++) {
		fk_xkey from = fk_xkey_number(i), to = fk_xkey_number(i - 1);
		fk_xentry *entry = fk_xget(table, &from, FK_X_REF);
		if (!entry) return;
		fk_xerase(table, &from);
		fk_xput(table, &to, entry);
		fk_xrelease(entry, FK_X_REF);
	}
}
