// SPDX-License-Identifier: Apache-2.0
// The fields of a plugin state, from init to destroy: programs loaded, methods found. Called by
// base/plugin.c on the host's thread, and by base/module.c on the state's worker, with the GIL.
#include "extract/extract.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool load(fk_field_info *field, const fk_boot_field *from, char *err, size_t errlen) {
	field->name = strdup(from->name);
	field->attribute = strdup(from->attribute ? from->attribute : "");
	field->argument = from->argument;
	field->required = from->required;
	if (!field->name || !field->attribute) return snprintf(err, errlen, "no memory"), false;
	if (!from->program) return true;
	field->program = fk_jprogram_load(from->program, from->program_size, err, errlen);
	return field->program != NULL;
}

bool fk_extract_open(fk_impl *impl, const fk_boot *boot, char *err, size_t errlen) {
	uint32_t n = 0;
	bool programs = false, ok = true;
	char why[512] = "";
	if (!boot->fields) return true;
	while (boot->fields[n].name) programs |= boot->fields[n++].program != NULL;
	fk_extraction *x = impl->extraction = calloc(1, sizeof *x);
	if (!x || !(x->fields = calloc(n, sizeof *x->fields)))
		return snprintf(err, errlen, "there is no memory for the fields"), false;
	x->nfields = n;
	x->has_offsets = boot->has_offsets;
	if (programs && !(x->doc = fk_jdoc_new()))
		return snprintf(err, errlen, "there is no memory for the fields"), false;
	for (uint32_t i = 0; ok && i < n; i++) {
		ok = load(&x->fields[i], &boot->fields[i], why, sizeof why);
		if (!ok) snprintf(err, errlen, "field %s: %s", boot->fields[i].name, why);
	}
	return ok;
}

// The Python objects are let go of before, by fk_extract_forget.
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

// Of a bound method its two halves: a call with both is faster.
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

bool fk_extract_bind(fk_impl *impl, PyObject *plugin, PyObject *failed) {
	fk_extraction *x = impl->extraction;
	for (uint32_t i = 0; x && i < x->nfields; i++)
		if (!x->fields[i].program && !take_method(&x->fields[i], plugin)) return false;
	if (!x) return true;
	if (!fk_convert_ready()) return false;
	x->failed = Py_NewRef(failed);
	x->context = PyContext_CopyCurrent(); // by which logging knows the state
	return x->context != NULL;
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
