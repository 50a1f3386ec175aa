// SPDX-License-Identifier: Apache-2.0
// Owns a capture: from open to close, in the framework's order of calls. The engine's thread is the
// main thread, as in Falco.
#pragma once

#include "runner/host/options.h"

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
