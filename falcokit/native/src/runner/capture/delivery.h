// SPDX-License-Identifier: Apache-2.0
// Owns the delivery of an event: its number, the parsers, counters, report, row and recording.
// The engine's thread only.
#pragma once

#include "runner/host/host.h"

// How many events may be reported now: so many a second, and as many at once.
struct fkr_allowance {
	uint64_t per_second; // 0: none
	uint64_t parts;      // of an event, in ns times per_second
	uint64_t seen_ns;    // when `parts` was computed
};

struct fkr_delivery {
	struct fkr_guest *guests;
	unsigned count;
	const char *source;
	uint32_t id;
	bool parsers;                   // at least one guest parses here
	bool report;                    // an event report for every event
	struct fkr_allowance allowance; // for event reports beside the statistics
	bool sample;                    // put the last event into the statistics
	bool record;
	bool rows;
	uint64_t number; // of the last delivered event
	uint64_t last_ts;
};

enum {
	FKR_NO_ROW = -1,
	FKR_BY_CODE = -2,
};

// row: in the statistics, FKR_NO_ROW for a source's event, FKR_BY_CODE for others of a replay. False:
// the event could not be recorded.
bool fkr_deliver(struct fkr_delivery *d, const ss_plugin_event *evt, int row);
// The same for an event that has its number already and went to the parsers.
bool fkr_deliver_parsed(struct fkr_delivery *d, const ss_plugin_event *evt, int row);
