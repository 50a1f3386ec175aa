// SPDX-License-Identifier: Apache-2.0
// The field extraction capability of an entry library: fields, event types and sources,
// extract_fields.
#include "entry/entry.h"

FK_EXPORT const char *plugin_get_fields(void) { return fk_text(fk_data()->fields); }

FK_EXPORT uint16_t *plugin_get_extract_event_types(uint32_t *n, ss_plugin_t *s) {
	if (n) *n = fk_data()->extract_type_count;
	return (uint16_t *)fk_place(fk_data()->extract_types);
}

FK_EXPORT const char *plugin_get_extract_event_sources(void) {
	return fk_text(fk_data()->extract_sources);
}

FK_EXPORT ss_plugin_rc plugin_extract_fields(ss_plugin_t *s, const ss_plugin_event_input *event,
                                             const ss_plugin_field_extract_input *in) {
	fk_plugin *p = fk_ready(s);
	if (!p || !event || !event->evt || !in || (in->num_fields && !in->fields))
		return SS_PLUGIN_FAILURE;
	return fk_table->extract_fields(p, event, in);
}
