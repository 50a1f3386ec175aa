// SPDX-License-Identifier: Apache-2.0
// Owns the monitor of a plugin that reads a capture: a crash or a hang is reported with the event at
// which it happened, after all values up to there. A crash still ends the process by its signal; a
// hang ends it with exit status 3. The engine's thread records each step; a thread of the monitor
// checks the deadline.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// `name`: of the plugin, for the reports. `deadline_ns`: how long one step may take.
bool fkr_monitor_start(const char *name, uint64_t deadline_ns);

// A call of the plugin begins. `number`: the event, 0 for none. `step` is a literal.
void fkr_monitor_enter(const char *step, uint64_t number);
void fkr_monitor_leave(void);
