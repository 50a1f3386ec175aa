// SPDX-License-Identifier: Apache-2.0
// The hook in which tables are lent, and what of the host is in use. fk_tables_enter_* and
// fk_tables_leave are called on the host's thread around each hook.
#include "python/python.h"
#include "tables/tables.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

PyObject *fk_table_error, *fk_table_errors[FK_WRONG];

// ---- entries that must be released ------------------------------------------------------------------
// A nested table lies within its entry: entries of it and iterations over it end before that entry, in
// whatever order the author drops them. With the lock of the tables, or at the end of the hook, when
// Python cannot use them any more.

static uint32_t *children_of(fk_tables *t, fk_parent parent) {
	if (parent.lender) return &parent.lender->children;
	return parent.held == FK_NOT_HELD ? NULL : &t->held[parent.held].children;
}

void fk_tables_count_child(fk_tables *t, fk_parent parent, int change) {
	uint32_t *children = children_of(t, parent);
	if (children) *children += (uint32_t)change;
}

static bool same(fk_parent a, fk_parent b) { return a.held == b.held && a.lender == b.lender; }

static bool drop_one(fk_tables *t, fk_parent parent) {
	for (fk_open_iter *i = t->open; i; i = i->next)
		if (same(i->parent, parent)) return i->end(t, i), true;
	for (uint32_t k = t->nheld; k-- > 0;)
		if (t->held[k].entry && same(t->held[k].parent, parent))
			return fk_tables_give_back(t, k), true;
	return false;
}

void fk_tables_release_children(fk_tables *t, fk_parent parent) {
	uint32_t *children = children_of(t, parent);
	while (children && *children && drop_one(t, parent)) continue;
}

static void release(fk_tables *t, const fk_held *one) {
	if (one->borrowed) return;
	if (one->is_new)
		t->writer->destroy_table_entry(one->table, one->entry);
	else
		t->reader->release_table_entry(one->table, one->entry);
}

fk_held_ref fk_tables_hold(fk_tables *t, fk_held one) {
	if (t->nheld == t->room) {
		uint32_t room = t->room ? t->room * 2 : 16;
		fk_held *more = realloc(t->held, room * sizeof *more);
		if (!more) {
			release(t, &one);
			PyErr_NoMemory();
			return (fk_held_ref){.index = FK_NOT_HELD};
		}
		t->held = more;
		t->room = room;
	}
	one.serial = ++t->serial;
	one.children = 0;
	fk_tables_count_child(t, one.parent, 1);
	t->held[t->nheld] = one;
	return (fk_held_ref){.index = t->nheld++, .serial = one.serial};
}

fk_held *fk_tables_held(fk_tables *t, fk_held_ref ref) {
	fk_held *one = ref.index < t->nheld ? &t->held[ref.index] : NULL;
	return one && one->entry && one->serial == ref.serial ? one : NULL;
}

void fk_tables_give_back(fk_tables *t, uint32_t index) {
	fk_held *one = &t->held[index];
	if (one->entry) {
		fk_tables_release_children(t, (fk_parent){index, NULL});
		fk_tables_count_child(t, one->parent, -1);
		release(t, one);
		one->entry = NULL;
	}
	while (t->nheld && !t->held[t->nheld - 1].entry) t->nheld--;
}

// ---- the host's side --------------------------------------------------------------------------------

// What the host lends for a hook is set, and used by the thread `user`.
static void enter(fk_tables *t, ss_plugin_owner_t *owner,
                  const ss_plugin_table_reader_vtable_ext *reader,
                  const ss_plugin_table_writer_vtable_ext *writer, pthread_t user,
                  const char *refused) {
	t->owner = owner;
	t->reader = reader;
	t->writer = writer;
	pthread_mutex_lock(&t->lock);
	t->live = t->reader != NULL && t->last_error != NULL;
	t->user = user;
	t->refused = refused;
	t->hook++;
	pthread_mutex_unlock(&t->lock);
}

void fk_tables_enter_init(fk_impl *impl, const ss_plugin_init_input *in) {
	const ss_plugin_init_tables_input *given = in->tables;
	// Older hosts have no reader and writer in init; the required API version excludes them.
	if (!impl->imports_tables || !given || !given->fields_ext) return;
	fk_tables *t = calloc(1, sizeof *t);
	if (!(impl->tables = t)) return;
	pthread_mutex_init(&t->lock, NULL);
	t->last_error = in->get_owner_last_error;
	t->init = given;
	enter(t, in->owner, given->reader_ext, given->writer_ext, impl->worker->thread, NULL);
}

void fk_tables_enter_parse(fk_impl *impl, const ss_plugin_event_parse_input *in) {
	fk_tables *t = impl->tables;
	if (!t || !t->used) return;
	t->last_error = in->get_owner_last_error;
	enter(t, in->owner, in->table_reader_ext, in->table_writer_ext, pthread_self(), NULL);
}

void fk_tables_enter_extract(fk_impl *impl, const ss_plugin_field_extract_input *in) {
	fk_tables *t = impl->tables;
	if (!t || !t->used) return;
	t->last_error = in->get_owner_last_error;
	enter(t, in->owner, in->table_reader_ext, NULL, pthread_self(),
	      "while fields are extracted tables can only be read");
}

void fk_tables_enter_listen(fk_impl *impl, const ss_plugin_capture_listen_input *in) {
	fk_tables *t = impl->tables;
	if (!t || !t->used || !in) return;
	// Its own get_owner_last_error came with 3.9: that of init is kept.
	enter(t, in->owner, in->table_reader_ext, in->table_writer_ext, impl->worker->thread, NULL);
}

void fk_tables_leave(fk_impl *impl) {
	fk_tables *t = impl->tables;
	if (!t || !t->live) return;
	pthread_mutex_lock(&t->lock);
	t->live = false;
	t->hook++;
	pthread_mutex_unlock(&t->lock);
	// From here on Python cannot use them. Releasing an entry may run code of its owner that needs the GIL.
	while (t->open) t->open->end(t, t->open);
	while (t->nheld) fk_tables_give_back(t, t->nheld - 1);
	t->reader = NULL;
	t->writer = NULL;
	t->init = NULL;
}

void fk_tables_free(fk_impl *impl) {
	fk_tables *t = impl->tables;
	if (!t) return;
	if (t->stack) munmap(t->stack, FK_ITERATION_STACK);
	free(t->held);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

// ---- Python's side ----------------------------------------------------------------------------------

fk_tables *fk_tables_use(fk_impl *impl, uint64_t hook, bool write) {
	fk_tables *t = impl->tables;
	const char *wrong =
		"the host lends no tables to this plugin (a class that declares none needs "
		"required_api_version = \"3.5.0\")";
	if (t) pthread_mutex_lock(&t->lock);
	if (t && (!t->live || !pthread_equal(t->user, pthread_self())))
		wrong =
			"tables can be used in init, in parse_event, in the hooks of capture listening, and "
			"while fields are extracted, on the thread of the hook";
	else if (t && hook && hook != t->hook)
		wrong = "this object belongs to a hook that has returned: read it from the table again";
	else if (t && write && t->refused)
		wrong = t->refused;
	else if (t && write && !t->writer)
		wrong = "the host lends no way to write to tables here";
	else if (t && write && t->open)
		wrong = "tables cannot be changed while one is iterated over: collect the keys first";
	else if (t)
		return t;
	if (t) pthread_mutex_unlock(&t->lock);
	PyErr_SetString(fk_table_error, wrong);
	return NULL;
}

bool fk_tables_done(fk_tables *t) {
	bool failed = t->failure[0] != 0;
	PyObject *text = failed ? fk_py_text_of(t->failure) : NULL;
	t->failure[0] = 0;
	t->old_error = 0;
	pthread_mutex_unlock(&t->lock);
	if (text) PyErr_SetObject(fk_table_error, text);
	Py_XDECREF(text);
	return !failed;
}

static uint64_t hash_of(const char *text) {
	uint64_t hash = 14695981039346656037u;
	for (; text && *text; text++) hash = (hash ^ (uint8_t)*text) * 1099511628211u;
	return hash;
}

void fk_tables_ignore_error(fk_tables *t) { t->old_error = hash_of(t->last_error(t->owner)); }

bool fk_tables_check(fk_tables *t, ss_plugin_rc rc) {
	if (rc != SS_PLUGIN_SUCCESS && rc != SS_PLUGIN_FAILURE) fk_tables_ignore_error(t);
	return rc == SS_PLUGIN_SUCCESS;
}

bool fk_tables_refuse(fk_tables *t, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(t->failure, sizeof t->failure, format, args);
	va_end(args);
	return false;
}

bool fk_tables_fail(fk_tables *t, const char *format, ...) {
	va_list args;
	va_start(args, format);
	vsnprintf(t->failure, sizeof t->failure / 2, format, args);
	va_end(args);
	const char *old_error = t->last_error(t->owner);
	size_t len = strlen(t->failure);
	if (old_error && *old_error && hash_of(old_error) != t->old_error)
		snprintf(t->failure + len, sizeof t->failure - len, ": %s", old_error);
	return false;
}

void fk_tables_wrong(PyObject *field, PyObject *table) {
	PyObject *of[FK_WRONG] = {NULL, PyExc_TypeError, PyExc_OverflowError, PyExc_ValueError};
	for (int i = FK_WRONG_TYPE; i < FK_WRONG; i++) {
		if (!PyErr_ExceptionMatches(of[i])) continue;
		PyObject *raised = fk_take_exception();
		if (field)
			PyErr_Format(fk_table_errors[i], "field '%U' of table '%U': %S", field, table, raised);
		else
			PyErr_Format(fk_table_errors[i], "the key of table '%U': %S", table, raised);
		Py_DECREF(raised);
		return;
	}
}

PyObject *fk_tables_no_field(PyTypeObject *entry, PyObject *attribute, PyObject *attributes) {
	PyObject *comma = PyUnicode_FromString(", ");
	PyObject *names = comma ? PyUnicode_Join(comma, attributes) : NULL;
	if (names)
		PyErr_Format(fk_table_errors[FK_WRONG_FIELD], "%s has no field %R: it has %S",
		             entry->tp_name, attribute, names);
	Py_XDECREF(names);
	Py_XDECREF(comma);
	return NULL;
}

// Copies the host's list under the lock, because it is valid only during init.
static PyObject **copy_names(const ss_plugin_table_info *infos, uint32_t n, int *kinds) {
	PyObject **names = PyMem_Calloc(n + 1, sizeof *names);
	for (uint32_t i = 0; names && i < n; i++) {
		names[i] = fk_py_text_of(infos[i].name);
		kinds[i] = (int)infos[i].key_type;
	}
	return names;
}

// list_tables() -> [(name, type of its keys)]
PyObject *fk_tables_list(fk_impl *impl, PyObject *none) {
	uint32_t n = 0;
	fk_tables *t = fk_tables_use(impl, 0, false);
	if (!t) return NULL;
	const ss_plugin_table_info *infos = NULL;
	if (!t->init)
		fk_tables_refuse(t, "tables are listed in init");
	else if (!(infos = t->init->list_tables(t->owner, &n)) && n)
		fk_tables_fail(t, "tables cannot be listed");
	int *kinds = infos ? PyMem_Calloc(n + 1, sizeof *kinds) : NULL;
	PyObject **names = kinds ? copy_names(infos, n, kinds) : NULL;
	bool ok = fk_tables_done(t);
	if (ok && infos && !names) PyErr_NoMemory(), ok = false;
	PyObject *list = ok ? PyList_New(0) : NULL;
	for (uint32_t i = 0; names && i < n; i++) {
		PyObject *pair = list && names[i] ? Py_BuildValue("(Oi)", names[i], kinds[i]) : NULL;
		if (list && (!pair || PyList_Append(list, pair) < 0)) Py_CLEAR(list);
		Py_XDECREF(pair);
		Py_XDECREF(names[i]);
	}
	PyMem_Free(names);
	PyMem_Free(kinds);
	return list;
}
