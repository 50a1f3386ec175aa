// SPDX-License-Identifier: Apache-2.0
// The table of functions that the entry library calls, and the plugin's state from init to destroy. The
// host makes these calls on its threads, one at a time per state (except get_metrics). None of them
// takes the GIL here: hooks run on the state's worker, and parse_event enters Python only for events
// that the author wants.
#include "base/base.h"
#include "async_event/async_event.h"
#include "extract/extract.h"
#include "listen/listen.h"
#include "python/python.h"
#include "parse/parse.h"
#include "tables/tables.h"
#include "source/source.h"
#include <stdlib.h>
#include <string.h>

static void dispose(fk_impl *impl) {
	fk_async_close(impl->async);
	fk_listen_free(impl);
	fk_sourcing_free(impl);
	fk_parse_close(impl);
	fk_extract_close(impl);
	fk_tables_free(impl);
	fk_producers_free(impl);
	fk_worker_free(impl->worker);
}

static void end_log(fk_impl *impl) {
	fk_watch_forget(impl);
	pthread_mutex_lock(&impl->log_lock);
	impl->log_fn = NULL;
	pthread_mutex_unlock(&impl->log_lock);
}

// Copied, because the entry library may be unloaded while a hook that hangs still reads them.
static bool copy_metadata(fk_impl *impl, const fk_metadata *meta) {
	size_t n = 0;
	while (meta->paths[n]) n++;
	impl->name = strdup(meta->name);
	impl->target = strdup(meta->target);
	impl->build = strdup(meta->build);
	impl->source_dir = strdup(meta->source_dir);
	impl->paths = calloc(n + 1, sizeof *impl->paths);
	bool ok = impl->name && impl->target && impl->build && impl->source_dir && impl->paths;
	for (size_t i = 0; ok && i < n; i++) ok = (impl->paths[i] = strdup(meta->paths[i])) != NULL;
	return ok;
}

static fk_impl *new_impl(fk_plugin *p, const fk_metadata *meta, const ss_plugin_init_input *in) {
	fk_impl *impl = calloc(1, sizeof *impl);
	if (!impl) return NULL;
	impl->refs = 1;
	impl->plugin = p;
	impl->dispose = dispose;
	impl->owner = in->owner;
	if (meta->has_log) impl->log_fn = in->log_fn;
	pthread_mutex_init(&impl->log_lock, NULL);
	pthread_mutex_init(&impl->init_lock, NULL);
	impl->init_in = in;
	impl->has_metrics = meta->has_metrics;
	impl->has_async = meta->has_async;
	impl->imports_tables = meta->imports_tables;
	impl->plugin_id = meta->plugin_id;
	bool ok = !meta->has_source || fk_sourcing_open(impl);
	if (ok && copy_metadata(impl, meta) && fk_async_open(impl, meta->event_names) &&
	    fk_extract_open(impl, meta, p->last_error, sizeof p->last_error) && fk_worker_start(impl))
		return impl;
	fk_impl_unref(impl);
	return NULL;
}

static ss_plugin_rc glue_init(fk_plugin *p, const fk_metadata *meta,
                              const ss_plugin_init_input *in) {
	if (!fk_start_python(meta, fk_make_module, p->last_error, sizeof p->last_error))
		return SS_PLUGIN_FAILURE;
	fk_impl *impl = new_impl(p, meta, in);
	if (!impl) {
		if (!p->last_error[0])
			fk_fail(p, "plugin '%s' has no memory or thread to start with", meta->name);
		return SS_PLUGIN_FAILURE;
	}
	fk_call call = {.op = FK_OP_INIT,
	                .text = in->config ? in->config : "",
	                .name = impl->name,
	                .target = impl->target,
	                .build = impl->build,
	                .source_dir = impl->source_dir,
	                .paths = (const char *const *)impl->paths};
	fk_tables_enter_init(impl, in);
	ss_plugin_rc rc = fk_worker_run(impl, &call, "init", INIT_LIMIT_S);
	fk_tables_leave(impl);
	// An init for which the host no longer waits may still be running: from here on it finds no input.
	pthread_mutex_lock(&impl->init_lock);
	impl->init_in = NULL;
	pthread_mutex_unlock(&impl->init_lock);
	if (rc == SS_PLUGIN_SUCCESS) {
		p->impl = impl;
		return rc;
	}
	end_log(impl);
	fk_exports_close(impl);
	fk_worker_end(impl);
	fk_impl_unref(impl);
	return rc;
}

static void glue_destroy(fk_plugin *p) {
	fk_impl *impl = p->impl;
	fk_capture_stop(impl);
	fk_listen_close(p, NULL);
	fk_call call = {.op = FK_OP_DESTROY};
	if (fk_worker_run(impl, &call, "destroy", FK_SHORT_S) != SS_PLUGIN_SUCCESS)
		fk_log(impl, SS_PLUGIN_LOG_SEV_ERROR, "%s", p->last_error);
	end_log(impl);
	fk_exports_close(impl);
	fk_worker_end(impl);
	p->impl = NULL;
	fk_impl_unref(impl);
}

static ss_plugin_rc glue_set_config(fk_plugin *p, const char *config) {
	fk_call call = {.op = FK_OP_SET_CONFIG, .text = config ? config : ""};
	return fk_worker_run(p->impl, &call, "set_config", FK_LONG_S);
}

static ss_plugin_rc glue_set_handler(fk_plugin *p, ss_plugin_owner_t *owner,
                                     ss_plugin_async_event_handler_t handler) {
	return handler ? fk_capture_start(p->impl, owner, handler) : fk_capture_stop(p->impl);
}

static ss_plugin_rc glue_parse(fk_plugin *p, const ss_plugin_event_input *in,
                               const ss_plugin_event_parse_input *tables) {
	fk_impl *impl = p->impl;
	if (impl->has_async && in->evt->type == FK_CODE_ASYNCEVENT)
		fk_deliver_returned(impl->async, in);
	return fk_parse(impl, in, tables);
}

__attribute__((visibility("default"))) const fk_glue fk_glue_table = {
	.abi = FK_ABI,
	.adopt = fk_payload_adopt,
	.init = glue_init,
	.destroy = glue_destroy,
	.set_config = glue_set_config,
	.get_metrics = fk_metrics,
	.set_async_event_handler = glue_set_handler,
	.dump_state = fk_capture_dump,
	.parse_event = glue_parse,
	.extract_fields = fk_extract,
	.capture_open = fk_listen_open,
	.capture_close = fk_listen_close,
	.open = fk_source_open,
	.close = fk_source_close,
	.next_batch = fk_source_next_batch,
	.get_progress = fk_source_progress,
	.list_open_params = fk_source_open_params,
	.event_to_string = fk_source_event_to_string,
	.parse_event_types = fk_parse_types,
};
