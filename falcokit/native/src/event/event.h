// SPDX-License-Identifier: Apache-2.0
// The event object that the author's hooks get in the host: falcokit.Event, read from the host's
// memory while the call runs. Used by extraction, parsing and sourcing, with the GIL, on the host's
// thread.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include "plugin_api.h"

// One per plugin state: the object of the last event, so that what one call has parsed serves the
// next ones about the same event.
typedef struct fk_event_slot {
	PyObject *event;
} fk_event_slot;

// What tells an event from others.
typedef struct fk_event_key {
	const ss_plugin_event *at;
	ss_plugin_event head;
	uint64_t number, probe;
} fk_event_key;

// Whether a call is about the event that was noted. Number 0 never tells. No Python needed.
bool fk_event_is(const fk_event_key *key, const ss_plugin_event_input *in);
void fk_event_note(fk_event_key *key, const ss_plugin_event_input *in);

// Where the payload of a plugin or async event lies.
typedef struct fk_event_data {
	const char *name; // of an async event, with its length; not always ended by NUL
	uint32_t name_len;
	uint32_t offset, len; // of the data, in the whole event
	uint32_t plugin_id;
} fk_event_data;

// Whether events of its type have a payload: plugin and async events do.
bool fk_event_has_data(const ss_plugin_event *event);

// No Python needed. False: the event is of another type, or its lengths do not add up.
bool fk_event_find_data(const ss_plugin_event *event, fk_event_data *out);

// The object for the event of this call, a new reference: the one of the last call if it was about the
// same event. NULL with an exception set: no memory, or an event shorter than its header.
PyObject *fk_event_enter(fk_event_slot *slot, const ss_plugin_event_input *in);

// The host's memory is about to go: copies what Python keeps. Takes the reference.
void fk_event_leave(fk_event_slot *slot, PyObject *event);

// Lets go of the last event, when the state ends.
void fk_event_forget(fk_event_slot *slot);

// Makes the type, below the Python class falcokit.Event.
bool fk_event_ready(PyObject *event_class, PyObject *decode_json, PyObject *params_of);
