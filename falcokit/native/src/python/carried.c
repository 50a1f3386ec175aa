// SPDX-License-Identifier: Apache-2.0
// The payload of a packaged plugin, for its Python: the path of the zip with all code, and the
// extension modules for the finder of falcokit.runtime.host.carried_modules. In the development layout
// there is no payload.
#include "python/python.h"
#include "payload/store.h"
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define ROOM (32u << 20)

// Replaces strdup in the glue, which may be loaded with RTLD_DEEPBIND (see fk_store_flags). The C
// library's strdup then takes memory from the host's allocator, while free here is the C library's.
__attribute__((visibility("hidden"))) char *strdup(const char *text) {
	size_t n = strlen(text) + 1;
	char *copy = malloc(n);
	return copy ? memcpy(copy, text, n) : NULL;
}

static fk_store *_Atomic store; // set before Python is started, never taken back

void fk_payload_adopt(fk_store *opened) {
	fk_store *none = NULL;
	fk_store_settle(opened); // its thread runs in the entry library, which may be unloaded
	opened->adopted = atomic_compare_exchange_strong(&store, &none, opened);
	if (!opened->adopted) fk_store_mend(store, opened);
}

bool fk_is_packaged(void) { return store != NULL; }

// Python ends the process when it runs out of memory before its exceptions are there.
static bool has_room(void) {
	void *room = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED) return false;
	munmap(room, ROOM);
	return true;
}

const char *fk_payload_archive(char *err, size_t errlen) {
	const char *archive = fk_store_archive(store, err, errlen);
	if (!archive || has_room()) return archive;
	snprintf(
		err, errlen,
		"there is no memory to start Python of the packaged plugin: it takes %u MB (is there a "
		"limit, as of ulimit -v?)",
		ROOM >> 20);
	return NULL;
}

// payload_modules() -> {full name: item}, empty in the development layout
PyObject *fk_payload_modules(PyObject *module, PyObject *none) {
	PyObject *found = PyDict_New();
	for (int i = 0; found && store && i < store->count; i++) {
		if (!store->items[i].module) continue;
		PyObject *number = PyLong_FromLong(i);
		if (!number || PyDict_SetItemString(found, store->items[i].module, number) < 0)
			Py_CLEAR(found);
		Py_XDECREF(number);
	}
	return found;
}

// payload_place(item) -> (path, flags for dlopen), after the libraries that the module needs
PyObject *fk_payload_place(PyObject *module, PyObject *item) {
	char err[FK_ERRLEN] = "";
	long i = PyLong_AsLong(item);
	const char *path = NULL;
	if (i < 0 || !store || i >= store->count) {
		if (!PyErr_Occurred()) PyErr_SetString(PyExc_IndexError, "there is no such item");
		return NULL;
	}
	Py_BEGIN_ALLOW_THREADS
	if (fk_store_load(store, (int)i, false, err, sizeof err))
		path = fk_store_place(store, (int)i, err, sizeof err);
	Py_END_ALLOW_THREADS
	if (path) return Py_BuildValue("(si)", path, fk_store_flags(store));
	PyErr_SetString(PyExc_ImportError, err);
	return NULL;
}

// payload_displace(item): gives back the memory of one that is not needed any more
PyObject *fk_payload_displace(PyObject *module, PyObject *item) {
	long i = PyLong_AsLong(item);
	if (i < 0 && PyErr_Occurred()) return NULL;
	if (store && i >= 0 && i < store->count) fk_store_displace(store, (int)i);
	Py_RETURN_NONE;
}
