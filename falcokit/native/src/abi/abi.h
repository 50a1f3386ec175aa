// SPDX-License-Identifier: Apache-2.0
// The interface between the entry library (one per plugin, without libpython) and the glue library (one
// per version of falcokit and Python), which the entry library opens and calls through `fk_glue`. The
// data that `fk_metadata` points to belongs to the entry library: the glue copies what it keeps.
#pragma once

#include <stddef.h>
#include "plugin_api.h"

typedef struct fk_store fk_store; // payload/store.h

#define FK_ABI         6
#define FK_GLUE_SYMBOL "fk_glue_table"
#define FK_ERRLEN      4096

// One field of get_fields, in its order. Without a program it is a method of the author's class.
typedef struct fk_field_metadata {
	const char *name;      // NULL after the last
	const char *attribute; // the name of the method in the class
	const void *program;
	size_t program_size;
	uint8_t argument; // FK_ARGUMENT_*
	uint8_t required; // whether the argument is required
} fk_field_metadata;
#define FK_ARGUMENT_INDEX 1
#define FK_ARGUMENT_KEY   2

// The plugin's own, written at build time.
typedef struct fk_metadata {
	const char *name;
	const char *target;              // "module:Class"
	const char *build;               // a hash of all that is written at build time
	const char *source_dir;          // the author's code
	const char *executable;          // the Python it was built with: sys.executable
	const char *stdlib;              // folder of the standard library
	const char *const *paths;        // module search path, NULL at its end; a packaged one has none
	const char *const *event_names;  // async events, NULL at its end
	const fk_field_metadata *fields; // NULL without field extraction
	int has_offsets;                 // the required API version has value offsets: 3.11 and newer
	uint32_t plugin_id;              // 0: none, or no event sourcing
	const char *event_source;        // NULL: none
	int has_source;
	int has_metrics; // the author defined get_metrics
	int has_async;
	int imports_tables;
	int has_log; // the required API version has a log function: 3.4 and newer
} fk_metadata;

// The result of init(). It exists even when Python could not be started, to hold the last error.
typedef struct fk_plugin {
	char last_error[FK_ERRLEN];
	void *impl; // of the glue; NULL after a failed init
} fk_plugin;

typedef struct fk_glue {
	uint32_t abi;
	void (*adopt)(fk_store *store); // for a packaged library, once, before the first init
	ss_plugin_rc (*init)(fk_plugin *p, const fk_metadata *meta, const ss_plugin_init_input *in);
	void (*destroy)(fk_plugin *p);
	ss_plugin_rc (*set_config)(fk_plugin *p, const char *config);
	ss_plugin_metric *(*get_metrics)(fk_plugin *p, uint32_t *n);
	ss_plugin_rc (*set_async_event_handler)(fk_plugin *p, ss_plugin_owner_t *owner,
	                                        ss_plugin_async_event_handler_t handler);
	ss_plugin_rc (*dump_state)(fk_plugin *p, ss_plugin_owner_t *owner,
	                           ss_plugin_async_event_handler_t handler);
	ss_plugin_rc (*parse_event)(fk_plugin *p, const ss_plugin_event_input *event,
	                            const ss_plugin_event_parse_input *in);
	// Those of a capability that the plugin lacks are not called: the entry library does not export them.
	ss_instance_t *(*open)(fk_plugin *p, const char *params, ss_plugin_rc *rc);
	void (*close)(fk_plugin *p, ss_instance_t *instance);
	ss_plugin_rc (*next_batch)(fk_plugin *p, ss_instance_t *instance, uint32_t *n,
	                           ss_plugin_event ***events);
	const char *(*get_progress)(fk_plugin *p, ss_instance_t *instance, uint32_t *percent);
	const char *(*list_open_params)(fk_plugin *p, ss_plugin_rc *rc);
	const char *(*event_to_string)(fk_plugin *p, const ss_plugin_event_input *event);
	ss_plugin_rc (*extract_fields)(fk_plugin *p, const ss_plugin_event_input *event,
	                               const ss_plugin_field_extract_input *in);
	ss_plugin_rc (*capture_open)(fk_plugin *p, const ss_plugin_capture_listen_input *in);
	ss_plugin_rc (*capture_close)(fk_plugin *p, const ss_plugin_capture_listen_input *in);
	// The codes chosen at init, including that of async events.
	uint16_t *(*parse_event_types)(fk_plugin *p, uint32_t *n);
} fk_glue;
