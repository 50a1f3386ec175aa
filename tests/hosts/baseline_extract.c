// SPDX-License-Identifier: Apache-2.0
// The baseline plugin: field extraction and event parsing. The host's threads.
#include "baseline.h"

uint16_t *plugin_get_extract_event_types(uint32_t *n, ss_plugin_t *s) {
	static uint16_t types[] = {322, 402};
	(void)s;
	*n = 2;
	return types;
}

#ifdef NO_SOURCE
const char *plugin_get_extract_event_sources(void) { return "[\"syscall\",\"" SOURCE "\"]"; }
#endif

const char *plugin_get_fields(void) {
#ifdef NO_SOURCE
#define FIELD "baseline_async"
#else
#define FIELD "baseline"
#endif
	return "[{\"type\":\"uint64\",\"name\":\"" FIELD
		   ".seq\",\"desc\":\"Number of the event\"},"
		   "{\"type\":\"string\",\"name\":\"" FIELD ".text\",\"desc\":\"The number as text\"}]";
}

ss_plugin_rc plugin_extract_fields(ss_plugin_t *s, const ss_plugin_event_input *e,
                                   const ss_plugin_field_extract_input *in) {
	struct plugin *p = s;
	size_t at =
		e->evt->type == 402 ? HEADER + sizeof EVENT + STAMP - 8 : PLUGIN_EVENT_PAYLOAD_OFFSET;
	p->extracted++;
	for (uint32_t i = 0; i < in->num_fields; i++) {
		ss_plugin_extract_field *f = &in->fields[i];
		f->res_len = e->evt->len >= at + 8;
		if (!f->res_len) continue;
		memcpy(&p->value, (const uint8_t *)e->evt + at, 8);
		f->res.u64 = &p->value;
		if (f->field_id != 1) continue;
		snprintf(p->buffer, sizeof p->buffer, "number %lu", p->value);
		p->text = p->buffer;
		f->res.str = &p->text;
	}
	return SS_PLUGIN_SUCCESS;
}

#ifndef NO_PARSE
uint16_t *plugin_get_parse_event_types(uint32_t *n, ss_plugin_t *s) {
	return plugin_get_extract_event_types(n, s);
}

ss_plugin_rc plugin_parse_event(ss_plugin_t *s, const ss_plugin_event_input *e,
                                const ss_plugin_event_parse_input *in) {
	struct plugin *p = s;
	(void)in;
	if (e->evt->type == 402)
		p->parsed_async++;
	else
		p->parsed++;
	return SS_PLUGIN_SUCCESS;
}
#endif
