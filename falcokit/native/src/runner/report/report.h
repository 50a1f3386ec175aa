// SPDX-License-Identifier: Apache-2.0
// Owns the stream of reports: the runner's original stdout, one JSON object a line.
// Any thread may report; reports are whole lines. The control thread flushes what waits.
#pragma once

#include <stdbool.h>

#include "runner/report/text.h"

// Takes stdout away from everybody else: descriptor 1 becomes a copy of stderr.
bool fk_report_open(void);

// Begins a report and returns the text to add keys to; every other reporter waits until its end.
struct fk_text *fk_report_begin(const char *kind);
void fk_report_end(bool now); // now: written before this returns

void fk_report_flush(void);
bool fk_report_waiting(void); // something is in the buffer
bool fk_report_broken(void);  // nobody reads any more
int fk_report_fd(void);
int fk_report_wake_fd(void); // readable when something has begun to wait

// One error report: what was being done, the plugin (or NULL), its answer and its words.
void fk_report_error(const char *phase, const char *plugin, int rc, const char *message);
