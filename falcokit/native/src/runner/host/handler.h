// SPDX-License-Identifier: Apache-2.0
// Owns the handler that plugins send async events to, its gates, and the one of dump_state.
// Called from any thread, during and after a capture, even after the plugin was destroyed.
#pragma once

#include "runner/host/guest.h"

ss_plugin_rc fk_async_handler(ss_plugin_owner_t *owner, const ss_plugin_event *evt, char *err);
ss_plugin_rc fk_dump_handler(ss_plugin_owner_t *owner, const ss_plugin_event *evt, char *err);

// The open source: its events' id and its name.
void fk_handler_source(uint32_t id, const char *name);
void fk_handler_gate(struct fk_owner *owner, bool open);
void fk_handler_disown(struct fk_owner *owner);
void fk_handler_owner_name(ss_plugin_owner_t *owner, char *name, size_t room);

bool fk_async_well_formed(const ss_plugin_event *evt);
