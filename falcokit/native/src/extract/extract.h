// SPDX-License-Identifier: Apache-2.0
// What the files of extraction share: the fields of a state, a value made into what the host reads.
//   extract/extract.c   the call: declarative fields, methods     extract/value.c   a Python value converted
//   extract/extract.c   from init to destroy
#pragma once
#include "python/classes.h"
#include "json/field.h"
#include "memory/arena.h"

typedef struct fk_field_info {
	char *name, *attribute;
	uint8_t argument;
	bool required;
	fk_jprogram *program; // NULL: a method
	uint64_t spent,
		logged_ns; // evaluations that took too much work; when that was logged, monotonic ns
	PyObject *function, *self;
} fk_field_info;

typedef struct fk_extraction {
	uint32_t nfields;
	bool has_offsets;
	fk_field_info *fields;
	fk_arena arena;
	fk_jdoc *doc;
	fk_event_key known;         // what the doc is about
	bool has_data;              // it has a payload
	char *source;               // its source's name: a copy, for the doc outlives the call
	_Atomic uint64_t spent;     // evaluations of declared fields that took more work than they may
	PyObject *context, *failed; // set by the worker, in init
} fk_extraction;

// Of a value, where it was found, relative to the whole event.
typedef struct fk_place {
	uint32_t start, length;
} fk_place;
#define FK_NO_PLACE ((fk_place){1, UINT32_MAX}) // what the framework takes for "not given"

typedef struct fk_conversion {
	fk_arena *arena;
	const ss_plugin_event *event;
	bool want_places;
	fk_place *places; // one for each value; NULL: none of them has one
} fk_conversion;

// Puts what a method returned into the arena: res and res_len of the field. False: an exception is set.
bool fk_convert(fk_conversion *c, PyObject *value, ss_plugin_extract_field *field);
// Given once by the runtime: FieldValue, and datetime or timedelta -> ns.
bool fk_convert_ready(void); // when the first plugin with fields is there

// extract.c: the hook of base/plugin.c, and extract_state.c, from init to destroy
bool fk_extract_open(fk_impl *impl, const fk_boot *boot, char *err, size_t errlen);
void fk_extract_close(fk_impl *impl);
bool fk_extract_bind(fk_impl *impl, PyObject *plugin, PyObject *failed);
void fk_extract_forget(fk_impl *impl);
ss_plugin_rc fk_extract(fk_impl *impl, const ss_plugin_event_input *event,
                        const ss_plugin_field_extract_input *in);
