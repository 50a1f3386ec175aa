// SPDX-License-Identifier: Apache-2.0
// Events from a plugin's next_batch, checked and completed as the framework does it.
#include "runner/host/host.h"
#include "runner/capture/source.h"

#include <stdio.h>
#include <string.h>

#include "runner/report/report.h"
#include "runner/capture/queue.h"

enum {
	FKR_ID_LENGTH = 26,
	FKR_ID = 34,
	FKR_HEADER = 26,
	FKR_IDLE_NS = 1000000, // without an event source: prompt enough, and no busy loop
};

static ss_plugin_rc fkr_fail(const struct fkr_source *source, const char *why) {
	fkr_report_error("next_batch", source->guest->name, SS_PLUGIN_FAILURE, why);
	return SS_PLUGIN_FAILURE;
}

static ss_plugin_rc fkr_complete(const struct fkr_source *source, ss_plugin_event *evt) {
	if (evt->len < FKR_HEADER) return fkr_fail(source, "an event is shorter than its header");
	if (source->id) {
		uint32_t id, length[2];
		char *bytes = (char *)evt;
		if (evt->type != FK_CODE_PLUGINEVENT || evt->nparams != 2 ||
		    evt->len < PLUGIN_EVENT_PAYLOAD_OFFSET)
			return fkr_fail(source,
			                "malformed plugin event: a plugin with an id sends events of "
			                "type 322 with 2 parameters");
		memcpy(length, bytes + FKR_ID_LENGTH, sizeof length);
		if (length[0] != 4 || (uint64_t)PLUGIN_EVENT_PAYLOAD_OFFSET + length[1] > evt->len)
			return fkr_fail(source,
			                "malformed plugin event: its parameter lengths do not fit its "
			                "length");
		memcpy(&id, bytes + FKR_ID, sizeof id);
		if (id == 0) {
			memcpy(bytes + FKR_ID, &source->id, sizeof id);
		} else if (id != source->id) {
			char why[128];
			snprintf(why, sizeof why, "a plugin event carries the plugin id %u, expected %u", id,
			         source->id);
			return fkr_fail(source, why);
		}
	}
	if (evt->type == FK_CODE_PLUGINEVENT) evt->tid = FK_NOT_SET;
	if (evt->ts == FK_NOT_SET) evt->ts = fkr_wall_ns();
	return SS_PLUGIN_SUCCESS;
}

static ss_plugin_rc fkr_answer(const struct fkr_source *source, ss_plugin_rc rc) {
	if (rc == SS_PLUGIN_TIMEOUT || rc == SS_PLUGIN_EOF) return rc;
	fkr_guest_error(source->guest, "next_batch", rc);
	return SS_PLUGIN_FAILURE;
}

ss_plugin_rc fkr_source_next(struct fkr_source *source, ss_plugin_event **evt) {
	if (!source->guest) {
		fkr_queue_wait(FKR_IDLE_NS);
		return SS_PLUGIN_TIMEOUT;
	}
	if (source->next >= source->size) {
		ss_plugin_rc rc = source->pending;
		if (rc != SS_PLUGIN_SUCCESS) {
			// The framework also returns twice an answer that came without events.
			source->pending = SS_PLUGIN_SUCCESS;
			return fkr_answer(source, rc);
		}
		source->size = source->next = 0;
		rc = source->guest->api.next_batch(source->guest->state, source->instance, &source->size,
		                                   &source->batch);
		source->pending = rc;
		if (source->size == 0)
			return rc == SS_PLUGIN_SUCCESS
					   ? fkr_fail(source, "next_batch answered SUCCESS with 0 events")
					   : fkr_answer(source, rc);
	}
	*evt = source->batch[source->next++];
	return fkr_complete(source, *evt);
}
