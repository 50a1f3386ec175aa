// SPDX-License-Identifier: Apache-2.0
// _falcokit_hot.Channel, the Python type of a channel (source/channel.c), in three parts: putting items
// in, which includes put and put_many for the author's producers, and offer and fill for
// falcokit.runtime.source.capability, which runs the author's iterator on a thread of the source;
// opening and closing, for the same module; and the type. With the GIL.
#include "source/source.h"

#define TURN     1024      // after this many items other threads may take the GIL
#define WAIT_NS  20000000u // between two checks while there is no room
#define IDLE_MIN 500000u   // the wait after "nothing now" ...
#define IDLE_MAX 10000000u // ... doubled up to here while nothing comes

PyTypeObject *fk_queue_type;
// The author's exceptions: the source is closed; the queue is full where nobody may wait.
static PyObject *closed_error, *full_error;

typedef struct Channel {
	PyObject_HEAD
	fk_channel *ch;
	bool drop;  // drop when full instead of waiting
	bool whole; // events with their headers
	bool attached;
	Py_ssize_t max_size;
	uint64_t logged_ns;       // when a dropped event was last logged
	PyObject *log;            // called with a text for what was dropped, once attached
	fk_documents *documents;  // NULL: none are declared
	fk_wait_limit wait_limit; // of offer, over several calls
	fk_reading *offered;      // its document, while there is no room for an event of it
} Channel;

enum offer {
	FAILED, // with an exception
	TAKEN,
	DROPPED,
	FULL
};

// ---- one item ---------------------------------------------------------------------------------------

static enum offer too_large(Channel *self, Py_ssize_t len) {
	uint64_t dropped = atomic_fetch_add(&self->ch->dropped_size, 1) + 1;
	if (self->log && fk_source_may_log(&self->logged_ns))
		fk_source_log(
			self->log,
			"an event of %zd bytes was dropped: max_event_size is %zd (%llu dropped so far)", len,
			self->max_size, (unsigned long long)dropped);
	return DROPPED;
}

static enum offer append(Channel *self, const char *data, Py_ssize_t len, uint64_t ts) {
	fk_channel *ch = self->ch;
	size_t head = self->whole ? 0 : sizeof(fk_plugin_event), total = head + (size_t)len;
	if (len > self->max_size) return too_large(self, len);
	if (!fk_channel_room(ch, total)) return FULL;
	uint8_t *out = fk_channel_reserve(ch, total);
	if (!out) {
		PyErr_NoMemory();
		return FAILED;
	}
	// Set here and not by the host: an event may wait in the channel, and the host's thread has other work.
	if (head && ts == FK_NOT_SET) ts = fk_time_of_day();
	if (head)
		*(fk_plugin_event *)out =
			(fk_plugin_event){.head = {ts, FK_NOT_SET, (uint32_t)total, FK_CODE_PLUGINEVENT, 2},
			                  .id_len = 4,
			                  .payload_len = (uint32_t)len};
	memcpy(out + head, data, (size_t)len);
	fk_channel_commit(ch, total);
	return TAKEN;
}

// The events of a document, as far as there is room. FULL: call again with the same `reading`.
static enum offer offer_document(Channel *self, PyObject *object, fk_reading **reading) {
	if (!*reading && !(*reading = fk_documents_read(self->documents, object))) return FAILED;
	fk_reading *of = *reading;
	enum offer what = TAKEN;
	for (; of->next < of->split->count; of->next++) {
		const fk_jfound *event = &of->split->events[of->next];
		what = append(self, (const char *)event->data, event->len,
		              event->timed ? event->ts : FK_NOT_SET);
		if (what == FULL) return FULL;
		if (what == FAILED) break;
		of->dropped |= what == DROPPED;
	}
	if (what != FAILED) what = of->dropped ? DROPPED : TAKEN;
	*reading = NULL;
	fk_documents_give_back(self->documents, of);
	return what;
}

// After FULL: the event is dropped. False: it was the item's only one.
static bool skip_event(fk_reading *reading) {
	if (!reading) return false;
	reading->next++;
	return reading->dropped = true;
}

static void forget(Channel *self, fk_reading **reading) {
	if (*reading) fk_documents_give_back(self->documents, *reading);
	*reading = NULL;
}

// *reading is NULL for a new item. After FULL it is kept for the next call, or given to forget.
static enum offer offer(Channel *self, PyObject *object, fk_reading **reading) {
	fk_source_item item;
	if (*reading || (self->documents && fk_documents_takes(object)))
		return offer_document(self, object, reading);
	if (PyBytes_CheckExact(object) && !self->whole)
		return append(self, PyBytes_AS_STRING(object), PyBytes_GET_SIZE(object), FK_NOT_SET);
	if (!fk_source_item_find(object, self->whole, &item)) return FAILED;
	enum offer what = append(self, item.bytes.data, item.bytes.len, item.ts);
	fk_bytes_drop(&item.bytes);
	return what;
}

static bool is_open(Channel *self) {
	if (!atomic_load(&self->ch->shut) && !atomic_load(&self->ch->ended)) return true;
	return PyErr_Format(closed_error, "the event source is closed, and takes no more events");
}

static bool wait_room(Channel *self, uint64_t ns) {
	bool open;
	Py_BEGIN_ALLOW_THREADS
	open = fk_channel_wait_room(self->ch, ns);
	Py_END_ALLOW_THREADS
	return open;
}

// After a wait without room: whether to give up, with an exception set.
static bool gave_up(Channel *self, fk_wait_limit *wait_limit, uint32_t looks) {
	char why[512];
	if (!fk_wait_limit_reached(wait_limit, atomic_load(&self->ch->taken), looks, why, sizeof why))
		return false;
	PyErr_Format(full_error, "the queue is full, %s", why);
	return true;
}

// Waits or drops when there is no room, as put does.
static enum offer put_item(Channel *self, PyObject *object, fk_wait_limit *wait_limit,
                           fk_reading **reading) {
	bool waited = false;
	for (;;) {
		if (!is_open(self)) return FAILED;
		enum offer what = offer(self, object, reading);
		if (what != FULL) return what;
		if (self->drop) {
			atomic_fetch_add(&self->ch->dropped_full, 1);
			if (skip_event(*reading)) continue;
			return DROPPED;
		}
		if (fk_blocks_host) {
			PyErr_SetString(full_error,
			                "the queue is full, and the host waits for this hook: call put from "
			                "another thread");
			return FAILED;
		}
		if (waited && gave_up(self, wait_limit, FK_LIMIT_LOOKS)) return FAILED;
		wait_room(self, fk_wait_limit_left(wait_limit, WAIT_NS));
		waited = true;
	}
}

static enum offer put_one(Channel *self, PyObject *object, fk_wait_limit *wait_limit) {
	fk_reading *reading = NULL;
	enum offer what = put_item(self, object, wait_limit, &reading);
	forget(self, &reading);
	return what;
}

// Reads the argument of put and put_many, and timeout=.
static PyObject *take_args(const char *method, PyObject *const *args, Py_ssize_t n,
                           PyObject *kwnames, fk_wait_limit *wait_limit) {
	PyObject *timeout = NULL;
	if (n != 1) return PyErr_Format(PyExc_TypeError, "%s takes one argument, and timeout=", method);
	for (Py_ssize_t k = 0; kwnames && k < PyTuple_GET_SIZE(kwnames); k++) {
		PyObject *key = PyTuple_GET_ITEM(kwnames, k);
		if (PyUnicode_CompareWithASCIIString(key, "timeout") != 0)
			return PyErr_Format(PyExc_TypeError, "%s got an unexpected argument %R", method, key);
		timeout = args[n + k];
	}
	if (fk_wait_limit_begin(wait_limit, timeout)) return args[0];
	return PyErr_Format(PyExc_TypeError, "timeout is a number of seconds or None, not %R", timeout);
}

static PyObject *channel_put(PyObject *me, PyObject *const *args, Py_ssize_t n, PyObject *kwnames) {
	fk_wait_limit wait_limit;
	PyObject *object = take_args("put", args, n, kwnames, &wait_limit);
	if (!object) return NULL;
	enum offer what = put_one((Channel *)me, object, &wait_limit);
	return what == FAILED ? NULL : PyBool_FromLong(what == TAKEN);
}

static PyObject *channel_put_many(PyObject *me, PyObject *const *args, Py_ssize_t n,
                                  PyObject *kwnames) {
	fk_wait_limit wait_limit;
	PyObject *objects = take_args("put_many", args, n, kwnames, &wait_limit), *object;
	PyObject *iterator = objects ? PyObject_GetIter(objects) : NULL;
	Py_ssize_t count = 0;
	if (!iterator) return NULL;
	while ((object = PyIter_Next(iterator))) {
		enum offer what = put_one((Channel *)me, object, &wait_limit);
		count += what == TAKEN;
		Py_DECREF(object);
		if (what == FAILED) break;
	}
	Py_DECREF(iterator);
	return PyErr_Occurred() ? NULL : PyLong_FromSsize_t(count);
}

// ---- the author's iterator, for falcokit.runtime.source.capability ----------------------------------

static void nothing_now(fk_channel *ch) {
	atomic_store(&ch->idle, true);
	if (atomic_load(&ch->host_state) == FK_HOST_NAPS && ch->put != ch->taken)
		fk_channel_wake(ch, true);
}

// offer(item) -> False when there is no room, and it is called again with the same item; None says that
// there is nothing now
static PyObject *channel_offer(PyObject *me, PyObject *object) {
	Channel *self = (Channel *)me;
	if (!is_open(self)) return NULL;
	if (object == Py_None) {
		nothing_now(self->ch);
		Py_RETURN_TRUE;
	}
	enum offer what = offer(self, object, &self->offered);
	if (what != FULL)
		self->wait_limit = (fk_wait_limit){.until = FK_NO_LIMIT};
	else if (gave_up(self, &self->wait_limit, FK_YIELD_LOOKS))
		what = FAILED;
	if (what == FAILED) forget(self, &self->offered);
	return what == FAILED ? NULL : PyBool_FromLong(what != FULL);
}

// fill(iterator) -> True when it is exhausted, False when the source was closed
static PyObject *channel_fill(PyObject *me, PyObject *iterator) {
	Channel *self = (Channel *)me;
	PyObject *object;
	uint64_t idle_ns = IDLE_MIN;
	if (!PyIter_Check(iterator))
		return PyErr_Format(PyExc_TypeError, "%R is not an iterator", iterator);
	for (unsigned turn = 1; !atomic_load_explicit(&self->ch->shut, memory_order_relaxed); turn++) {
		if (!(object = PyIter_Next(iterator))) {
			if (PyErr_Occurred()) return NULL;
			Py_RETURN_TRUE;
		}
		if (object == Py_None) {
			Py_DECREF(object);
			nothing_now(self->ch);
			wait_room(self, idle_ns);
			idle_ns = idle_ns * 2 < IDLE_MAX ? idle_ns * 2 : IDLE_MAX;
			continue;
		}
		idle_ns = IDLE_MIN;
		enum offer what;
		fk_wait_limit wait_limit = {.until = FK_NO_LIMIT};
		fk_reading *reading = NULL;
		while ((what = offer(self, object, &reading)) == FULL && wait_room(self, WAIT_NS)) {
			// Few generators hold a lock across a yield, so this waits longer before it gives up.
			if (!gave_up(self, &wait_limit, FK_YIELD_LOOKS)) continue;
			what = FAILED;
			break;
		}
		forget(self, &reading);
		Py_DECREF(object);
		if (what == FAILED) return NULL;
		if (turn % TURN == 0 || (self->documents && fk_documents_turn(self->documents))) {
			Py_BEGIN_ALLOW_THREADS
			Py_END_ALLOW_THREADS
		}
	}
	Py_RETURN_FALSE;
}

// ---- opening and closing, for falcokit.runtime.source.capability ------------------------------------

// split(declaration, fails, max_size): what is put from now on are documents
static PyObject *channel_split(PyObject *me, PyObject *args) {
	Channel *self = (Channel *)me;
	const char *bytes;
	Py_ssize_t len, max_size;
	int fails;
	if (!PyArg_ParseTuple(args, "y#pn", &bytes, &len, &fails, &max_size)) return NULL;
	if (self->documents || self->whole)
		return PyErr_Format(PyExc_ValueError, "this queue cannot split documents");
	self->documents = fk_documents_new(bytes, len, fails, max_size, self->ch, &self->log);
	if (!self->documents) return NULL;
	Py_RETURN_NONE;
}

// attach(whole, max_size, log) -> the address of the fk_channel, for next_batch
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

// end(text | None): after the events in the channel comes EOF, or a failure with this text
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
	// The source has ended even if the text cannot be encoded.
	PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
	if (!bytes) PyErr_Clear();
	fk_channel_end(((Channel *)me)->ch, SS_PLUGIN_FAILURE,
	               bytes ? PyBytes_AS_STRING(bytes) : "the event source has failed");
	Py_XDECREF(bytes);
	Py_RETURN_NONE;
}

// wait_asked(): waits until the first next_batch, or until the channel is shut
static PyObject *channel_wait_asked(PyObject *me, PyObject *none) {
	Py_BEGIN_ALLOW_THREADS
	fk_channel_wait_asked(((Channel *)me)->ch);
	Py_END_ALLOW_THREADS
	Py_RETURN_NONE;
}

static PyObject *channel_shut(PyObject *me, PyObject *none) {
	fk_channel_shut(((Channel *)me)->ch);
	Py_CLEAR(((Channel *)me)
	             ->log); // breaks a reference cycle: it holds the open source, which holds this
	Py_RETURN_NONE;
}

// ---- the type ---------------------------------------------------------------------------------------

static PyObject *get_closed(PyObject *me, void *none) {
	fk_channel *ch = ((Channel *)me)->ch;
	return PyBool_FromLong(atomic_load(&ch->shut) || atomic_load(&ch->ended));
}

static PyObject *get_dropped(PyObject *me, void *none) {
	fk_channel *ch = ((Channel *)me)->ch;
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
	// keywords are the subclass's
	if (!PyArg_ParseTuple(args, "Kppn", &max_events, &drop, &whole, &max_size)) return NULL;
	Channel *self = (Channel *)type->tp_alloc(type, 0);
	if (!self) return NULL;
	self->drop = drop, self->whole = whole, self->max_size = max_size;
	self->wait_limit = (fk_wait_limit){.until = FK_NO_LIMIT};
	self->ch = fk_channel_new(max_events);
	if (self->ch) return (PyObject *)self;
	Py_DECREF(self);
	return PyErr_NoMemory();
}

static void channel_free(PyObject *me) {
	Channel *self = (Channel *)me;
	forget(self, &self->offered);
	if (self->documents) fk_documents_free(self->documents);
	if (self->ch) {
		fk_channel_shut(self->ch);
		fk_channel_unref(self->ch);
	}
	Py_XDECREF(self->log);
	fk_free_object(me);
}

#define KEYWORDS(function) \
	(PyCFunction)(void (*)(void))(function), METH_FASTCALL | METH_KEYWORDS, NULL
static PyMethodDef methods[] = {{"put", KEYWORDS(channel_put)},
                                {"put_many", KEYWORDS(channel_put_many)},
                                {"offer", channel_offer, METH_O, NULL},
                                {"fill", channel_fill, METH_O, NULL},
                                {"split", channel_split, METH_VARARGS, NULL},
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

bool fk_queue_ready(void) {
	return (fk_queue_type = fk_make_type("falcokit.Channel", sizeof(Channel), Py_TPFLAGS_BASETYPE,
	                                     slots, NULL)) != NULL;
}

// install_source(Event, closed error, full error)
PyObject *fk_queue_install(PyObject *module, PyObject *args) {
	PyObject *event, *closed, *full;
	if (!PyArg_ParseTuple(args, "OOO", &event, &closed, &full) || !fk_source_item_ready(event))
		return NULL;
	Py_XSETREF(closed_error, Py_NewRef(closed));
	Py_XSETREF(full_error, Py_NewRef(full));
	Py_RETURN_NONE;
}
