// SPDX-License-Identifier: Apache-2.0
// The Python classes and functions that falcokit.runtime.host.callbacks passes to the glue when it is
// imported.
#pragma once
#include "python/state.h"

// Reasons why an emission is refused, in the order of fk_reason_names.
enum fk_reason {
	FK_REFUSED_NAME,
	FK_REFUSED_CLOSED,
	FK_REFUSED_SIZE,
	FK_REFUSED_FUTURE,
	FK_REFUSED_DATA,
	FK_REFUSED_HOST,
	FK_REFUSED_FULL,
	FK_NREASONS
};
extern const char *const fk_reason_names[FK_NREASONS];

typedef struct fk_python_side {
	PyObject *error_of[FK_NREASONS]; // exception classes
	PyObject *encode_json;           // object -> bytes
	PyObject *expand_event;          // AsyncEvent -> (name, data, ts_ns, tid, plugin_id)
	PyObject *make_counters;         // numbers and a dict -> AsyncCounters
	PyObject *set_emitted;           // (exception, number of events emitted before it)
} fk_python_side;
extern fk_python_side fk_python;

// The bytes of a str that cannot be encoded as UTF-8, for which an exception is set: the bytes from
// which os.fsdecode made it. Other lone surrogates become "?", or, if `strict`, NULL with the
// exception.
PyObject *fk_non_utf8_text(PyObject *text, bool strict);
