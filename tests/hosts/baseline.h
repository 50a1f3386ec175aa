// SPDX-License-Identifier: Apache-2.0
// The C plugin that benchmarks compare with and that hosts are tried on. Its async producers are
// naive, as those of the plugin SDKs: each thread calls the host's handler for every event.
//
//     gcc -O2 -fPIC -shared -pthread -I<folder of plugin_api.h> [-DNO_SOURCE] [-DNO_PARSE] -o lib.so
//
// of baseline_*.c. NO_SOURCE leaves the event source out (plugin "baseline_async" instead of "baseline").
// Open params: "EVENTS[,BATCH[,PAYLOAD_BYTES[,LINGER_MS]]]"; after the last event the source times out
// for LINGER_MS and then ends. Init config: a JSON object of numbers, see `struct config`.
// Threads: the host's, and one for each producer between set_async_event_handler calls.
#pragma once

#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugin_api.h"

#define PLUGIN_ID 999
#define SOURCE    "baseline_src"
#define EVENT     "beat"
enum {
	PRODUCERS = 64,
	STAMP = 20,
	HEADER = 42,
	TEXT = 64
};

struct config {
	uint64_t async;          // events of each producer (3)
	uint64_t async_delay_us; // between two of them (1000)
	uint64_t async_rate;     // so many a second, instead of the delay (0: off)
	uint64_t async_first_ms; // pause before the first (0)
	uint64_t producers;      // threads (1)
	uint64_t stamp;          // 1: data begins with u64 wall clock ns, u32 producer, u64 sequence
	uint64_t size;           // at least so many bytes of data (0)
	uint64_t window;         // at most so many sent and not seen by parse_event yet (0: any)
	uint64_t ts;             // 1: a timestamp of its own, the wall clock plus ts_offset_ms
	uint64_t ts_offset_ms;
	uint64_t tid;        // 0: not set
	uint64_t undeclared; // 1: an event name that was not declared
	uint64_t malformed;  // 1: the wrong number of parameters
	uint64_t late;       // 1: sends once more while it is being stopped, and once in destroy
	uint64_t fail;       // 1: init, 2: open, 3: start, 4: stop, 5: set_config, 6: an empty batch
	uint64_t hang_ms;    // next_batch waits so long, once
	uint64_t crash;      // 1: the first next_batch aborts the process
	uint64_t noise;      // 1: next_batch prints to stdout
};

struct plugin {
	struct config config;
	char error[PLUGIN_MAX_ERRLEN];
	ss_plugin_owner_t *owner;
	ss_plugin_log_fn_t log;
	ss_plugin_owner_t *async_owner;
	ss_plugin_async_event_handler_t handler;
	pthread_t threads[PRODUCERS];
	unsigned running;
	atomic_bool stop;
	_Atomic uint64_t sent, refused, late_sent, parsed, parsed_async, extracted;
	struct producer {
		struct plugin *plugin;
		uint32_t number;
	} producers[PRODUCERS];
	uint64_t value;
	const char *text;
	char buffer[TEXT];
	ss_plugin_metric metrics[6];
};

static inline uint64_t now_ns(clockid_t clock) {
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline ss_plugin_rc fail(struct plugin *p, const char *what) {
	snprintf(p->error, sizeof p->error, "%s was asked to fail", what);
	return SS_PLUGIN_FAILURE;
}
