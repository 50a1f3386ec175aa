// SPDX-License-Identifier: Apache-2.0
// Owns the command line. No threads.
#pragma once

#include "runner/host/guest.h"

struct fk_options {
	struct fk_guest guests[FK_MAX_GUESTS];
	unsigned guest_count;
	const char *open_params, *source, *record, *set_config, *extract, *fields;
	uint64_t limit, duration_ns, deadline_ns;
	unsigned stats_ms, cycles, reload;
	bool events, metrics, info;
	int parent;
};

bool fk_options_read(struct fk_options *o, int argc, char **argv); // false: said on stderr
