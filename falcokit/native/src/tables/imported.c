// SPDX-License-Identifier: Apache-2.0
// An imported table as Python sees it: ImportedTable, whose methods call the host's functions; the
// entry and the attributes that read and write its fields; iteration; and changes. With the GIL, and
// within a hook (tables/lent.c).
#include "tables/store.h" // values of a type
#include "tables/tables.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

static PyTypeObject *table_type, *entry_type, *field_type, *iter_type;
static PyObject *dunder;

// Locked: the host's handle of an entry; NULL: it has failed.
static ss_plugin_table_entry_t *handle_of(fk_tables *t, fk_table_entry *entry);
static PyObject *entry_new(fk_table *table, uint64_t hook, fk_held_ref held, PyObject *iterator);

// An iteration of the host, and the Python object that goes through it: see below.
typedef struct fk_iteration {
	fk_open_iter open; // first
	const ss_plugin_table_reader_vtable_ext *reader;
	ss_plugin_table_t *table;
	ucontext_t python, host;
	void *stack, *kept_python, *kept_host;
	const void *back; // Python's stack
	size_t back_size;
	ss_plugin_table_entry_t *entry; // lent now; NULL: the iteration is over
	bool stop;
} fk_iteration;

typedef struct Iterator {
	PyObject_HEAD
	fk_table *table;
	uint64_t hook;
	uint64_t serial;             // of its iteration
	const fk_table_entry *given; // the entry of this turn
} Iterator;

// Locked: the iteration, if it is not over.
static fk_iteration *open_of(const fk_tables *t, const Iterator *self) {
	fk_open_iter *open = t ? t->open : NULL;
	while (open && open->serial != self->serial) open = open->next;
	return (fk_iteration *)open;
}

// ---- the table --------------------------------------------------------------------------------------

PyObject *fk_table_new(fk_impl *impl, fk_import_shape *shape, ss_plugin_table_t *handle,
                       fk_table_entry *parent) {
	fk_table *self = (fk_table *)table_type->tp_alloc(table_type, 0);
	if (!self) return NULL;
	self->impl = impl;
	fk_impl_ref(impl);
	self->shape = (fk_import_shape *)Py_NewRef(shape);
	self->handle = handle;
	self->own = parent && parent->table->own;
	self->hook = parent ? parent->hook : 0;
	self->parent = (fk_table_entry *)Py_XNewRef(parent);
	return (PyObject *)self;
}

// Locked: whether the entries that contain a nested table are still held. False: it has failed.
static bool table_alive(fk_tables *t, const fk_table *table) {
	for (fk_table_entry *entry = table->parent; entry; entry = entry->table->parent)
		if (!handle_of(t, entry)) return false;
	return true;
}

// Locked, when it is alive: the entry that contains it.
static fk_parent parent_of(const fk_table *table) {
	const fk_table_entry *entry = table->parent;
	if (!entry || entry->held.index != FK_NOT_HELD)
		return (fk_parent){entry ? entry->held.index : FK_NOT_HELD, NULL};
	Iterator *lender = (Iterator *)entry->iterator;
	return (fk_parent){FK_NOT_HELD, (fk_open_iter *)open_of(table->impl->tables, lender)};
}

// As fk_tables_use, for a table.
// When the plugin's own table refuses a call within init, the framework asks the plugin for the reason,
// and ends the process because the plugin is not initialised.
static fk_tables *use_table(fk_table *table, bool write) {
	fk_tables *t = fk_tables_use(table->impl, table->hook, write);
	if (!t) return NULL;
	if (table->parent) fk_tables_ignore_error(t);
	if (table->own && t->init)
		fk_tables_refuse(t,
		                 "the table is this plugin's own: in init it is used as a mapping, by "
		                 "the attribute that export_table declares");
	else if (table_alive(t, table))
		return t;
	fk_tables_done(t);
	return NULL;
}

// A value in the host's form; the caller drops the owner of a text. False: with an exception.
static bool take(PyObject *value, ss_plugin_state_type type, ss_plugin_state_data *data,
                 PyObject **owner) {
	fk_bytes text;
	uint64_t number = 0;
	bool is_text = type == SS_PLUGIN_ST_STRING;
	*owner = NULL;
	*data = (ss_plugin_state_data){0};
	if (is_text ? !fk_py_take_text(value, &text) : !fk_py_take_number(value, type, &number))
		return false;
	if (is_text) {
		data->str = text.data;
		*owner = text.owned;
	} else {
		fk_xset_data(data, type, number);
	}
	return true;
}

static bool take_key(const fk_table *self, PyObject *key, ss_plugin_state_data *data,
                     PyObject **owner) {
	if (take(key, self->shape->key, data, owner)) return true;
	fk_tables_wrong(NULL, self->shape->name);
	return false;
}

static uint64_t changes_of(const fk_tables *t, const fk_table *self) {
	return self->shape->kind ? t->changes[self->shape->kind - 1] : 0;
}

static fk_held_ref hold(fk_tables *t, fk_table *self, ss_plugin_table_entry_t *handle,
                        fk_held one) {
	if (!handle) return (fk_held_ref){.index = FK_NOT_HELD};
	one.table = self->handle;
	one.entry = handle;
	one.parent = parent_of(self);
	fk_held_ref held = fk_tables_hold(t, one);
	held.pointer = self->shape->is_list || one.borrowed;
	held.changes = changes_of(t, self);
	return held;
}

typedef struct search {
	const ss_plugin_table_reader_vtable_ext *reader;
	const fk_table *table;
	int64_t key;
	ss_plugin_table_entry_t *found;
} search;

static ss_plugin_bool look_at(ss_plugin_table_iterator_state_t *state,
                              ss_plugin_table_entry_t *entry) {
	search *s = state;
	ss_plugin_state_data data;
	ss_plugin_rc rc =
		s->reader->read_entry_field(s->table->handle, entry, s->table->shape->key_field, &data);
	if (rc == SS_PLUGIN_SUCCESS && data.s64 == s->key) s->found = entry;
	return !s->found;
}

static ss_plugin_table_entry_t *look_up(const fk_tables *t, const fk_table *self,
                                        const ss_plugin_state_data *key) {
	if (!self->shape->key_field) return t->reader->get_table_entry(self->handle, key);
	search s = {t->reader, self, key->s64, NULL};
	t->reader->iterate_entries(self->handle, look_at, &s);
	return s.found;
}

// The entry of a key, a new reference. NULL without an exception: there is no entry.
static PyObject *find(fk_table *self, PyObject *key) {
	ss_plugin_state_data data;
	PyObject *owner, *entry = NULL;
	if (!take_key(self, key, &data, &owner)) return NULL;
	fk_tables *t = use_table(self, false);
	if (t) {
		fk_held one = {.borrowed = self->shape->key_field != NULL};
		fk_held_ref held = hold(t, self, look_up(t, self, &data), one);
		uint64_t hook = t->hook;
		fk_tables_done(t);
		if (held.index != FK_NOT_HELD) entry = entry_new(self, hook, held, NULL);
	}
	Py_XDECREF(owner);
	return entry;
}

static PyObject *table_get(PyObject *me, PyObject *key) {
	PyObject *entry = find((fk_table *)me, key);
	if (entry || PyErr_Occurred()) return entry;
	Py_RETURN_NONE;
}

static PyObject *table_item(PyObject *me, PyObject *key) {
	PyObject *entry = find((fk_table *)me, key);
	if (!entry && !PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, key);
	return entry;
}

static int table_contains(PyObject *me, PyObject *key) {
	PyObject *entry = find((fk_table *)me, key);
	if (!entry) return PyErr_Occurred() ? -1 : 0;
	Py_DECREF(entry);
	return 1;
}

static Py_ssize_t table_len(PyObject *me) {
	fk_tables *t = use_table((fk_table *)me, false);
	if (!t) return -1;
	uint64_t size = t->reader->get_table_size(((fk_table *)me)->handle);
	if (size > PY_SSIZE_T_MAX) fk_tables_fail(t, "the table has no size");
	return fk_tables_done(t) ? (Py_ssize_t)size : -1;
}

static PyObject *table_name(PyObject *me, void *unused) {
	fk_tables *t = use_table((fk_table *)me, false);
	if (!t) return NULL;
	const char *name = t->reader->get_table_name(((fk_table *)me)->handle);
	PyObject *text = name ? fk_py_text_of(name) : NULL;
	if (!name) fk_tables_fail(t, "the table has no name");
	fk_tables_done(t);
	return text;
}

static void table_free(PyObject *me) {
	fk_table *self = (fk_table *)me;
	Py_XDECREF(self->shape);
	Py_XDECREF(self->parent);
	if (self->impl) fk_impl_unref(self->impl);
	fk_free_object(me);
}

// ---- an entry: its handle ---------------------------------------------------------------------------
// The base of the author's entry classes inside the host. Field is the attribute that reads and writes
// one field.

static PyObject *entry_new(fk_table *table, uint64_t hook, fk_held_ref held, PyObject *iterator) {
	PyTypeObject *type = table->shape->entry;
	fk_table_entry *self = (fk_table_entry *)type->tp_alloc(type, 0);
	if (!self) return NULL; // the host's entry is released when the hook ends
	self->table = (fk_table *)Py_NewRef(table);
	self->hook = hook;
	self->held = held;
	self->iterator = Py_XNewRef(iterator);
	return (PyObject *)self;
}

// The entry is a pointer into a vector that has changed since.
static bool is_outdated(const fk_tables *t, const fk_table_entry *entry) {
	return !entry->iterator && entry->held.pointer &&
	       entry->held.changes != t->changes[entry->table->shape->kind - 1];
}

static ss_plugin_table_entry_t *handle_of(fk_tables *t, fk_table_entry *entry) {
	ss_plugin_table_entry_t *handle = NULL;
	if (entry->iterator) {
		const Iterator *lender = (const Iterator *)entry->iterator;
		const fk_iteration *i = open_of(t, lender);
		if (i && lender->given == entry) handle = i->entry;
	} else {
		fk_held *held = fk_tables_held(t, entry->held);
		if (held) handle = held->entry;
	}
	if (!handle)
		fk_tables_refuse(t, entry->iterator
								? "the iteration has gone on: this entry was lent for its turn only"
								: "the entry was released");
	else if (is_outdated(t, entry)) {
		handle = NULL;
		fk_tables_refuse(
			t,
			"entries were inserted into or removed from a table of this kind since this "
			"entry was read: read it from the table again");
	}
	return handle;
}

static fk_tables *use(fk_table_entry *self, bool write, ss_plugin_table_entry_t **handle) {
	fk_table *table = self->table;
	*handle = NULL;
	if (!table)
		return PyErr_SetString(fk_table_error, "this object is not an entry of a table"), NULL;
	// During an iteration fields may be written, but no entries added or removed.
	fk_tables *t = fk_tables_use(table->impl, self->hook, false);
	if (!t) return NULL;
	const char *refused = !write ? NULL : t->refused;
	if (write && !refused && !t->writer) refused = "the host lends no way to write to tables here";
	if (table->parent) fk_tables_ignore_error(t);
	if (refused)
		fk_tables_refuse(t, "%s", refused);
	else if (table_alive(t, table))
		*handle = handle_of(t, self);
	if (*handle) return t;
	fk_tables_done(t);
	return NULL;
}

// ---- an entry: fields -------------------------------------------------------------------------------

typedef struct Field {
	PyObject_HEAD
	Py_ssize_t index;
	const PyTypeObject
		*owner; // the class of the field: for comparison only, because it may be freed
} Field;

// In Python an author can apply a field to an entry of another class, or change the class of an entry.
static bool belongs(const Field *field, PyObject *object) {
	const fk_table *table = ((fk_table_entry *)object)->table;
	if (!table || (Py_TYPE(object) == field->owner && table->shape->entry == field->owner &&
	               field->index < table->shape->count))
		return true;
	return PyErr_Format(fk_table_error, "the field is of another class than the entry");
}

static PyObject *field_get(PyObject *me, PyObject *object, PyObject *type) {
	ss_plugin_table_entry_t *handle;
	ss_plugin_state_data data = {0};
	if (!object || !PyObject_TypeCheck(object, entry_type)) return Py_NewRef(me);
	if (!belongs((Field *)me, object)) return NULL;
	fk_table_entry *self = (fk_table_entry *)object;
	fk_tables *t = use(self, false, &handle);
	if (!t) return NULL;
	const fk_import_field *field = &self->table->shape->fields[((Field *)me)->index];
	PyObject *value = NULL;
	bool nested = field->type == SS_PLUGIN_ST_TABLE;
	ss_plugin_rc rc =
		t->reader->read_entry_field(self->table->handle, handle, field->handle, &data);
	if (!fk_tables_check(t, rc) || (nested && !data.table))
		fk_tables_fail(t, "field '%s' cannot be read", PyUnicode_AsUTF8(field->name));
	else if (field->type == SS_PLUGIN_ST_STRING) // it belongs to the host: copied under the lock
		value = fk_py_text_of(data.str ? data.str : "");
	else if (!nested)
		value = fk_py_number(fk_xnumber(&data, field->type), field->type);
	if (!fk_tables_done(t)) return NULL;
	return nested ? fk_table_new(self->table->impl, field->nested, data.table, self) : value;
}

static bool take_field(const fk_import_shape *shape, Py_ssize_t index, PyObject *value,
                       ss_plugin_state_data *data, PyObject **owner) {
	const fk_import_field *field = &shape->fields[index];
	if (field->type == SS_PLUGIN_ST_TABLE)
		PyErr_Format(fk_table_error, "field '%U' is a table: change what it holds", field->name);
	else if (take(value, field->type, data, owner))
		return true;
	else
		fk_tables_wrong(field->name, shape->name);
	return false;
}

static bool entry_write(fk_table_entry *self, Py_ssize_t index, PyObject *value) {
	ss_plugin_table_entry_t *handle;
	ss_plugin_state_data data = {0};
	PyObject *owner = NULL;
	const fk_import_field *field = self->table ? &self->table->shape->fields[index] : NULL;
	if (field && !take_field(self->table->shape, index, value, &data, &owner)) return false;
	fk_tables *t = use(self, true, &handle);
	bool ok = t && fk_tables_check(t, t->writer->write_entry_field(self->table->handle, handle,
	                                                               field->handle, &data));
	if (t && !ok) fk_tables_fail(t, "field '%s' cannot be written", PyUnicode_AsUTF8(field->name));
	if (t) fk_tables_done(t);
	Py_XDECREF(owner);
	return ok;
}

static int field_set(PyObject *me, PyObject *object, PyObject *value) {
	if (!PyObject_TypeCheck(object, entry_type) || !value)
		PyErr_SetString(fk_table_errors[FK_WRONG_FIELD], "a field of an entry cannot be deleted");
	else if (belongs((Field *)me, object))
		return entry_write((fk_table_entry *)object, ((Field *)me)->index, value) ? 0 : -1;
	return -1;
}

// __set_name__(owner, name)
static PyObject *field_named(PyObject *me, PyObject *args) {
	PyObject *owner, *name;
	if (!PyArg_ParseTuple(args, "O!O", &PyType_Type, &owner, &name)) return NULL;
	((Field *)me)->owner = (PyTypeObject *)owner;
	Py_RETURN_NONE;
}

static PyObject *field_make(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
	Py_ssize_t index;
	if (!PyArg_ParseTuple(args, "n", &index)) return NULL;
	Field *self = (Field *)type->tp_alloc(type, 0);
	if (self) self->index = index;
	return (PyObject *)self;
}

// ---- an entry: attributes and end -------------------------------------------------------------------

// Accepts fields and what the author's class handles itself; any other attribute would be lost.
static int entry_set(PyObject *me, PyObject *name, PyObject *value) {
	fk_table *table = ((fk_table_entry *)me)->table;
	if (!table)
		return PyErr_SetString(fk_table_error, "this object is not an entry of a table"), -1;
	PyObject *attributes = table->shape->attributes;
	int known = PyDict_Contains(attributes, name);
	if (known == 0 && PyUnicode_Check(name) && PyUnicode_Tailmatch(name, dunder, 0, 2, -1) == 0) {
		PyObject *own = PyObject_GetAttr((PyObject *)Py_TYPE(me), name);
		known = own && Py_TYPE(own)->tp_descr_set;
		Py_XDECREF(own);
		PyErr_Clear();
	}
	if (known == 0) fk_tables_no_field(table->shape->entry, name, attributes);
	return known == 1 ? PyObject_GenericSetAttr(me, name, value) : -1;
}

static PyObject *entry_release(PyObject *me, PyObject *none) {
	fk_table_entry *self = (fk_table_entry *)me;
	if (self->table && self->held.index != FK_NOT_HELD) {
		fk_tables *t = fk_tables_use(self->table->impl, self->hook, false);
		if (t && fk_tables_held(t, self->held)) fk_tables_give_back(t, self->held.index);
		if (t) fk_tables_done(t);
		PyErr_Clear(); // after the hook there is nothing to release
	}
	self->held.index = FK_NOT_HELD;
	Py_CLEAR(self->iterator);
	Py_RETURN_NONE;
}

// On another thread, or after the hook, nothing is released here: the end of the hook does it.
static void entry_free(PyObject *me) {
	PyObject *raised = fk_take_exception();
	Py_XDECREF(entry_release(me, NULL));
	fk_put_exception(raised);
	Py_XDECREF(((fk_table_entry *)me)->table);
	fk_free_object(me);
}

// ---- iteration --------------------------------------------------------------------------------------
// The host calls a callback for each entry and lends the entry for that call only, while Python's `for`
// asks for one entry after the other. So the host's function runs on a stack of its own, and its
// callback switches back to Python's stack until the next entry is wanted or the loop ends.

#define GUARD 4096

// Tells AddressSanitizer which stack is in use: it tracks the bounds of the stack and its fake frames.
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#define LEAVE_STACK(kept, bottom, size) __sanitizer_start_switch_fiber(kept, bottom, size)
#define ENTER_STACK(kept, bottom, size) __sanitizer_finish_switch_fiber(kept, bottom, size)
#else
#define LEAVE_STACK(kept, bottom, size) ((void)(kept))
#define ENTER_STACK(kept, bottom, size) ((void)(kept))
#endif

// ---- iteration: on the host's stack -----------------------------------------------------------------

static ss_plugin_bool lend(ss_plugin_table_iterator_state_t *state,
                           ss_plugin_table_entry_t *entry) {
	fk_iteration *i = state;
	i->entry = entry;
	LEAVE_STACK(&i->kept_host, i->back, i->back_size);
	swapcontext(&i->host, &i->python);
	ENTER_STACK(i->kept_host, &i->back, &i->back_size);
	return !i->stop;
}

static void run(unsigned high, unsigned low) {
	fk_iteration *i = (fk_iteration *)(((uintptr_t)high << 32) | low);
	ENTER_STACK(NULL, &i->back, &i->back_size);
	i->reader->iterate_entries(i->table, lend, i);
	i->entry = NULL;
	LEAVE_STACK(NULL, i->back, i->back_size); // uc_link goes back to Python's stack
}

// ---- iteration: on Python's stack -------------------------------------------------------------------

static void advance(fk_iteration *i) {
	i->entry = NULL;
	LEAVE_STACK(&i->kept_python, (char *)i->stack + GUARD, FK_ITERATION_STACK - GUARD);
	swapcontext(&i->python, &i->host);
	ENTER_STACK(i->kept_python, NULL, NULL);
}

static void *take_stack(fk_tables *t) {
	void *stack = t->stack;
	t->stack = NULL;
	if (stack) return stack;
	stack = mmap(NULL, FK_ITERATION_STACK, PROT_READ | PROT_WRITE,
	             MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED) return NULL;
	mprotect(stack, GUARD, PROT_NONE);
	return stack;
}

// A function of its own: getcontext returns twice, which makes the compiler careful with all variables.
static void prepare(fk_iteration *i) {
	getcontext(&i->host);
	i->host.uc_stack.ss_sp = i->stack;
	i->host.uc_stack.ss_size = FK_ITERATION_STACK;
	i->host.uc_link = &i->python;
	makecontext(&i->host, (void (*)(void))run, 2, (unsigned)((uintptr_t)i >> 32),
	            (unsigned)(uintptr_t)i);
}

static void end_iteration(fk_tables *t, fk_open_iter *open);

// Returns its serial; 0: no memory.
static uint64_t begin(fk_tables *t, const fk_table *table) {
	fk_iteration *i = calloc(1, sizeof *i);
	if (!i || !(i->stack = take_stack(t))) {
		free(i);
		return 0;
	}
	i->reader = t->reader;
	i->table = table->handle;
	prepare(i);
	i->open = (fk_open_iter){
		.next = t->open, .serial = ++t->serial, .parent = parent_of(table), .end = end_iteration};
	fk_tables_count_child(t, i->open.parent, 1);
	t->open = &i->open;
	return i->open.serial;
}

static void drop_lent(fk_tables *t, fk_iteration *i) {
	fk_tables_release_children(t, (fk_parent){FK_NOT_HELD, &i->open});
}

// Locked. Makes the host's function return, if it has not.
static void end_iteration(fk_tables *t, fk_open_iter *open) {
	fk_iteration *iteration = (fk_iteration *)open;
	drop_lent(t, iteration);
	iteration->stop = true;
	while (iteration->entry) advance(iteration); // a host may call once more
	for (fk_open_iter **at = &t->open; *at; at = &(*at)->next)
		if (*at == open) {
			*at = open->next;
			break;
		}
	fk_tables_count_child(t, open->parent, -1);
	if (t->stack)
		munmap(iteration->stack, FK_ITERATION_STACK);
	else
		t->stack = iteration->stack;
	free(iteration);
}

static PyObject *table_iter(PyObject *table) {
	Iterator *self = (Iterator *)iter_type->tp_alloc(iter_type, 0);
	if (!self) return NULL;
	self->table = (fk_table *)Py_NewRef(table);
	fk_tables *t = use_table(self->table, false);
	if (t) {
		self->hook = t->hook;
		self->serial = begin(t, self->table);
		fk_tables_done(t);
		if (!self->serial) PyErr_NoMemory();
	}
	if (!self->serial) Py_CLEAR(self);
	return (PyObject *)self;
}

static bool continue_iteration(fk_tables *t, Iterator *self, fk_iteration *i, PyObject *entry) {
	bool alive = table_alive(t, self->table);
	if (alive) {
		drop_lent(t, i);
		advance(i);
	}
	if (!alive || !i->entry) {
		end_iteration(t, &i->open);
		self->serial = 0;
		return false;
	}
	self->given = (fk_table_entry *)entry;
	return true;
}

static PyObject *iter_next(PyObject *me) {
	Iterator *self = (Iterator *)me;
	if (!self->serial) return NULL;
	self->given = NULL;
	PyObject *entry = entry_new(self->table, self->hook, (fk_held_ref){.index = FK_NOT_HELD}, me);
	fk_tables *t = entry ? fk_tables_use(self->table->impl, self->hook, false) : NULL;
	bool more = false;
	if (t) {
		fk_iteration *i = open_of(t, self);
		if (i)
			more = continue_iteration(t, self, i, entry);
		else // making the entry may have run code that ended the iteration or released its parent entry
			fk_tables_refuse(t, "the entry of the table that is iterated over was released");
		more = fk_tables_done(t) && more;
	}
	if (!more) Py_CLEAR(entry);
	return entry;
}

// On another thread, or after the hook, the end of the hook ends the iteration.
static void iter_free(PyObject *me) {
	Iterator *self = (Iterator *)me;
	if (self->serial) {
		PyObject *raised = fk_take_exception();
		fk_tables *t = fk_tables_use(self->table->impl, self->hook, false);
		fk_iteration *i = open_of(t, self);
		if (i) end_iteration(t, &i->open);
		if (t) fk_tables_done(t);
		fk_put_exception(raised);
	}
	Py_XDECREF(self->table);
	fk_free_object(me);
}

// ---- changes ----------------------------------------------------------------------------------------

// Pointers into the table are invalid from now on.
static void changed(fk_tables *t, const fk_table *self) {
	if (self->shape->kind) t->changes[self->shape->kind - 1]++;
}

// Checks that each field exists and each value has its type. Runs no Python code.
static bool check(const fk_import_shape *shape, PyObject *fields) {
	PyObject *attribute, *value;
	Py_ssize_t at = 0;
	while (fields && PyDict_Next(fields, &at, &attribute, &value)) {
		PyObject *index = PyDict_GetItemWithError(shape->attributes, attribute), *owner = NULL;
		ss_plugin_state_data data;
		if (!index && !PyErr_Occurred())
			fk_tables_no_field(shape->entry, attribute, shape->attributes);
		if (!index || !take_field(shape, PyLong_AsSsize_t(index), value, &data, &owner))
			return false;
		Py_XDECREF(owner);
	}
	return true;
}

static bool fill(PyObject *entry, const fk_import_shape *shape, PyObject *fields) {
	PyObject *attribute, *value;
	Py_ssize_t at = 0;
	while (fields && PyDict_Next(fields, &at, &attribute, &value)) {
		PyObject *index = PyDict_GetItemWithError(shape->attributes, attribute);
		if (!index || !entry_write((fk_table_entry *)entry, PyLong_AsSsize_t(index), value))
			return false;
	}
	return true;
}

// Adds an entry that is in no table yet; from add_table_entry on the host owns it. The hook may have
// ended while Python code filled the entry.
static bool add(fk_table *self, fk_table_entry *entry, const ss_plugin_state_data *key) {
	fk_tables *t = fk_tables_use(self->impl, entry->hook, true);
	if (!t) return false;
	fk_tables_ignore_error(t); // a full table gives no reason
	fk_held *made = table_alive(t, self) ? fk_tables_held(t, entry->held) : NULL;
	if (made) {
		made->entry = t->writer->add_table_entry(self->handle, key, made->entry);
		made->is_new = false;
		changed(t, self);
		entry->held.changes = changes_of(t, self);
		if (!made->entry) { // failed: the owner has destroyed the entry
			fk_tables_count_child(t, made->parent, -1);
			fk_tables_fail(t, "the entry cannot be inserted");
		}
	}
	return fk_tables_done(t);
}

static PyObject *make(fk_table *self) {
	fk_tables *t = use_table(self, true);
	if (!t) return NULL;
	ss_plugin_table_entry_t *made = t->writer->create_table_entry(self->handle);
	if (!made) fk_tables_fail(t, "the table creates no entry");
	fk_held_ref held = hold(t, self, made, (fk_held){.is_new = true});
	uint64_t hook = t->hook;
	fk_tables_done(t);
	return held.index != FK_NOT_HELD ? entry_new(self, hook, held, NULL) : NULL;
}

static bool too_far(const fk_table *self, const ss_plugin_state_data *key, PyObject *given) {
	if (!self->shape->is_list || key->u64 < FK_LIST_MAX) return false;
	PyErr_Format(fk_table_errors[FK_WRONG_RANGE],
	             "the key of table '%U': %S is too far for a list, which has every entry up to its "
	             "last: less than %d is needed",
	             self->shape->name, given, FK_LIST_MAX);
	return true;
}

// Values are written before others can see the entry; in a list only afterwards, when it has memory.
static PyObject *insert(fk_table *self, PyObject *key, PyObject *fields) {
	ss_plugin_state_data data;
	PyObject *owner;
	bool list = self->shape->is_list;
	if (!take_key(self, key, &data, &owner)) return NULL;
	PyObject *entry = too_far(self, &data, key) || !check(self->shape, fields) ? NULL : make(self);
	bool ok = entry && (list || fill(entry, self->shape, fields)) &&
	          add(self, (fk_table_entry *)entry, &data) &&
	          (!list || fill(entry, self->shape, fields));
	Py_XDECREF(owner);
	if (!ok) Py_CLEAR(entry);
	return entry;
}

// insert(key, /, **fields)
static PyObject *table_insert(PyObject *me, PyObject *args, PyObject *fields) {
	PyObject *key;
	if (!PyArg_ParseTuple(args, "O", &key)) return NULL;
	return insert((fk_table *)me, key, fields);
}

static PyObject *table_erase(PyObject *me, PyObject *key) {
	fk_table *self = (fk_table *)me;
	ss_plugin_state_data data;
	PyObject *owner;
	if (!take_key(self, key, &data, &owner)) return NULL;
	fk_tables *t = use_table(self, true);
	bool ok = t && fk_tables_check(t, t->writer->erase_table_entry(self->handle, &data));
	if (t && !ok) fk_tables_fail(t, "the entry cannot be erased");
	if (ok) changed(t, self);
	if (t) fk_tables_done(t);
	Py_XDECREF(owner);
	if (!ok) return NULL;
	Py_RETURN_NONE;
}

// table[key] = {attribute: value} and del table[key]
static int table_set(PyObject *me, PyObject *key, PyObject *fields) {
	if (fields && !PyDict_Check(fields)) {
		PyErr_SetString(fk_table_errors[FK_WRONG_TYPE], "an entry is set by a dict of its fields");
		return -1;
	}
	PyObject *copy =
		fields ? PyDict_Copy(fields) : NULL; // the author's code may change it meanwhile
	if (fields && !copy) return -1;
	PyObject *done = fields ? insert((fk_table *)me, key, copy) : table_erase(me, key);
	Py_XDECREF(copy);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

static PyObject *table_clear(PyObject *me, PyObject *none) {
	fk_tables *t = use_table((fk_table *)me, true);
	if (!t) return NULL;
	bool ok = fk_tables_check(t, t->writer->clear_table(((fk_table *)me)->handle));
	if (!ok) fk_tables_fail(t, "the table cannot be cleared");
	changed(t, (fk_table *)me);
	fk_tables_done(t);
	if (!ok) return NULL;
	Py_RETURN_NONE;
}

// ---- the types --------------------------------------------------------------------------------------

static PyMethodDef methods[] = {
	{"get", table_get, METH_O, NULL},
	{"insert", (PyCFunction)(void (*)(void))table_insert, METH_VARARGS | METH_KEYWORDS, NULL},
	{"erase", table_erase, METH_O, NULL},
	{"clear", table_clear, METH_NOARGS, NULL},
	{0}};
static PyGetSetDef getters[] = {{"name", table_name, NULL, NULL, NULL}, {0}};
static PyType_Slot slots[] = {
	{Py_tp_dealloc, table_free}, {Py_tp_methods, methods},         {Py_tp_getset, getters},
	{Py_tp_iter, table_iter},    {Py_mp_subscript, table_item},    {Py_mp_ass_subscript, table_set},
	{Py_mp_length, table_len},   {Py_sq_contains, table_contains}, {0, NULL}};

static PyMethodDef entry_methods[] = {{"release", entry_release, METH_NOARGS, NULL}, {0}};
static PyType_Slot entry_slots[] = {{Py_tp_dealloc, entry_free},
                                    {Py_tp_methods, entry_methods},
                                    {Py_tp_setattro, entry_set},
                                    {0, NULL}};
static PyMethodDef field_methods[] = {{"__set_name__", field_named, METH_VARARGS, NULL}, {0}};
static PyType_Slot field_slots[] = {{Py_tp_new, field_make},
                                    {Py_tp_descr_get, field_get},
                                    {Py_tp_descr_set, field_set},
                                    {Py_tp_methods, field_methods},
                                    {0, NULL}};

static PyType_Slot iter_slots[] = {{Py_tp_dealloc, iter_free},
                                   {Py_tp_iter, PyObject_SelfIter},
                                   {Py_tp_iternext, iter_next},
                                   {0, NULL}};

// `table_class`: the base of ImportedTable. The two classes that Python needs are added to the module.
bool fk_imported_ready(PyObject *module, PyObject *table_class) {
	return (dunder = PyUnicode_InternFromString("__")) &&
	       (table_type = fk_make_type("falcokit.ImportedTable", sizeof(fk_table),
	                                  Py_TPFLAGS_DISALLOW_INSTANTIATION, slots, table_class)) &&
	       (entry_type = fk_make_type("falcokit.ImportedEntry", sizeof(fk_table_entry),
	                                  Py_TPFLAGS_BASETYPE, entry_slots, NULL)) &&
	       (field_type =
	            fk_make_type("falcokit.ImportedField", sizeof(Field), 0, field_slots, NULL)) &&
	       (iter_type = fk_make_type("falcokit.TableIterator", sizeof(Iterator),
	                                 Py_TPFLAGS_DISALLOW_INSTANTIATION, iter_slots, NULL)) &&
	       PyModule_AddObjectRef(module, "ImportedEntry", (PyObject *)entry_type) == 0 &&
	       PyModule_AddObjectRef(module, "ImportedField", (PyObject *)field_type) == 0;
}
