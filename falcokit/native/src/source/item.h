// SPDX-License-Identifier: Apache-2.0
// One item of a source between the author's object and its bytes.
#pragma once
#include "python/classes.h"

typedef struct fk_source_item {
	const char *data;
	Py_ssize_t len;
	uint64_t ts;
	PyObject *owned; // owns `data`
	Py_buffer view;
} fk_source_item;

#pragma pack(push, 1)
typedef struct fk_plugin_event { // the bytes before the payload of a plugin event
	ss_plugin_event head;
	uint32_t id_len, payload_len, id;
} fk_plugin_event;
#pragma pack(pop)
_Static_assert(sizeof(fk_plugin_event) == PLUGIN_EVENT_PAYLOAD_OFFSET, "layout of plugin events");

// For items that are not bytes. False with an exception; otherwise the caller drops the item.
bool fk_source_item_find(PyObject *object, bool whole, fk_source_item *item);
void fk_source_item_drop(fk_source_item *item);
// `whole`: the item is an event with its header, of a plugin without an id.
bool fk_source_item_check(const fk_source_item *item);
bool fk_source_item_ready(PyObject *event_type);
