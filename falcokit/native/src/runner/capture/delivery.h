// SPDX-License-Identifier: Apache-2.0
// Owns the delivery of an event: its number, the parsers, counters, report and recording.
// The engine's thread only.
#pragma once

#include "runner/host/guest.h"

struct fkr_delivery {
	struct fkr_guest *guests;
	unsigned count;
	const char *source;
	uint32_t id;
	bool parsers; // at least one guest parses here
	bool report;  // an event report for every event
	bool sample;  // put the last event into the statistics
	bool record;
	uint64_t number; // of the last delivered event
	uint64_t last_ts;
};

enum {
	FKR_NO_ROW = -1
};

// row: in the statistics, FKR_NO_ROW for a source's event. False: the event could not be recorded.
bool fkr_deliver(struct fkr_delivery *d, const ss_plugin_event *evt, int row);
