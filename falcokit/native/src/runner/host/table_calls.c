// SPDX-License-Identifier: Apache-2.0
// The calls of tables: each goes to the plugin whose table it is, and what that plugin says of a
// failure becomes the last error of the caller's owner. Fields are wrapped with their type, by
// which a read tells a nested table from a number.
#include "runner/host/tables.h"

#include <stdlib.h>
#include <string.h>

#include "runner/host/threads.h"

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
