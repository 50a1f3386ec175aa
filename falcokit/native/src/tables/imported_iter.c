// SPDX-License-Identifier: Apache-2.0
// Iteration over an imported table. The host calls back for each entry and lends it for that call
// only, while Python's `for` asks for the next one: so the host's function runs on a stack of its
// own, and its callback goes back to Python's stack until the next entry is wanted, or the loop is
// left.
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "tables/tables.h"

#define GUARD 4096

// AddressSanitizer is told which stack is in use: it keeps the bounds of it, and what it holds back of
// the frames that have returned.
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#define LEAVE(kept, bottom, size)  __sanitizer_start_switch_fiber(kept, bottom, size)
#define ARRIVE(kept, bottom, size) __sanitizer_finish_switch_fiber(kept, bottom, size)
#else
#define LEAVE(kept, bottom, size)  ((void)(kept))
#define ARRIVE(kept, bottom, size) ((void)(kept))
#endif

typedef struct fk_iteration {
	fk_open open; // first
	const ss_plugin_table_reader_vtable_ext *reader;
	ss_plugin_table_t *table;
	ucontext_t python, host;
	void *stack, *kept_python, *kept_host;
	const void *back; // Python's stack
	size_t back_size;
	ss_plugin_table_entry_t *entry; // lent now; NULL: over
	bool stop;
} fk_iteration;

typedef struct Iterator {
	PyObject_HEAD
	fk_table *table;
	uint64_t hook;
	uint64_t serial;             // of its iteration
	const fk_table_entry *given; // the entry of this turn
} Iterator;

PyTypeObject *fk_iter_type;

// ---- on the host's stack ----------------------------------------------------------------------------

static ss_plugin_bool lend(ss_plugin_table_iterator_state_t *state,
                           ss_plugin_table_entry_t *entry) {
	fk_iteration *i = state;
	i->entry = entry;
	LEAVE(&i->kept_host, i->back, i->back_size);
	swapcontext(&i->host, &i->python);
	ARRIVE(i->kept_host, &i->back, &i->back_size);
	return !i->stop;
}

static void run(unsigned high, unsigned low) {
	fk_iteration *i = (fk_iteration *)(((uintptr_t)high << 32) | low);
	ARRIVE(NULL, &i->back, &i->back_size);
	i->reader->iterate_entries(i->table, lend, i);
	i->entry = NULL;
	LEAVE(NULL, i->back, i->back_size); // uc_link goes back to Python's stack
}

// ---- on Python's ------------------------------------------------------------------------------------

static void advance(fk_iteration *i) {
	i->entry = NULL;
	LEAVE(&i->kept_python, (char *)i->stack + GUARD, FK_ITERATION_STACK - GUARD);
	swapcontext(&i->python, &i->host);
	ARRIVE(i->kept_python, NULL, NULL);
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

// Apart: of what returns twice the compiler expects the worst for the variables of its caller.
static void prepare(fk_iteration *i) {
	getcontext(&i->host);
	i->host.uc_stack.ss_sp = i->stack;
	i->host.uc_stack.ss_size = FK_ITERATION_STACK;
	i->host.uc_link = &i->python;
	makecontext(&i->host, (void (*)(void))run, 2, (unsigned)((uintptr_t)i >> 32),
	            (unsigned)(uintptr_t)i);
}

// Its serial; 0: there is no memory.
static uint64_t begin(fk_tables *t, const fk_table *table) {
	fk_iteration *i = calloc(1, sizeof *i);
	if (!i || !(i->stack = take_stack(t))) {
		free(i);
		return 0;
	}
	i->reader = t->reader;
	i->table = table->handle;
	prepare(i);
	i->open = (fk_open){.next = t->open, .serial = ++t->serial, .parent = fk_table_parent(table)};
	fk_tables_join(t, i->open.parent);
	t->open = &i->open;
	return i->open.serial;
}

// Locked: the iteration, if it is not over.
static fk_iteration *open_of(const fk_tables *t, const Iterator *self) {
	fk_open *open = t ? t->open : NULL;
	while (open && open->serial != self->serial) open = open->next;
	return (fk_iteration *)open;
}

static void drop_lent(fk_tables *t, fk_iteration *i) {
	fk_tables_drop_below(t, (fk_parent){FK_NOT_HELD, &i->open});
}

// Locked. Lets the host's function return, if it has not.
void fk_iteration_end(fk_tables *t, fk_open *open) {
	fk_iteration *iteration = (fk_iteration *)open;
	drop_lent(t, iteration);
	iteration->stop = true;
	while (iteration->entry) advance(iteration); // a host may ask once more
	for (fk_open **at = &t->open; *at; at = &(*at)->next)
		if (*at == open) {
			*at = open->next;
			break;
		}
	fk_tables_part(t, open->parent);
	if (t->stack)
		munmap(iteration->stack, FK_ITERATION_STACK);
	else
		t->stack = iteration->stack;
	free(iteration);
}

ss_plugin_table_entry_t *fk_iter_entry(PyObject *iterator, const fk_table_entry *entry) {
	Iterator *self = (Iterator *)iterator;
	fk_iteration *i = open_of(self->table->impl->tables, self);
	return i && self->given == entry ? i->entry : NULL;
}

fk_open *fk_iter_lender(PyObject *iterator) {
	Iterator *self = (Iterator *)iterator;
	return (fk_open *)open_of(self->table->impl->tables, self);
}

PyObject *fk_table_iter(PyObject *table) {
	Iterator *self = (Iterator *)fk_iter_type->tp_alloc(fk_iter_type, 0);
	if (!self) return NULL;
	self->table = (fk_table *)Py_NewRef(table);
	fk_tables *t = fk_table_use(self->table, false);
	if (t) {
		self->hook = t->hook;
		self->serial = begin(t, self->table);
		fk_tables_done(t);
		if (!self->serial) PyErr_NoMemory();
	}
	if (!self->serial) Py_CLEAR(self);
	return (PyObject *)self;
}

static bool go_on(fk_tables *t, Iterator *self, fk_iteration *i, PyObject *entry) {
	bool alive = fk_table_alive(t, self->table);
	if (alive) {
		drop_lent(t, i);
		advance(i);
	}
	if (!alive || !i->entry) {
		fk_iteration_end(t, &i->open);
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
	PyObject *entry =
		fk_entry_new(self->table, self->hook, (fk_held_ref){.index = FK_NOT_HELD}, me);
	fk_tables *t = entry ? fk_tables_use(self->table->impl, self->hook, false) : NULL;
	bool more = false;
	if (t) {
		fk_iteration *i = open_of(t, self);
		if (i)
			more = go_on(t, self, i, entry);
		else // making the entry may have run code that ended it, or what it was over was released
			fk_tables_refuse(t, "the entry of the table that is iterated over was released");
		more = fk_tables_done(t) && more;
	}
	if (!more) Py_CLEAR(entry);
	return entry;
}

// On another thread, or after the hook, the end of the hook ends it, or has done so.
static void iter_free(PyObject *me) {
	Iterator *self = (Iterator *)me;
	PyTypeObject *type = Py_TYPE(me);
	if (self->serial) {
		PyObject *error_type, *value, *trace;
		PyErr_Fetch(&error_type, &value, &trace);
		fk_tables *t = fk_tables_use(self->table->impl, self->hook, false);
		fk_iteration *i = open_of(t, self);
		if (i) fk_iteration_end(t, &i->open);
		if (t) fk_tables_done(t);
		PyErr_Restore(error_type, value, trace);
	}
	Py_XDECREF(self->table);
	type->tp_free(me);
	Py_DECREF(type);
}

static PyType_Slot slots[] = {{Py_tp_dealloc, iter_free},
                              {Py_tp_iter, PyObject_SelfIter},
                              {Py_tp_iternext, iter_next},
                              {0, NULL}};
static PyType_Spec spec = {.name = "falcokit.TableIterator",
                           .basicsize = sizeof(Iterator),
                           .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                           .slots = slots};

bool fk_iter_ready(void) { return (fk_iter_type = (PyTypeObject *)PyType_FromSpec(&spec)) != NULL; }
