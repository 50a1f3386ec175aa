// SPDX-License-Identifier: Apache-2.0
// The Python type of a channel: source/queue.c for base/module.c and source/source.c.
#pragma once
#include "python/classes.h"

extern PyTypeObject *fk_queue_type;
bool fk_queue_ready(void);
PyObject *fk_queue_install(PyObject *module, PyObject *args);
