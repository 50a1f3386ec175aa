// SPDX-License-Identifier: Apache-2.0
// The part of an entry library that every plugin has: metadata, init, destroy, set_config, last error.
// Python is not started before init, so that tools can read the metadata on a machine without Python.
#include "entry/entry.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

const fk_glue *fk_table;

static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;

// With the lock: the glue's table, or NULL with the reason. If the process has already loaded a glue
// with the same content (for another plugin), that one is used: its SONAME identifies the content.
static const fk_glue *open_glue(char *err, size_t errlen) {
	const fk_plugin_data *data = fk_data();
	void *lib = dlopen(fk_text(data->glue), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	if (!lib) lib = data->items ? fk_load_from_payload(err, errlen) : fk_load_beside(err, errlen);
	const fk_glue *table = lib ? dlsym(lib, FK_GLUE_SYMBOL) : NULL;
	if (table && table->abi == FK_ABI) {
		if (data->items) fk_payload_found(table);
		return table;
	}
	if (lib)
		snprintf(err, errlen,
		         "the Python glue of plugin '%s' is of another version: build the plugin again",
		         fk_text(data->name));
	return NULL;
}

FK_EXPORT const char *plugin_get_required_api_version(void) {
	return fk_text(fk_data()->required_api);
}

FK_EXPORT const char *plugin_get_required_event_schema_version(ss_plugin_t *s) {
	return fk_text(fk_data()->required_schema);
}

FK_EXPORT const char *plugin_get_name(void) { return fk_text(fk_data()->name); }

FK_EXPORT const char *plugin_get_description(void) { return fk_text(fk_data()->description); }

FK_EXPORT const char *plugin_get_contact(void) { return fk_text(fk_data()->contact); }

FK_EXPORT const char *plugin_get_version(void) { return fk_text(fk_data()->version); }

FK_EXPORT const char *plugin_get_init_schema(ss_plugin_schema_type *type) {
	if (!type) return NULL;
	*type = SS_PLUGIN_SCHEMA_JSON;
	return fk_text(fk_data()->init_schema);
}

FK_EXPORT const char *plugin_get_last_error(ss_plugin_t *s) {
	return s ? ((fk_plugin *)s)->last_error : "there is no plugin state: init was not called";
}

FK_EXPORT ss_plugin_t *plugin_init(const ss_plugin_init_input *in, ss_plugin_rc *rc) {
	ss_plugin_rc ignored;
	if (!rc) rc = &ignored;
	*rc = SS_PLUGIN_FAILURE;
	fk_plugin *p = calloc(1, sizeof *p);
	if (!p) return NULL;
	if (!in) {
		snprintf(p->last_error, sizeof p->last_error, "init was called without an input");
		return p;
	}
	pthread_mutex_lock(&open_lock);
	if (!fk_table) fk_table = open_glue(p->last_error, sizeof p->last_error);
	const fk_glue *glue = fk_table;
	const fk_metadata *meta = glue ? fk_metadata_of_data() : NULL;
	pthread_mutex_unlock(&open_lock);
	if (glue && !meta)
		snprintf(p->last_error, sizeof p->last_error, "there is no memory for the plugin's data");
	if (meta) *rc = glue->init(p, meta, in);
	return p;
}

FK_EXPORT void plugin_destroy(ss_plugin_t *s) {
	fk_plugin *p = s;
	if (!p) return;
	if (p->impl) fk_table->destroy(p);
	free(p);
}

FK_EXPORT ss_plugin_rc plugin_set_config(ss_plugin_t *s, const ss_plugin_set_config_input *in) {
	fk_plugin *p = fk_ready(s);
	if (!p || !in) return SS_PLUGIN_FAILURE;
	return fk_table->set_config(p, in->config);
}

FK_EXPORT ss_plugin_metric *plugin_get_metrics(ss_plugin_t *s, uint32_t *n) {
	fk_plugin *p = fk_ready(s);
	if (!n) return NULL;
	*n = 0;
	return p ? fk_table->get_metrics(p, n) : NULL;
}
