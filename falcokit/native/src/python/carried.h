// SPDX-License-Identifier: Apache-2.0
// What a packaged plugin carries, for Python: see python/carried.c.
#pragma once
#include "python/state.h"

void fk_payload_adopt(fk_store *store);
bool fk_is_packaged(void);
const char *fk_payload_archive(char *err, size_t errlen);
PyObject *fk_payload_modules(PyObject *module, PyObject *none);
PyObject *fk_payload_place(PyObject *module, PyObject *item);
