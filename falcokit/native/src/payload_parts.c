// SPDX-License-Identifier: Apache-2.0
// All that an entry library needs to open its payload, as one object: nothing of it knows the plugin, so
// falcokit/native/entry.py compiles it once for all of them.
#include "payload_store.c"
#include "payload_file.c"
#include "payload_cache.c"
#include "sha256.c"
