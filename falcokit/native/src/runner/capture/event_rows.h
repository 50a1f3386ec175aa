// SPDX-License-Identifier: Apache-2.0
// Owns the rows of a running capture: for every event one array in reports of rows, which is compact
// and loses no byte. The engine's thread only.
//
//     [number, ts_ns, plugin_id, "source", "name", "data", size, [value, …], objects, "text"]
//
// name: of an async event, else null. data: the first 64 KiB of an async event's data in base64, else
// null; size: all of it, or of a plugin event's payload. The values are those of the requested fields
// in their order, null for a missing one; null for the list when the plugin does not want the event.
// objects: a text among them is not UTF-8 and an object {"base64": …}. text: what the plugin's
// event_to_string says, null if it says nothing; only when the list of fields begins with
// evt.plugininfo, since it is a call of the plugin for every event.
#pragma once

#include "runner/host/host.h"

// After init. False: a requested field cannot be extracted; reported.
bool fkr_event_rows_begin(struct fkr_options *o);
void fkr_event_rows_end(void);
bool fkr_event_rows_wanted(void);

struct fkr_event_row {
	uint32_t plugin_id;
	const char *name; // NULL: it is no async event
	const char *data;
	size_t size;
};
void fkr_event_rows_send(const ss_plugin_event_input *event, const struct fkr_event_row *row);
