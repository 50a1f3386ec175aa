// SPDX-License-Identifier: Apache-2.0
// Owns the budget of one run: the work that it may do for an event, whatever payload and program
// are. Falco's loop waits for a run, and of what a program says a payload decides how often it is
// done. Work is counted in steps of about 10 ns. What is done once for each member of the document
// and then remembered is nearly free, for the document's length bounds it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FK_JWORK (1 << 23) // steps of a run, and one more for each byte of the payload

// Below 0 all of it is spent: who loops over values ends then, and the run fails.
typedef int64_t fk_jwork;

static inline bool fk_jis_spent(const fk_jwork *left) { return __builtin_expect(*left < 0, 0); }

static inline void fk_jspend(fk_jwork *left, size_t steps) { *left -= (int64_t)steps; }

// One step. False: none is left.
static inline bool fk_jstep_on(fk_jwork *left) { return __builtin_expect(--*left >= 0, 1); }

// Bytes that are walked in blocks, copied, or read one by one. What is short is in the step that led there.
static inline void fk_jspend_bytes(fk_jwork *left, size_t bytes, unsigned a_step) {
	if (__builtin_expect(bytes >= 64, 0)) *left -= (int64_t)(bytes / a_step);
}
#define FK_JWALKED 64u
#define FK_JCOPIED 16u
#define FK_JREAD   4u
