// SPDX-License-Identifier: Apache-2.0
// The state of a plugin behind ss_plugin_t, and the calls from C into its Python side. Every room of
// the glue uses a state through this header, and keeps its own part of it behind a pointer here.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "abi/abi.h"
#include "event/event.h"

// ---- the calls into Python: one struct for all of them, repeated in falcokit/build/glue_library.py --
enum fk_op {
	FK_OP_INIT,
	FK_OP_DESTROY,
	FK_OP_SET_CONFIG,
	FK_OP_START,
	FK_OP_STOP,
	FK_OP_DUMP,
	FK_OP_OPEN_PARAMS,
	FK_OP_OPEN,
	FK_OP_CLOSE,
	FK_OP_CAPTURE_OPEN,
	FK_OP_CAPTURE_CLOSE
};

typedef struct fk_call {
	uint64_t plugin; // the fk_impl's address: the key of the Python side's table
	int op;
	const char *text; // config or open params, or NULL
	const char *name, *target, *source_dir;
	const char *const *paths;
	char *err;
	size_t errlen;
	uint64_t channel; // the fk_channel of an open event source
} fk_call;

// Defined by the code that cffi generates.
extern int fk_call_python(fk_call *call);
extern int fk_python_where(uint64_t plugin, char *out, size_t len);
extern int fk_python_metrics(uint64_t plugin);
extern int fk_python_progress(uint64_t plugin, uint64_t channel, char *err, size_t len);
extern int fk_python_event_to_string(uint64_t plugin, const ss_plugin_event_input *event, char *err,
                                     size_t len);

// ---- a plugin ---------------------------------------------------------------------------------------
typedef struct fk_impl {
	_Atomic int refs;  // the host, the worker, each Python object that points here
	fk_plugin *plugin; // NULL after destroy
	char *name, *target, *source_dir, **paths; // copies of the fk_metadata's
	bool has_metrics, has_async, imports_tables;
	uint32_t plugin_id; // of its event source, 0: it has none
	ss_plugin_owner_t *owner;
	ss_plugin_log_fn_t log_fn; // NULL after destroy
	pthread_mutex_t log_lock;
	pthread_mutex_t init_lock;
	const ss_plugin_init_input *init_in; // while the host waits for init
	bool capturing;                      // a handler is set and start_async has succeeded
	fk_event_slot event;                 // with which hooks were called last
	// The parts of the other rooms; `dispose`, of base/plugin.c, frees them.
	void (*dispose)(struct fk_impl *impl);
	struct fk_worker *worker;         // python/worker.c
	struct fk_async *async;           // async_event/capture.c
	struct fk_sourcing *sourcing;     // source/source.c
	struct fk_extraction *extraction; // extract/extract.c
	struct fk_parsing *parsing;       // parse/parse.c
	struct fk_tables *tables;         // tables/lent.c
	struct fk_listening *listening;   // listen/listen.c
	struct fk_xroot *exports;         // tables/export.c
	struct fk_producers *producers;   // async_event/producers.c
} fk_impl;

void fk_impl_ref(fk_impl *impl);
void fk_impl_unref(fk_impl *impl);
void fk_fail(fk_plugin *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fk_log(fk_impl *impl, ss_plugin_log_severity sev, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void fk_log_text(fk_impl *impl, ss_plugin_log_severity sev, const char *component,
                 const char *text);
static inline uint64_t fk_now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

// The host waits for this thread: it is the host's own, inside a hook, or the worker. Nobody takes
// anything from a queue meanwhile, so the thread must not wait for room.
extern __thread bool fk_blocks_host;
