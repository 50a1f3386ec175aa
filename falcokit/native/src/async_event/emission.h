// SPDX-License-Identifier: Apache-2.0
// One emission between its arguments and its bytes: the interface of async_event/emission.c for
// async_event/emitter.c.
#pragma once
#include "async_event/async_event.h"

enum fk_arg {
	FK_ARG_NAME,
	FK_ARG_DATA,
	FK_ARG_TS,
	FK_ARG_TID,
	FK_ARG_DIRECT,
	FK_ARG_ID,
	FK_ARG_PAYLOADS,
	FK_ARG_TIMEOUT,
	FK_NARGS
};

typedef struct fk_emission {
	uint32_t name; // index
	fk_bytes data;
	uint64_t ts, tid;
	uint32_t plugin_id;
	bool direct, ahead; // ahead: its timestamp lies in the future
	fk_wait_limit wait_limit;
} fk_emission;

// The name in the last call and its index: usually the next call passes the same string object.
typedef struct fk_last_name {
	PyObject *name;
	uint32_t index;
} fk_last_name;

bool fk_emission_ready(void);
void *fk_refuse(fk_async *a, enum fk_reason reason, const char *format, ...);
bool fk_take_args(const char *method, PyObject *const *args, Py_ssize_t n, PyObject *kwnames,
                  PyObject *out[FK_NARGS]);
bool fk_take_options(fk_impl *impl, fk_last_name *last, PyObject *arg[FK_NARGS], bool dump,
                     fk_emission *e);
bool fk_find_data(fk_async *a, PyObject *data, fk_emission *e);
// Events that are sent, not dumped, have FK_TAG bytes more.
uint32_t fk_event_length(const fk_async *a, const fk_emission *e);
void fk_encode(const fk_async *a, const fk_emission *e, uint8_t *out, uint32_t total);
