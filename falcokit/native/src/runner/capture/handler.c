// SPDX-License-Identifier: Apache-2.0
// What happens to an async event that a plugin sends: the framework's checks in its order, then the
// queue. Everything that decides is read under the queue's lock, so that an emission that overlaps
// with the end of a capture is either queued before it or refused.
#include "runner/capture/handler.h"
#include "runner/host/owner.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runner/report/clock.h"
#include "runner/capture/queue.h"
#include "runner/report/stats.h"

enum {
	FK_LENGTHS = 26,
	FK_FUTURE_S = 10
};

static uint32_t fk_source_id;
static const char *fk_source_name = "syscall";

ss_plugin_rc fk_refuse(char *err, const char *format, ...) {
	va_list args;
	va_start(args, format);
	if (err) vsnprintf(err, PLUGIN_MAX_ERRLEN, format, args);
	va_end(args);
	return SS_PLUGIN_FAILURE;
}

bool fk_async_well_formed(const ss_plugin_event *evt) {
	uint32_t length[3];
	const char *bytes = (const char *)evt;
	if (evt->type != FK_CODE_ASYNCEVENT || evt->nparams != 3 || evt->len <= FK_NAME) return false;
	memcpy(length, bytes + FK_LENGTHS, sizeof length);
	return length[0] == 4 && (uint64_t)FK_NAME + length[1] + length[2] <= evt->len &&
	       memchr(bytes + FK_NAME, 0, length[1]);
}

const unsigned *fk_row_of(const struct fk_guest *guest, const char *name) {
	for (unsigned i = 0; i < guest->async_events.count; i++)
		if (strcmp(guest->async_events.at[i], name) == 0) return &guest->async_stats[i];
	return NULL;
}

static ss_plugin_rc fk_accept(const struct fk_owner *owner, const ss_plugin_event *evt,
                              bool well_formed, uint64_t now, char *err) {
	const struct fk_guest *guest = owner->guest;
	if (!guest || !owner->handler_set) {
		fk_count(&fk_counts.rejected[FK_REJECTED_NO_HANDLER], 1);
		return fk_refuse(err, "async event sent with NULL handler: %s",
		                 guest ? guest->name : "the plugin is gone");
	}
	if (!well_formed) {
		fk_count(&fk_counts.rejected[FK_REJECTED_MALFORMED], 1);
		return fk_refuse(err, "malformed async event produced by plugin: %s", guest->name);
	}
	const char *name = (const char *)evt + FK_NAME;
	const unsigned *row = fk_row_of(guest, name);
	if (!row) {
		fk_count(&fk_counts.rejected[FK_REJECTED_NAME], 1);
		return fk_refuse(err, "incompatible async event '%.64s' produced by plugin: %s", name,
		                 guest->name);
	}
	if (guest->async_sources.count && !fk_names_have(&guest->async_sources, fk_source_name)) {
		fk_count(&fk_counts.rejected[FK_REJECTED_SOURCE], 1);
		return fk_refuse(
			err, "async events of plugin '%s' are not compatible with open event source '%s'",
			guest->name, fk_source_name);
	}
	if (fk_source_id && evt->tid != FK_NOT_SET) {
		fk_count(&fk_counts.rejected[FK_REJECTED_TID], 1);
		return fk_refuse(err,
		                 "async events of event source '%s' can have no thread id (plugin: %s)",
		                 fk_source_name, guest->name);
	}
	// The two silent losses: the framework answers SUCCESS and only logs.
	if (evt->ts != FK_NOT_SET && evt->ts > now + FK_FUTURE_S * 1000000000ull)
		fk_count(&fk_counts.dropped[FK_DROPPED_FUTURE], 1);
	else if (!fk_queue_push(evt, *row))
		fk_count(&fk_counts.dropped[FK_DROPPED_FULL], 1);
	return SS_PLUGIN_SUCCESS;
}

ss_plugin_rc fk_async_handler(ss_plugin_owner_t *owner, const ss_plugin_event *evt, char *err) {
	if (!owner || !evt) return fk_refuse(err, "async event sent without owner or without event");
	bool well_formed = fk_async_well_formed(evt);
	uint64_t now = evt->ts == FK_NOT_SET ? 0 : fk_wall_ns();
	fk_owner_lock();
	ss_plugin_rc rc = fk_accept(owner, evt, well_formed, now, err);
	fk_owner_unlock();
	return rc;
}

void fk_handler_source(uint32_t id, const char *name) {
	fk_owner_lock();
	fk_source_id = id;
	fk_source_name = name;
	fk_owner_unlock();
}
