// SPDX-License-Identifier: Apache-2.0
// State tables: those that a plugin exports (exported.c, on store.c), and those that it imports, which
// the host lends for the time of a hook:
//   tables/lent.c      the current hook, and the entries that must be released before it ends
//   tables/imported_shape.c  the fields of a table, found in init
//   tables/imported.c  a table, its entries and iterations, as Python sees them
//
// The host's functions come with the input of its call and are valid until the hook ends. Then every
// entry is released, and using an object of that hook in Python raises TableError. A hook on the worker
// may run longer than the host waits: a lock keeps the end of the hook apart from a use of the tables.
// While it is held no Python code runs and no object is made that the garbage collector tracks: either
// could release the GIL, and a thread that waits for the lock may hold the GIL. A failure meanwhile is
// raised by fk_tables_done.
#pragma once
#include "python/python.h"

#define FK_ITERATION_STACK (256 * 1024)

// The entry that contains a nested table: one that is held, or one that an iteration lends. Entries of
// the nested table are released before it, because the host may free them with it.
#define FK_NOT_HELD UINT32_MAX
typedef struct fk_tables fk_tables;
typedef struct fk_open_iter fk_open_iter;
typedef struct fk_parent {
	uint32_t held; // FK_NOT_HELD: none
	fk_open_iter *lender;
} fk_parent;

struct fk_open_iter { // an open iteration: the first member of fk_iteration in tables/imported.c
	fk_open_iter *next;
	uint64_t serial;
	fk_parent parent;
	uint32_t children;
	// Locked; makes the host's function return, if it has not.
	void (*end)(fk_tables *t, fk_open_iter *me);
};

typedef struct fk_held { // an entry that must be released
	ss_plugin_table_t *table;
	ss_plugin_table_entry_t *entry; // NULL: released already
	bool is_new;                    // in no table yet: to be destroyed
	bool borrowed;                  // not counted by the host: nothing to release
	uint64_t serial;                // distinguishes entries, because their places are reused
	fk_parent parent;
	uint32_t children; // entries and iterations that have it as parent
} fk_held;

// The lists of a thread (args, env, cgroups) are vectors in the framework: a new entry has no memory
// until it is inserted, and an existing one is a pointer into the vector, valid until that changes. In
// file_descriptors the framework's own lookup ends the process when the source is a plugin: entries are
// found by iterating, and are valid until the table changes.
#define FK_LIST_KINDS 5
#define FK_LIST_MAX   65536 // the framework makes all entries up to the key

struct fk_tables {
	pthread_mutex_t lock;
	bool used;           // a table was imported
	bool live;           // a hook is running
	pthread_t user;      // on this thread
	uint64_t hook;       // its number
	const char *refused; // why nothing may be written; NULL: writing is allowed
	uint64_t old_error; // a hash of the owner's last error, which is no reason for the next failure
	char failure[1024]; // what fk_tables_done raises
	ss_plugin_owner_t *owner;
	const char *(*last_error)(ss_plugin_owner_t *o);
	const ss_plugin_table_reader_vtable_ext *reader;
	const ss_plugin_table_writer_vtable_ext *writer;
	const ss_plugin_init_tables_input *init; // in init only
	fk_held *held;
	uint32_t nheld, room;
	uint64_t serial;                 // the last serial used
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

// ---- for the room's other files, with the GIL -------------------------------------------------------
// The tables, locked until fk_tables_done, if this thread may use an object of the hook `hook` (0: one
// that lives as long as the state). NULL with TableError set.
fk_tables *fk_tables_use(fk_impl *impl, uint64_t hook, bool write);
// False: something failed, and an exception is set now.
bool fk_tables_done(fk_tables *t);
// fk_tables_done raises TableError with this text; fk_tables_fail adds the owner's last error. False.
bool fk_tables_refuse(fk_tables *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool fk_tables_fail(fk_tables *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
// From here on the owner's present last error is not taken for the reason of a failure.
void fk_tables_ignore_error(fk_tables *t);
// Whether the call succeeded. Only FAILURE comes with an error text.
bool fk_tables_check(fk_tables *t, ss_plugin_rc rc);
// Turns the exception about a value of a wrong type or range into the TableError of that kind, about a
// field of the table, or its key (`field` is NULL).
void fk_tables_wrong(PyObject *field, PyObject *table);
PyObject *fk_tables_no_field(PyTypeObject *entry, PyObject *attribute, PyObject *attributes);

// ---- entries that must be released: lent.c ----------------------------------------------------------
typedef struct fk_held_ref {
	uint32_t index;
	uint64_t serial;
	bool pointer;     // a pointer into a vector, valid until that changes
	uint64_t changes; // the counter of its kind of table when it was read
} fk_held_ref;
// All of them locked. The index is FK_NOT_HELD, with an exception, when there is no memory.
fk_held_ref fk_tables_hold(fk_tables *t, fk_held one);
fk_held *fk_tables_held(fk_tables *t, fk_held_ref ref); // NULL: it was released
void fk_tables_give_back(fk_tables *t, uint32_t index);
void fk_tables_release_children(fk_tables *t, fk_parent parent);
void fk_tables_count_child(fk_tables *t, fk_parent parent, int change);

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
	unsigned kind; // its number among the tables of FK_LIST_KINDS, from 1; 0: none
	bool is_list;  // a vector
	ss_plugin_table_field_t *key_field; // that holds the key; NULL: look up by the key itself
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
	PyObject *iterator; // that lends it, until the iteration continues
};

extern PyObject *fk_table_error;
// Its subclasses: of Python's AttributeError, TypeError, OverflowError and ValueError.
enum {
	FK_WRONG_FIELD,
	FK_WRONG_TYPE,
	FK_WRONG_RANGE,
	FK_WRONG_VALUE,
	FK_WRONG
};
extern PyObject *fk_table_errors[FK_WRONG];
PyObject *fk_table_new(fk_impl *impl, fk_import_shape *shape, ss_plugin_table_t *handle,
                       fk_table_entry *parent);
bool fk_imported_ready(PyObject *module, PyObject *table_class);

// Methods of Link.
PyObject *fk_tables_list(fk_impl *impl, PyObject *none);
PyObject *fk_tables_import(fk_impl *impl, PyObject *args);

// ---- functions of the module: imported_shape.c ------------------------------------------------------
PyObject *fk_tables_install(PyObject *module, PyObject *args);
PyObject *fk_tables_ready(PyObject *module, PyObject *args);

// ---- exported.c -------------------------------------------------------------------------------------
// Link.export_table(name, make_shape) -> the table, after it was added to the host's tables
PyObject *fk_export_table(fk_impl *impl, PyObject *args);
void fk_exports_close(fk_impl *impl);
bool fk_exports_ready(void);

// Values between Python and tables, imported ones too. False or NULL: with an exception.
bool fk_py_take_text(PyObject *value, fk_bytes *text); // text->owned is NULL without one
bool fk_py_take_number(PyObject *value, ss_plugin_state_type type, uint64_t *number);
PyObject *fk_py_number(uint64_t number, ss_plugin_state_type type);
PyObject *fk_py_text_of(const char *bytes);
