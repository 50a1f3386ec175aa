// SPDX-License-Identifier: Apache-2.0
// Two parts: the registry of tables by name, with the framework's checks; and the calls that plugins
// make on tables, each passed on to the owner of the table.
#include "runner/host/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/host/threads.h"
#include "runner/report/report.h"

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

void fkr_tables_begin(void) {
	struct fkr_owner *owner;
	const ss_plugin_table_input *threads = fkr_threads_make(&owner);
	if (threads) fkr_tables_add(owner, threads);
}

void fkr_tables_end(void) {
	fkr_tables_forget(fkr_threads_guest());
	fkr_threads_close();
}

bool fkr_tables_threads_wanted(void) {
	for (const struct fkr_handle *handle = fkr_handles; handle; handle = handle->next)
		if (handle->owner == fkr_threads_guest()) return true;
	return false;
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
	ss_plugin_table_entry_t *main =
		fkr_threads_own(h->owner) ? fkr_threads_main(h->table, e, field->field) : NULL;
	ss_plugin_rc rc =
		h->table->reader_ext->read_entry_field(h->table->table, main ? main : e, field->field, out);
	if (main) fkr_threads_release(main);
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
