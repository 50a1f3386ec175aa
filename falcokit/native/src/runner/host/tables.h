// SPDX-License-Identifier: Apache-2.0
// Owns the state tables: those that plugins export, the host's (threads.h), and the handles of
// both. A handle is a ss_plugin_table_input, as in the framework, and belongs to the plugin that
// asked for it. Called within a plugin's init, parse_event, extract_fields, capture_open and
// capture_close, by the engine's thread or by one that it waits for.
#pragma once

#include "runner/host/guest.h"

struct fk_handle {
	ss_plugin_table_input in;     // first: plugins may look into it
	struct fk_owner *reader;      // who asked for it
	struct fk_guest *owner;       // whose table it is, NULL once that is gone
	ss_plugin_table_input *table; // the owner's
	bool nested;                  // valid until the end of the call
	struct fk_handle *next;
};

// tables.c: the registry
ss_plugin_table_info *fk_tables_list(ss_plugin_owner_t *o, uint32_t *n);
ss_plugin_table_t *fk_tables_get(ss_plugin_owner_t *o, const char *name, ss_plugin_state_type key);
ss_plugin_rc fk_tables_add(ss_plugin_owner_t *o, const ss_plugin_table_input *in);
struct fk_handle *fk_tables_nested(const struct fk_handle *parent, ss_plugin_table_input *table);
void fk_tables_forget(struct fk_guest *guest); // it is destroyed
// After each call in which tables could be used: nested tables end, and entries that were kept are told.
void fk_tables_leave(const struct fk_guest *guest);
// What get_owner_last_error answers.
void fk_tables_fail(struct fk_owner *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
extern int fk_table_entries; // handed out and not released

// table_calls.c: what is handed to plugins
extern ss_plugin_table_fields_vtable_ext fk_table_fields;
extern ss_plugin_table_reader_vtable_ext fk_table_reader;
extern ss_plugin_table_writer_vtable_ext fk_table_writer;
void fk_table_fields_forget(void); // every plugin is gone
