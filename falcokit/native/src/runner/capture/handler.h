// SPDX-License-Identifier: Apache-2.0
// Owns the handler that plugins send async events to, and its checks; the handler of dump_state uses
// the same checks.
// Called from any thread, during and after a capture, even after the plugin was destroyed.
#pragma once

#include "runner/host/host.h"

ss_plugin_rc fkr_async_handler(ss_plugin_owner_t *owner, const ss_plugin_event *evt, char *err);

// Sets the open source: the plugin id of its events, and its name.
void fkr_handler_source(uint32_t id, const char *name);

bool fkr_async_well_formed(const ss_plugin_event *evt);
// The row in the statistics for async events of this name; NULL: the plugin does not declare it.
const unsigned *fkr_row_of(const struct fkr_guest *guest, const char *name);
// Writes the reason to `err` and returns FAILURE.
ss_plugin_rc fkr_refuse(char *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum {
	FKR_NAME = 42 // where an async event has its name
};
