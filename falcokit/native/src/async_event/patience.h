// SPDX-License-Identifier: Apache-2.0
// How long a producer waits for room: as long as its `timeout` says, and no longer than there is a
// hope. When the host's thread is held up by the author's code, nothing is taken any more, and that
// code may be waiting for a lock that the producer holds: it is let go with an error that says so.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <Python.h>

typedef struct fk_patience {
	uint64_t until;        // monotonic ns; FK_NO_LIMIT: for ever
	uint64_t taken, since; // how much had been taken when that was last seen to change, and when
} fk_patience;
#define FK_NO_LIMIT UINT64_MAX

// timeout=: seconds or None. False: it is neither; no exception is set.
bool fk_patience_begin(fk_patience *p, PyObject *timeout);
// What is left of `ns`.
uint64_t fk_patience_left(const fk_patience *p, uint64_t ns);
// After a wait without room: whether to give up, and why. The host has taken `taken` by now, and its
// thread is held up for so many looks of the watch.
bool fk_patience_ends(fk_patience *p, uint64_t taken, uint32_t looks, char *why, size_t size);
