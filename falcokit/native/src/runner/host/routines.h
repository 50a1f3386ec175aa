// SPDX-License-Identifier: Apache-2.0
// Owns the pool that runs the plugins' routines: two threads, made with the first routine. A
// routine is called again as long as it answers 1, until it is unsubscribed or the capture has
// closed.
#pragma once

#include "runner/host/api.h"

// Any thread that the engine waits for. NULL and FAILURE: told by the owner's last error.
ss_plugin_routine_t *fk_routine_subscribe(ss_plugin_owner_t *o, ss_plugin_routine_fn_t run,
                                          ss_plugin_routine_state_t *state);
ss_plugin_rc fk_routine_unsubscribe(ss_plugin_owner_t *o, ss_plugin_routine_t *r);

// Engine's thread, after every capture_close: forgets all of them and waits for those that run.
void fk_routines_end(void);
