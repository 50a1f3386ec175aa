// SPDX-License-Identifier: Apache-2.0
// How long the host may wait for the author's code; docs/concepts.md has them. Tests build with
// shorter ones, so that what waits for a limit takes a moment.
#pragma once

#ifndef FK_LONG_S
#define FK_LONG_S 30.0 // hooks that may have much to do: init, open, start_async, ...
#endif
#define FK_SHORT_S 5.0 // those that end something
#ifndef INIT_LIMIT_S
#define INIT_LIMIT_S FK_LONG_S
#endif

#ifndef FK_LOOK_MS
#define FK_LOOK_MS 1000 // so often the watch looks at the threads of the host's
#endif
#define FK_LIMIT_LOOKS 5 // then the code there is interrupted, and again after as many
#define FK_GIL_LOOKS   7 // then there is no way to
#ifndef FK_YIELD_LOOKS
#define FK_YIELD_LOOKS 30 // then a source's generator is interrupted that waits for room
#endif
#define FK_LIMIT_S (FK_LIMIT_LOOKS * FK_LOOK_MS / 1000.0)
