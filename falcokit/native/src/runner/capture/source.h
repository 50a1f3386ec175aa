// SPDX-License-Identifier: Apache-2.0
// Owns the open event source: a plugin's instance and its batch, or the idle "syscall" source.
// The engine's thread only.
#pragma once

#include "runner/host/host.h"

struct fkr_source {
	struct fkr_guest *guest; // NULL: idle
	const char *name;
	uint32_t id;
	ss_instance_t *instance;
	ss_plugin_event **batch;
	uint32_t size, next;
	ss_plugin_rc pending; // the answer that came with the batch, returned after its last event
};

// One event (SUCCESS), TIMEOUT, EOF, or FAILURE, which has been reported.
ss_plugin_rc fkr_source_next(struct fkr_source *source, ss_plugin_event **evt);
