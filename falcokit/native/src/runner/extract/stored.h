// SPDX-License-Identifier: Apache-2.0
// Owns the way of stored events to plugins, as on a replay: the table `threads` is kept up to date, and
// each event goes to parse_event of the plugins that want it. What reads the fields afterwards is the
// caller's. The engine's thread only.
#pragma once

#include "runner/extract/filter.h"
#include "runner/extract/input.h"

enum {
	FKR_FOR_EXTRACT,
	FKR_FOR_PARSE
};

struct fkr_stored {
	const struct fkr_guest *guests;
	unsigned count;
	struct fkr_filter filters[FKR_MAX_GUESTS][2];
};

// After init. Only the first guest's fields are asked for.
void fkr_stored_open(struct fkr_stored *stored, const struct fkr_guest *guests, unsigned count);
// What the sender of events has to know: those of fkr_filter_report and fkr_threads_report.
void fkr_stored_report(struct fkr_text *t, const struct fkr_stored *stored);

// A frame with changes of the table. False: they are wrong; reported.
bool fkr_stored_threads(const struct fkr_frame *frame);
// Hands the event of a frame to the parsers; returns the name of its source.
const char *fkr_stored_parse(const struct fkr_stored *stored, const struct fkr_frame *frame);
