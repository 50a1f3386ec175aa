// SPDX-License-Identifier: Apache-2.0
// Owns what the host hands to plugins besides the async handler: the inputs of their calls, with
// tables and routines, the log function, and the owner's last error. Any thread may log.
#pragma once

#include "runner/host/guest.h"

const ss_plugin_init_tables_input *fk_init_tables(void);
ss_plugin_event_parse_input fk_parse_input(const struct fk_guest *guest);
ss_plugin_field_extract_input fk_extract_input(const struct fk_guest *guest);

// capture_open or capture_close, for guests that listen. False: reported.
bool fk_listen_call(const struct fk_guest *guest, bool open);

const char *fk_owner_last_error(ss_plugin_owner_t *owner);
void fk_log(ss_plugin_owner_t *owner, const char *component, const char *message,
            ss_plugin_log_severity severity);
