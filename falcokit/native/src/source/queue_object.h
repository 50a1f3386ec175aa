// SPDX-License-Identifier: Apache-2.0
// _falcokit_hot.Channel from within: what source/queue.c, which puts events into one, and
// source/queue.c, which makes them, have in common.
#pragma once
#include "source/channel.h"
#include "async_event/async_event.h"
#include "source/queue.h"

typedef struct Channel {
	PyObject_HEAD
	fk_channel *ch;
	bool drop;  // when full, rather than wait
	bool whole; // events with their headers
	bool attached;
	Py_ssize_t max_size;
	uint64_t logged_ns;       // when a dropped event was last logged
	PyObject *log;            // called with a text, once attached
	fk_wait_limit wait_limit; // of offer, from call to call
} Channel;

// The author's exceptions: the source is closed, and the queue is full where nobody can wait.
extern PyObject *fk_queue_closed, *fk_queue_full;

// The methods by which something is put in.
PyObject *fk_queue_put(PyObject *me, PyObject *const *args, Py_ssize_t n, PyObject *kwnames);
PyObject *fk_queue_put_many(PyObject *me, PyObject *const *args, Py_ssize_t n, PyObject *kwnames);
PyObject *fk_queue_offer(PyObject *me, PyObject *object);
PyObject *fk_queue_fill(PyObject *me, PyObject *iterator);
