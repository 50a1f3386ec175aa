// SPDX-License-Identifier: Apache-2.0
// Owns the list of symbols that a plugin library may export, and the table of pointers to them.
// No state, no threads.
#pragma once

#include "plugin_api.h"

// X(name, required, result, arguments): one row per symbol `plugin_<name>`.
#define FKR_SYMBOLS(X)                                                                         \
	X(get_required_api_version, 1, const char *, (void))                                       \
	X(get_version, 1, const char *, (void))                                                    \
	X(get_last_error, 1, const char *, (ss_plugin_t *))                                        \
	X(get_name, 1, const char *, (void))                                                       \
	X(get_description, 1, const char *, (void))                                                \
	X(get_contact, 1, const char *, (void))                                                    \
	X(init, 1, ss_plugin_t *, (const ss_plugin_init_input *, ss_plugin_rc *))                  \
	X(destroy, 1, void, (ss_plugin_t *))                                                       \
	X(get_init_schema, 0, const char *, (ss_plugin_schema_type *))                             \
	X(get_id, 0, uint32_t, (void))                                                             \
	X(get_event_source, 0, const char *, (void))                                               \
	X(open, 0, ss_instance_t *, (ss_plugin_t *, const char *, ss_plugin_rc *))                 \
	X(close, 0, void, (ss_plugin_t *, ss_instance_t *))                                        \
	X(next_batch, 0, ss_plugin_rc,                                                             \
	  (ss_plugin_t *, ss_instance_t *, uint32_t *, ss_plugin_event ***))                       \
	X(get_progress, 0, const char *, (ss_plugin_t *, ss_instance_t *, uint32_t *))             \
	X(list_open_params, 0, const char *, (ss_plugin_t *, ss_plugin_rc *))                      \
	X(event_to_string, 0, const char *, (ss_plugin_t *, const ss_plugin_event_input *))        \
	X(get_fields, 0, const char *, (void))                                                     \
	X(extract_fields, 0, ss_plugin_rc,                                                         \
	  (ss_plugin_t *, const ss_plugin_event_input *, const ss_plugin_field_extract_input *))   \
	X(get_extract_event_types, 0, uint16_t *, (uint32_t *, ss_plugin_t *))                     \
	X(get_extract_event_sources, 0, const char *, (void))                                      \
	X(get_parse_event_types, 0, uint16_t *, (uint32_t *, ss_plugin_t *))                       \
	X(get_parse_event_sources, 0, const char *, (void))                                        \
	X(parse_event, 0, ss_plugin_rc,                                                            \
	  (ss_plugin_t *, const ss_plugin_event_input *, const ss_plugin_event_parse_input *))     \
	X(get_async_event_sources, 0, const char *, (void))                                        \
	X(get_async_events, 0, const char *, (void))                                               \
	X(set_async_event_handler, 0, ss_plugin_rc,                                                \
	  (ss_plugin_t *, ss_plugin_owner_t *, const ss_plugin_async_event_handler_t))             \
	X(dump_state, 0, ss_plugin_rc,                                                             \
	  (ss_plugin_t *, ss_plugin_owner_t *, const ss_plugin_async_event_handler_t))             \
	X(set_config, 0, ss_plugin_rc, (ss_plugin_t *, const ss_plugin_set_config_input *))        \
	X(get_metrics, 0, ss_plugin_metric *, (ss_plugin_t *, uint32_t *))                         \
	X(capture_open, 0, ss_plugin_rc, (ss_plugin_t *, const ss_plugin_capture_listen_input *))  \
	X(capture_close, 0, ss_plugin_rc, (ss_plugin_t *, const ss_plugin_capture_listen_input *)) \
	X(get_required_event_schema_version, 0, const char *, (ss_plugin_t *))

struct fkr_api {
#define FKR_POINTER(name, required, result, arguments) result(*name) arguments;
	FKR_SYMBOLS(FKR_POINTER)
#undef FKR_POINTER
};
