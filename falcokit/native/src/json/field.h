// SPDX-License-Identifier: Apache-2.0
// Owns the interface of declared JSON fields: a program (what json_field() declares, as bytes) is run
// on an event's payload, without Python. docs/json-fields.md defines the operators;
// tests/json_fields/reference/ is the same in Python.
#pragma once

#include "plugin_api.h"
#include "memory/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// One field's declaration, checked and immutable: any thread.
typedef struct fk_jprogram fk_jprogram;
// What is known about the current event: one per plugin state, used by one thread at a time.
typedef struct fk_jdoc fk_jdoc;

typedef struct fk_jevent {
	const uint8_t *payload; // valid until the call that passes it returns
	size_t len;
	uint64_t ts, number;
	const char *source;      // NULL: none
	uint32_t payload_offset; // of the payload in the whole event
} fk_jevent;

// Copies the bytes. NULL with a text in `err` when they are not a valid program, or without memory.
fk_jprogram *fk_jprogram_load(const void *bytes, size_t len, char *err, size_t errlen);
void fk_jprogram_free(fk_jprogram *program);

// Keeps at most 5 MiB, whatever the size of events; a run may use 10 MiB more while it lasts.
fk_jdoc *fk_jdoc_new(void);
void fk_jdoc_free(fk_jdoc *doc);

// The following runs are about this event. The cost does not depend on its size. The payload must not
// change until the next begin; the source only during runs.
void fk_jdoc_begin(fk_jdoc *doc, const fk_jevent *event);

// Whether the last run failed because its budget of work was spent.
bool fk_jdoc_spent(const fk_jdoc *doc);
// For tests: sets the budget of a run, to which one step per byte of the payload is added.
void fk_jdoc_limit(fk_jdoc *doc, uint32_t steps);

// Fills field->res and res_len from the arena: SUCCESS, with res_len 0 for no value; or FAILURE, with
// res_len 0 and a text in `err`: a wrong argument, or a limit of docs/json-fields.md.
// With `offsets`, *start and *length get one entry per value: of the value's source in the whole event
// (a string's without its quotes), {0,0} for what was computed.
ss_plugin_rc fk_jprogram_run(const fk_jprogram *program, fk_jdoc *doc,
                             ss_plugin_extract_field *field, fk_arena *arena,
                             ss_plugin_extract_value_offsets *offsets, char *err, size_t errlen);

// ---- the budget of a run ----------------------------------------------------------------------------
// The work that a run may do for an event, whatever payload and program are: Falco's event loop waits
// for it, and the payload decides how often the steps of a program are repeated. Work is counted in
// steps of about 10 ns. What is done once per member of the document and then remembered is nearly
// free, because the length of the document bounds it.

#define FK_JWORK (1 << 23) // steps of a run, plus one for each byte of the payload

// Below 0 the budget is spent: loops over values end then, and the run fails.
typedef int64_t fk_jwork;

static inline bool fk_jis_spent(const fk_jwork *left) { return __builtin_expect(*left < 0, 0); }

static inline void fk_jspend(fk_jwork *left, size_t steps) { *left -= (int64_t)steps; }

// Spends one step. False: none is left.
static inline bool fk_jstep_on(fk_jwork *left) { return __builtin_expect(--*left >= 0, 1); }

// For bytes that are scanned in blocks, copied, or read one by one. Short ones are part of another
// step.
static inline void fk_jspend_bytes(fk_jwork *left, size_t bytes, unsigned a_step) {
	if (__builtin_expect(bytes >= 64, 0)) *left -= (int64_t)(bytes / a_step);
}
#define FK_JWALKED 64u
#define FK_JCOPIED 16u
#define FK_JREAD   4u
