// SPDX-License-Identifier: Apache-2.0
// The field extraction capability of an entry library: fields, event types and sources,
// extract_fields. Included by the generated plugin.c after entry/base.c.

FK_EXPORT const char *plugin_get_fields(void) { return FK_META_FIELDS; }

FK_EXPORT uint16_t *plugin_get_extract_event_types(uint32_t *n, ss_plugin_t *s) {
	static uint16_t types[] = {FK_META_EXTRACT_TYPES 0};
	if (n) *n = sizeof types / sizeof *types - 1;
	return types;
}

FK_EXPORT const char *plugin_get_extract_event_sources(void) { return FK_META_EXTRACT_SOURCES; }

FK_EXPORT ss_plugin_rc plugin_extract_fields(ss_plugin_t *s, const ss_plugin_event_input *event,
                                             const ss_plugin_field_extract_input *in) {
	fk_plugin *p = fk_ready(s);
	if (!p || !event || !event->evt || !in || (in->num_fields && !in->fields))
		return SS_PLUGIN_FAILURE;
	return fk_table->extract_fields(p, event, in);
}
