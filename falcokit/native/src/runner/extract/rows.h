// SPDX-License-Identifier: Apache-2.0
// Owns the answers that were not reported yet: one row of values for each event, many rows a
// report. The engine's thread adds and flushes; a crash or a hang writes what is left, from any
// thread.
#pragma once

#include <stdbool.h>

#include "runner/report/text.h"

void fk_rows_add(const struct fk_text *row); // flushes when there are many, or the first is old
void fk_rows_flush(void);

// For the end of the process: writes the rows without lock or memory, and no row is taken afterwards.
void fk_rows_last(int fd);
void fk_write_last(int fd, const char *at, size_t n); // as much as can be written
