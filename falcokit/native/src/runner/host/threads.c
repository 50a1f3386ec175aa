// SPDX-License-Identifier: Apache-2.0
// The declaration of `threads`; entries and values are kept by the storage of tables that plugins
// export (../glue_store.h), and the registry has it like a table of a plugin. Sockets' fields share
// no memory here, as they do in the framework.
#include "runner/host/threads.h"

#include <string.h>

#include "tables/store.h"
#include "runner/host/tables.h"

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
