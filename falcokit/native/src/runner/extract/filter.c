// SPDX-License-Identifier: Apache-2.0
// The framework's rules of which events a plugin gets. A capture names the source of an event only
// by the id of the plugin whose source was open.
#include "runner/extract/filter.h"

#include <string.h>

enum {
	FK_PLUGIN_ID = 34, // in a plugin event
	FK_ASYNC_ID = 38,
	FK_ID_BYTES = 4,
};

static bool fk_has(const struct fk_filter *filter, unsigned code) {
	return filter->codes[code / 64] >> code % 64 & 1;
}

static bool fk_compatible(const struct fk_filter *filter, const char *source) {
	return !filter->sources->count || fk_names_have(filter->sources, source);
}

// Only plugin and async events have another source than system calls.
static void fk_without_syscalls(struct fk_filter *filter) {
	if (fk_compatible(filter, "syscall")) return;
	for (unsigned code = 0; code < FK_CODES; code++)
		if (code != FK_CODE_PLUGINEVENT && code != FK_CODE_ASYNCEVENT)
			filter->codes[code / 64] &= ~(1ull << code % 64);
}

void fk_filter_extract(const struct fk_guest *guest, struct fk_filter *out) {
	uint32_t n = 0;
	uint16_t *codes = guest->api.get_extract_event_types
	                      ? guest->api.get_extract_event_types(&n, guest->state)
	                      : NULL;
	*out = (struct fk_filter){.sources = &guest->extract_sources};
	for (uint32_t i = 0; codes && i < n; i++)
		if (codes[i] < FK_CODES) out->codes[codes[i] / 64] |= 1ull << codes[i] % 64;
	if (!codes || !n) { // the default
		memset(out->codes, fk_compatible(out, "syscall") ? 0xff : 0, sizeof out->codes);
		out->codes[FK_CODE_PLUGINEVENT / 64] |= 1ull << FK_CODE_PLUGINEVENT % 64;
	}
	fk_without_syscalls(out);
}

void fk_filter_parse(const struct fk_guest *guest, struct fk_filter *out) {
	*out = (struct fk_filter){.sources = &guest->parse_sources};
	if (!(guest->caps & FK_CAP_PARSE)) return;
	memcpy(out->codes, guest->parse_codes, sizeof out->codes);
	fk_without_syscalls(out);
}

// The one source of another plugin that the fields are for, NULL when there is none or are several.
static const char *fk_foreign(const struct fk_guest *guest) {
	const char *found = NULL;
	for (unsigned i = 0; i < guest->extract_sources.count; i++) {
		const char *name = guest->extract_sources.at[i];
		if (!strcmp(name, "syscall") || !strcmp(name, guest->source)) continue;
		if (found) return NULL;
		found = name;
	}
	return found;
}

const char *fk_filter_source(const struct fk_guest *guest, const ss_plugin_event *evt) {
	bool plugin = evt->type == FK_CODE_PLUGINEVENT;
	size_t at = plugin ? FK_PLUGIN_ID : FK_ASYNC_ID;
	uint32_t id;
	if (!plugin && evt->type != FK_CODE_ASYNCEVENT) return "syscall";
	if (evt->len < at + FK_ID_BYTES) return "";
	memcpy(&id, (const char *)evt + at, sizeof id);
	if (!id) return plugin ? "" : "syscall";
	if (id == guest->id) return guest->source;
	const char *foreign = fk_foreign(guest);
	return foreign ? foreign : "";
}

bool fk_filter_passes(const struct fk_filter *filter, const ss_plugin_event *evt,
                      const char *source) {
	return evt->type < FK_CODES && fk_has(filter, evt->type) && fk_compatible(filter, source);
}

static bool fk_either(const struct fk_filter filters[2], unsigned code) {
	return fk_has(&filters[0], code) || fk_has(&filters[1], code);
}

static bool fk_any_plugin(const struct fk_guest *guest, const struct fk_filter *filter) {
	const char *foreign = fk_foreign(guest);
	if (!fk_has(filter, FK_CODE_PLUGINEVENT) && !fk_has(filter, FK_CODE_ASYNCEVENT)) return false;
	return fk_compatible(filter, foreign ? foreign : "");
}

void fk_filter_report(struct fk_text *t, const struct fk_guest *guest,
                      const struct fk_filter filters[2]) {
	unsigned some = 0;
	fk_add_key(t, "codes");
	fk_add_c(t, '[');
	for (unsigned code = 0; code < FK_CODES; code++) {
		if (!fk_either(filters, code)) continue;
		if (some++) fk_add_c(t, ',');
		fk_add_u64(t, code);
	}
	fk_add_s(t, "],\"plugin_ids\":");
	if (fk_any_plugin(guest, &filters[0]) || fk_any_plugin(guest, &filters[1])) {
		fk_add_s(t, "null");
		return;
	}
	// Those of its own, and the async events that went with system calls.
	fk_add_s(t, "[0");
	if (guest->id) {
		fk_add_c(t, ',');
		fk_add_u64(t, guest->id);
	}
	fk_add_c(t, ']');
}
