// SPDX-License-Identifier: Apache-2.0
// The object of the host's events from call to call: it is described anew for each event, and kept
// for the next calls about the same one. Called by extraction and parsing (event/event.h), with the
// GIL.
#include "event/event_object.h"
#include <string.h>

// A few bytes of the event, for the case that a host starts to count anew.
static uint64_t probe(const ss_plugin_event *evt, uint32_t len) {
	const uint8_t *bytes = (const uint8_t *)evt;
	uint64_t first, middle, last;
	if (len < sizeof *evt + 8) return 0;
	memcpy(&first, bytes + sizeof *evt, 8);
	memcpy(&middle, bytes + len / 2, 8);
	memcpy(&last, bytes + len - 8, 8);
	return first ^ middle * 3 ^ last * 5;
}

bool fk_event_is(const fk_event_key *key, const ss_plugin_event_input *in) {
	return in->evtnum && key->number == in->evtnum && key->at == in->evt &&
	       memcmp(&key->head, in->evt, sizeof key->head) == 0 &&
	       probe(in->evt, key->head.len) == key->probe;
}

void fk_event_note(fk_event_key *key, const ss_plugin_event_input *in) {
	key->at = in->evt;
	key->head = *in->evt;
	key->number = in->evtnum;
	key->probe = probe(in->evt, key->head.len);
}

static HostEvent *new_event(fk_event_slot *slot) {
	HostEvent *self = PyObject_GC_New(HostEvent, fk_event_type);
	if (!self) return NULL;
	memset((char *)self + sizeof(PyObject), 0, sizeof *self - sizeof(PyObject));
	PyObject_GC_Track((PyObject *)self);
	Py_XSETREF(slot->event, (PyObject *)self);
	return self;
}

static void become(HostEvent *self, PyTypeObject *type) {
	PyTypeObject *was = Py_TYPE(self);
	if (was == type) return;
	Py_INCREF(type);
	Py_SET_TYPE((PyObject *)self, type);
	Py_DECREF(was);
}

// In place of the payload before, if that was as long and nobody else has it.
static bool put_small(HostEvent *self, const char *payload, uint32_t len) {
	PyBytesObject *data = (PyBytesObject *)self->made[MADE_DATA];
	if (!data || Py_REFCNT(data) != 1 || Py_SIZE(data) != len) {
		Py_XSETREF(self->made[MADE_DATA], PyBytes_FromStringAndSize(payload, len));
		return self->made[MADE_DATA] != NULL;
	}
	memcpy(data->ob_sval, payload, len);
	_Pragma("GCC diagnostic push");
	_Pragma("GCC diagnostic ignored \"-Wdeprecated-declarations\"");
	data->ob_shash = -1; // not known
	_Pragma("GCC diagnostic pop");
	return true;
}

// Nobody else has the object. False: no memory.
static bool describe(HostEvent *self, const ss_plugin_event_input *in) {
	const ss_plugin_event *head = &self->key.head;
	const char *bytes = (const char *)in->evt;
	fk_event_data payload;
	fk_event_note(&self->key, in);
	if (!fk_event_payload(head, (const uint8_t *)bytes, &payload) || payload.len > FK_SMALL) {
		Py_CLEAR(self->made[MADE_DATA]);
		become(self, fk_event_type);
	} else if (put_small(self, bytes + payload.offset, payload.len)) {
		become(self, fk_event_small);
	} else {
		self->key.number = 0; // the next call begins anew
		return false;
	}
	return true;
}

static void clear_made(HostEvent *self) {
	for (int i = 0; i < NMADE; i++)
		if (i != MADE_DATA) Py_CLEAR(self->made[i]);
}

PyObject *fk_event_enter(fk_event_slot *slot, const ss_plugin_event_input *in) {
	HostEvent *self = (HostEvent *)slot->event;
	if (in->evt->len < sizeof *in->evt)
		return PyErr_Format(PyExc_ValueError, "an event has a header of %zu bytes, not %u",
		                    sizeof *in->evt, (unsigned)in->evt->len);
	if (!self || !fk_event_is(&self->key, in)) {
		// Nobody else has it: it can serve again. One that is under way elsewhere cannot.
		if (self && Py_REFCNT(self) == 1) clear_made(self);
		if (!self || slot->event != (PyObject *)self || Py_REFCNT(self) != 1)
			self = new_event(slot);
		if (!self || !describe(self, in)) return NULL;
	}
	self->evt = in->evt;
	self->source = in->evtsrc;
	return Py_NewRef((PyObject *)self);
}

void fk_event_leave(fk_event_slot *slot, PyObject *event) {
	HostEvent *self = (HostEvent *)event;
	bool kept = Py_REFCNT(event) > (slot->event == event ? 2 : 1);
	for (size_t i = MADE_RAW; kept && i <= MADE_SOURCE; i += MADE_SOURCE - MADE_RAW) {
		PyObject *copy = fk_event_made(event, (void *)i);
		if (!copy) PyErr_Clear();
		Py_XDECREF(copy);
	}
	self->evt = NULL;
	self->source = NULL;
	Py_DECREF(event);
}

void fk_event_forget(fk_event_slot *slot) { Py_CLEAR(slot->event); }
