// SPDX-License-Identifier: Apache-2.0
// Owns the watch over a plugin that reads a capture: a crash or a hang is reported with the event
// that it happened at, after all answers up to there. A crash still ends the process by its signal;
// a hang ends it with exit status 3. The engine's thread says what it does; the watch has a thread
// of its own.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// `name`: what the reports call the plugin. `deadline_ns`: for how long one step may take.
bool fk_watch_start(const char *name, uint64_t deadline_ns);

// The plugin has the word from here on; `number`: the event, 0 for none. `step` is a literal.
void fk_watch_enter(const char *step, uint64_t number);
void fk_watch_leave(void);
