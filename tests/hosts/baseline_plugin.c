// SPDX-License-Identifier: Apache-2.0
// The C plugin that benchmarks compare with and that hosts are tried on. Its async producers are
// naive, as those of the plugin SDKs: each thread calls the host's handler for every event.
//
//     gcc -O2 -fPIC -shared -pthread -I<folder of plugin_api.h> [-DNO_SOURCE] [-DNO_PARSE] -o lib.so
//
// NO_SOURCE leaves the event source out (plugin "baseline_async" instead of "baseline").
// Open params: "EVENTS[,BATCH[,PAYLOAD_BYTES[,LINGER_MS]]]"; after the last event the source times out
// for LINGER_MS and then ends. Init config: a JSON object of numbers, see `struct config`.
// Threads: the host's, and one for each producer between set_async_event_handler calls.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugin_api.h"

#define PLUGIN_ID 999
#define SOURCE "baseline_src"
#define EVENT "beat"
enum { PRODUCERS = 64, STAMP = 20, HEADER = 42, TEXT = 64 };

struct config {
	uint64_t async;          // events of each producer (3)
	uint64_t async_delay_us; // between two of them (1000)
	uint64_t producers;      // threads (1)
	uint64_t stamp;          // 1: data begins with u64 wall clock ns, u32 producer, u64 sequence
	uint64_t size;           // at least so many bytes of data (0)
	uint64_t window;         // at most so many sent and not seen by parse_event yet (0: any)
	uint64_t ts;             // 1: a timestamp of its own, the wall clock plus ts_offset_ms
	uint64_t ts_offset_ms;
	uint64_t tid;            // 0: not set
	uint64_t undeclared;     // 1: an event name that was not declared
	uint64_t malformed;      // 1: the wrong number of parameters
	uint64_t late;           // 1: sends once more while it is being stopped, and once in destroy
	uint64_t fail;           // 1: init, 2: open, 3: start, 4: stop, 5: set_config, 6: an empty batch
	uint64_t hang_ms;        // next_batch waits so long, once
	uint64_t crash;          // 1: the first next_batch aborts the process
	uint64_t noise;          // 1: next_batch prints to stdout
};

struct plugin {
	struct config config;
	char error[PLUGIN_MAX_ERRLEN];
	ss_plugin_owner_t *owner;
	ss_plugin_log_fn_t log;
	ss_plugin_owner_t *async_owner;
	ss_plugin_async_event_handler_t handler;
	pthread_t threads[PRODUCERS];
	unsigned running;
	atomic_bool stop;
	_Atomic uint64_t sent, refused, late_sent, parsed, parsed_async, extracted;
	struct producer {
		struct plugin *plugin;
		uint32_t number;
	} producers[PRODUCERS];
	uint64_t value;
	const char *text;
	char buffer[TEXT];
	ss_plugin_metric metrics[6];
};

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t number(const char *json, const char *key, uint64_t otherwise)
{
	char quoted[64];
	snprintf(quoted, sizeof quoted, "\"%s\"", key);
	const char *p = strstr(json ? json : "", quoted);
	p = p ? strchr(p, ':') : NULL;
	return p ? strtoull(p + 1, NULL, 10) : otherwise;
}

static ss_plugin_rc fail(struct plugin *p, const char *what)
{
	snprintf(p->error, sizeof p->error, "%s was asked to fail", what);
	return SS_PLUGIN_FAILURE;
}

// ---- metadata, init, metrics ----------------------------------------------------------------------

const char *plugin_get_required_api_version(void) { return "3.11.0"; }
const char *plugin_get_description(void) { return "The C plugin to compare with"; }
const char *plugin_get_contact(void) { return "baseline@example.com"; }
const char *plugin_get_version(void) { return "0.1.0"; }
const char *plugin_get_required_event_schema_version(ss_plugin_t *s) { (void)s; return "4.0.0"; }
const char *plugin_get_last_error(ss_plugin_t *s) { return s ? ((struct plugin *)s)->error : ""; }
#ifdef NO_SOURCE
const char *plugin_get_name(void) { return "baseline_async"; }
#else
const char *plugin_get_name(void) { return "baseline"; }
#endif

const char *plugin_get_init_schema(ss_plugin_schema_type *type)
{
	*type = SS_PLUGIN_SCHEMA_JSON;
	return "{\"$schema\":\"http://json-schema.org/draft-04/schema#\",\n \"type\":\"object\","
	       "\"additionalProperties\":{\"type\":\"integer\",\"minimum\":0}}";
}

ss_plugin_t *plugin_init(const ss_plugin_init_input *in, ss_plugin_rc *rc)
{
	struct plugin *p = calloc(1, sizeof *p);
	struct config *c = &p->config;
	c->async = number(in->config, "async", 3);
	c->async_delay_us = number(in->config, "async_delay_us", 1000);
	c->producers = number(in->config, "producers", 1);
#define READ(key) c->key = number(in->config, #key, 0)
	READ(stamp), READ(size), READ(window), READ(ts), READ(ts_offset_ms), READ(tid);
	READ(undeclared), READ(malformed), READ(late), READ(fail), READ(hang_ms), READ(crash), READ(noise);
	p->owner = in->owner;
	p->log = in->log_fn;
	p->log(p->owner, NULL, "initialized", SS_PLUGIN_LOG_SEV_INFO);
	*rc = c->fail == 1 || c->producers > PRODUCERS ? fail(p, "init") : SS_PLUGIN_SUCCESS;
	return p;
}

void plugin_destroy(ss_plugin_t *s)
{
	struct plugin *p = s;
	static const uint8_t nothing[HEADER + 2];
	char error[PLUGIN_MAX_ERRLEN];
	if (p->config.late && p->handler)
		p->handler(p->async_owner, (const ss_plugin_event *)nothing, error);
	free(p);
}

ss_plugin_rc plugin_set_config(ss_plugin_t *s, const ss_plugin_set_config_input *in)
{
	struct plugin *p = s;
	if (p->config.fail == 5)
		return fail(p, "set_config");
	p->config.async_delay_us = number(in->config, "async_delay_us", p->config.async_delay_us);
	return SS_PLUGIN_SUCCESS;
}

ss_plugin_metric *plugin_get_metrics(ss_plugin_t *s, uint32_t *n)
{
	struct plugin *p = s;
	const struct { const char *name; uint64_t value; } all[] = {
	        {"sent", p->sent},     {"refused", p->refused},           {"late_sent", p->late_sent},
	        {"parsed", p->parsed}, {"parsed_async", p->parsed_async}, {"extracted", p->extracted}};
	*n = sizeof all / sizeof *all;
	for (uint32_t i = 0; i < *n; i++)
		p->metrics[i] = (ss_plugin_metric){all[i].name, SS_PLUGIN_METRIC_TYPE_MONOTONIC,
		                                   {.u64 = all[i].value}, SS_PLUGIN_METRIC_VALUE_TYPE_U64};
	return p->metrics;
}

// ---- event source ---------------------------------------------------------------------------------

#ifndef NO_SOURCE
struct instance {
	uint64_t total, sent, batch, payload, linger_ms, end_ns;
	uint8_t *memory;
	ss_plugin_event **events;
};

uint32_t plugin_get_id(void) { return PLUGIN_ID; }
const char *plugin_get_event_source(void) { return SOURCE; }

ss_instance_t *plugin_open(ss_plugin_t *s, const char *params, ss_plugin_rc *rc)
{
	struct instance *i = calloc(1, sizeof *i);
	struct plugin *p = s;
	i->total = 5, i->batch = 1, i->payload = 32;
	sscanf(params ? params : "", "%lu,%lu,%lu,%lu", &i->total, &i->batch, &i->payload, &i->linger_ms);
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

void plugin_close(ss_plugin_t *s, ss_instance_t *h)
{
	struct instance *i = h;
	(void)s;
	if (!i)
		return;
	free(i->memory);
	free(i->events);
	free(i);
}

static ss_plugin_rc linger(struct instance *i)
{
	uint64_t now = now_ns(CLOCK_MONOTONIC);
	if (!i->end_ns)
		i->end_ns = now + i->linger_ms * 1000000u;
	if (now >= i->end_ns)
		return SS_PLUGIN_EOF;
	usleep(200);
	return SS_PLUGIN_TIMEOUT;
}

ss_plugin_rc plugin_next_batch(ss_plugin_t *s, ss_instance_t *h, uint32_t *n, ss_plugin_event ***out)
{
	struct plugin *p = s;
	struct instance *i = h;
	uint64_t k = 0;
	if (p->config.crash)
		abort();
	if (p->config.noise)
		printf("this is not a report\n"), fflush(stdout);
	if (p->config.hang_ms)
		usleep((useconds_t)p->config.hang_ms * 1000), p->config.hang_ms = 0;
	for (; k < i->batch && i->sent < i->total; k++, i->sent++) {
		i->events[k]->ts = UINT64_MAX;
		memcpy((uint8_t *)i->events[k] + PLUGIN_EVENT_PAYLOAD_OFFSET, &i->sent, sizeof i->sent);
	}
	*n = (uint32_t)k;
	*out = i->events;
	return k || p->config.fail == 6 ? SS_PLUGIN_SUCCESS : linger(i);
}

const char *plugin_list_open_params(ss_plugin_t *s, ss_plugin_rc *rc)
{
	(void)s;
	*rc = SS_PLUGIN_SUCCESS;
	return "[{\"value\":\"1000,100\",\"desc\":\"1000 events in batches of 100\"}]";
}
#endif

// ---- extraction and parsing -----------------------------------------------------------------------

uint16_t *plugin_get_extract_event_types(uint32_t *n, ss_plugin_t *s)
{
	static uint16_t types[] = {322, 402};
	(void)s;
	*n = 2;
	return types;
}

#ifdef NO_SOURCE
const char *plugin_get_extract_event_sources(void) { return "[\"syscall\",\"" SOURCE "\"]"; }
#endif

const char *plugin_get_fields(void)
{
#ifdef NO_SOURCE
#define FIELD "baseline_async"
#else
#define FIELD "baseline"
#endif
	return "[{\"type\":\"uint64\",\"name\":\"" FIELD ".seq\",\"desc\":\"Number of the event\"},"
	       "{\"type\":\"string\",\"name\":\"" FIELD ".text\",\"desc\":\"The number as text\"}]";
}

ss_plugin_rc plugin_extract_fields(ss_plugin_t *s, const ss_plugin_event_input *e,
                                   const ss_plugin_field_extract_input *in)
{
	struct plugin *p = s;
	size_t at = e->evt->type == 402 ? HEADER + sizeof EVENT + STAMP - 8 : PLUGIN_EVENT_PAYLOAD_OFFSET;
	p->extracted++;
	for (uint32_t i = 0; i < in->num_fields; i++) {
		ss_plugin_extract_field *f = &in->fields[i];
		f->res_len = e->evt->len >= at + 8;
		if (!f->res_len)
			continue;
		memcpy(&p->value, (const uint8_t *)e->evt + at, 8);
		f->res.u64 = &p->value;
		if (f->field_id != 1)
			continue;
		snprintf(p->buffer, sizeof p->buffer, "number %lu", p->value);
		p->text = p->buffer;
		f->res.str = &p->text;
	}
	return SS_PLUGIN_SUCCESS;
}

#ifndef NO_PARSE
uint16_t *plugin_get_parse_event_types(uint32_t *n, ss_plugin_t *s)
{
	return plugin_get_extract_event_types(n, s);
}

ss_plugin_rc plugin_parse_event(ss_plugin_t *s, const ss_plugin_event_input *e,
                                const ss_plugin_event_parse_input *in)
{
	struct plugin *p = s;
	(void)in;
	if (e->evt->type == 402)
		p->parsed_async++;
	else
		p->parsed++;
	return SS_PLUGIN_SUCCESS;
}
#endif

// ---- async events ---------------------------------------------------------------------------------

const char *plugin_get_async_events(void) { return "[\"" EVENT "\"]"; }

static void encode(const struct config *c, uint8_t *buffer, uint32_t producer, uint64_t sequence)
{
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
	if (size < c->size)
		size = c->size;
	if (c->ts)
		ts = stamp + c->ts_offset_ms * 1000000u;
	uint32_t params[] = {4, sizeof EVENT, (uint32_t)size, 0};
	ss_plugin_event header = {ts, c->tid ? c->tid : UINT64_MAX,
	                          (uint32_t)(HEADER + sizeof EVENT + size), 402, c->malformed ? 2 : 3};
	memcpy(buffer, &header, sizeof header);
	memcpy(buffer + sizeof header, params, sizeof params);
	memcpy(buffer + HEADER, name, sizeof EVENT);
}

static void emit(struct plugin *p, const uint8_t *buffer)
{
	char error[PLUGIN_MAX_ERRLEN] = "";
	if (p->handler(p->async_owner, (const ss_plugin_event *)buffer, error) == SS_PLUGIN_SUCCESS) {
		p->sent++;
	} else if (!p->refused++) {
		p->log(p->owner, "producer", error, SS_PLUGIN_LOG_SEV_WARNING);
	}
}

static void *produce(void *of)
{
	const struct producer *self = of;
	struct plugin *p = self->plugin;
	const struct config *c = &p->config;
	uint8_t *buffer = calloc(1, HEADER + sizeof EVENT + TEXT + c->size);
	for (uint64_t i = 0; i < c->async && !p->stop; i++) {
		while (c->window && !p->stop && p->sent - p->parsed_async >= c->window)
			sched_yield();
		encode(c, buffer, self->number, i);
		emit(p, buffer);
		if (c->async_delay_us)
			usleep((useconds_t)c->async_delay_us);
	}
	free(buffer);
	return NULL;
}

ss_plugin_rc plugin_set_async_event_handler(ss_plugin_t *s, ss_plugin_owner_t *owner,
                                            const ss_plugin_async_event_handler_t handler)
{
	struct plugin *p = s;
	uint8_t buffer[256] = {0};
	if (!handler && p->config.late && p->running) {
		encode(&p->config, buffer, 0, 0);
		emit(p, buffer);
		p->late_sent++;
	}
	p->stop = true;
	while (p->running)
		pthread_join(p->threads[--p->running], NULL);
	p->stop = false;
	if (!handler)
		return p->config.fail == 4 ? fail(p, "stop") : SS_PLUGIN_SUCCESS;
	if (p->config.fail == 3)
		return fail(p, "start");
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
                               const ss_plugin_async_event_handler_t handler)
{
	struct plugin *p = s;
	uint8_t buffer[256] = {0};
	struct config c = {0};
	encode(&c, buffer, 0, 12345);
	return handler(owner, (const ss_plugin_event *)buffer, p->error);
}

// ---- capture listening ----------------------------------------------------------------------------

ss_plugin_rc plugin_capture_open(ss_plugin_t *s, const ss_plugin_capture_listen_input *in)
{
	struct plugin *p = s;
	(void)in;
	p->log(p->owner, NULL, "capture_open", SS_PLUGIN_LOG_SEV_DEBUG);
	return SS_PLUGIN_SUCCESS;
}

ss_plugin_rc plugin_capture_close(ss_plugin_t *s, const ss_plugin_capture_listen_input *in)
{
	struct plugin *p = s;
	(void)in;
	p->log(p->owner, NULL, "capture_close", SS_PLUGIN_LOG_SEV_DEBUG);
	return SS_PLUGIN_SUCCESS;
}
