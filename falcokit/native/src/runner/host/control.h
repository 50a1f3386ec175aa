// SPDX-License-Identifier: Apache-2.0
// Owns the decision to end a capture, and the control thread: it flushes buffered reports, reports
// statistics on time, and notices signals, the end of the duration and a closed output.
#pragma once

#include "runner/host/guest.h"

enum fkr_stop {
	FKR_GO_ON,
	FKR_STOP_DURATION,
	FKR_STOP_SIGNAL
};

// stats_ms 0: no periodic statistics. parent: the process to exit with; 0: the current parent.
bool fkr_control_start(unsigned stats_ms, int parent);

// A capture is open from begin to end. `duration_ns` 0: unlimited. With `metrics`, the control thread
// reports the metrics of each guest together with the statistics.
void fkr_control_begin(uint64_t duration_ns, struct fkr_guest *metrics, unsigned count);
void fkr_control_end(void); // afterwards the control thread calls no guest

enum fkr_stop fkr_control_stop(void);
