// SPDX-License-Identifier: Apache-2.0
// The part of an entry library that every plugin has: metadata, init, destroy, set_config, last error.
// Included by the generated plugin.c after its constants (FK_META_*, fk_plugin_metadata, FK_GLUE) and
// the file of its layout (entry/beside.c, entry/payload.c). The host may call on any thread. Python is
// not started before init, so that tools can read the metadata on a machine without Python.
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define FK_EXPORT __attribute__((visibility("default")))

// A copy of the metadata for tools that read the file without loading it (falcokit/build/about.py).
__attribute__((used)) static const char fk_about[] = "\nfalcokit-about-1\n" FK_META_ABOUT;

static pthread_mutex_t fk_open_lock = PTHREAD_MUTEX_INITIALIZER;
static const fk_glue *fk_table; // set once, under the lock

// The glue's table, or NULL with the reason. If the process has already loaded a glue with the same
// content (for another plugin), that one is used: its SONAME identifies the content. Otherwise
// fk_load_glue of the layout loads it.
static const fk_glue *fk_open_glue(char *err, size_t errlen) {
	pthread_mutex_lock(&fk_open_lock);
	if (!fk_table) {
		void *lib = dlopen(FK_GLUE, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
		if (!lib) lib = fk_load_glue(err, errlen);
		const fk_glue *table = lib ? dlsym(lib, FK_GLUE_SYMBOL) : NULL;
		if (table && table->abi == FK_ABI) {
			fk_glue_found(table);
			fk_table = table;
		} else if (lib)
			snprintf(err, errlen,
			         "the Python glue of plugin '" FK_META_NAME
			         "' is of another version: build the plugin again");
	}
	pthread_mutex_unlock(&fk_open_lock);
	return fk_table;
}

FK_EXPORT const char *plugin_get_required_api_version(void) { return FK_META_REQUIRED_API; }

FK_EXPORT const char *plugin_get_required_event_schema_version(ss_plugin_t *s) {
	return FK_META_REQUIRED_SCHEMA;
}

FK_EXPORT const char *plugin_get_name(void) { return FK_META_NAME; }

FK_EXPORT const char *plugin_get_description(void) { return FK_META_DESCRIPTION; }

FK_EXPORT const char *plugin_get_contact(void) { return FK_META_CONTACT; }

FK_EXPORT const char *plugin_get_version(void) { return FK_META_VERSION; }

#ifdef FK_META_INIT_SCHEMA
FK_EXPORT const char *plugin_get_init_schema(ss_plugin_schema_type *type) {
	if (!type) return NULL;
	*type = SS_PLUGIN_SCHEMA_JSON;
	return FK_META_INIT_SCHEMA;
}
#endif

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
	const fk_glue *glue = fk_open_glue(p->last_error, sizeof p->last_error);
	if (glue) *rc = glue->init(p, &fk_plugin_metadata, in);
	return p;
}

FK_EXPORT void plugin_destroy(ss_plugin_t *s) {
	fk_plugin *p = s;
	if (!p) return;
	if (p->impl) fk_table->destroy(p);
	free(p);
}

// The state of a call that needs a working plugin, or NULL with the reason as the last error.
static fk_plugin *fk_ready(ss_plugin_t *s) {
	fk_plugin *p = s;
	return p && p->impl ? p : NULL;
}

#ifdef FK_HAS_SET_CONFIG
FK_EXPORT ss_plugin_rc plugin_set_config(ss_plugin_t *s, const ss_plugin_set_config_input *in) {
	fk_plugin *p = fk_ready(s);
	if (!p || !in) return SS_PLUGIN_FAILURE;
	return fk_table->set_config(p, in->config);
}
#endif

#if defined FK_HAS_METRICS || defined FK_HAS_ASYNC || defined FK_HAS_SOURCE || \
	defined FK_HAS_DECLARED_FIELDS
FK_EXPORT ss_plugin_metric *plugin_get_metrics(ss_plugin_t *s, uint32_t *n) {
	fk_plugin *p = fk_ready(s);
	if (!n) return NULL;
	*n = 0;
	return p ? fk_table->get_metrics(p, n) : NULL;
}
#endif
