// SPDX-License-Identifier: Apache-2.0
// Finds which thread holds the GIL, and where in its code, when Python cannot be asked because of that.
// The holder is in a C function, so its frames do not change; but it may return at any moment.
// Therefore its memory is read through the kernel, which returns an error where a load would crash.
// If the memory changed meanwhile, the worst result is a wrong line in a log.
#include "python/python.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FRAMES 500
#define MAX_PATH   512

static char library[MAX_PATH]; // the standard library's folder

// ---- names ------------------------------------------------------------------------------------------

typedef struct named {
	struct named *next;
	unsigned long ident;
	char name[80];
} named;
static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static named *names;

PyObject *fk_name_thread(PyObject *module, PyObject *name) {
	unsigned long me = PyThread_get_thread_ident();
	const char *text = name == Py_None ? NULL : PyUnicode_AsUTF8(name);
	named *fresh = text ? calloc(1, sizeof *fresh) : NULL;
	PyErr_Clear(); // a name that is not text is ignored
	if (fresh) {
		fresh->ident = me;
		snprintf(fresh->name, sizeof fresh->name, "%s", text);
	}
	pthread_mutex_lock(&names_lock);
	for (named **at = &names, *old; (old = *at);) {
		if (old->ident == me) {
			*at = old->next;
			free(old);
		} else {
			at = &old->next;
		}
	}
	if (fresh) {
		fresh->next = names;
		names = fresh;
	}
	pthread_mutex_unlock(&names_lock);
	Py_RETURN_NONE;
}

static void name_of(unsigned long ident, char *out, size_t len) {
	snprintf(out, len, "a Python thread");
	pthread_mutex_lock(&names_lock);
	for (named *n = names; n; n = n->next)
		if (n->ident == ident) snprintf(out, len, "the %s", n->name);
	pthread_mutex_unlock(&names_lock);
}

// ---- the holder -------------------------------------------------------------------------------------

static PyThreadState *holder(void) {
#if PY_VERSION_HEX < 0x030c0000
	return _PyThreadState_UncheckedGet(); // of the process, not of this thread
#else
	PyThreadState *t = PyInterpreterState_ThreadHead(PyInterpreterState_Main());
	for (; t; t = t->next) {
#if PY_VERSION_HEX < 0x030d0000
		if (t->_status.active) break;
#else
		if (t->state == 1) break; // attached
#endif
	}
	return t;
#endif
}

// The first members of a frame: the same in all releases of a minor version.
typedef struct frame {
#if PY_VERSION_HEX < 0x030c0000
	PyObject *function, *globals, *builtins, *locals;
	uintptr_t code;
	PyFrameObject *object;
	struct frame *previous;
	_Py_CODEUNIT *at;
#else
	uintptr_t code; // since 3.14 its lowest bits are flags
	struct frame *previous;
#endif
} frame;

static frame *innermost(PyThreadState *t) {
#if PY_VERSION_HEX < 0x030d0000
	return (frame *)t->cframe->current_frame;
#else
	return (frame *)t->current_frame;
#endif
}

static int line_of(frame *where, const frame *copy, PyCodeObject *code) {
#if PY_VERSION_HEX < 0x030c0000
	int unit = (int)(copy->at - (_Py_CODEUNIT *)code->co_code_adaptive);
	return PyCode_Addr2Line(code, unit * (int)sizeof(_Py_CODEUNIT));
#else
	return PyUnstable_InterpreterFrame_GetLine((struct _PyInterpreterFrame *)where);
#endif
}

static bool copy_from(void *to, const void *from, size_t size) {
	struct iovec here = {to, size}, there = {(void *)(uintptr_t)from, size};
	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)size;
}

static void text_of(PyObject *text, char *out, size_t len) {
	size_t n = 0;
	if (text && PyUnicode_Check(text))
		for (; n < (size_t)PyUnicode_GET_LENGTH(text) && n + 1 < len; n++) {
			Py_UCS4 c = PyUnicode_READ_CHAR(text, (Py_ssize_t)n);
			out[n] = c < 0x80 ? (char)c : '?';
		}
	out[n] = 0;
}

// As falcokit.runtime.base.errors.own_frames: 3 the author's, 2 a package's, 1 the standard library's,
// 0 falcokit's.
static int rank(const char *file) {
	if (*file == '<' || strstr(file, "/falcokit/runtime/") || strstr(file, "/_falcokit_payload"))
		return 0;
	if (strstr(file, "-packages")) return 2;
	return *library && strncmp(file, library, strlen(library)) == 0 ? 1 : 3;
}

// The author's innermost line; without one, a package's or the standard library's.
static void find_place(frame *where, char *out, size_t len) {
	frame copy;
	int best = 0;
	for (int i = 0; where && i < MAX_FRAMES && best < 3; i++, where = copy.previous) {
		char file[MAX_PATH], function[128];
		PyObject head;
		if (!copy_from(&copy, where, sizeof copy)) return;
		PyCodeObject *code = (PyCodeObject *)(copy.code & ~(uintptr_t)7);
		if (!code || !copy_from(&head, code, sizeof head) || Py_TYPE(&head) != &PyCode_Type)
			continue;
		text_of(code->co_filename, file, sizeof file);
		if (rank(file) <= best) continue;
		best = rank(file);
		text_of(code->co_name, function, sizeof function);
		snprintf(out, len, ", at %s:%d in %s", file, line_of(where, &copy, code), function);
	}
}

unsigned long fk_gil_holder(char *out, size_t len) {
	char name[96], place[MAX_PATH + 160] = "";
	PyThreadState *t = holder(), copy;
	if (!t || !copy_from(&copy, t, sizeof copy)) return 0;
	name_of(copy.thread_id, name, sizeof name);
	find_place(innermost(t), place, sizeof place);
	snprintf(out, len, "%s, in a call that does not release the GIL%s", name, place);
	return copy.thread_id;
}

PyObject *fk_holder_install(PyObject *module, PyObject *folder) {
	const char *text = PyUnicode_AsUTF8(folder);
	if (!text) return NULL;
	snprintf(library, sizeof library, "%s", text);
	Py_RETURN_NONE;
}
