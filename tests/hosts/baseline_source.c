// SPDX-License-Identifier: Apache-2.0
// The baseline plugin: its event source, as fast as it can. The host's threads.
#include "baseline.h"

#ifndef NO_SOURCE
struct instance {
	uint64_t total, sent, batch, payload, linger_ms, end_ns;
	uint8_t *memory;
	ss_plugin_event **events;
};

uint32_t plugin_get_id(void) { return PLUGIN_ID; }
const char *plugin_get_event_source(void) { return SOURCE; }

ss_instance_t *plugin_open(ss_plugin_t *s, const char *params, ss_plugin_rc *rc) {
	struct instance *i = calloc(1, sizeof *i);
	struct plugin *p = s;
	i->total = 5, i->batch = 1, i->payload = 32;
	sscanf(params ? params : "", "%lu,%lu,%lu,%lu", &i->total, &i->batch, &i->payload,
	       &i->linger_ms);
	if (p->config.fail == 2 || !i->batch || i->payload < 8) {
		free(i);
		*rc = fail(p, "open");
		return NULL;
	}
	size_t len = PLUGIN_EVENT_PAYLOAD_OFFSET + i->payload;
	i->memory = calloc(i->batch, len);
	i->events = calloc(i->batch, sizeof *i->events);
	for (uint64_t k = 0; k < i->batch; k++) {
		uint32_t lengths[] = {4, (uint32_t)i->payload, 0};
		ss_plugin_event *e = i->events[k] = (ss_plugin_event *)(i->memory + k * len);
		*e = (ss_plugin_event){UINT64_MAX, UINT64_MAX, (uint32_t)len, 322, 2};
		memcpy(e + 1, lengths, sizeof lengths);
	}
	*rc = SS_PLUGIN_SUCCESS;
	return i;
}

void plugin_close(ss_plugin_t *s, ss_instance_t *h) {
	struct instance *i = h;
	(void)s;
	if (!i) return;
	free(i->memory);
	free(i->events);
	free(i);
}

static ss_plugin_rc linger(struct instance *i) {
	uint64_t now = now_ns(CLOCK_MONOTONIC);
	if (!i->end_ns) i->end_ns = now + i->linger_ms * 1000000u;
	if (now >= i->end_ns) return SS_PLUGIN_EOF;
	usleep(200);
	return SS_PLUGIN_TIMEOUT;
}

ss_plugin_rc plugin_next_batch(ss_plugin_t *s, ss_instance_t *h, uint32_t *n,
                               ss_plugin_event ***out) {
	struct plugin *p = s;
	struct instance *i = h;
	uint64_t k = 0;
	if (p->config.crash) abort();
	if (p->config.noise) printf("this is not a report\n"), fflush(stdout);
	// Whatever signal the host gets meanwhile: this plugin is one that does not care.
	for (uint64_t end = now_ns(CLOCK_MONOTONIC) + p->config.hang_ms * 1000000u;
	     p->config.hang_ms && now_ns(CLOCK_MONOTONIC) < end;)
		usleep(1000);
	p->config.hang_ms = 0;
	for (; k < i->batch && i->sent < i->total; k++, i->sent++) {
		i->events[k]->ts = UINT64_MAX;
		memcpy((uint8_t *)i->events[k] + PLUGIN_EVENT_PAYLOAD_OFFSET, &i->sent, sizeof i->sent);
	}
	*n = (uint32_t)k;
	*out = i->events;
	return k || p->config.fail == 6 ? SS_PLUGIN_SUCCESS : linger(i);
}

const char *plugin_list_open_params(ss_plugin_t *s, ss_plugin_rc *rc) {
	(void)s;
	*rc = SS_PLUGIN_SUCCESS;
	return "[{\"value\":\"1000,100\",\"desc\":\"1000 events in batches of 100\"}]";
}
#endif
