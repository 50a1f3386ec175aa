// SPDX-License-Identifier: Apache-2.0
// Owns the host's own table `threads` and the tables nested in it, with the fields, types and initial
// values of the framework's. It starts empty, as Falco's does when no system calls are captured, and
// stays so unless a capture is replayed; plugins may add entries and fields. A new one is made each
// time plugins are loaded. Engine's thread only.
#pragma once

#include "runner/host/host.h"

// For the registry (tables.h): a new table with its owner, or NULL; its end; the guest that owns it.
const ss_plugin_table_input *fkr_threads_make(struct fkr_owner **owner);
void fkr_threads_close(void);
struct fkr_guest *fkr_threads_guest(void);

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

// What the events of a capture change: made by falcokit/runner/thread_changes.py, which keeps the
// state. Each change is, without padding and in this machine's byte order, a u8 that says what
// (enum fkr_change), the u8 number of a column, an i64 thread id, for changes of a descriptor its i64
// number (for a copy the id of the other thread), and the value. What a plugin has erased is passed
// over. False: it is not in this form.
bool fkr_threads_change(const char *changes, size_t size);
// `,"threads":[[…],[…]]`: the names of the columns, of a thread and of a descriptor; null unless the
// table is wanted.
void fkr_threads_report(struct fkr_text *t, bool wanted);

// The threads of a process share the descriptors of its main thread. Returns the entry to read the
// field from in the place of `entry`, to be released; NULL: `entry` itself.
ss_plugin_table_entry_t *fkr_threads_main(const ss_plugin_table_input *table,
                                          ss_plugin_table_entry_t *entry,
                                          const ss_plugin_table_field_t *field);
void fkr_threads_release(ss_plugin_table_entry_t *entry);
