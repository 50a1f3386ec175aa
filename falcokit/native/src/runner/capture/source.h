// SPDX-License-Identifier: Apache-2.0
// Owns the open event source: a plugin's instance and its batch, or the idle "syscall" source.
// Engine's thread only.
#pragma once

#include "runner/host/guest.h"

struct fk_source {
	struct fk_guest *guest; // NULL: idle
	const char *name;
	uint32_t id;
	ss_instance_t *instance;
	ss_plugin_event **batch;
	uint32_t size, next;
	ss_plugin_rc pending; // the answer that came with the batch, given after its last event
};

// One event (SUCCESS), TIMEOUT, EOF, or FAILURE, which has been reported.
ss_plugin_rc fk_source_next(struct fk_source *source, ss_plugin_event **evt);
