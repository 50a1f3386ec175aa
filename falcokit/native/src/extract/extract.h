// SPDX-License-Identifier: Apache-2.0
// Field extraction: the fields of a state and their extraction (extract.c), and the conversion of
// Python values into the form that the host reads (value.c).
#pragma once
#include "python/python.h"
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
	fk_event_key known;         // the event that the doc describes
	bool has_data;              // it has a payload
	char *source;               // the name of its source: a copy, because the doc outlives the call
	_Atomic uint64_t spent;     // evaluations of declared fields that exceeded their budget
	PyObject *context, *failed; // set by the worker, in init
} fk_extraction;

// Where a value was found, relative to the whole event.
typedef struct fk_place {
	uint32_t start, length;
} fk_place;
#define FK_NO_PLACE ((fk_place){1, UINT32_MAX}) // the framework's form of "not given"

typedef struct fk_conversion {
	fk_arena *arena;
	const ss_plugin_event *event;
	bool want_places;
	fk_place *places; // one per value; NULL: no value has a place
} fk_conversion;

// Converts what a method returned into the arena, and sets res and res_len. False: an exception is set.
bool fk_convert(fk_conversion *c, PyObject *value, ss_plugin_extract_field *field);
// Imports FieldValue and the conversion of times from the runtime, for the first plugin with fields.
bool fk_convert_ready(void);

bool fk_extract_open(fk_impl *impl, const fk_metadata *meta, char *err, size_t errlen);
void fk_extract_close(fk_impl *impl);
// Link.bind(plugin, extraction_failed): sets what the host's thread calls from now on
PyObject *fk_extract_bind(fk_impl *impl, PyObject *args);
void fk_extract_forget(fk_impl *impl);
ss_plugin_rc fk_extract(fk_plugin *p, const ss_plugin_event_input *event,
                        const ss_plugin_field_extract_input *in);
