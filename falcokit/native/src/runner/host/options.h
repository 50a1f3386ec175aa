// SPDX-License-Identifier: Apache-2.0
// Owns the command line. No threads.
//
// Options whose values nobody may read from the process list (configs may hold secrets) come on
// stdin, before anything else: a u32 with the number of bytes, in this machine's byte order, then
// each word followed by a NUL.
#pragma once

#include "runner/host/guest.h"

struct fkr_options {
	struct fkr_guest guests[FKR_MAX_GUESTS];
	unsigned guest_count;
	const char *open_params, *source, *record, *set_config, *extract, *fields, *rows;
	const char *fields_of; // a plugin's name; NULL: the first
	uint64_t limit, duration_ns, deadline_ns;
	unsigned stats_ms, cycles, reload;
	bool events, metrics, info, replay;
	int parent;
};

bool fkr_options_read(struct fkr_options *o, int argc, char **argv); // false: reported on stderr
