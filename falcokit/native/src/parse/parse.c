// SPDX-License-Identifier: Apache-2.0
// parse_event: events that the author does not want end here, without the GIL; for the others the
// author's method is called. Runs on the host's thread for each event of the stream; set up by
// Link.set_parser in init, on the worker.
#include "parse/parse.h"
#include <stdlib.h>
#include <string.h>
#include "python/python.h"
#include "tables/tables.h"

#define CODES 65536

struct fk_parsing {
	uint8_t wanted[CODES / 8];
	uint16_t *types; // for the host
	uint32_t ntypes;
	char **sources; // ends with NULL; empty: all
	PyObject *function, *failed, *context;
};

static bool is_wanted(const struct fk_parsing *parsing, const ss_plugin_event_input *in) {
	uint16_t type = in->evt->type;
	if (!(parsing->wanted[type / 8] & (1u << type % 8))) return false;
	char **source = parsing->sources;
	if (!*source) return true;
	for (; in->evtsrc && *source; source++)
		if (strcmp(*source, in->evtsrc) == 0) return true;
	return false; // it was delivered for async events, which may need more sources
}

// With an exception set: it becomes the last error, and is logged at intervals.
static void report_failure(fk_impl *impl) {
	PyObject *raised = fk_take_exception();
	PyObject *text = raised ? PyObject_CallOneArg(impl->parsing->failed, raised) : NULL;
	fk_fail_by_python(impl, "parse_event", text);
	Py_XDECREF(raised);
}

// Calls the function of a bound method directly, which is faster.
static PyObject *call_method(PyObject *function, PyObject *event) {
	if (!PyMethod_Check(function)) return PyObject_CallOneArg(function, event);
	PyObject *args[] = {NULL, PyMethod_GET_SELF(function), event};
	return PyObject_Vectorcall(PyMethod_GET_FUNCTION(function), args + 1,
	                           2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

static bool call(fk_impl *impl, const ss_plugin_event_input *in) {
	PyObject *event = fk_event_enter(&impl->event, in), *result = NULL;
	if (event) result = call_method(impl->parsing->function, event);
	if (!result) report_failure(impl);
	if (event) fk_event_leave(&impl->event, event);
	Py_XDECREF(result);
	return result != NULL;
}

typedef struct parse_call {
	fk_impl *impl;
	const ss_plugin_event_input *in;
	const ss_plugin_event_parse_input *tables;
	bool ok;
} parse_call;

static void enter_python(void *arg) {
	parse_call *c = arg;
	struct fk_parsing *parsing = c->impl->parsing;
	if (!parsing->function) return;                                   // destroy has begun
	bool *blocks_host = &fk_blocks_host, blocked_host = *blocks_host; // of this thread
	bool entered = PyContext_Enter(parsing->context) == 0;
	if (!entered) PyErr_Clear(); // a call within a call: uses the context of the outer one
	*blocks_host = true;
	fk_tables_enter_parse(c->impl, c->tables);
	c->ok = call(c->impl, c->in);
	fk_tables_leave(c->impl);
	*blocks_host = blocked_host;
	if (entered && PyContext_Exit(parsing->context) < 0) PyErr_Clear();
}

ss_plugin_rc fk_parse(fk_impl *impl, const ss_plugin_event_input *in,
                      const ss_plugin_event_parse_input *tables) {
	struct fk_parsing *parsing = impl->parsing;
	if (!parsing || !is_wanted(parsing, in)) return SS_PLUGIN_SUCCESS;
	parse_call c = {impl, in, tables, false};
	fk_gil_call(impl, enter_python, &c);
	return c.ok ? SS_PLUGIN_SUCCESS : SS_PLUGIN_FAILURE;
}

uint16_t *fk_parse_types(fk_plugin *p, uint32_t *n) {
	const struct fk_parsing *parsing = ((fk_impl *)p->impl)->parsing;
	*n = parsing ? parsing->ntypes : 0;
	return parsing ? parsing->types : NULL;
}

// ---- setting up -------------------------------------------------------------------------------------

static bool take_codes(fk_impl *impl, PyObject *codes) {
	struct fk_parsing *parsing = impl->parsing;
	Py_ssize_t n = PyTuple_GET_SIZE(codes);
	bool own = false; // the author wants async events too
	parsing->types = calloc((size_t)n + 1, sizeof *parsing->types);
	if (!parsing->types) return PyErr_NoMemory() != NULL;
	for (Py_ssize_t i = 0; i < n; i++) {
		long code = PyLong_AsLong(PyTuple_GET_ITEM(codes, i));
		if (code < 0 || code >= CODES) {
			if (!PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "%ld is not an event code", code);
			return false;
		}
		parsing->types[parsing->ntypes++] = (uint16_t)code;
		parsing->wanted[code / 8] |= (uint8_t)(1u << code % 8);
		own |= code == FK_CODE_ASYNCEVENT;
	}
	if (impl->has_async && !own) parsing->types[parsing->ntypes++] = FK_CODE_ASYNCEVENT;
	return true;
}

static bool take_sources(struct fk_parsing *parsing, PyObject *sources) {
	Py_ssize_t n = PyTuple_GET_SIZE(sources);
	parsing->sources = calloc((size_t)n + 1, sizeof *parsing->sources);
	bool ok = parsing->sources != NULL;
	for (Py_ssize_t i = 0; ok && i < n; i++) {
		const char *source = PyUnicode_AsUTF8(PyTuple_GET_ITEM(sources, i));
		ok = source && (parsing->sources[i] = strdup(source));
	}
	if (!ok && !PyErr_Occurred()) PyErr_NoMemory();
	return ok;
}

PyObject *fk_parse_bind(fk_impl *impl, PyObject *args) {
	PyObject *function, *failed, *codes, *sources;
	if (impl->parsing) Py_RETURN_NONE; // once in a state's life
	if (!PyArg_ParseTuple(args, "OOO!O!", &function, &failed, &PyTuple_Type, &codes, &PyTuple_Type,
	                      &sources))
		return NULL;
	impl->parsing = calloc(1, sizeof *impl->parsing);
	if (!impl->parsing) return PyErr_NoMemory();
	if (!take_codes(impl, codes) || !take_sources(impl->parsing, sources)) return NULL;
	impl->parsing->context = PyContext_CopyCurrent(); // by which logging knows the state
	if (!impl->parsing->context) return NULL;
	impl->parsing->failed = Py_NewRef(failed);
	impl->parsing->function = Py_NewRef(function);
	Py_RETURN_NONE;
}

void fk_parse_forget(fk_impl *impl) {
	if (!impl->parsing) return;
	Py_CLEAR(impl->parsing->function);
	Py_CLEAR(impl->parsing->failed);
	Py_CLEAR(impl->parsing->context);
}

void fk_parse_close(fk_impl *impl) {
	struct fk_parsing *parsing = impl->parsing;
	if (!parsing) return;
	for (char **source = parsing->sources; source && *source; source++) free(*source);
	free(parsing->sources);
	free(parsing->types);
	free(parsing);
}
