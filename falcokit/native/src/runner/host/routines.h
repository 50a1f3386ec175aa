// SPDX-License-Identifier: Apache-2.0
// Owns the pool that runs the plugins' routines: two threads, started with the first routine. A
// routine is called again while it returns 1, until it is unsubscribed or the capture has closed.
#pragma once

#include "runner/host/api.h"

// On the engine's thread, or one that it waits for. NULL or FAILURE: the reason is the owner's last
// error.
ss_plugin_routine_t *fkr_routine_subscribe(ss_plugin_owner_t *o, ss_plugin_routine_fn_t run,
                                           ss_plugin_routine_state_t *state);
ss_plugin_rc fkr_routine_unsubscribe(ss_plugin_owner_t *o, ss_plugin_routine_t *r);

// Engine's thread, after every capture_close: removes all of them and waits for those that run.
void fkr_routines_end(void);
