// SPDX-License-Identifier: Apache-2.0
// The tables that a plugin imports, within the hooks in which the host lends them.
//   glue_tables.c   which hook is under way     glue_table.c        a table, as Python has it
//   glue_table_shape.c  its fields, found in init   glue_table_entry.c  an entry and its attributes
//   glue_table_iter.c   iteration
//
// The host's functions are those of its call's input, and are forgotten at the hook's end, with every
// entry given back; what Python still holds of the hook then raises TableError. Hooks that run on the
// worker may outlast the host's patience: a lock keeps the end of the hook apart from a use under way.
// While it is held no Python runs and no object is made that the collector knows: either could give up
// the GIL, and who waits for the lock may hold it. What failed meanwhile is raised by fk_tables_done.
#pragma once
#include "glue.h"

#define FK_ITERATION_STACK (256 * 1024)
typedef struct fk_iteration fk_iteration;

typedef struct fk_held { // an entry that the host waits to get back
	ss_plugin_table_t *table;
	ss_plugin_table_entry_t *entry; // NULL: given back already
	bool is_new;                    // in no table yet
} fk_held;

typedef struct fk_tables {
	pthread_mutex_t lock;
	bool used;           // a table was imported
	bool live;           // a hook is under way
	pthread_t user;      // on this thread
	uint64_t hook;       // its number
	const char *refused; // why nothing may be written; NULL: it may
	uint64_t said;       // a hash of the owner's words before this use of a nested table
	char failure[1024];  // what fk_tables_done raises
	ss_plugin_owner_t *owner;
	const char *(*last_error)(ss_plugin_owner_t *o);
	const ss_plugin_table_reader_vtable_ext *reader;
	const ss_plugin_table_writer_vtable_ext *writer;
	const ss_plugin_init_tables_input *init; // in init only
	fk_held *held;
	uint32_t nheld, room;
	fk_iteration *open;
	void *stack; // of an iteration that is over, for the next one
} fk_tables;

// ---- glue_tables.c: the host's calls, on its thread; `in` may be NULL -------------------------------
void fk_tables_enter_init(fk_impl *impl, const ss_plugin_init_input *in);
void fk_tables_enter_parse(fk_impl *impl, const ss_plugin_event_parse_input *in);
void fk_tables_enter_extract(fk_impl *impl, const ss_plugin_field_extract_input *in);
void fk_tables_enter_listen(fk_impl *impl, const ss_plugin_capture_listen_input *in);
void fk_tables_leave(fk_impl *impl);
void fk_tables_free(fk_impl *impl);

// ---- for the other files, with the GIL --------------------------------------------------------------
// The tables, locked until fk_tables_done, when this thread may use what it got in `hook` (0: what
// lives as long as the state). NULL with TableError set.
fk_tables *fk_tables_use(fk_impl *impl, uint64_t hook, bool write);
// False: something failed meanwhile, and an exception is set now.
bool fk_tables_done(fk_tables *t);
// TableError when done, with these words, and with the owner's.
void fk_tables_refuse(fk_tables *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fk_tables_fail(fk_tables *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
// A nested table is used: its owner need not say why it refuses, and older words are no reason.
void fk_tables_nested(fk_tables *t);
uint32_t fk_tables_hold(fk_tables *t, ss_plugin_table_t *table, ss_plugin_table_entry_t *entry);
uint32_t fk_tables_hold_new(fk_tables *t, ss_plugin_table_t *table, ss_plugin_table_entry_t *entry);
void fk_tables_give_back(fk_tables *t, uint32_t held);

// ---- Python's objects -------------------------------------------------------------------------------
typedef struct fk_import_shape fk_import_shape;
typedef struct fk_import_field {
	PyObject *name;
	ss_plugin_state_type type;
	bool added;
	fk_import_shape *nested; // of a table
	ss_plugin_table_field_t *handle;
} fk_import_field;
struct fk_import_shape {
	PyObject_HEAD
	ss_plugin_state_type key;
	PyTypeObject *entry;  // the class: a TableEntry's subtype
	PyObject *attributes; // dict, of those that are fields
	Py_ssize_t count;
	fk_import_field *fields;
};

typedef struct fk_table_entry fk_table_entry;
typedef struct fk_table {
	PyObject_HEAD
	fk_impl *impl;
	fk_import_shape *shape;
	ss_plugin_table_t *handle;
	uint64_t hook;          // of a nested one
	fk_table_entry *parent; // of a nested one
} fk_table;

#define FK_NOT_HELD UINT32_MAX
struct fk_table_entry {
	PyObject_HEAD
	fk_table *table;
	uint64_t hook;
	uint32_t held;
	PyObject *iterator; // that it was lent by, for as long as that does not go on
};

extern PyTypeObject *fk_table_type, *fk_shape_type, *fk_entry_type, *fk_field_type, *fk_iter_type;
extern PyObject *fk_table_error, *fk_load_tables, *fk_make_shape;
bool fk_table_ready(PyObject *table_class);
bool fk_shape_resolve(fk_tables *t, fk_import_shape *shape, ss_plugin_table_t *table,
                      const char *name);
PyObject *fk_table_new(fk_impl *impl, fk_import_shape *shape, ss_plugin_table_t *handle,
                       fk_table_entry *parent);
// Locked: whether the entries that a nested table is in are still held. False: it has failed.
bool fk_table_alive(fk_tables *t, const fk_table *table);
// As fk_tables_use, for a table.
fk_tables *fk_table_use(fk_table *table, bool write);
bool fk_shape_ready(void);
bool fk_entry_ready(void);
bool fk_iter_ready(void);
PyObject *fk_entry_new(fk_table *table, uint64_t hook, uint32_t held, PyObject *iterator);
// Locked: what the host knows the entry by; NULL: it has failed.
ss_plugin_table_entry_t *fk_entry_handle(fk_tables *t, fk_table_entry *entry);
bool fk_entry_write(fk_table_entry *entry, Py_ssize_t index, PyObject *value);
// A number of a type, or an exception.
bool fk_table_number(PyObject *value, ss_plugin_state_type type, ss_plugin_state_data *data);
PyObject *fk_table_iter(PyObject *table);
ss_plugin_table_entry_t *fk_iter_entry(PyObject *iterator, const fk_table_entry *entry);
void fk_iteration_end(fk_tables *t, fk_iteration *iteration);
// of Link
PyObject *fk_tables_list(fk_impl *impl);
PyObject *fk_tables_import(fk_impl *impl, PyObject *args);
