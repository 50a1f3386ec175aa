// SPDX-License-Identifier: Apache-2.0
// Owns the capture file being written. Engine's thread; the dump handler writes during dump_state.
#pragma once

#include "runner/host/host.h"

// Writes the head of a section; appends to the file when `more` captures go into it.
bool fkr_recorder_open(const char *path, bool more);
void fkr_recorder_dump(struct fkr_guest *guests, unsigned count); // every async plugin's dump_state
bool fkr_recorder_write(const ss_plugin_event *evt);
bool fkr_recorder_close(void); // false: something was not written; reported
