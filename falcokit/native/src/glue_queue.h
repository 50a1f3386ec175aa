// SPDX-License-Identifier: Apache-2.0
// The Python type of a channel: glue_queue_type.c for glue_module.c and glue_source.c.
#pragma once
#include "glue.h"

extern PyTypeObject *fk_queue_type;
bool fk_queue_ready(void);
PyObject *fk_queue_install(PyObject *module, PyObject *args);
