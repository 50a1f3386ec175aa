// SPDX-License-Identifier: Apache-2.0
// Owns what happens to an event on its way out: its number, the parsers, counts, report, record.
// Engine's thread only.
#pragma once

#include "runner/host/guest.h"

struct fk_delivery {
	struct fk_guest *guests;
	unsigned count;
	const char *source;
	uint32_t id;
	bool parsers; // at least one guest parses here
	bool report;  // an event report for every event
	bool sample;  // the last event into the statistics
	bool record;
	uint64_t number; // of the last delivered event
	uint64_t last_ts;
};

enum {
	FK_NO_ROW = -1
};

// row: in the statistics, FK_NO_ROW for a source's event. False: the event could not be recorded.
bool fk_deliver(struct fk_delivery *d, const ss_plugin_event *evt, int row);
