// SPDX-License-Identifier: Apache-2.0
// The tables that a plugin imports, within the hooks in which the host lends them.
//   tables/lent.c   which hook is under way     tables/imported.c        a table, as Python has it
//   tables/imported_shape.c  its fields, found in init   tables/imported.c  an entry and its attributes
//   tables/imported.c   iteration                   tables/held.c   entries to be given back
//   tables/imported.c its methods that insert and remove entries
//
// The host's functions are those of its call's input, and are forgotten at the hook's end, with
// every entry given back; what Python still holds of the hook then raises TableError. Hooks that
// run on the worker may outlast the host's patience: a lock keeps the end of the hook apart from a
// use under way. While it is held no Python runs and no object is made that the collector knows:
// either could give up the GIL, and who waits for the lock may hold it. What failed meanwhile is
// raised by fk_tables_done.
#pragma once
#include "python/classes.h"

#define FK_ITERATION_STACK (256 * 1024)

// The entry in which a nested table is: one that is held, or one that an iteration lends. What comes
// of the nested table goes back before it, for the host may free it then.
#define FK_NOT_HELD UINT32_MAX
typedef struct fk_tables fk_tables;
typedef struct fk_open_iter fk_open_iter;
typedef struct fk_parent {
	uint32_t held; // FK_NOT_HELD: none
	fk_open_iter *lender;
} fk_parent;

struct fk_open_iter { // an iteration that is under way: the beginning of tables/imported.c's
	fk_open_iter *next;
	uint64_t serial;
	fk_parent parent;
	uint32_t children;
	void (*end)(fk_tables *t,
	            fk_open_iter *me); // locked; lets the host's function return, if it has not
};

typedef struct fk_held { // an entry that the host waits to get back
	ss_plugin_table_t *table;
	ss_plugin_table_entry_t *entry; // NULL: given back already
	bool is_new;                    // in no table yet
	bool borrowed;                  // not counted by the host: there is nothing to give back
	uint64_t serial; // the place is used again: by this an entry of Python's knows its own
	fk_parent parent;
	uint32_t children; // that have it as parent, iterations among them
} fk_held;

// The lists of a thread (args, env, cgroups) are vectors in the framework: an entry that is in none
// yet has no memory, and one that is got is a pointer into the vector, until that is changed. In its
// file_descriptors the framework's own look-up ends the process where the source is a plugin's: an entry
// is found by going through them, and is the table's until that is changed.
#define FK_LIST_KINDS 5
#define FK_LIST_MAX   65536 // the framework makes all entries up to the key

struct fk_tables {
	pthread_mutex_t lock;
	bool used;           // a table was imported
	bool live;           // a hook is under way
	pthread_t user;      // on this thread
	uint64_t hook;       // its number
	const char *refused; // why nothing may be written; NULL: it may
	uint64_t old_error;  // a hash of the owner's words before this use of a nested table
	char failure[1024];  // what fk_tables_done raises
	ss_plugin_owner_t *owner;
	const char *(*last_error)(ss_plugin_owner_t *o);
	const ss_plugin_table_reader_vtable_ext *reader;
	const ss_plugin_table_writer_vtable_ext *writer;
	const ss_plugin_init_tables_input *init; // in init only
	fk_held *held;
	uint32_t nheld, room;
	uint64_t serial;                 // the last one given
	uint64_t changes[FK_LIST_KINDS]; // of the lists of each name
	fk_open_iter *open;
	void *stack; // of an iteration that is over, for the next one
};

// ---- tables/lent.c: the host's calls, on its thread; `in` may be NULL -------------------------------
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
// The owner need not say why it refuses what comes now, and what it old_error before is no reason.
void fk_tables_ignore_error(fk_tables *t);
// What the owner answered: only a failure comes with words.
bool fk_tables_check(fk_tables *t, ss_plugin_rc rc);
// A value that is of a wrong type or does not fit was refused by Python's own exception: it becomes the
// TableError of that kind, about a field of the table, or its key (NULL).
void fk_tables_wrong(PyObject *field, PyObject *table);
PyObject *fk_tables_no_field(PyTypeObject *entry, PyObject *attribute, PyObject *attributes);

// ---- tables/held.c ----------------------------------------------------------------------------------
typedef struct fk_held_ref {
	uint32_t index;
	uint64_t serial;
	bool pointer;     // into what the table has, until that is changed
	uint64_t changes; // of the tables of that kind, when it was got
} fk_held_ref;
// Locked, all of them. The index is FK_NOT_HELD, with an exception, where there is no memory.
fk_held_ref fk_tables_hold(fk_tables *t, fk_held one);
fk_held *fk_tables_held(fk_tables *t, fk_held_ref ref); // NULL: it was given back
void fk_tables_give_back(fk_tables *t, uint32_t index);
void fk_tables_release_children(fk_tables *t, fk_parent parent);
void fk_tables_add_child(fk_tables *t, fk_parent parent);
void fk_tables_remove_child(fk_tables *t, fk_parent parent);

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
	unsigned kind;                      // which of those it is, from 1; 0: none
	bool is_list;                       // a vector
	ss_plugin_table_field_t *key_field; // to find an entry by; NULL: by the key itself
	PyObject *name;                     // of the table
	PyTypeObject *entry;                // the class: a TableEntry's subtype
	PyObject *attributes;               // dict, of those that are fields
	Py_ssize_t count;
	fk_import_field *fields;
};

typedef struct fk_table_entry fk_table_entry;
typedef struct fk_table {
	PyObject_HEAD
	fk_impl *impl;
	fk_import_shape *shape;
	ss_plugin_table_t *handle;
	bool own;               // exported by this plugin
	uint64_t hook;          // of a nested one
	fk_table_entry *parent; // of a nested one
} fk_table;

struct fk_table_entry {
	PyObject_HEAD
	fk_table *table;
	uint64_t hook;
	fk_held_ref held;
	PyObject *iterator; // that it was lent by, for as long as that does not go on
};

extern PyTypeObject *fk_table_type, *fk_shape_type, *fk_entry_type, *fk_field_type, *fk_iter_type;
extern PyObject *fk_table_error, *fk_load_tables, *fk_make_shape;
// Its subclasses: of Python's AttributeError, TypeError, OverflowError and ValueError.
enum {
	FK_WRONG_FIELD,
	FK_WRONG_TYPE,
	FK_WRONG_RANGE,
	FK_WRONG_VALUE,
	FK_WRONG
};
extern PyObject *fk_table_errors[FK_WRONG];
bool fk_table_ready(PyObject *table_class);
PyObject *fk_table_new(fk_impl *impl, fk_import_shape *shape, ss_plugin_table_t *handle,
                       fk_table_entry *parent);
// Locked: whether the entries that a nested table is in are still held. False: it has failed.
bool fk_table_alive(fk_tables *t, const fk_table *table);
// Locked, when it is alive: the entry that it is in.
fk_parent fk_table_parent(const fk_table *table);
// As fk_tables_use, for a table.
fk_tables *fk_table_use(fk_table *table, bool write);
// The key as the host takes it; the text's owner is the caller's to drop. False: with an exception.
struct fk_py_text;
bool fk_table_take_key(fk_table *table, PyObject *key, ss_plugin_state_data *data,
                       struct fk_py_text *text);
// Locked.
fk_held_ref fk_table_hold(fk_tables *t, fk_table *table, ss_plugin_table_entry_t *handle,
                          fk_held one);
uint64_t fk_table_changes(const fk_tables *t, const fk_table *table);
PyObject *fk_table_insert(PyObject *table, PyObject *args, PyObject *fields);
PyObject *fk_table_erase(PyObject *table, PyObject *key);
PyObject *fk_table_clear(PyObject *table, PyObject *none);
int fk_table_set(PyObject *table, PyObject *key, PyObject *fields);
bool fk_shape_ready(void);
bool fk_entry_ready(void);
bool fk_iter_ready(void);
PyObject *fk_entry_new(fk_table *table, uint64_t hook, fk_held_ref held, PyObject *iterator);
// Locked: what the host knows the entry by; NULL: it has failed.
ss_plugin_table_entry_t *fk_entry_handle(fk_tables *t, fk_table_entry *entry);
bool fk_entry_write(fk_table_entry *entry, Py_ssize_t index, PyObject *value);
// The value as the host takes it; the text's owner is the caller's to drop. False: with an exception.
bool fk_entry_take(const fk_import_shape *shape, Py_ssize_t index, PyObject *value,
                   ss_plugin_state_data *data, PyObject **owner);
// A number of a type, or an exception.
bool fk_table_number(PyObject *value, ss_plugin_state_type type, ss_plugin_state_data *data);
PyObject *fk_table_iter(PyObject *table);
ss_plugin_table_entry_t *fk_iter_entry(PyObject *iterator, const fk_table_entry *entry);
fk_open_iter *fk_iter_lender(PyObject *iterator); // of the entry that is lent now
// of Link
PyObject *fk_tables_list(fk_impl *impl);
PyObject *fk_tables_import(fk_impl *impl, PyObject *args);

// export.c
PyObject *fk_export_table(fk_impl *impl, PyObject *args);
void fk_exports_close(fk_impl *impl);
bool fk_exports_ready(void);
