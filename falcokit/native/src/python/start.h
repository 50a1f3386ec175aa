// SPDX-License-Identifier: Apache-2.0
// Starts Python in the host's process, once.
#pragma once
#include "python/state.h"

// Imports falcokit.runtime too, which finds the module that `make_module` makes; a new reference.
bool fk_start_python(const fk_boot *boot, PyObject *(*make_module)(void), char *err, size_t errlen);
