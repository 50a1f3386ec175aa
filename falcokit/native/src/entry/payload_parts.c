// SPDX-License-Identifier: Apache-2.0
// All that an entry library needs to open its payload, as one object: nothing of it knows the
// plugin, so falcokit/build/entry_library.py compiles it once for all of them.
#include "payload/store.c"
#include "payload/file.c"
#include "payload/cache.c"
#include "memory/sha256.c"
