// SPDX-License-Identifier: Apache-2.0
// The baseline plugin: its async producers, a thread each, and dump_state.
#include <sched.h>

#include "baseline.h"

const char *plugin_get_async_events(void) { return "[\"" EVENT "\"]"; }

static void encode(const struct config *c, uint8_t *buffer, uint32_t producer, uint64_t sequence) {
	const char *name = c->undeclared ? "nope" : EVENT;
	uint8_t *data = buffer + HEADER + sizeof EVENT;
	uint64_t size = STAMP, ts = UINT64_MAX, stamp = now_ns(CLOCK_REALTIME);
	if (c->stamp) {
		memcpy(data, &stamp, 8);
		memcpy(data + 8, &producer, 4);
		memcpy(data + 12, &sequence, 8);
	} else {
		size = (uint64_t)sprintf((char *)data, "%lu", sequence) + 1;
	}
	if (size < c->size) size = c->size;
	if (c->ts) ts = stamp + c->ts_offset_ms * 1000000u;
	uint32_t params[] = {4, sizeof EVENT, (uint32_t)size, 0};
	ss_plugin_event header = {ts, c->tid ? c->tid : UINT64_MAX,
	                          (uint32_t)(HEADER + sizeof EVENT + size), 402, c->malformed ? 2 : 3};
	memcpy(buffer, &header, sizeof header);
	memcpy(buffer + sizeof header, params, sizeof params);
	memcpy(buffer + HEADER, name, sizeof EVENT);
}

static void emit(struct plugin *p, const uint8_t *buffer) {
	char error[PLUGIN_MAX_ERRLEN] = "";
	if (p->handler(p->async_owner, (const ss_plugin_event *)buffer, error) == SS_PLUGIN_SUCCESS) {
		p->sent++;
	} else if (!p->refused++) {
		p->log(p->owner, "producer", error, SS_PLUGIN_LOG_SEV_WARNING);
	}
}

static void *produce(void *of) {
	const struct producer *self = of;
	struct plugin *p = self->plugin;
	const struct config *c = &p->config;
	uint8_t *buffer = calloc(1, HEADER + sizeof EVENT + TEXT + c->size);
	usleep((useconds_t)c->async_first_ms * 1000);
	uint64_t begin = now_ns(CLOCK_MONOTONIC);
	for (uint64_t i = 0; i < c->async && !p->stop; i++) {
		while (c->window && !p->stop && p->sent - p->parsed_async >= c->window) sched_yield();
		// A sleep overshoots; what has become due meanwhile follows without one.
		if (c->async_rate) {
			uint64_t due = begin + i * 1000000000u / c->async_rate, now = now_ns(CLOCK_MONOTONIC);
			if (now < due) usleep((useconds_t)((due - now) / 1000));
		}
		encode(c, buffer, self->number, i);
		emit(p, buffer);
		if (c->async_delay_us && !c->async_rate) usleep((useconds_t)c->async_delay_us);
	}
	free(buffer);
	return NULL;
}

ss_plugin_rc plugin_set_async_event_handler(ss_plugin_t *s, ss_plugin_owner_t *owner,
                                            const ss_plugin_async_event_handler_t handler) {
	struct plugin *p = s;
	uint8_t buffer[256] = {0};
	if (!handler && p->config.late && p->running) {
		encode(&p->config, buffer, 0, 0);
		emit(p, buffer);
		p->late_sent++;
	}
	p->stop = true;
	while (p->running) pthread_join(p->threads[--p->running], NULL);
	p->stop = false;
	if (!handler) return p->config.fail == 4 ? fail(p, "stop") : SS_PLUGIN_SUCCESS;
	if (p->config.fail == 3) return fail(p, "start");
	p->async_owner = owner;
	p->handler = handler;
	for (; p->running < p->config.producers; p->running++) {
		p->producers[p->running].plugin = p;
		p->producers[p->running].number = p->running;
		pthread_create(&p->threads[p->running], NULL, produce, &p->producers[p->running]);
	}
	return SS_PLUGIN_SUCCESS;
}

ss_plugin_rc plugin_dump_state(ss_plugin_t *s, ss_plugin_owner_t *owner,
                               const ss_plugin_async_event_handler_t handler) {
	struct plugin *p = s;
	uint8_t buffer[256] = {0};
	struct config c = {0};
	encode(&c, buffer, 0, 12345);
	return handler(owner, (const ss_plugin_event *)buffer, p->error);
}
