// SPDX-License-Identifier: Apache-2.0
// The event sourcing capability of an entry library: id, event source, open params, batches.
// A plugin without an id has the id 0 and an
// empty event source: its events are the host's own.
#include "entry/entry.h"

FK_EXPORT uint32_t plugin_get_id(void) { return fk_data()->plugin_id; }

FK_EXPORT const char *plugin_get_event_source(void) { return fk_text(fk_data()->event_source); }

FK_EXPORT ss_instance_t *plugin_open(ss_plugin_t *s, const char *params, ss_plugin_rc *rc) {
	fk_plugin *p = fk_ready(s);
	ss_plugin_rc ignored;
	if (!rc) rc = &ignored;
	*rc = SS_PLUGIN_FAILURE;
	return p ? fk_table->open(p, params, rc) : NULL;
}

FK_EXPORT void plugin_close(ss_plugin_t *s, ss_instance_t *instance) {
	fk_plugin *p = fk_ready(s);
	if (p && instance) fk_table->close(p, instance);
}

FK_EXPORT ss_plugin_rc plugin_next_batch(ss_plugin_t *s, ss_instance_t *instance, uint32_t *n,
                                         ss_plugin_event ***events) {
	fk_plugin *p = fk_ready(s);
	if (n) *n = 0;
	if (events) *events = NULL;
	if (!p || !instance || !n || !events) return SS_PLUGIN_FAILURE;
	return fk_table->next_batch(p, instance, n, events);
}

FK_EXPORT const char *plugin_get_progress(ss_plugin_t *s, ss_instance_t *instance,
                                          uint32_t *percent) {
	fk_plugin *p = fk_ready(s);
	if (percent) *percent = 0;
	return p && instance && percent ? fk_table->get_progress(p, instance, percent) : NULL;
}

FK_EXPORT const char *plugin_list_open_params(ss_plugin_t *s, ss_plugin_rc *rc) {
	fk_plugin *p = fk_ready(s);
	ss_plugin_rc ignored;
	if (!rc) rc = &ignored;
	*rc = SS_PLUGIN_FAILURE;
	return p ? fk_table->list_open_params(p, rc) : NULL;
}

FK_EXPORT const char *plugin_event_to_string(ss_plugin_t *s, const ss_plugin_event_input *event) {
	fk_plugin *p = fk_ready(s);
	return p && event && event->evt ? fk_table->event_to_string(p, event) : NULL;
}
