// SPDX-License-Identifier: Apache-2.0
// What the files of this room share: the table of the ABI (plugin.c), the module for Python, metrics.
#pragma once
#include "python/python.h"

// module.c
PyObject *fk_make_module(void);
// metrics.c
ss_plugin_metric *fk_metrics(fk_plugin *p, uint32_t *n);
int fk_metric_add(const char *name, int kind, int value_type, double d, int64_t i, uint64_t u);
