// SPDX-License-Identifier: Apache-2.0
// Owns what the host hands to plugins besides the async handler: the log function, the owner's last
// error, and tables that are not there. No state; any thread may call what is handed out.
#pragma once

#include "api.h"

extern const ss_plugin_init_tables_input fk_no_tables;
extern const ss_plugin_event_parse_input fk_parse_without_tables;
extern ss_plugin_capture_listen_input fk_listen_without_tables;

const char *fk_owner_last_error(ss_plugin_owner_t *owner);
void fk_log(ss_plugin_owner_t *owner, const char *component, const char *message,
            ss_plugin_log_severity severity);
