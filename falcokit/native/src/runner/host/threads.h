// SPDX-License-Identifier: Apache-2.0
// Owns the host's own table `threads` and the tables nested in it, with the fields, types and initial
// values of the framework's. It starts empty, as Falco's does when no system calls are captured;
// plugins may add entries and fields. A new one is made each time plugins are loaded. Engine's
// thread only.
#pragma once

#include "runner/host/guest.h"

void fkr_threads_begin(void); // before the first plugin's init
void fkr_threads_end(void);   // after the last plugin's destroy

// The framework's additional rules for these tables: whether a table is one of them; why a field of
// that name cannot be added, or NULL; and that the key is also a field of the entry.
bool fkr_threads_own(const struct fkr_guest *owner);
const char *fkr_threads_refuse_field(const ss_plugin_table_input *table, const char *name);
// The lists of a thread (args, env, cgroups) are vectors in the framework, with the index as key: an
// entry inserted at an index truncates the list there and takes over the values at that index; an
// erased entry moves up those behind it.
bool fkr_threads_make_room(const ss_plugin_table_input *table, const ss_plugin_state_data *key,
                           ss_plugin_table_entry_t *entry); // false: no memory
void fkr_threads_erased(const ss_plugin_table_input *table, const ss_plugin_state_data *key);
void fkr_threads_inserted(const ss_plugin_table_input *table, const ss_plugin_state_data *key,
                          ss_plugin_table_entry_t *entry);
