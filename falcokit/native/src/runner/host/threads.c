// SPDX-License-Identifier: Apache-2.0
// The host's own table `threads`. Its entries live in the store of exported tables (tables/store.h),
// and it is registered like a table of a plugin. The fields of sockets share no memory here, other
// than in the framework.
#include "runner/host/threads.h"

#include <string.h>

#include "tables/store.h"

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
	FKR_NOBODY = UINT32_MAX,       // as user and group
	FKR_FD_UNKNOWN = UINT8_MAX,    // as type of a file descriptor
	FKR_LIST_MAX = 1 << 20,        // the framework runs out of memory at some size
	FKR_NAME_CHANGED = 0x00020000, // of the flags of a thread
	FKR_SHARES_FILES = 0x00000001,
	FKR_FD_CLONED = 0x00004000, // of the flags of a descriptor
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

const ss_plugin_table_input *fkr_threads_make(struct fkr_owner **owner) {
	*owner = &fkr_host_owner;
	fkr_threads = fk_xroot_new("threads", SS_PLUGIN_ST_INT64);
	if (!fkr_threads) return NULL;
	fkr_threads->error = fkr_host_owner.last_error;
	fkr_threads->error_size = sizeof fkr_host_owner.last_error;
	bool ok = fkr_declare(fkr_threads->table.schema, fkr_thread_columns);
	return ok ? &fkr_threads->table.input : NULL;
}

void fkr_threads_close(void) {
	if (fkr_threads) fk_xroot_close(fkr_threads);
	fkr_threads = NULL;
}

struct fkr_guest *fkr_threads_guest(void) { return &fkr_host; }

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

// ---- changes that a capture brings ------------------------------------------------------------------

enum fkr_change {
	FKR_THREAD_NEW = 1, // in the place of one with this id
	FKR_THREAD_GONE,
	FKR_THREAD_NUMBER, // u64
	FKR_THREAD_TEXT,   // u32 size with the NUL, text
	FKR_THREAD_LIST,   // u32 count, then a text for each value, or two for each pair
	FKR_FD_NEW,
	FKR_FD_GONE,
	FKR_FD_NUMBER,
	FKR_FD_TEXT,
	FKR_FD_COPY, // all descriptors of another thread
};

struct fkr_changes {
	const char *at, *end;
};

static bool fkr_take(struct fkr_changes *c, void *to, size_t size) {
	if ((size_t)(c->end - c->at) < size) return false;
	memcpy(to, c->at, size);
	c->at += size;
	return true;
}

static const char *fkr_take_text(struct fkr_changes *c) {
	uint32_t size;
	if (!fkr_take(c, &size, sizeof size) || !size || (size_t)(c->end - c->at) < size ||
	    c->at[size - 1])
		return NULL;
	c->at += size;
	return c->at - size;
}

static fk_xentry *fkr_entry(fk_xtable *table, int64_t key) {
	fk_xkey at = fk_xkey_number((uint64_t)key);
	return table ? fk_xget(table, &at, FK_X_REF) : NULL;
}

// An entry with its initial values, and its key in the first field. NULL: no memory.
static fk_xentry *fkr_make(fk_xtable *table, int64_t key) {
	fk_xkey at = fk_xkey_number((uint64_t)key);
	fk_xentry *entry = table ? fk_xentry_new(table->schema) : NULL;
	if (!entry) return NULL;
	fk_xwrite(entry, &table->schema->fields[0], (uint64_t)key);
	if (fk_xput(table, &at, entry)) return entry;
	fk_xrelease(entry, FK_X_REF);
	return NULL;
}

static const fk_xfield *fkr_column_at(const fk_xschema *schema, uint8_t column, bool text) {
	const fk_xfield *field = column < schema->declared ? &schema->fields[column] : NULL;
	if (!field || field->type == SS_PLUGIN_ST_TABLE) return NULL;
	return (field->type == SS_PLUGIN_ST_STRING) == text ? field : NULL;
}

// A number or a text; `entry` is NULL when a plugin has erased it.
static bool fkr_change_value(struct fkr_changes *c, const fk_xschema *schema, fk_xentry *entry,
                             uint8_t column, bool is_text) {
	const fk_xfield *field = fkr_column_at(schema, column, is_text);
	uint64_t number = 0;
	const char *text = is_text ? fkr_take_text(c) : NULL;
	if (!field || (is_text ? !text : !fkr_take(c, &number, sizeof number))) return false;
	if (entry && is_text)
		fk_xwrite_text(entry, field, text);
	else if (entry)
		fk_xwrite(entry, field, number);
	return true;
}

static bool fkr_change_list(struct fkr_changes *c, const fk_xschema *schema, fk_xentry *entry,
                            uint8_t column) {
	const fk_xfield *field = column < schema->declared ? &schema->fields[column] : NULL;
	uint32_t count;
	if (!field || !field->nested || field->nested->key != SS_PLUGIN_ST_UINT64 ||
	    !fkr_take(c, &count, sizeof count))
		return false;
	fk_xtable *list = entry ? fk_xnested(entry, field) : NULL;
	if (list) fk_xclear(list);
	for (uint32_t i = 0; i < count; i++) {
		fk_xentry *value = NULL;
		fk_xkey at = fk_xkey_number(i);
		if (list && (value = fk_xentry_new(list->schema))) fk_xput(list, &at, value);
		bool ok = true;
		for (uint32_t k = 0; ok && k < field->nested->declared; k++)
			ok = fkr_change_value(c, field->nested, value, (uint8_t)k, true);
		if (value) fk_xrelease(value, FK_X_REF);
		if (!ok) return false;
	}
	return true;
}

static fk_xfield *fkr_fds_field(void) {
	return fk_xfield_find(fkr_threads->table.schema, "file_descriptors");
}

static fk_xtable *fkr_fds_of(fk_xentry *thread) {
	return thread ? fk_xnested(thread, fkr_fds_field()) : NULL;
}

static void fkr_copy_fds(fk_xentry *from, fk_xentry *to) {
	fk_xtable *source = fkr_fds_of(from), *target = fkr_fds_of(to);
	if (!source || !target || source == target) return;
	uint32_t end = fk_xiterate_begin(source);
	for (uint32_t at = 0;;) {
		fk_xlock(source->schema->root);
		const fk_xitem *item = fk_xiterate_at(source, &at, end);
		fk_xentry *old = item ? item->entry : NULL;
		if (old) fk_xretain(old, FK_X_REF);
		int64_t fd = item ? (int64_t)item->number : 0;
		fk_xunlock(source->schema->root);
		if (!old) break;
		fk_xentry *copy = fkr_make(target, fd);
		for (uint32_t i = 1; copy && i < source->schema->declared; i++) {
			const fk_xfield *field = &source->schema->fields[i];
			if (field->type == SS_PLUGIN_ST_STRING)
				fk_xwrite_text(copy, field, fk_xtext_locked(old, field, false));
			else
				fk_xwrite(copy, field, fk_xread(old, field));
		}
		const fk_xfield *flags = copy ? fk_xfield_find(target->schema, "flags") : NULL;
		if (flags) fk_xwrite(copy, flags, fk_xread(copy, flags) | FKR_FD_CLONED);
		if (copy) fk_xrelease(copy, FK_X_REF);
		fk_xrelease(old, FK_X_REF);
	}
	fk_xiterate_end(source);
}

static bool fkr_change_fd(struct fkr_changes *c, enum fkr_change what, fk_xentry *thread,
                          uint8_t column) {
	int64_t fd;
	if (!fkr_take(c, &fd, sizeof fd)) return false;
	fk_xtable *fds = fkr_fds_of(thread);
	fk_xkey key = fk_xkey_number((uint64_t)fd);
	fk_xentry *entry;
	bool ok = true;
	switch (what) {
	case FKR_FD_GONE:
		if (fds) fk_xerase(fds, &key);
		return true;
	case FKR_FD_NEW: entry = fkr_make(fds, fd); break;
	case FKR_FD_COPY:
		entry = fkr_entry(&fkr_threads->table, fd);
		if (entry) fkr_copy_fds(entry, thread);
		break;
	default:
		entry = fkr_entry(fds, fd);
		ok = fkr_change_value(c, fkr_fds_field()->nested, entry, column, what == FKR_FD_TEXT);
	}
	if (entry) fk_xrelease(entry, FK_X_REF);
	return ok;
}

static bool fkr_change_one(struct fkr_changes *c) {
	fk_xtable *table = &fkr_threads->table;
	uint8_t what, column;
	int64_t tid;
	bool ok = fkr_take(c, &what, 1) && fkr_take(c, &column, 1) && fkr_take(c, &tid, sizeof tid);
	if (!ok) return false;
	fk_xkey key = fk_xkey_number((uint64_t)tid);
	fk_xentry *thread = what == FKR_THREAD_NEW ? fkr_make(table, tid) : fkr_entry(table, tid);
	switch (what) {
	case FKR_THREAD_NEW: break;
	case FKR_THREAD_GONE: fk_xerase(table, &key); break;
	case FKR_THREAD_NUMBER:
	case FKR_THREAD_TEXT:
		ok = fkr_change_value(c, table->schema, thread, column, what == FKR_THREAD_TEXT);
		break;
	case FKR_THREAD_LIST: ok = fkr_change_list(c, table->schema, thread, column); break;
	case FKR_FD_NEW:
	case FKR_FD_GONE:
	case FKR_FD_NUMBER:
	case FKR_FD_TEXT:
	case FKR_FD_COPY: ok = fkr_change_fd(c, (enum fkr_change)what, thread, column); break;
	default: ok = false;
	}
	if (thread) fk_xrelease(thread, FK_X_REF);
	return ok;
}

bool fkr_threads_change(const char *changes, size_t size) {
	struct fkr_changes c = {changes, changes + size};
	while (fkr_threads && c.at < c.end)
		if (!fkr_change_one(&c)) return false;
	return fkr_threads != NULL;
}

static void fkr_add_columns(struct fkr_text *t, const struct fkr_column *columns) {
	for (const struct fkr_column *c = columns; c->name; c++) {
		fkr_add_c(t, c == columns ? '[' : ',');
		fkr_add_string_or_null(t, c->name);
	}
	fkr_add_c(t, ']');
}

void fkr_threads_report(struct fkr_text *t, bool wanted) {
	fkr_add_key(t, "threads");
	if (!wanted) {
		fkr_add_s(t, "null");
		return;
	}
	fkr_add_c(t, '[');
	fkr_add_columns(t, fkr_thread_columns);
	fkr_add_c(t, ',');
	fkr_add_columns(t, fkr_fd_columns);
	fkr_add_c(t, ']');
}

ss_plugin_table_entry_t *fkr_threads_main(const ss_plugin_table_input *table,
                                          ss_plugin_table_entry_t *entry,
                                          const ss_plugin_table_field_t *field) {
	const fk_xfield *f = field;
	fk_xentry *thread = entry;
	if (!fkr_threads || table->table != &fkr_threads->table || f != fkr_fds_field()) return NULL;
	fk_xschema *schema = fkr_threads->table.schema;
	int64_t tid = (int64_t)fk_xread(thread, &schema->fields[0]);
	int64_t pid = (int64_t)fk_xread(thread, &schema->fields[1]);
	bool shared = fk_xread(thread, fk_xfield_find(schema, "flags")) & FKR_SHARES_FILES;
	return !shared || pid == tid ? NULL : fkr_entry(&fkr_threads->table, pid);
}

void fkr_threads_release(ss_plugin_table_entry_t *entry) { fk_xrelease(entry, FK_X_REF); }
