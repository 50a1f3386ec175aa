// SPDX-License-Identifier: Apache-2.0
// Starting Python in the host's process, and what a packaged plugin contributes to it.
#pragma once
#include "python/state.h"

// Starts Python once per process and imports falcokit.runtime, which finds the module that
// `make_module` makes (a new reference).
bool fk_start_python(const fk_metadata *meta, PyObject *(*make_module)(void), char *err,
                     size_t errlen);

// ---- the payload of a packaged plugin: carried.c ----------------------------------------------------
void fk_payload_adopt(fk_store *store);
bool fk_is_packaged(void);
const char *fk_payload_archive(char *err, size_t errlen);
PyObject *fk_payload_modules(PyObject *module, PyObject *none);
PyObject *fk_payload_place(PyObject *module, PyObject *item);
