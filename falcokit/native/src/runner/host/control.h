// SPDX-License-Identifier: Apache-2.0
// Owns when a capture has to end, and the control thread: it flushes waiting reports, reports
// statistics on time, and notices signals, the end of the duration, and that nobody reads any more.
#pragma once

#include "runner/host/guest.h"

enum fk_stop {
	FK_GO_ON,
	FK_STOP_DURATION,
	FK_STOP_SIGNAL
};

// stats_ms 0: no periodic statistics. parent: the process to die with, 0: whoever started us.
bool fk_control_start(unsigned stats_ms, int parent);

// A capture is open from begin to end. `duration_ns` 0: without end. With `metrics`, each guest is
// asked for its metrics with each report of statistics, on the control thread.
void fk_control_begin(uint64_t duration_ns, struct fk_guest *metrics, unsigned count);
void fk_control_end(void); // afterwards the control thread calls no guest

enum fk_stop fk_control_stop(void);
