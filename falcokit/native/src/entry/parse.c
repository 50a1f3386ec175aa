// SPDX-License-Identifier: Apache-2.0
// The event parsing capability of an entry library. A plugin with async events always has it, for its
// own events: parse_event shows which of them the host has delivered (docs/delivery.md).
#include "entry/entry.h"

FK_EXPORT uint16_t *plugin_get_parse_event_types(uint32_t *n, ss_plugin_t *s) {
	uint32_t ignored;
	if (!n) n = &ignored;
	*n = fk_data()->parse_type_count;
	if (fk_data()->parse_types_at_init && fk_ready(s)) return fk_table->parse_event_types(s, n);
	return (uint16_t *)fk_place(fk_data()->parse_types);
}

FK_EXPORT const char *plugin_get_parse_event_sources(void) {
	return fk_text(fk_data()->parse_sources);
}

FK_EXPORT ss_plugin_rc plugin_parse_event(ss_plugin_t *s, const ss_plugin_event_input *event,
                                          const ss_plugin_event_parse_input *in) {
	fk_plugin *p = fk_ready(s);
	if (!p || !event || !event->evt || !in) return SS_PLUGIN_FAILURE;
	return fk_table->parse_event(p, event, in);
}
