// SPDX-License-Identifier: Apache-2.0
// The event object, of a subtype of falcokit.Event: each attribute is made at its first use, with every
// length checked, and kept until the object is reused for another event. With the GIL. This code trusts
// nothing in the event except the pointer `evt` and the member `len`.
#include "event/event.h"
#include <stddef.h>
#include <string.h>
#include <structmember.h>

enum {
	MADE_RAW,
	MADE_DATA,
	MADE_NAME,
	MADE_SOURCE,
	MADE_JSON,
	MADE_JSON_ERROR, // the text of the exception of the parser, which would raise it again
	MADE_PARAMS,
	MADE_CACHE,
	NMADE
};

typedef struct HostEvent {
	PyObject_HEAD
	const ss_plugin_event *evt; // of the host, NULL outside of the call
	const char *source;         // of the host, valid as long as evt
	fk_event_key key;
	PyObject *made[NMADE];
} HostEvent;

// Two types with the same attributes. In events with a small payload `data` is made at once and is a
// member, which the interpreter reads without a call. In others it is made at its first use.
#define SMALL 512
static PyTypeObject *event_type, *event_small_type;
static PyObject *python_decode_json, *python_params_of;

// ---- payload ----------------------------------------------------------------------------------------

// Where the payload lies; `head` is a copy of the event's header. False as for fk_event_find_data.
static bool find_payload(const ss_plugin_event *head, const uint8_t *bytes, fk_event_data *out) {
	bool is_async = head->type == FK_CODE_ASYNCEVENT;
	uint32_t nparams = is_async ? 3 : 2, at = sizeof *head + 4 * nparams;
	uint32_t lengths[3] = {0};
	if (!is_async && head->type != FK_CODE_PLUGINEVENT) return false;
	if (head->nparams != nparams || head->len < at) return false;
	memcpy(lengths, bytes + sizeof *head, 8);
	if (is_async) memcpy(lengths + 2, bytes + sizeof *head + 8, 4);
	if (lengths[0] != 4 || (uint64_t)at + 4 + lengths[1] + lengths[2] > head->len) return false;
	memcpy(&out->plugin_id, bytes + at, 4);
	out->name = is_async ? (const char *)bytes + at + 4 : NULL;
	out->name_len = is_async ? (uint32_t)strnlen(out->name, lengths[1]) : 0;
	out->offset = at + 4 + (is_async ? lengths[1] : 0);
	out->len = lengths[nparams - 1];
	return true;
}

bool fk_event_has_data(const ss_plugin_event *event) {
	return event->type == FK_CODE_ASYNCEVENT || event->type == FK_CODE_PLUGINEVENT;
}

bool fk_event_find_data(const ss_plugin_event *event, fk_event_data *out) {
	ss_plugin_event head = *event;
	return find_payload(&head, (const uint8_t *)event, out);
}

static const uint8_t *bytes_of(HostEvent *self) {
	if (self->made[MADE_RAW]) return (const uint8_t *)PyBytes_AS_STRING(self->made[MADE_RAW]);
	if (!self->evt)
		PyErr_SetString(PyExc_RuntimeError,
		                "the event is gone: its hook has returned, and there "
		                "was no memory for a copy");
	return (const uint8_t *)self->evt;
}

// False with an exception: the lengths of a plugin or async event are inconsistent. An event of another
// type has an empty payload.
static bool payload_of(HostEvent *self, const uint8_t **bytes, fk_event_data *out) {
	const ss_plugin_event *head = &self->key.head;
	*out = (fk_event_data){0};
	if (!(*bytes = bytes_of(self))) return false;
	if (!fk_event_has_data(head)) return true;
	if (find_payload(head, *bytes, out)) return true;
	return PyErr_Format(PyExc_ValueError,
	                    "event of type %u with %u parameters, %u bytes: its lengths do not add up",
	                    (unsigned)head->type, (unsigned)head->nparams, (unsigned)head->len);
}

// ---- attributes -------------------------------------------------------------------------------------

static PyObject *make_raw(HostEvent *self) {
	const uint8_t *bytes = bytes_of(self);
	return bytes ? PyBytes_FromStringAndSize((const char *)bytes, self->key.head.len) : NULL;
}

static PyObject *make_data(HostEvent *self) {
	const uint8_t *bytes;
	fk_event_data payload;
	if (!payload_of(self, &bytes, &payload)) return NULL;
	return PyBytes_FromStringAndSize((const char *)bytes + payload.offset, payload.len);
}

static PyObject *make_name(HostEvent *self) {
	const uint8_t *bytes;
	fk_event_data payload;
	if (!payload_of(self, &bytes, &payload)) return NULL;
	if (!payload.name) Py_RETURN_NONE;
	return PyUnicode_DecodeUTF8(payload.name, payload.name_len, "replace");
}

static PyObject *make_source(HostEvent *self) {
	if (!self->evt || !self->source || !*self->source) Py_RETURN_NONE;
	return PyUnicode_DecodeUTF8(self->source, (Py_ssize_t)strlen(self->source), "replace");
}

static PyObject *make_json(HostEvent *self);
static PyObject *make_params(HostEvent *self) {
	return PyObject_CallOneArg(python_params_of, (PyObject *)self);
}

static PyObject *make_cache(HostEvent *self) { return PyDict_New(); }

static PyObject *(*const makers[NMADE])(HostEvent *) = {
	[MADE_RAW] = make_raw,    [MADE_DATA] = make_data,     [MADE_NAME] = make_name,
	[MADE_JSON] = make_json,  [MADE_SOURCE] = make_source, [MADE_PARAMS] = make_params,
	[MADE_CACHE] = make_cache};

// The attribute number `which`, made if it is not there: a new reference.
static PyObject *get_made(PyObject *me, void *which) {
	HostEvent *self = (HostEvent *)me;
	size_t i = (size_t)which;
	if (!self->made[i]) {
		PyObject *value = makers[i](self);
		if (!value) return NULL;
		Py_XSETREF(self->made[i], value); // the maker may have run code that made it too
	}
	return Py_NewRef(self->made[i]);
}

static PyObject *make_json(HostEvent *self) {
	PyObject **error = &self->made[MADE_JSON_ERROR];
	if (*error) {
		PyErr_SetObject(PyExc_ValueError, *error);
		return NULL;
	}
	PyObject *data = get_made((PyObject *)self, (void *)(size_t)MADE_DATA);
	PyObject *value = data ? PyObject_CallOneArg(python_decode_json, data) : NULL;
	Py_XDECREF(data);
	if (value || !PyErr_ExceptionMatches(PyExc_ValueError)) return value;
	PyObject *type, *raised, *trace;
	PyErr_Fetch(&type, &raised, &trace);
	PyErr_NormalizeException(&type, &raised, &trace);
	Py_XSETREF(*error, raised ? PyObject_Str(raised) : NULL);
	if (!*error) PyErr_Clear();
	PyErr_Restore(type, raised, trace);
	return NULL;
}

static PyObject *get_u64(PyObject *me, void *offset) {
	uint64_t value;
	memcpy(&value, (char *)me + (size_t)offset, sizeof value);
	if (value == FK_NOT_SET) Py_RETURN_NONE;
	return PyLong_FromUnsignedLongLong(value);
}

static PyObject *get_plugin_id(PyObject *me, void *unused) {
	const uint8_t *bytes;
	fk_event_data payload;
	if (!payload_of((HostEvent *)me, &bytes, &payload)) return NULL;
	return PyLong_FromUnsignedLong(payload.plugin_id);
}

#define MADE(which) (void *)(size_t)(which)
#define HEAD(field) (void *)(offsetof(HostEvent, key.head) + offsetof(ss_plugin_event, field))
static PyGetSetDef event_attributes[] = {{"data", get_made, NULL, NULL, MADE(MADE_DATA)}, // first
                                         {"raw", get_made, NULL, NULL, MADE(MADE_RAW)},
                                         {"name", get_made, NULL, NULL, MADE(MADE_NAME)},
                                         {"source", get_made, NULL, NULL, MADE(MADE_SOURCE)},
                                         {"json", get_made, NULL, NULL, MADE(MADE_JSON)},
                                         {"params", get_made, NULL, NULL, MADE(MADE_PARAMS)},
                                         {"cache", get_made, NULL, NULL, MADE(MADE_CACHE)},
                                         {"ts_ns", get_u64, NULL, NULL, HEAD(ts)},
                                         {"tid", get_u64, NULL, NULL, HEAD(tid)},
                                         {"plugin_id", get_plugin_id, NULL, NULL, NULL},
                                         {0}};

static int event_traverse(PyObject *me, visitproc visit, void *arg) {
	HostEvent *self = (HostEvent *)me;
	Py_VISIT(Py_TYPE(me));
	for (int i = 0; i < NMADE; i++) Py_VISIT(self->made[i]);
	return 0;
}

static int event_clear(PyObject *me) {
	for (int i = 0; i < NMADE; i++) Py_CLEAR(((HostEvent *)me)->made[i]);
	return 0;
}

static void event_free(PyObject *me) {
	PyTypeObject *type = Py_TYPE(me);
	PyObject_GC_UnTrack(me);
	event_clear(me);
	type->tp_free(me);
	Py_DECREF(type);
}

static PyMemberDef event_members[] = {
	{"data", T_OBJECT_EX, offsetof(HostEvent, made[MADE_DATA]), READONLY, NULL}, // first
	{"number", T_ULONGLONG, offsetof(HostEvent, key.number), READONLY, NULL},
	{"type", T_USHORT, offsetof(HostEvent, key.head.type), READONLY, NULL},
	{0}};

static PyTypeObject *make_type(PyObject *event_class, PyGetSetDef *computed, PyMemberDef *stored) {
	PyType_Slot slots[] = {{Py_tp_dealloc, event_free},
	                       {Py_tp_traverse, event_traverse},
	                       {Py_tp_clear, event_clear},
	                       {Py_tp_free, PyObject_GC_Del},
	                       {Py_tp_getset, computed},
	                       {Py_tp_members, stored},
	                       {0, NULL}};
	PyType_Spec spec = {
		.name = "falcokit.HostEvent",
		.basicsize = sizeof(HostEvent),
		.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
		.slots = slots};
	return (PyTypeObject *)PyType_FromSpecWithBases(&spec, event_class);
}

bool fk_event_ready(PyObject *event_class, PyObject *decode_json, PyObject *params_of) {
	event_type = make_type(event_class, event_attributes, event_members + 1);
	event_small_type = make_type(event_class, event_attributes + 1, event_members);
	python_decode_json = Py_NewRef(decode_json);
	python_params_of = Py_NewRef(params_of);
	return event_type && event_small_type;
}

// ---- the object from call to call -------------------------------------------------------------------
// One object per plugin state: it is reused for each event, and kept for further calls about the same
// one, unless the author's code still holds it.

// Samples a few bytes of the event, in case a host restarts its event numbers.
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

static HostEvent *new_event(PyObject **slot) {
	HostEvent *self = PyObject_GC_New(HostEvent, event_type);
	if (!self) return NULL;
	memset((char *)self + sizeof(PyObject), 0, sizeof *self - sizeof(PyObject));
	PyObject_GC_Track((PyObject *)self);
	Py_XSETREF(*slot, (PyObject *)self);
	return self;
}

static void set_type(HostEvent *self, PyTypeObject *type) {
	PyTypeObject *was = Py_TYPE(self);
	if (was == type) return;
	Py_INCREF(type);
	Py_SET_TYPE((PyObject *)self, type);
	Py_DECREF(was);
}

// Overwrites the last payload, if it has the same length and nobody else holds it.
static bool put_small(HostEvent *self, const char *payload, uint32_t len) {
	PyBytesObject *data = (PyBytesObject *)self->made[MADE_DATA];
	if (!data || Py_REFCNT(data) != 1 || Py_SIZE(data) != len) {
		Py_XSETREF(self->made[MADE_DATA], PyBytes_FromStringAndSize(payload, len));
		return self->made[MADE_DATA] != NULL;
	}
	memcpy(data->ob_sval, payload, len);
	_Pragma("GCC diagnostic push");
	_Pragma("GCC diagnostic ignored \"-Wdeprecated-declarations\"");
	data->ob_shash = -1; // not computed
	_Pragma("GCC diagnostic pop");
	return true;
}

// Sets the object to this event; nobody else holds it. False: no memory.
static bool describe(HostEvent *self, const ss_plugin_event_input *in) {
	const ss_plugin_event *head = &self->key.head;
	const char *bytes = (const char *)in->evt;
	fk_event_data payload;
	fk_event_note(&self->key, in);
	if (!find_payload(head, (const uint8_t *)bytes, &payload) || payload.len > SMALL) {
		Py_CLEAR(self->made[MADE_DATA]);
		set_type(self, event_type);
	} else if (put_small(self, bytes + payload.offset, payload.len)) {
		set_type(self, event_small_type);
	} else {
		self->key.number = 0; // the next call starts over
		return false;
	}
	return true;
}

static void clear_made(HostEvent *self) {
	for (int i = 0; i < NMADE; i++)
		if (i != MADE_DATA) Py_CLEAR(self->made[i]);
}

PyObject *fk_event_enter(PyObject **slot, const ss_plugin_event_input *in) {
	HostEvent *self = (HostEvent *)*slot;
	if (in->evt->len < sizeof *in->evt)
		return PyErr_Format(PyExc_ValueError, "an event has a header of %zu bytes, not %u",
		                    sizeof *in->evt, (unsigned)in->evt->len);
	if (!self || !fk_event_is(&self->key, in)) {
		// It is reused if nobody else holds it; not while another call uses it.
		if (self && Py_REFCNT(self) == 1) clear_made(self);
		if (!self || *slot != (PyObject *)self || Py_REFCNT(self) != 1) self = new_event(slot);
		if (!self || !describe(self, in)) return NULL;
	}
	self->evt = in->evt;
	self->source = in->evtsrc;
	return Py_NewRef((PyObject *)self);
}

void fk_event_leave(PyObject **slot, PyObject *event) {
	HostEvent *self = (HostEvent *)event;
	bool kept = Py_REFCNT(event) > (*slot == event ? 2 : 1);
	for (size_t i = MADE_RAW; kept && i <= MADE_SOURCE; i += MADE_SOURCE - MADE_RAW) {
		PyObject *copy = get_made(event, (void *)i);
		if (!copy) PyErr_Clear();
		Py_XDECREF(copy);
	}
	self->evt = NULL;
	self->source = NULL;
	Py_DECREF(event);
}
