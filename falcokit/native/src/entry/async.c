// SPDX-License-Identifier: Apache-2.0
// The async events capability of an entry library: names, sources, handler, dump_state.
#include "entry/entry.h"

FK_EXPORT const char *plugin_get_async_events(void) { return fk_text(fk_data()->async_events); }

FK_EXPORT const char *plugin_get_async_event_sources(void) {
	return fk_text(fk_data()->async_sources);
}

FK_EXPORT ss_plugin_rc plugin_set_async_event_handler(
	ss_plugin_t *s, ss_plugin_owner_t *owner, const ss_plugin_async_event_handler_t handler) {
	fk_plugin *p = fk_ready(s);
	return p ? fk_table->set_async_event_handler(p, owner, handler) : SS_PLUGIN_FAILURE;
}

FK_EXPORT ss_plugin_rc plugin_dump_state(ss_plugin_t *s, ss_plugin_owner_t *owner,
                                         const ss_plugin_async_event_handler_t handler) {
	fk_plugin *p = fk_ready(s);
	if (!p) return SS_PLUGIN_FAILURE;
	return handler ? fk_table->dump_state(p, owner, handler) : SS_PLUGIN_SUCCESS;
}
