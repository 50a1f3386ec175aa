// SPDX-License-Identifier: Apache-2.0
// The baseline plugin: metadata, init to destroy, metrics, capture listening. The host's threads.
#include "baseline.h"

static uint64_t number(const char *json, const char *key, uint64_t otherwise) {
	char quoted[64];
	snprintf(quoted, sizeof quoted, "\"%s\"", key);
	const char *p = strstr(json ? json : "", quoted);
	p = p ? strchr(p, ':') : NULL;
	return p ? strtoull(p + 1, NULL, 10) : otherwise;
}

const char *plugin_get_required_api_version(void) { return "3.11.0"; }
const char *plugin_get_description(void) { return "The C plugin to compare with"; }
const char *plugin_get_contact(void) { return "baseline@example.com"; }
const char *plugin_get_version(void) { return "0.1.0"; }
const char *plugin_get_required_event_schema_version(ss_plugin_t *s) {
	(void)s;
	return "4.0.0";
}
const char *plugin_get_last_error(ss_plugin_t *s) { return s ? ((struct plugin *)s)->error : ""; }
#ifdef NO_SOURCE
const char *plugin_get_name(void) { return "baseline_async"; }
#else
const char *plugin_get_name(void) { return "baseline"; }
#endif

const char *plugin_get_init_schema(ss_plugin_schema_type *type) {
	*type = SS_PLUGIN_SCHEMA_JSON;
	return "{\"$schema\":\"http://json-schema.org/draft-04/schema#\",\n \"type\":\"object\","
		   "\"additionalProperties\":{\"type\":\"integer\",\"minimum\":0}}";
}

ss_plugin_t *plugin_init(const ss_plugin_init_input *in, ss_plugin_rc *rc) {
	struct plugin *p = calloc(1, sizeof *p);
	struct config *c = &p->config;
	c->async = number(in->config, "async", 3);
	c->async_delay_us = number(in->config, "async_delay_us", 1000);
	c->producers = number(in->config, "producers", 1);
#define READ(key) c->key = number(in->config, #key, 0)
	READ(async_rate), READ(async_first_ms), READ(stamp), READ(size), READ(window), READ(ts),
		READ(ts_offset_ms), READ(tid);
	READ(undeclared), READ(malformed), READ(late), READ(fail), READ(hang_ms), READ(crash),
		READ(noise);
	p->owner = in->owner;
	p->log = in->log_fn;
	p->log(p->owner, NULL, "initialized", SS_PLUGIN_LOG_SEV_INFO);
	*rc = c->fail == 1 || c->producers > PRODUCERS ? fail(p, "init") : SS_PLUGIN_SUCCESS;
	return p;
}

void plugin_destroy(ss_plugin_t *s) {
	struct plugin *p = s;
	static const uint8_t nothing[HEADER + 2];
	char error[PLUGIN_MAX_ERRLEN];
	if (p->config.late && p->handler)
		p->handler(p->async_owner, (const ss_plugin_event *)nothing, error);
	free(p);
}

ss_plugin_rc plugin_set_config(ss_plugin_t *s, const ss_plugin_set_config_input *in) {
	struct plugin *p = s;
	if (p->config.fail == 5) return fail(p, "set_config");
	p->config.async_delay_us = number(in->config, "async_delay_us", p->config.async_delay_us);
	return SS_PLUGIN_SUCCESS;
}

ss_plugin_metric *plugin_get_metrics(ss_plugin_t *s, uint32_t *n) {
	struct plugin *p = s;
	const struct {
		const char *name;
		uint64_t value;
	} all[] = {
		{"sent", p->sent},     {"refused", p->refused},           {"late_sent", p->late_sent},
		{"parsed", p->parsed}, {"parsed_async", p->parsed_async}, {"extracted", p->extracted}};
	*n = sizeof all / sizeof *all;
	for (uint32_t i = 0; i < *n; i++)
		p->metrics[i] = (ss_plugin_metric){all[i].name,
		                                   SS_PLUGIN_METRIC_TYPE_MONOTONIC,
		                                   {.u64 = all[i].value},
		                                   SS_PLUGIN_METRIC_VALUE_TYPE_U64};
	return p->metrics;
}

ss_plugin_rc plugin_capture_open(ss_plugin_t *s, const ss_plugin_capture_listen_input *in) {
	struct plugin *p = s;
	(void)in;
	p->log(p->owner, NULL, "capture_open", SS_PLUGIN_LOG_SEV_DEBUG);
	return SS_PLUGIN_SUCCESS;
}

ss_plugin_rc plugin_capture_close(ss_plugin_t *s, const ss_plugin_capture_listen_input *in) {
	struct plugin *p = s;
	(void)in;
	p->log(p->owner, NULL, "capture_close", SS_PLUGIN_LOG_SEV_DEBUG);
	return SS_PLUGIN_SUCCESS;
}
