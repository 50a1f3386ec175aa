// SPDX-License-Identifier: Apache-2.0
// Which capabilities a library has, by the framework's own rules. No state, no threads.
#include "runner/host/capabilities.h"

#include <stdio.h>

#include "runner/host/guest.h"

const char *const fk_capability_names[5] = {"source", "extract", "parse", "async", "listen"};

static bool fk_broken(char *why, unsigned long room, const char *text) {
	snprintf(why, room, "%s", text);
	return false;
}

bool fk_capabilities(const struct fk_api *api, unsigned *caps, char *why, unsigned long room) {
	*caps = 0;
	if (api->open && api->close && api->next_batch) {
		bool id = api->get_id && api->get_id() != 0;
		const char *name = api->get_event_source ? api->get_event_source() : NULL;
		if (id != (name && name[0]))
			return fk_broken(why, room,
			                 "event sourcing is broken: plugin_get_id and plugin_get_event_source "
			                 "must both say something, or neither");
		*caps |= FK_CAP_SOURCE;
	} else if (api->open || api->close || api->next_batch) {
		return fk_broken(why, room,
		                 "event sourcing is broken: plugin_open, plugin_close and "
		                 "plugin_next_batch must all be exported");
	}
	if (api->get_fields && api->extract_fields)
		*caps |= FK_CAP_EXTRACT;
	else if (api->extract_fields)
		return fk_broken(why, room,
		                 "field extraction is broken: plugin_extract_fields is exported without "
		                 "plugin_get_fields");
	if (api->parse_event) *caps |= FK_CAP_PARSE;
	if (api->get_async_events && api->set_async_event_handler)
		*caps |= FK_CAP_ASYNC;
	else if (api->set_async_event_handler)
		return fk_broken(why, room,
		                 "async events are broken: plugin_set_async_event_handler is exported "
		                 "without plugin_get_async_events");
	if (api->capture_open && api->capture_close)
		*caps |= FK_CAP_LISTEN;
	else if (api->capture_open)
		return fk_broken(why, room,
		                 "capture listening is broken: plugin_capture_open is exported without "
		                 "plugin_capture_close");
	return *caps || fk_broken(why, room, "the plugin implements no capability");
}
