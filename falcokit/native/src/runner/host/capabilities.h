// SPDX-License-Identifier: Apache-2.0
// Owns which capabilities a library has: all the symbols of one, or none of them.
// No state, no threads.
#pragma once

#include <stdbool.h>

#include "runner/host/api.h"

// False: the library is broken, and `why` (of `room` bytes) names the capability and its symbols.
bool fk_capabilities(const struct fk_api *api, unsigned *caps, char *why, unsigned long room);

extern const char *const fk_capability_names[5]; // in the order of enum fk_capability
