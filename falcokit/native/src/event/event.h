// SPDX-License-Identifier: Apache-2.0
// The event object that the author's hooks get: falcokit.Event, read from the host's memory while the
// call runs. With the GIL, on the host's thread, unless noted otherwise.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include "plugin_api.h"

// Identifies an event.
typedef struct fk_event_key {
	const ss_plugin_event *at;
	ss_plugin_event head;
	uint64_t number, probe;
} fk_event_key;

// Whether a call is about the noted event. Never true for the number 0. Needs no GIL.
bool fk_event_is(const fk_event_key *key, const ss_plugin_event_input *in);
void fk_event_note(fk_event_key *key, const ss_plugin_event_input *in);

// Where the payload of a plugin or async event lies.
typedef struct fk_event_data {
	const char *name; // of an async event; not always followed by NUL
	uint32_t name_len;
	uint32_t offset, len; // of the data, in the whole event
	uint32_t plugin_id;
} fk_event_data;

// Whether events of its type have a payload: plugin and async events do.
bool fk_event_has_data(const ss_plugin_event *event);

// Needs no GIL. False: the event is of another type, or its lengths are inconsistent.
bool fk_event_find_data(const ss_plugin_event *event, fk_event_data *out);

// The object for the event of this call, a new reference. `slot`, one per plugin state, has the object of
// the last event: if that was the same event, further calls use what an earlier one has parsed. NULL with an exception set: no memory, or an event shorter than its header.
PyObject *fk_event_enter(PyObject **slot, const ss_plugin_event_input *in);

// The call ends, and with it the host's memory: copies what Python code still holds. Takes the
// reference.
void fk_event_leave(PyObject **slot, PyObject *event);

// Makes the types, as subclasses of the Python class falcokit.Event.
bool fk_event_ready(PyObject *event_class, PyObject *decode_json, PyObject *params_of);
