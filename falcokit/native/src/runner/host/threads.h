// SPDX-License-Identifier: Apache-2.0
// Owns the host's own table `threads`, with what is nested in it: the fields, types and first
// values of the framework's. It is empty at first, as Falco's is where no system calls are
// captured; plugins may add entries and fields. One for each time that plugins are loaded. Engine's
// thread only.
#pragma once

#include "runner/host/guest.h"

void fk_threads_begin(void); // before the first plugin's init
void fk_threads_end(void);   // after the last plugin's destroy

// What the framework does besides, when a plugin calls on a table: whether it is one of these, whether
// a field of that name may not be added (then the reason), and that the key is a field of the entry.
bool fk_threads_own(const struct fk_guest *owner);
const char *fk_threads_refuse_field(const ss_plugin_table_input *table, const char *name);
// The lists of a thread (args, env, cgroups) are vectors there, with the index as key: an entry at one
// makes the list end there, with what is at that index already; one that is erased moves up the rest.
bool fk_threads_make_room(const ss_plugin_table_input *table, const ss_plugin_state_data *key,
                          ss_plugin_table_entry_t *entry); // false: there is not so much
void fk_threads_erased(const ss_plugin_table_input *table, const ss_plugin_state_data *key);
void fk_threads_inserted(const ss_plugin_table_input *table, const ss_plugin_state_data *key,
                         ss_plugin_table_entry_t *entry);
