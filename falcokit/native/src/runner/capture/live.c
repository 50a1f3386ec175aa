// SPDX-License-Identifier: Apache-2.0
// Text and fields of live events. An event that may be sampled later is copied, because a source's
// events are valid only until the next batch.
#include "runner/capture/live.h"

#include <string.h>

#include "runner/report/report.h"
#include "runner/extract/extractor.h"
#include "runner/extract/filter.h"

enum {
	FKR_SAMPLE_NS = 20000000,
	FKR_SAMPLE_COPY = 1 << 16, // larger events are sampled at once or not at all
	FKR_PREVIEW = 256,
	FKR_PLUGIN_ID = 34,
};

static struct fkr_extractor fkr_extractor;
static struct fkr_filter fkr_filter;
static struct fkr_guest *fkr_texts; // the guest whose event_to_string is called; NULL: none
static struct fkr_text fkr_extra, fkr_last, fkr_copy;
static uint64_t fkr_sampled_ns, fkr_number;
static struct {
	const char *source;
	bool waiting;
	bool named;
	size_t name, data, size; // offsets in the copy
} fkr_late;

static struct fkr_guest *fkr_find_fields(struct fkr_options *o) {
	if (!o->fields_of) return &o->guests[0];
	for (unsigned i = 0; i < o->guest_count; i++)
		if (strcmp(o->guests[i].name, o->fields_of) == 0) return &o->guests[i];
	fkr_report_error("fields", o->fields_of, SS_PLUGIN_FAILURE, "no loaded plugin has this name");
	return NULL;
}

bool fkr_live_begin(struct fkr_options *o, struct fkr_guest *source) {
	struct fkr_guest *guest = fkr_find_fields(o);
	if (!guest) return false;
	bool all = o->fields && strcmp(o->fields, "*") == 0;
	fkr_texts = source && source->api.event_to_string ? source : NULL;
	fkr_late.waiting = false;
	if (!o->fields || (all && !(guest->caps & FKR_CAP_EXTRACT))) return true;
	if (all ? !fkr_fields_without_argument(guest, &fkr_extractor.fields)
	        : !fkr_fields_select(guest, o->fields, &fkr_extractor.fields))
		return false;
	fkr_extractor_open(&fkr_extractor, guest);
	fkr_filter_extract(guest, &fkr_filter);
	return true;
}

void fkr_live_end(void) {
	fkr_extractor_close(&fkr_extractor);
	fkr_text_free(&fkr_extra);
	fkr_text_free(&fkr_last);
	fkr_text_free(&fkr_copy);
}

static bool fkr_has_text(const ss_plugin_event *evt) {
	uint32_t id;
	if (!fkr_texts || evt->type != FK_CODE_PLUGINEVENT || evt->len < PLUGIN_EVENT_PAYLOAD_OFFSET)
		return false;
	memcpy(&id, (const char *)evt + FKR_PLUGIN_ID, sizeof id);
	return id == fkr_texts->id;
}

const char *fkr_live_text(const ss_plugin_event_input *event) {
	if (!fkr_has_text(event->evt)) return NULL;
	return fkr_texts->api.event_to_string(fkr_texts->state, event);
}

const struct fkr_text *fkr_live_read(const ss_plugin_event_input *event) {
	fkr_extra.len = 0;
	const char *text = fkr_live_text(event);
	if (text && *text) {
		fkr_add_key(&fkr_extra, "text");
		fkr_add_string_or_null(&fkr_extra, text);
	}
	if (fkr_extractor.fields.count && fkr_filter_passes(&fkr_filter, event->evt, event->evtsrc)) {
		fkr_add_key(&fkr_extra, "fields");
		fkr_add_c(&fkr_extra, '{');
		fkr_extractor_append(&fkr_extractor, event, &fkr_extra, FKR_NAMED);
		fkr_add_c(&fkr_extra, '}');
	}
	return &fkr_extra;
}

static void fkr_take_sample(const ss_plugin_event_input *event, const char *name, const char *data,
                            size_t size) {
	const struct fkr_text *extra = fkr_live_read(event);
	size_t shown = size < FKR_PREVIEW ? size : FKR_PREVIEW;
	fkr_last.len = 0;
	fkr_add_s(&fkr_last, "{\"number\":");
	fkr_add_u64(&fkr_last, event->evtnum);
	fkr_add_key(&fkr_last, "ts_ns");
	fkr_add_u64(&fkr_last, event->evt->ts);
	fkr_add_key(&fkr_last, "code");
	fkr_add_u64(&fkr_last, event->evt->type);
	fkr_add_key(&fkr_last, "name");
	fkr_add_string_or_null(&fkr_last, name);
	fkr_add_key(&fkr_last, "size");
	fkr_add_u64(&fkr_last, size);
	fkr_add_key(&fkr_last, "data");
	fkr_add_string(&fkr_last, data, shown && !data[shown - 1] ? shown - 1 : shown);
	fkr_add(&fkr_last, extra->at, extra->len);
	fkr_add_c(&fkr_last, '}');
	fkr_stats_last(&fkr_last);
	fkr_late.waiting = false;
}

void fkr_live_sample(const ss_plugin_event_input *event, const char *name, const char *data,
                     size_t size) {
	const char *bytes = (const char *)event->evt;
	uint64_t now = fkr_monotonic_ns();
	if (now - fkr_sampled_ns >= FKR_SAMPLE_NS) {
		fkr_sampled_ns = now;
		fkr_take_sample(event, name, data, size);
		return;
	}
	fkr_late.waiting = event->evt->len <= FKR_SAMPLE_COPY;
	if (!fkr_late.waiting) return;
	fkr_copy.len = 0;
	fkr_add(&fkr_copy, bytes, event->evt->len);
	fkr_number = event->evtnum;
	fkr_late.source = event->evtsrc;
	fkr_late.named = name != NULL;
	fkr_late.name = name ? (size_t)(name - bytes) : 0;
	fkr_late.data = (size_t)(data - bytes);
	fkr_late.size = size;
}

void fkr_live_idle(void) {
	if (!fkr_late.waiting) return;
	ss_plugin_event_input event = {(const ss_plugin_event *)fkr_copy.at, fkr_number,
	                               fkr_late.source};
	fkr_take_sample(&event, fkr_late.named ? fkr_copy.at + fkr_late.name : NULL,
	                fkr_copy.at + fkr_late.data, fkr_late.size);
}
