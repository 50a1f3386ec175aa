// SPDX-License-Identifier: Apache-2.0
// A plugin with a field of every type and argument kind, and with every way to misbehave while fields
// are extracted. Its events are text: words between spaces, some of them KEY=VALUE. A first word that is
// one of these makes the extraction do it: abort, segv, deep (uses up the stack), hang, slow (2 ms),
// fail, many (an absurd list), wild (a wild pointer), nowhere (values at NULL), odd (an odd address).
// The init config does the same to init. The host's threads only; every field of a call has a place of its own
// for its value, up to SLOTS of them.
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <unistd.h>

#include "plugin_api.h"

enum {
	SLOTS = 32,
	WORDS = 256,
	MAX_TEXT = 4096
};

static struct {
	char text[MAX_TEXT];
	const char *words[WORDS];
	unsigned count;
	uint64_t numbers[3];
	uint32_t truth[1];
	ss_plugin_byte_buffer buffers[2];
	uint64_t parsed;
} state;

const char *plugin_get_required_api_version(void) { return "3.0.0"; }
const char *plugin_get_version(void) { return "0.1.0"; }
const char *plugin_get_name(void) { return "words"; }
const char *plugin_get_description(void) { return "Every type of field"; }
const char *plugin_get_contact(void) { return ""; }
const char *plugin_get_last_error(ss_plugin_t *s) {
	(void)s;
	return "asked to fail";
}
uint32_t plugin_get_id(void) { return 998; }
const char *plugin_get_event_source(void) { return "words_src"; }
void plugin_destroy(ss_plugin_t *s) { (void)s; }

static int (*volatile again)(volatile char *);

static int deeper(volatile char *above) {
	volatile char here[4096];
	here[0] = above[0];
	return again(here) + here[0];
}

static ss_plugin_rc misbehave(const char *how) {
	if (!strcmp(how, "abort")) abort();
	if (!strcmp(how, "segv")) *(volatile int *)8 = 1;
	if (!strcmp(how, "deep"))
		return deeper((volatile char *)how) ? SS_PLUGIN_FAILURE : SS_PLUGIN_EOF;
	while (!strcmp(how, "hang")) pause();
	if (!strcmp(how, "slow")) usleep(2000);
	return strcmp(how, "fail") ? SS_PLUGIN_SUCCESS : SS_PLUGIN_FAILURE;
}

ss_plugin_t *plugin_init(const ss_plugin_init_input *in, ss_plugin_rc *rc) {
	*rc = misbehave(in->config);
	return &state;
}

ss_instance_t *plugin_open(ss_plugin_t *s, const char *params, ss_plugin_rc *rc) {
	(void)params;
	*rc = SS_PLUGIN_SUCCESS;
	return s;
}
void plugin_close(ss_plugin_t *s, ss_instance_t *i) { (void)s, (void)i; }
ss_plugin_rc plugin_next_batch(ss_plugin_t *s, ss_instance_t *i, uint32_t *n,
                               ss_plugin_event ***out) {
	(void)s, (void)i, (void)n, (void)out;
	return SS_PLUGIN_EOF;
}

#ifdef TYPES
uint16_t *plugin_get_extract_event_types(uint32_t *n, ss_plugin_t *s) {
	static uint16_t types[] = {TYPES};
	(void)s;
	*n = sizeof types / sizeof *types;
	return types;
}
#endif
#ifdef SOURCES
const char *plugin_get_extract_event_sources(void) { return SOURCES; }
#endif

#define ARG(members) ",\"arg\":{" members "}"
const char *plugin_get_fields(void) {
	return "[{\"type\":\"uint64\",\"name\":\"words.count\",\"desc\":\"How many, [{\\\"]\"},"
	       "{\"type\":\"string\",\"name\":\"words.all\",\"isList\":true,\"desc\":\"All\"},"
	       "{\"type\":\"string\",\"name\":\"words.nth\",\"desc\":\"One\"" ARG(
			   "\"isIndex\":true,\"isRequired\":true") "},"
	       "{\"type\":\"string\",\"name\":\"words.of\",\"desc\":\"The value of a key\"" ARG(
			   "\"isKey\":true,\"isRequired\":true") "},"
	       "{\"type\":\"string\",\"name\":\"words.some\",\"desc\":\"All, or one by key or index\"" ARG(
			   "\"isKey\":true,\"isIndex\":true") "},"
	       "{\"type\":\"bool\",\"name\":\"words.any\",\"desc\":\"Whether there are some\"},"
	       "{\"type\":\"reltime\",\"name\":\"words.took\",\"desc\":\"Always a second\"},"
	       "{\"type\":\"abstime\",\"name\":\"words.at\",\"desc\":\"When\"},"
	       "{\"type\":\"ipaddr\",\"name\":\"words.ips\",\"isList\":true,\"desc\":\"Two addresses\"},"
	       "{\"type\":\"ipnet\",\"name\":\"words.net\",\"desc\":\"A net\"},"
	       "{\"type\":\"uint64\",\"name\":\"words.parsed\",\"desc\":\"Events parsed up to here\"},"
	       "{\"type\":\"string\",\"name\":\"words.given\",\"desc\":\"What it was given\"}]";
}

ss_plugin_rc plugin_parse_event(ss_plugin_t *s, const ss_plugin_event_input *e,
                                const ss_plugin_event_parse_input *in) {
	(void)s, (void)in;
	state.parsed += e->evt->type == FK_CODE_PLUGINEVENT;
	return SS_PLUGIN_SUCCESS;
}

static void split(const ss_plugin_event *evt) {
	const char *from = (const char *)evt + PLUGIN_EVENT_PAYLOAD_OFFSET;
	size_t n = evt->len > PLUGIN_EVENT_PAYLOAD_OFFSET ? evt->len - PLUGIN_EVENT_PAYLOAD_OFFSET : 0;
	if (n >= MAX_TEXT) n = MAX_TEXT - 1;
	memcpy(state.text, from, n);
	state.text[n] = 0;
	state.count = 0;
	for (char *rest, *w = strtok_r(state.text, " ", &rest); w && state.count < WORDS;
	     w = strtok_r(NULL, " ", &rest))
		state.words[state.count++] = w;
}

static const char *by_key(const char *key) {
	size_t n = strlen(key);
	for (unsigned i = 0; i < state.count; i++)
		if (!strncmp(state.words[i], key, n) && state.words[i][n] == '=')
			return state.words[i] + n + 1;
	return NULL;
}

static const char *some(const ss_plugin_extract_field *f, uint32_t slot) {
	static char texts[SLOTS][512];
	char *text = texts[slot];
	const char *found = f->arg_key ? by_key(f->arg_key) : NULL;
	snprintf(text, sizeof *texts, "present=%u key=%s index=%ld found=%s", f->arg_present,
	         f->arg_key ? f->arg_key : "-", (long)f->arg_index, found ? found : "-");
	return text;
}

static ss_plugin_rc fill(ss_plugin_extract_field *f, const ss_plugin_event_input *e,
                         uint32_t slot) {
	static const uint8_t four[] = {10, 1, 2, 3}, sixteen[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1};
	static char packed[1 + sizeof(uint64_t)], where[128];
	static const char *ones[SLOTS];
	const char *how = state.count ? state.words[0] : "";
	f->res_len = 1;
	const char **one = &ones[slot];
	f->res.str = one;
	switch (f->field_id) {
	case 0:
		memcpy(packed + 1, &(uint64_t){state.count}, sizeof(uint64_t));
		f->res.u64 = state.numbers;
		state.numbers[0] = state.count;
		if (!strcmp(how, "odd")) f->res.u64 = (void *)(packed + 1);
		break;
	case 1:
		f->res.str = state.words;
		f->res_len = state.count;
		if (!strcmp(how, "fail")) return SS_PLUGIN_FAILURE;
		if (!strcmp(how, "many")) f->res_len = UINT64_MAX;
		if (!strcmp(how, "wild")) f->res.str = (const char **)64;
		if (!strcmp(how, "nowhere")) f->res.str = NULL;
		break;
	case 2:
		f->res_len = f->arg_index < state.count, *one = state.words[f->arg_index % WORDS];
		break;
	case 3: *one = by_key(f->arg_key), f->res_len = *one != NULL; break;
	case 4: *one = some(f, slot); break;
	case 5: f->res.boolean = state.truth, state.truth[0] = state.count > 0; break;
	case 6: f->res.u64 = &state.numbers[1], state.numbers[1] = 1000000000; break;
	case 7: f->res.u64 = state.numbers + 2, state.numbers[2] = e->evt->ts; break;
	case 8:
		f->res.buf = state.buffers, f->res_len = 2;
		state.buffers[0] = (ss_plugin_byte_buffer){4, four};
		state.buffers[1] = (ss_plugin_byte_buffer){strcmp(how, "odd") ? 16 : 5, sixteen};
		break;
	case 9: f->res.buf = state.buffers, state.buffers[0] = (ss_plugin_byte_buffer){4, four}; break;
	case 10: f->res.u64 = &state.parsed; break;
	case 11:
		snprintf(where, sizeof where, "%lu %s %u/%u %u", (unsigned long)e->evtnum, e->evtsrc,
		         e->evt->type, e->evt->nparams, e->evt->len);
		*one = where;
	}
	return SS_PLUGIN_SUCCESS;
}

ss_plugin_rc plugin_extract_fields(ss_plugin_t *s, const ss_plugin_event_input *e,
                                   const ss_plugin_field_extract_input *in) {
	(void)s;
	state.count = 0;
	if (e->evt->type == FK_CODE_PLUGINEVENT) split(e->evt);
	if (state.count && strcmp(state.words[0], "fail")) misbehave(state.words[0]);
	for (uint32_t i = 0; i < in->num_fields; i++)
		if (fill(&in->fields[i], e, i % SLOTS) != SS_PLUGIN_SUCCESS) return SS_PLUGIN_FAILURE;
	return SS_PLUGIN_SUCCESS;
}
