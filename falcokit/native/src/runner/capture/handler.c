// SPDX-License-Identifier: Apache-2.0
// Accepts an async event from a plugin: the framework's checks in the framework's order, then the
// queue. All state that the checks depend on is read under the owners' lock, so an emission that
// overlaps with the end of a capture is either queued before it or refused.
#include "runner/capture/handler.h"
#include "runner/host/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runner/report/report.h"
#include "runner/capture/queue.h"

enum {
	FKR_LENGTHS = 26,
	FKR_FUTURE_S = 10
};

static uint32_t fkr_source_id;
static const char *fkr_source_name = "syscall";

ss_plugin_rc fkr_refuse(char *err, const char *format, ...) {
	va_list args;
	va_start(args, format);
	if (err) vsnprintf(err, PLUGIN_MAX_ERRLEN, format, args);
	va_end(args);
	return SS_PLUGIN_FAILURE;
}

bool fkr_async_well_formed(const ss_plugin_event *evt) {
	uint32_t length[3];
	const char *bytes = (const char *)evt;
	if (evt->type != FK_CODE_ASYNCEVENT || evt->nparams != 3 || evt->len <= FKR_NAME) return false;
	memcpy(length, bytes + FKR_LENGTHS, sizeof length);
	return length[0] == 4 && (uint64_t)FKR_NAME + length[1] + length[2] <= evt->len &&
	       memchr(bytes + FKR_NAME, 0, length[1]);
}

const unsigned *fkr_row_of(const struct fkr_guest *guest, const char *name) {
	for (unsigned i = 0; i < guest->async_events.count; i++)
		if (strcmp(guest->async_events.at[i], name) == 0) return &guest->async_stats[i];
	return NULL;
}

static ss_plugin_rc fkr_accept(const struct fkr_owner *owner, const ss_plugin_event *evt,
                               bool well_formed, uint64_t now, char *err) {
	const struct fkr_guest *guest = owner->guest;
	if (!guest || !owner->handler_set) {
		fkr_count(&fkr_counts.rejected[FKR_REJECTED_NO_HANDLER], 1);
		return fkr_refuse(err, "async event sent with NULL handler: %s",
		                  guest ? guest->name : "the plugin is gone");
	}
	if (!well_formed) {
		fkr_count(&fkr_counts.rejected[FKR_REJECTED_MALFORMED], 1);
		return fkr_refuse(err, "malformed async event produced by plugin: %s", guest->name);
	}
	const char *name = (const char *)evt + FKR_NAME;
	const unsigned *row = fkr_row_of(guest, name);
	if (!row) {
		fkr_count(&fkr_counts.rejected[FKR_REJECTED_NAME], 1);
		return fkr_refuse(err, "incompatible async event '%.64s' produced by plugin: %s", name,
		                  guest->name);
	}
	if (guest->async_sources.count && !fkr_names_have(&guest->async_sources, fkr_source_name)) {
		fkr_count(&fkr_counts.rejected[FKR_REJECTED_SOURCE], 1);
		return fkr_refuse(
			err, "async events of plugin '%s' are not compatible with open event source '%s'",
			guest->name, fkr_source_name);
	}
	if (fkr_source_id && evt->tid != FK_NOT_SET) {
		fkr_count(&fkr_counts.rejected[FKR_REJECTED_TID], 1);
		return fkr_refuse(err,
		                  "async events of event source '%s' can have no thread id (plugin: %s)",
		                  fkr_source_name, guest->name);
	}
	// In these two cases the framework drops the event, answers SUCCESS and only logs it.
	if (evt->ts != FK_NOT_SET && evt->ts > now + FKR_FUTURE_S * 1000000000ull)
		fkr_count(&fkr_counts.dropped[FKR_DROPPED_FUTURE], 1);
	else if (!fkr_queue_push(evt, *row))
		fkr_count(&fkr_counts.dropped[FKR_DROPPED_FULL], 1);
	return SS_PLUGIN_SUCCESS;
}

ss_plugin_rc fkr_async_handler(ss_plugin_owner_t *owner, const ss_plugin_event *evt, char *err) {
	if (!owner || !evt) return fkr_refuse(err, "async event sent without owner or without event");
	bool well_formed = fkr_async_well_formed(evt);
	uint64_t now = evt->ts == FK_NOT_SET ? 0 : fkr_wall_ns();
	fkr_owner_lock();
	ss_plugin_rc rc = fkr_accept(owner, evt, well_formed, now, err);
	fkr_owner_unlock();
	return rc;
}

void fkr_handler_source(uint32_t id, const char *name) {
	fkr_owner_lock();
	fkr_source_id = id;
	fkr_source_name = name;
	fkr_owner_unlock();
}
