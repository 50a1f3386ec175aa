// SPDX-License-Identifier: Apache-2.0
// Owns the handler that plugins send async events to, and its checks, which that of dump_state shares.
// Called from any thread, during and after a capture, even after the plugin was destroyed.
#pragma once

#include "runner/host/guest.h"

ss_plugin_rc fk_async_handler(ss_plugin_owner_t *owner, const ss_plugin_event *evt, char *err);

// The open source: its events' id and its name.
void fk_handler_source(uint32_t id, const char *name);

bool fk_async_well_formed(const ss_plugin_event *evt);
// The row of the statistics that an async event of this name has; NULL: the plugin declares none.
const unsigned *fk_row_of(const struct fk_guest *guest, const char *name);
// FAILURE, with its reason.
ss_plugin_rc fk_refuse(char *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum {
	FK_NAME = 42 // where an async event has its name
};
