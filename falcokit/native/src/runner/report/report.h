// SPDX-License-Identifier: Apache-2.0
// Owns the stream of reports: the runner's original stdout, one JSON object per line. Any thread may
// report; reports are whole lines. The control thread flushes the buffer.
#pragma once

#include <stdbool.h>

#include "runner/report/text.h"

// Reserves stdout for reports: descriptor 1 becomes a copy of stderr.
bool fkr_report_open(void);

// Begins a report and returns the text to add keys to. Other threads wait until fkr_report_end.
struct fkr_text *fkr_report_begin(const char *kind);
void fkr_report_end(bool now); // now: written before this returns

// Adds a row to the report `{"report":"rows","rows":[…]}`, which any other report and each writing
// ends. Rows wait no longer than other reports.
void fkr_report_row(const struct fkr_text *row);

void fkr_report_flush(void);
bool fkr_report_waiting(void); // the buffer is not empty
bool fkr_report_broken(void);  // nobody reads any more
int fkr_report_fd(void);
int fkr_report_wake_fd(void); // readable when the buffer has become non-empty

// One error report: the phase, the plugin (or NULL), its return code and its error text.
void fkr_report_error(const char *phase, const char *plugin, int rc, const char *message);
