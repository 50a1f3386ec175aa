// SPDX-License-Identifier: Apache-2.0
// What the files of the event object share.
//   event/event.c   its types and attributes     event/event.c   the object from call to call
#pragma once
#include "event/event.h"

enum {
	MADE_RAW,
	MADE_DATA,
	MADE_NAME,
	MADE_SOURCE,
	MADE_JSON,
	MADE_JSON_ERROR, // the text of what parsing raised: it would again
	MADE_PARAMS,
	MADE_CACHE,
	NMADE
};

typedef struct HostEvent {
	PyObject_HEAD
	const ss_plugin_event *evt; // the host's, NULL outside of the call
	const char *source;         // the host's; with evt
	fk_event_key key;
	PyObject *made[NMADE];
} HostEvent;

// Of two types alike: in events with a small payload `data` is there from the start, as a member,
// which the interpreter reads without a call. In others it is made when it is asked for.
#define FK_SMALL 512
extern PyTypeObject *fk_event_type, *fk_event_small;

// The attribute number `which` of an event, made if it is not there: a new reference.
PyObject *fk_event_made(PyObject *event, void *which);
// Where the payload lies; `head` is a copy of the event's header. False as fk_event_find_data.
bool fk_event_payload(const ss_plugin_event *head, const uint8_t *bytes, fk_event_data *out);
