// SPDX-License-Identifier: Apache-2.0
// _falcokit_hot.Channel, the base of falcokit.EventQueue: a channel as a Python object, from its
// making to its end. How events get into it is in source/queue.c. Its twin without C is
// falcokit/runtime/source/python_channel.py.
#include "source/item.h"
#include "source/queue_object.h"

PyTypeObject *fk_queue_type;
PyObject *fk_queue_closed, *fk_queue_full;

// ---- opening and closing, by falcokit.runtime.source.capability ------------------------------------------------

// attach(whole, max_size, log) -> the channel's address, for next_batch
static PyObject *channel_attach(PyObject *me, PyObject *args) {
	Channel *self = (Channel *)me;
	int whole;
	Py_ssize_t max_size;
	PyObject *log;
	if (!PyArg_ParseTuple(args, "pnO", &whole, &max_size, &log)) return NULL;
	if (self->attached)
		return PyErr_Format(PyExc_ValueError,
		                    "this queue was opened before: make a new one in open");
	if (self->ch->put && self->whole != whole)
		return PyErr_Format(PyExc_ValueError,
		                    "the queue was made outside of the plugin's hooks: make it in open");
	self->attached = true;
	self->whole = whole;
	self->max_size = max_size;
	Py_XSETREF(self->log, Py_NewRef(log));
	return PyLong_FromVoidPtr(self->ch);
}

// end(text | None): EOF, or the failure that the text tells, behind what is in the channel
static PyObject *channel_end(PyObject *me, PyObject *args) {
	PyObject *text = Py_None;
	if (!PyArg_ParseTuple(args, "|O", &text)) return NULL;
	if (text == Py_None) {
		fk_channel_end(((Channel *)me)->ch, SS_PLUGIN_EOF, "");
		Py_RETURN_NONE;
	}
	if (!PyUnicode_Check(text))
		return PyErr_Format(PyExc_TypeError, "end takes a str or nothing, not %.200s",
		                    Py_TYPE(text)->tp_name);
	// Whatever the text is, the source has ended.
	PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
	if (!bytes) PyErr_Clear();
	fk_channel_end(((Channel *)me)->ch, SS_PLUGIN_FAILURE,
	               bytes ? PyBytes_AS_STRING(bytes) : "the event source has failed");
	Py_XDECREF(bytes);
	Py_RETURN_NONE;
}

// wait_asked(): until the host asks for the first events, or shuts it
static PyObject *channel_wait_asked(PyObject *me, PyObject *none) {
	(void)none;
	Py_BEGIN_ALLOW_THREADS
	fk_channel_wait_asked(((Channel *)me)->ch);
	Py_END_ALLOW_THREADS
	Py_RETURN_NONE;
}

static PyObject *channel_shut(PyObject *me, PyObject *none) {
	(void)none;
	fk_channel_shut(((Channel *)me)->ch);
	Py_CLEAR(((Channel *)me)->log); // it holds the open source, which holds this
	Py_RETURN_NONE;
}

// ---- the type ---------------------------------------------------------------------------------------

static PyObject *get_closed(PyObject *me, void *none) {
	fk_channel *ch = ((Channel *)me)->ch;
	(void)none;
	return PyBool_FromLong(atomic_load(&ch->shut) || atomic_load(&ch->ended));
}

static PyObject *get_dropped(PyObject *me, void *none) {
	fk_channel *ch = ((Channel *)me)->ch;
	(void)none;
	return PyLong_FromUnsignedLongLong(ch->dropped_size + ch->dropped_full);
}

static Py_ssize_t channel_length(PyObject *me) {
	fk_channel *ch = ((Channel *)me)->ch;
	return (Py_ssize_t)(ch->put - ch->taken);
}

// Channel(max_events, drop, whole, max_size)
static PyObject *channel_make(PyTypeObject *type, PyObject *args, PyObject *none) {
	unsigned long long max_events;
	int drop, whole;
	Py_ssize_t max_size;
	(void)none; // keywords are the subclass's
	if (!PyArg_ParseTuple(args, "Kppn", &max_events, &drop, &whole, &max_size)) return NULL;
	Channel *self = (Channel *)type->tp_alloc(type, 0);
	if (!self) return NULL;
	self->drop = drop, self->whole = whole, self->max_size = max_size;
	self->patience = (fk_patience){.until = FK_NO_LIMIT};
	self->ch = fk_channel_new(max_events);
	if (self->ch) return (PyObject *)self;
	Py_DECREF(self);
	return PyErr_NoMemory();
}

static void channel_free(PyObject *me) {
	Channel *self = (Channel *)me;
	PyTypeObject *type = Py_TYPE(me);
	if (self->ch) {
		fk_channel_shut(self->ch);
		fk_channel_unref(self->ch);
	}
	Py_XDECREF(self->log);
	type->tp_free(me);
	Py_DECREF(type);
}

#define KEYWORDS(function) \
	(PyCFunction)(void (*)(void))(function), METH_FASTCALL | METH_KEYWORDS, NULL
static PyMethodDef methods[] = {{"put", KEYWORDS(fk_queue_put)},
                                {"put_many", KEYWORDS(fk_queue_put_many)},
                                {"offer", fk_queue_offer, METH_O, NULL},
                                {"fill", fk_queue_fill, METH_O, NULL},
                                {"attach", channel_attach, METH_VARARGS, NULL},
                                {"wait_asked", channel_wait_asked, METH_NOARGS, NULL},
                                {"end", channel_end, METH_VARARGS, NULL},
                                {"shut", channel_shut, METH_NOARGS, NULL},
                                {0}};
static PyGetSetDef attributes[] = {
	{.name = "closed", .get = get_closed}, {.name = "dropped", .get = get_dropped}, {0}};
static PyType_Slot slots[] = {{Py_tp_new, channel_make},      {Py_tp_dealloc, channel_free},
                              {Py_tp_methods, methods},       {Py_tp_getset, attributes},
                              {Py_sq_length, channel_length}, {0, NULL}};
static PyType_Spec spec = {.name = "falcokit.Channel",
                           .basicsize = sizeof(Channel),
                           .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                           .slots = slots};

bool fk_queue_ready(void) {
	return (fk_queue_type = (PyTypeObject *)PyType_FromSpec(&spec)) != NULL;
}

// install_source(Event, closed error, full error)
PyObject *fk_queue_install(PyObject *module, PyObject *args) {
	PyObject *event, *closed, *full;
	(void)module;
	if (!PyArg_ParseTuple(args, "OOO", &event, &closed, &full) || !fk_item_ready(event))
		return NULL;
	Py_XSETREF(fk_queue_closed, Py_NewRef(closed));
	Py_XSETREF(fk_queue_full, Py_NewRef(full));
	Py_RETURN_NONE;
}
