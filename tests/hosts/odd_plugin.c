// SPDX-License-Identifier: Apache-2.0
// Libraries that a host must refuse, or that say odd things: one file, a -D for each oddity.
//
//     NO_INIT, NO_CAPABILITY, HALF_SOURCE, HALF_ASYNC, HALF_LISTEN, ID_WITHOUT_SOURCE, SYSCALL_WITH_ID,
//     API="x.y.z", VERSION="x.y.z", NAMES="[...]", SCHEMA="{...}"
//
// Without any of them: a plugin that logs and emits text which is hard to quote, from within the
// set_async_event_handler call. The host's threads only.
#include <stdlib.h>
#include <string.h>

#include "plugin_api.h"

#ifndef API
#define API "3.0.0"
#endif
#ifndef VERSION
#define VERSION "0.1.0"
#endif
#ifndef NAMES
#define NAMES "[\"quote\\\"d \\u00e9\"]"
#endif

const char *plugin_get_required_api_version(void) { return API; }
const char *plugin_get_version(void) { return VERSION; }
const char *plugin_get_name(void) { return "odd"; }
const char *plugin_get_description(void) { return "tab\there, \"quotes\", \\ and \x01 and \xff"; }
const char *plugin_get_contact(void) { return ""; }
const char *plugin_get_last_error(ss_plugin_t *s) {
	(void)s;
	return "";
}
void plugin_destroy(ss_plugin_t *s) { (void)s; }

#ifdef SCHEMA
const char *plugin_get_init_schema(ss_plugin_schema_type *type) {
	*type = SS_PLUGIN_SCHEMA_JSON;
	return SCHEMA;
}
#endif

#ifndef NO_INIT
ss_plugin_t *plugin_init(const ss_plugin_init_input *in, ss_plugin_rc *rc) {
	static int state;
	in->log_fn(in->owner, "part", "line\nnext \"q\" \xc3\xa9 \xff", SS_PLUGIN_LOG_SEV_NOTICE);
	*rc = SS_PLUGIN_SUCCESS;
	return &state;
}
#endif

#if defined(HALF_SOURCE) || defined(ID_WITHOUT_SOURCE) || defined(SYSCALL_WITH_ID)
ss_instance_t *plugin_open(ss_plugin_t *s, const char *params, ss_plugin_rc *rc) {
	(void)params;
	*rc = SS_PLUGIN_SUCCESS;
	return s;
}
#endif
#if defined(ID_WITHOUT_SOURCE) || defined(SYSCALL_WITH_ID)
void plugin_close(ss_plugin_t *s, ss_instance_t *i) { (void)s, (void)i; }
ss_plugin_rc plugin_next_batch(ss_plugin_t *s, ss_instance_t *i, uint32_t *n,
                               ss_plugin_event ***out) {
	(void)s, (void)i, (void)n, (void)out;
	return SS_PLUGIN_EOF;
}
uint32_t plugin_get_id(void) { return 7; }
#endif
#ifdef SYSCALL_WITH_ID
const char *plugin_get_event_source(void) { return "syscall"; }
#endif

#ifdef HALF_LISTEN
ss_plugin_rc plugin_capture_open(ss_plugin_t *s, const ss_plugin_capture_listen_input *in) {
	(void)s, (void)in;
	return SS_PLUGIN_SUCCESS;
}
#endif

#ifndef NO_CAPABILITY
#ifndef HALF_ASYNC
const char *plugin_get_async_events(void) { return NAMES; }
#endif

static void send(ss_plugin_owner_t *owner, ss_plugin_async_event_handler_t handler,
                 const char *data, size_t size) {
	static const char name[] = "quote\"d \xc3\xa9";
	uint8_t buffer[256] = {0};
	uint32_t params[] = {4, sizeof name, (uint32_t)size, 0};
	ss_plugin_event header = {UINT64_MAX, UINT64_MAX, (uint32_t)(42 + sizeof name + size), 402, 3};
	memcpy(buffer, &header, sizeof header);
	memcpy(buffer + sizeof header, params, sizeof params);
	memcpy(buffer + 42, name, sizeof name);
	memcpy(buffer + 42 + sizeof name, data, size);
	handler(owner, (const ss_plugin_event *)buffer, NULL);
}

ss_plugin_rc plugin_set_async_event_handler(ss_plugin_t *s, ss_plugin_owner_t *owner,
                                            const ss_plugin_async_event_handler_t handler) {
	(void)s;
	if (handler) {
		send(owner, handler, "", 0);
		send(owner, handler, "\"\\\b\n \xf0\x9f\x90\x8d", 9);
		send(owner, handler, "ended\0", 6);
		send(owner, handler, "in\0side", 7);
		send(owner, handler, "\xff\xfe", 2);
	}
	return SS_PLUGIN_SUCCESS;
}
#endif
