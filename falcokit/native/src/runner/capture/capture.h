// SPDX-License-Identifier: Apache-2.0
// Owns a capture: from open to close, in the framework's order of calls. The engine's thread is the
// main thread, as in Falco.
#pragma once

#include "runner/host/host.h"

enum fkr_end {
	FKR_END_EOF,
	FKR_END_LIMIT,
	FKR_END_DURATION,
	FKR_END_SIGNAL,
	FKR_END_ERROR
};
extern const char *const fkr_end_names[];

// source: the guest whose source is opened, NULL for the idle one. `more`: this is not the first
// capture.
enum fkr_end fkr_capture(struct fkr_options *o, struct fkr_guest *source, unsigned cycle,
                         bool more);
// What every kind of capture has: its first and its last report, and what is done when no event is due,
// since what waits to be shown need not wait for more.
void fkr_report_opened(unsigned cycle, const char *source, uint32_t id);
void fkr_report_closed(unsigned cycle, enum fkr_end end, uint64_t events, uint64_t ns);
void fkr_pause(void);
