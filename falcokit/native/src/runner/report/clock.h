// SPDX-License-Identifier: Apache-2.0
// Owns reading the clocks. No state; any thread.
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t fkr_clock_ns(clockid_t clock) {
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t fkr_monotonic_ns(void) { return fkr_clock_ns(CLOCK_MONOTONIC); }

static inline uint64_t fkr_wall_ns(void) { return fkr_clock_ns(CLOCK_REALTIME); }
