// SPDX-License-Identifier: Apache-2.0
// Everything that an entry library needs to open its payload, as one object. It does not depend on the
// plugin, so falcokit/build/entry_library.py compiles it once.
#include "payload/store.c"
#include "payload/file.c"
#include "payload/cache.c"
#include "memory/sha256.c"
