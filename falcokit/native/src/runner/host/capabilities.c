// SPDX-License-Identifier: Apache-2.0
// Which capabilities a library has, by the framework's rules: all the symbols of one, or none of
// them. No state, no threads.
#include "runner/host/guest.h"

#include <stdio.h>

const char *const fkr_capability_names[5] = {"source", "extract", "parse", "async", "listen"};

static bool fkr_broken(char *why, unsigned long room, const char *text) {
	snprintf(why, room, "%s", text);
	return false;
}

bool fkr_capabilities(const struct fkr_api *api, unsigned *caps, char *why, unsigned long room) {
	*caps = 0;
	if (api->open && api->close && api->next_batch) {
		bool id = api->get_id && api->get_id() != 0;
		const char *name = api->get_event_source ? api->get_event_source() : NULL;
		if (id != (name && name[0]))
			return fkr_broken(why, room,
			                  "event sourcing is broken: plugin_get_id and plugin_get_event_source "
			                  "must both say something, or neither");
		*caps |= FKR_CAP_SOURCE;
	} else if (api->open || api->close || api->next_batch) {
		return fkr_broken(why, room,
		                  "event sourcing is broken: plugin_open, plugin_close and "
		                  "plugin_next_batch must all be exported");
	}
	if (api->get_fields && api->extract_fields)
		*caps |= FKR_CAP_EXTRACT;
	else if (api->extract_fields)
		return fkr_broken(why, room,
		                  "field extraction is broken: plugin_extract_fields is exported without "
		                  "plugin_get_fields");
	if (api->parse_event) *caps |= FKR_CAP_PARSE;
	if (api->get_async_events && api->set_async_event_handler)
		*caps |= FKR_CAP_ASYNC;
	else if (api->set_async_event_handler)
		return fkr_broken(why, room,
		                  "async events are broken: plugin_set_async_event_handler is exported "
		                  "without plugin_get_async_events");
	if (api->capture_open && api->capture_close)
		*caps |= FKR_CAP_LISTEN;
	else if (api->capture_open)
		return fkr_broken(why, room,
		                  "capture listening is broken: plugin_capture_open is exported without "
		                  "plugin_capture_close");
	return *caps || fkr_broken(why, room, "the plugin implements no capability");
}
