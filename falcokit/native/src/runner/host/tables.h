// SPDX-License-Identifier: Apache-2.0
// Owns the state tables: those that plugins export, the host's own (threads.h), and the handles to
// both. A handle is a ss_plugin_table_input, as in the framework, and belongs to the plugin that
// asked for it. Called within a plugin's init, parse_event, extract_fields, capture_open and
// capture_close, by the engine's thread or by one that it waits for.
#pragma once

#include "runner/host/guest.h"

struct fkr_handle {
	ss_plugin_table_input in;     // first: plugins may look into it
	struct fkr_owner *reader;     // who asked for it
	struct fkr_guest *owner;      // the guest that exports the table, NULL once it is gone
	ss_plugin_table_input *table; // the owner's
	bool nested;                  // valid until the end of the call
	struct fkr_handle *next;
};

// tables.c: the registry
void fkr_tables_begin(void);          // before the first plugin's init: the host's table is there
void fkr_tables_end(void);            // after the last plugin's destroy
bool fkr_tables_threads_wanted(void); // a plugin has asked for the host's table
ss_plugin_table_info *fkr_tables_list(ss_plugin_owner_t *o, uint32_t *n);
ss_plugin_table_t *fkr_tables_get(ss_plugin_owner_t *o, const char *name, ss_plugin_state_type key);
ss_plugin_rc fkr_tables_add(ss_plugin_owner_t *o, const ss_plugin_table_input *in);
struct fkr_handle *fkr_tables_nested(const struct fkr_handle *parent, ss_plugin_table_input *table);
void fkr_tables_forget(struct fkr_guest *guest); // it is destroyed
// After each call in which tables could be used: frees handles to nested tables, and logs entries that
// were not released.
void fkr_tables_leave(const struct fkr_guest *guest);
// Sets the text that get_owner_last_error returns.
void fkr_tables_fail(struct fkr_owner *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
extern int fkr_table_entries; // handed out and not released

// The calls on tables, as plugins get them
extern ss_plugin_table_fields_vtable_ext fkr_table_fields;
extern ss_plugin_table_reader_vtable_ext fkr_table_reader;
extern ss_plugin_table_writer_vtable_ext fkr_table_writer;
void fkr_table_fields_forget(void); // after the last plugin's destroy
