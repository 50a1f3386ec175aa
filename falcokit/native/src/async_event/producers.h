// SPDX-License-Identifier: Apache-2.0
// The states of a plugin's decorated producers, where get_metrics finds them without the GIL.
#pragma once
#include "python/state.h"

// In the order of falcokit/runtime/async_event/supervision.py, whose numbers they are.
enum fk_producer_state {
	FK_PRODUCER_RUNNING,
	FK_PRODUCER_FAILING, // running, after failures in a row
	FK_PRODUCER_WAITING, // to be started again
	FK_PRODUCER_ENDED,
	FK_PRODUCER_STOPPED // no capture is open
};

typedef struct fk_producer {
	char *label;
	_Atomic int state;
	_Atomic uint64_t failures, in_row;
	_Atomic uint64_t
		until_ns; // monotonic; waiting: starts again then; failing: counts as well then
} fk_producer;

struct fk_producers {
	PyObject *view; // () -> tuple of ProducerState
	uint32_t count;
	fk_producer rows[];
};

// With the GIL, for Link and Emitter.
PyObject *fk_producers_set(fk_impl *impl, PyObject *args);
PyObject *fk_producer_set(fk_impl *impl, PyObject *args);
PyObject *fk_producers_view(fk_impl *impl);
void fk_producers_forget(fk_impl *impl);
void fk_producers_free(fk_impl *impl);
