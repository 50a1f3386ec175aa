// SPDX-License-Identifier: Apache-2.0
// Text and fields of live events. What is sampled later is copied: a source's events live until the
// next batch only.
#include "runner/capture/live.h"

#include <string.h>

#include "runner/report/clock.h"
#include "runner/extract/ask.h"
#include "runner/extract/filter.h"
#include "runner/report/stats.h"

enum {
	FK_SAMPLE_NS = 20000000,
	FK_SAMPLE_COPY = 1 << 16, // larger ones are sampled when a while has passed, or not at all
	FK_PREVIEW = 256,
};

static struct fk_asker fk_asker;
static struct fk_filter fk_filter;
static struct fk_guest *fk_texts; // whose event_to_string is asked, NULL: nobody's
static struct fk_text fk_extra, fk_last, fk_copy;
static uint64_t fk_sampled_ns, fk_number;
static const char *fk_source;
static struct {
	bool waiting;
	bool named;
	size_t name, data, size; // offsets in the copy
} fk_late;

bool fk_live_begin(struct fk_options *o, struct fk_guest *source, const char *source_name) {
	struct fk_guest *guest = &o->guests[0];
	bool all = o->fields && strcmp(o->fields, "*") == 0;
	fk_texts = source && source->api.event_to_string ? source : NULL;
	fk_source = source_name;
	fk_late.waiting = false;
	if (!o->fields || (all && !(guest->caps & FK_CAP_EXTRACT))) return true;
	if (all ? !fk_fields_without_argument(guest, &fk_asker.fields)
	        : !fk_fields_select(guest, o->fields, &fk_asker.fields))
		return false;
	fk_asker_open(&fk_asker, guest);
	fk_filter_extract(guest, &fk_filter);
	return true;
}

void fk_live_end(void) {
	fk_asker_close(&fk_asker);
	fk_text_free(&fk_extra);
	fk_text_free(&fk_last);
	fk_text_free(&fk_copy);
}

const struct fk_text *fk_live_read(const ss_plugin_event_input *event) {
	fk_extra.len = 0;
	if (fk_texts && event->evt->type == FK_CODE_PLUGINEVENT) {
		const char *text = fk_texts->api.event_to_string(fk_texts->state, event);
		if (text && *text) {
			fk_add_key(&fk_extra, "text");
			fk_add_string_or_null(&fk_extra, text);
		}
	}
	if (fk_asker.fields.count && fk_filter_passes(&fk_filter, event->evt, event->evtsrc)) {
		fk_add_key(&fk_extra, "fields");
		fk_add_c(&fk_extra, '{');
		fk_asker_add(&fk_asker, event, &fk_extra, true);
		fk_add_c(&fk_extra, '}');
	}
	return &fk_extra;
}

static void fk_take_sample(const ss_plugin_event_input *event, const char *name, const char *data,
                           size_t size) {
	const struct fk_text *extra = fk_live_read(event);
	size_t shown = size < FK_PREVIEW ? size : FK_PREVIEW;
	fk_last.len = 0;
	fk_add_s(&fk_last, "{\"number\":");
	fk_add_u64(&fk_last, event->evtnum);
	fk_add_key(&fk_last, "ts_ns");
	fk_add_u64(&fk_last, event->evt->ts);
	fk_add_key(&fk_last, "name");
	fk_add_string_or_null(&fk_last, name);
	fk_add_key(&fk_last, "size");
	fk_add_u64(&fk_last, size);
	fk_add_key(&fk_last, "data");
	fk_add_string(&fk_last, data, shown && !data[shown - 1] ? shown - 1 : shown);
	fk_add(&fk_last, extra->at, extra->len);
	fk_add_c(&fk_last, '}');
	fk_stats_last(&fk_last);
	fk_late.waiting = false;
}

void fk_live_sample(const ss_plugin_event_input *event, const char *name, const char *data,
                    size_t size) {
	const char *bytes = (const char *)event->evt;
	uint64_t now = fk_monotonic_ns();
	if (now - fk_sampled_ns >= FK_SAMPLE_NS) {
		fk_sampled_ns = now;
		fk_take_sample(event, name, data, size);
		return;
	}
	fk_late.waiting = event->evt->len <= FK_SAMPLE_COPY;
	if (!fk_late.waiting) return;
	fk_copy.len = 0;
	fk_add(&fk_copy, bytes, event->evt->len);
	fk_number = event->evtnum;
	fk_late.named = name != NULL;
	fk_late.name = name ? (size_t)(name - bytes) : 0;
	fk_late.data = (size_t)(data - bytes);
	fk_late.size = size;
}

void fk_live_idle(void) {
	if (!fk_late.waiting) return;
	ss_plugin_event_input event = {(const ss_plugin_event *)fk_copy.at, fk_number, fk_source};
	fk_take_sample(&event, fk_late.named ? fk_copy.at + fk_late.name : NULL,
	               fk_copy.at + fk_late.data, fk_late.size);
}
