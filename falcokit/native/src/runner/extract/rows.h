// SPDX-License-Identifier: Apache-2.0
// Owns the values that were not reported yet: one row for each event, many rows in one report. The
// engine's thread adds and flushes rows; after a crash or a hang any thread writes the rest.
#pragma once

#include <stdbool.h>

#include "runner/report/report.h"

void fkr_rows_add(
	const struct fkr_text *row); // flushes when there are many, or the oldest has waited long
void fkr_rows_flush(void);

// For the end of the process: writes the rows without taking a lock or allocating; rows that are
// added later are ignored.
void fkr_rows_last(int fd);
void fkr_write_last(int fd, const char *at, size_t n); // as much as can be written
