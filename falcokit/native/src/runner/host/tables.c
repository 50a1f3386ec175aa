// SPDX-License-Identifier: Apache-2.0
// The registry of tables: by name, with the framework's checks of what is added.
#include "runner/host/tables.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/host/inputs.h"
#include "runner/report/report.h"

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
