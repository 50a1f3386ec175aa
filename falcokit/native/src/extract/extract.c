// SPDX-License-Identifier: Apache-2.0
// extract_fields: first runs declared fields without Python, then calls the methods while it holds the
// GIL, on the host's thread. The framework asks for one field per call; several work as well. The
// results of a call lie in the state's arena until the next call.
#include "extract/extract.h"
#include "python/python.h"
#include "tables/tables.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- one call ---------------------------------------------------------------------------------------

typedef struct call {
	fk_impl *impl;
	fk_extraction *x;
	const ss_plugin_event_input *event;
	const ss_plugin_field_extract_input *in;
	ss_plugin_extract_value_offsets *wanted; // NULL: the host does not want places
	fk_place **places;                       // of each field; NULL: not wanted
	bool ok;                                 // the methods succeeded
} call;

static bool refuse(call *c, const fk_field_info *field, const char *what) {
	fk_fail(c->impl->plugin, "extract_fields: field %s %s", field->name, what);
	return false;
}

static bool check_argument(call *c, const fk_field_info *field,
                           const ss_plugin_extract_field *asked) {
	if (!field->argument && asked->arg_present) return refuse(c, field, "takes no argument");
	if (!asked->arg_present) return !field->required || refuse(c, field, "needs an argument");
	if (field->argument == FK_ARGUMENT_KEY && !asked->arg_key)
		return refuse(c, field, "takes a key, and was given an index");
	if (field->argument == FK_ARGUMENT_INDEX && asked->arg_key && asked->arg_index == UINT64_MAX)
		return refuse(c, field, "takes an index, and was given a key");
	return true;
}

static fk_field_info *field_of(call *c, ss_plugin_extract_field *asked) {
	asked->res.u64 = NULL;
	asked->res_len = 0;
	if (asked->field_id >= c->x->nfields) {
		fk_fail(c->impl->plugin, "extract_fields: there is no field number %u", asked->field_id);
		return NULL;
	}
	return &c->x->fields[asked->field_id];
}

static const char *keep_source(fk_extraction *x, const char *source) {
	if (!source) return NULL;
	if (x->source && strcmp(x->source, source) == 0) return x->source;
	free(x->source);
	return x->source = strdup(source);
}

// Keeps what an earlier call has found in the same event.
static void begin_doc(call *c) {
	fk_extraction *x = c->x;
	const ss_plugin_event *evt = c->event->evt;
	fk_event_data data;
	if (fk_event_is(&x->known, c->event)) return;
	x->has_data = fk_event_find_data(evt, &data);
	fk_event_note(&x->known, c->event);
	if (!x->has_data) return;
	fk_jevent event = {(const uint8_t *)evt + data.offset, data.len,   evt->ts, c->event->evtnum,
	                   keep_source(x, c->event->evtsrc),   data.offset};
	fk_jdoc_begin(x->doc, &event);
}

#define LOG_EVERY_NS 60000000000u // between two log lines about one field

// Falco shows no error when a field has no value, so it is logged for the authors of rules.
static void count_spent(call *c, fk_field_info *field) {
	uint64_t now = fk_now();
	atomic_fetch_add_explicit(&c->x->spent, 1, memory_order_relaxed);
	field->spent++;
	if (field->logged_ns && now - field->logged_ns < LOG_EVERY_NS) return;
	field->logged_ns = now;
	fk_log(
		c->impl, SS_PLUGIN_LOG_SEV_ERROR,
		"field %s has no value for event %llu of %u bytes: it takes more work than declared fields "
		"may (%llu so far). Let it look at fewer values, or search shorter texts",
		field->name, (unsigned long long)c->event->evtnum, c->event->evt->len,
		(unsigned long long)field->spent);
}

static bool run_programs(call *c, bool *methods) {
	bool begun = false;
	char err[512];
	err[0] = 0;
	for (uint32_t i = 0; i < c->in->num_fields; i++) {
		ss_plugin_extract_field *asked = &c->in->fields[i];
		fk_field_info *field = field_of(c, asked);
		if (!field || !check_argument(c, field, asked)) return false;
		*methods |= !field->program;
		if (!field->program) continue;
		if (!begun) begin_doc(c);
		begun = true;
		if (!c->x->has_data) {
			if (!fk_event_has_data(c->event->evt)) continue; // of a type that has no payload
			return refuse(c, field, "has no value: the lengths of the event do not add up");
		}
		ss_plugin_extract_value_offsets places = {0};
		ss_plugin_rc rc = fk_jprogram_run(field->program, c->x->doc, asked, &c->x->arena,
		                                  c->wanted ? &places : NULL, err, sizeof err);
		if (rc != SS_PLUGIN_SUCCESS && fk_jdoc_spent(c->x->doc)) count_spent(c, field);
		if (rc != SS_PLUGIN_SUCCESS) return refuse(c, field, err);
		if (!c->places || !places.start || !asked->res_len) continue;
		c->places[i] = fk_arena_alloc(&c->x->arena, asked->res_len * sizeof **c->places);
		for (uint64_t k = 0; c->places[i] && k < asked->res_len; k++)
			c->places[i][k] = (fk_place){places.start[k], places.length[k]};
	}
	return true;
}

static PyObject *argument_of(const fk_field_info *field, const ss_plugin_extract_field *asked) {
	bool index = field->argument == FK_ARGUMENT_INDEX ||
	             (field->argument != FK_ARGUMENT_KEY && asked->arg_index != UINT64_MAX) ||
	             !asked->arg_key;
	if (index) return PyLong_FromUnsignedLongLong(asked->arg_index);
	return PyUnicode_DecodeUTF8(asked->arg_key, (Py_ssize_t)strlen(asked->arg_key),
	                            "surrogateescape");
}

// Calls the author's method: its result, or NULL with its exception.
static PyObject *call_method(const fk_field_info *field, PyObject *event,
                             const ss_plugin_extract_field *asked) {
	PyObject *stack[4] = {NULL, field->self, event, NULL}, **args = stack + (field->self ? 1 : 2);
	size_t n = field->self ? 2 : 1;
	if (!field->function) return PyErr_Format(PyExc_RuntimeError, "the plugin is not initialised");
	if (asked->arg_present && !(args[n++] = argument_of(field, asked))) return NULL;
	PyObject *value =
		PyObject_Vectorcall(field->function, args, n | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
	if (asked->arg_present) Py_DECREF(args[n - 1]);
	return value;
}

// With an exception set: it becomes the last error, and is logged at intervals.
static bool report_failure(call *c, const fk_field_info *field) {
	PyObject *raised = fk_take_exception(), *text = NULL;
	if (raised && c->x->failed)
		text = PyObject_CallFunction(c->x->failed, "sOO", field->name, raised,
		                             field->function ? field->function : Py_None);
	fk_fail_by_python(c->impl, "extract_fields", text);
	Py_XDECREF(raised);
	return false;
}

static bool call_methods(call *c, PyObject *event) {
	fk_conversion conversion = {&c->x->arena, c->event->evt, c->wanted != NULL, NULL};
	for (uint32_t i = 0; i < c->in->num_fields; i++) {
		ss_plugin_extract_field *asked = &c->in->fields[i];
		fk_field_info *field = &c->x->fields[asked->field_id];
		if (field->program) continue;
		PyObject *value = call_method(field, event, asked);
		bool ok = value && fk_convert(&conversion, value, asked);
		Py_XDECREF(value);
		if (!ok) return report_failure(c, field);
		if (c->places) c->places[i] = conversion.places;
	}
	return true;
}

static void enter_python(void *arg) {
	call *c = arg;
	bool *blocks_host = &fk_blocks_host; // of this thread, looked up once
	bool blocked_host = *blocks_host;
	bool entered = c->x->context && PyContext_Enter(c->x->context) == 0;
	if (!entered) PyErr_Clear(); // a call within a call: uses the context of the outer one
	*blocks_host = true;
	PyObject *event = fk_event_enter(&c->impl->event, c->event);
	if (event) {
		fk_tables_enter_extract(c->impl, c->in);
		c->ok = call_methods(c, event);
		fk_tables_leave(c->impl);
		fk_event_leave(&c->impl->event, event);
	} else {
		report_failure(c, &c->x->fields[c->in->fields[0].field_id]);
	}
	*blocks_host = blocked_host;
	if (entered && PyContext_Exit(c->x->context) < 0) PyErr_Clear();
}

// The framework reads one entry per value of its one field; the API's header says one per field. This
// serves both.
static void hand_out_places(call *c) {
	uint64_t total = 0, n = c->in->num_fields;
	bool any = false;
	for (uint32_t i = 0; i < n; i++) {
		total += c->in->fields[i].res_len;
		any |= c->places[i] != NULL;
	}
	if (!any) return;
	if (total < n) total = n;
	uint32_t *start = fk_arena_alloc(&c->x->arena, total * sizeof *start);
	uint32_t *length = fk_arena_alloc(&c->x->arena, total * sizeof *length);
	if (!start || !length) return; // no memory: the values without their places
	for (uint64_t k = 0; k < total; k++) start[k] = 1, length[k] = UINT32_MAX;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t count = n == 1 ? c->in->fields[i].res_len : c->in->fields[i].res_len > 0;
		for (uint64_t k = 0; c->places[i] && k < count; k++)
			start[i + k] = c->places[i][k].start, length[i + k] = c->places[i][k].length;
	}
	c->wanted->start = start;
	c->wanted->length = length;
}

ss_plugin_rc fk_extract(fk_plugin *p, const ss_plugin_event_input *event,
                        const ss_plugin_field_extract_input *in) {
	fk_impl *impl = p->impl;
	call c = {impl, impl->extraction, event, in, NULL, NULL, false};
	bool methods = false;
	if (!c.x) return SS_PLUGIN_FAILURE;
	fk_arena_reset(&c.x->arena);
	// A host before 3.11 has no such member.
	if (c.x->has_offsets && (c.wanted = in->value_offsets)) {
		c.wanted->start = c.wanted->length = NULL;
		c.places = fk_arena_alloc(&c.x->arena, in->num_fields * sizeof *c.places);
		if (c.places) memset(c.places, 0, in->num_fields * sizeof *c.places);
	}
	bool ok = event->evt->len >= sizeof *event->evt;
	if (!ok) fk_fail(impl->plugin, "extract_fields: an event is shorter than its header");
	ok = ok && run_programs(&c, &methods);
	if (ok && methods) {
		fk_gil_call(impl, enter_python, &c);
		ok = c.ok;
	}
	if (ok && c.places) hand_out_places(&c);
	for (uint32_t i = 0; !ok && i < in->num_fields; i++) in->fields[i].res_len = 0;
	return ok ? SS_PLUGIN_SUCCESS : SS_PLUGIN_FAILURE;
}

// ---- from init to destroy ---------------------------------------------------------------------------

static bool load(fk_field_info *field, const fk_field_metadata *from, char *err, size_t errlen) {
	field->name = strdup(from->name);
	field->attribute = strdup(from->attribute ? from->attribute : "");
	field->argument = from->argument;
	field->required = from->required;
	if (!field->name || !field->attribute) return snprintf(err, errlen, "no memory"), false;
	if (!from->program) return true;
	field->program = fk_jprogram_load(from->program, from->program_size, err, errlen);
	return field->program != NULL;
}

bool fk_extract_open(fk_impl *impl, const fk_metadata *meta, char *err, size_t errlen) {
	uint32_t n = 0;
	bool programs = false, ok = true;
	char why[512] = "";
	if (!meta->fields) return true;
	while (meta->fields[n].name) programs |= meta->fields[n++].program != NULL;
	fk_extraction *x = impl->extraction = calloc(1, sizeof *x);
	if (!x || !(x->fields = calloc(n, sizeof *x->fields)))
		return snprintf(err, errlen, "there is no memory for the fields"), false;
	x->nfields = n;
	x->has_offsets = meta->has_offsets;
	if (programs && !(x->doc = fk_jdoc_new()))
		return snprintf(err, errlen, "there is no memory for the fields"), false;
	for (uint32_t i = 0; ok && i < n; i++) {
		ok = load(&x->fields[i], &meta->fields[i], why, sizeof why);
		if (!ok) snprintf(err, errlen, "field %s: %s", meta->fields[i].name, why);
	}
	return ok;
}

// The Python objects were dropped before, by fk_extract_forget.
void fk_extract_close(fk_impl *impl) {
	fk_extraction *x = impl->extraction;
	if (!x) return;
	for (uint32_t i = 0; x->fields && i < x->nfields; i++) {
		free(x->fields[i].name);
		free(x->fields[i].attribute);
		fk_jprogram_free(x->fields[i].program);
	}
	free(x->fields);
	fk_jdoc_free(x->doc);
	free(x->source);
	fk_arena_free(&x->arena);
	free(x);
	impl->extraction = NULL;
}

// Splits a bound method into function and self: a call with both is faster.
static bool take_method(fk_field_info *field, PyObject *plugin) {
	PyObject *method = PyObject_GetAttrString(plugin, field->attribute);
	if (!method) return false;
	if (PyMethod_Check(method)) {
		field->function = Py_NewRef(PyMethod_GET_FUNCTION(method));
		field->self = Py_NewRef(PyMethod_GET_SELF(method));
		Py_DECREF(method);
	} else {
		field->function = method;
	}
	return true;
}

PyObject *fk_extract_bind(fk_impl *impl, PyObject *args) {
	PyObject *plugin, *failed;
	fk_extraction *x = impl->extraction;
	if (!PyArg_ParseTuple(args, "OO", &plugin, &failed)) return NULL;
	if (!x) Py_RETURN_NONE;
	for (uint32_t i = 0; i < x->nfields; i++)
		if (!x->fields[i].program && !take_method(&x->fields[i], plugin)) return NULL;
	if (!fk_convert_ready()) return NULL;
	x->failed = Py_NewRef(failed);
	x->context = PyContext_CopyCurrent(); // by which logging knows the state
	if (!x->context) return NULL;
	Py_RETURN_NONE;
}

void fk_extract_forget(fk_impl *impl) {
	fk_extraction *x = impl->extraction;
	for (uint32_t i = 0; x && i < x->nfields; i++) {
		Py_CLEAR(x->fields[i].function);
		Py_CLEAR(x->fields[i].self);
	}
	if (!x) return;
	Py_CLEAR(x->failed);
	Py_CLEAR(x->context);
}
