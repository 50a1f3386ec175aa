// SPDX-License-Identifier: Apache-2.0
// Documents of a source whose class declares JsonDocuments: what an author's object has as bytes is
// split by json/documents.c. The GIL is released while a large one is split; other threads may then put
// documents into the same queue, so each is split with memory of its own. With the GIL.
#include "source/source.h"
#include "json/scan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WITHOUT_GIL 4096u        // bytes of a document that is worth giving the GIL away
#define TURN_WORK   (64u << 10)  // of smaller ones, after which other threads may take it
#define SPARES_MAX  4u           // kept for reuse
#define LOG_EVERY   60000000000u // ns

struct fk_documents {
	fk_jdocuments *declared;
	bool fails; // what is invalid is the author's exception; otherwise it is skipped
	Py_ssize_t max_size;
	fk_channel *ch;
	PyObject **log;
	uint64_t logged_documents_ns, logged_events_ns;
	size_t held; // bytes read and steps done with the GIL since the last turn
	fk_reading *spares;
	unsigned spares_n;
};

// ---- the log ----------------------------------------------------------------------------------------

bool fk_source_may_log(uint64_t *last_ns) {
	uint64_t now = fk_now();
	if (*last_ns && now - *last_ns < LOG_EVERY) return false;
	*last_ns = now;
	return true;
}

void fk_source_log(PyObject *log, const char *format, ...) {
	va_list args;
	va_start(args, format);
	PyObject *text = PyUnicode_FromFormatV(format, args);
	va_end(args);
	Py_INCREF(log); // closing the queue drops it
	PyObject *done = text ? PyObject_CallOneArg(log, text) : NULL;
	if (!done) PyErr_Clear();
	Py_XDECREF(done);
	Py_XDECREF(text);
	Py_DECREF(log);
}

// ---- a queue's declaration --------------------------------------------------------------------------

fk_documents *fk_documents_new(const char *bytes, Py_ssize_t len, bool fails, Py_ssize_t max_size,
                               fk_channel *ch, PyObject **log) {
	char err[256];
	fk_documents *documents = calloc(1, sizeof *documents);
	if (!documents) return (void)PyErr_NoMemory(), NULL;
	documents->declared = fk_jdocuments_load(bytes, (size_t)len, err, sizeof err);
	if (!documents->declared) {
		free(documents);
		return PyErr_Format(PyExc_ValueError, "%s", err), NULL;
	}
	documents->fails = fails;
	documents->max_size = max_size;
	documents->ch = ch;
	documents->log = log;
	atomic_store(&ch->has_documents, true);
	return documents;
}

static void free_reading(fk_reading *reading) {
	fk_jsplit_free(reading->split);
	free(reading);
}

void fk_documents_free(fk_documents *documents) {
	while (documents->spares) {
		fk_reading *below = documents->spares->below;
		free_reading(documents->spares);
		documents->spares = below;
	}
	fk_jdocuments_free(documents->declared);
	free(documents);
}

bool fk_documents_takes(PyObject *object) {
	return object != Py_None && !fk_source_item_is_event(object);
}

bool fk_documents_turn(fk_documents *documents) {
	if (documents->held < TURN_WORK) return false;
	documents->held = 0;
	return true;
}

// ---- one document -----------------------------------------------------------------------------------

static fk_reading *begin(fk_documents *documents) {
	fk_reading *reading = documents->spares;
	if (reading) {
		documents->spares = reading->below;
		documents->spares_n--;
	} else if ((reading = calloc(1, sizeof *reading)) && !(reading->split = fk_jsplit_new())) {
		free(reading);
		reading = NULL;
	}
	if (!reading) return (void)PyErr_NoMemory(), NULL;
	reading->next = 0;
	reading->dropped = false;
	reading->bytes.owned = reading->bytes.view.obj = NULL;
	return reading;
}

void fk_documents_give_back(fk_documents *documents, fk_reading *reading) {
	fk_bytes_drop(&reading->bytes);
	if (documents->spares_n == SPARES_MAX) {
		free_reading(reading);
		return;
	}
	reading->below = documents->spares;
	documents->spares = reading;
	documents->spares_n++;
}

// Bytes that nobody changes: a buffer is copied, because other threads may write to it.
static bool find_bytes(PyObject *object, fk_bytes *bytes) {
	if (!fk_bytes_of(object, false, bytes)) return false;
	if (!bytes->view.obj) return true;
	PyObject *copy = PyBytes_FromStringAndSize(bytes->data, bytes->len);
	fk_bytes_drop(bytes);
	if (!copy) return false;
	bytes->owned = copy;
	bytes->data = PyBytes_AS_STRING(copy);
	return true;
}

static bool is_empty(const fk_bytes *bytes) {
	const uint8_t *text = (const uint8_t *)bytes->data;
	size_t len = (size_t)bytes->len;
	return fk_jskip_space(text, len, 0) == len;
}

static bool split(fk_documents *documents, fk_reading *reading, uint64_t number) {
	const uint8_t *text = (const uint8_t *)reading->bytes.data;
	size_t len = (size_t)reading->bytes.len;
	uint64_t now = fk_time_of_day();
	bool good;
	if (len < WITHOUT_GIL) {
		good = fk_jsplit_run(documents->declared, reading->split, text, len, now, number);
		documents->held += len + reading->split->steps;
		return good;
	}
	Py_BEGIN_ALLOW_THREADS
	good = fk_jsplit_run(documents->declared, reading->split, text, len, now, number);
	Py_END_ALLOW_THREADS
	return good;
}

// Counts what is invalid, and logs it or raises it. False with an exception.
static bool judge(fk_documents *documents, fk_reading *reading, bool good, uint64_t number) {
	fk_jsplit *found = reading->split;
	fk_channel *ch = documents->ch;
	PyObject *log = *documents->log;
	if (good && !found->invalid) return true;
	uint64_t events = atomic_fetch_add(&ch->events_invalid, found->invalid) + found->invalid;
	if (good && !documents->fails) {
		if (log && fk_source_may_log(&documents->logged_events_ns))
			fk_source_log(log, "an event of document %llu was skipped: %s (skipped so far: %llu)",
			              (unsigned long long)number, found->why, (unsigned long long)events);
		return true;
	}
	uint64_t skipped = atomic_fetch_add(&ch->documents_invalid, 1) + 1;
	if (documents->fails) {
		PyErr_Format(fk_python.error_of[FK_REFUSED_DATA], "document %llu is invalid: %s%s",
		             (unsigned long long)number, good ? "an event of it: " : "", found->why);
		return false;
	}
	if (log && fk_source_may_log(&documents->logged_documents_ns))
		fk_source_log(log, "document %llu was skipped: %s (skipped so far: %llu)",
		              (unsigned long long)number, found->why, (unsigned long long)skipped);
	return true;
}

fk_reading *fk_documents_read(fk_documents *documents, PyObject *object) {
	fk_reading *reading = begin(documents);
	if (!reading) return NULL;
	if (!find_bytes(object, &reading->bytes)) {
		fk_documents_give_back(documents, reading);
		return NULL;
	}
	fk_jsplit *found = reading->split;
	found->count = found->not_kept = found->invalid = 0;
	if (is_empty(&reading->bytes)) return reading; // as the last line of a file may be
	uint64_t number = atomic_fetch_add(&documents->ch->documents, 1) + 1;
	bool good = false;
	if (reading->bytes.len <= documents->max_size)
		good = split(documents, reading, number);
	else
		snprintf(found->why, sizeof found->why, "it has %zd bytes, and max_size is %zd",
		         reading->bytes.len, documents->max_size);
	atomic_fetch_add(&documents->ch->events_not_kept, found->not_kept);
	if (judge(documents, reading, good, number)) return reading;
	fk_documents_give_back(documents, reading);
	return NULL;
}
