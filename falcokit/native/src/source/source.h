// SPDX-License-Identifier: Apache-2.0
// Event sourcing: the calls of the ABI's table (source.c), and the Python type of a channel (queue.c).
#pragma once
#include "python/classes.h"

typedef struct fk_source_counters {
	uint64_t events, bytes, batches, dropped_size, dropped_full, discarded, waiting;
} fk_source_counters;

bool fk_sourcing_open(fk_impl *impl);
void fk_sourcing_free(fk_impl *impl);
fk_source_counters fk_source_count(fk_impl *impl);

ss_instance_t *fk_source_open(fk_plugin *p, const char *params, ss_plugin_rc *rc);
void fk_source_close(fk_plugin *p, ss_instance_t *instance);
ss_plugin_rc fk_source_next_batch(fk_plugin *p, ss_instance_t *instance, uint32_t *n,
                                  ss_plugin_event ***events);
const char *fk_source_progress(fk_plugin *p, ss_instance_t *instance, uint32_t *percent);
const char *fk_source_open_params(fk_plugin *p, ss_plugin_rc *rc);
const char *fk_source_event_to_string(fk_plugin *p, const ss_plugin_event_input *event);

PyObject *fk_source_keep_text(PyObject *module, PyObject *args);

extern PyTypeObject *fk_queue_type;
bool fk_queue_ready(void);
PyObject *fk_queue_install(PyObject *module, PyObject *args);
