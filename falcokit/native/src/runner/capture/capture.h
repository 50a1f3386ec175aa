// SPDX-License-Identifier: Apache-2.0
// Owns a capture: from open to close, in the framework's order of calls. The engine's thread is the
// main thread, as in Falco.
#pragma once

#include "runner/host/options.h"

enum fk_end {
	FK_END_EOF,
	FK_END_LIMIT,
	FK_END_DURATION,
	FK_END_SIGNAL,
	FK_END_ERROR
};
extern const char *const fk_end_names[];

// source: the guest whose source is opened, NULL for the idle one. `more`: not the first capture.
enum fk_end fk_capture(struct fk_options *o, struct fk_guest *source, unsigned cycle, bool more);
