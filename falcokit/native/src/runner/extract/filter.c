// SPDX-License-Identifier: Apache-2.0
// The framework's rules about which events a plugin gets. A capture identifies the source of an
// event only by the id of the plugin whose source was open.
#include "runner/extract/filter.h"

#include <string.h>

enum {
	FKR_PLUGIN_ID = 34, // in a plugin event
	FKR_ASYNC_ID = 38,
	FKR_ID_BYTES = 4,
};

static bool fkr_has(const struct fkr_filter *filter, unsigned code) {
	return filter->codes[code / 64] >> code % 64 & 1;
}

static bool fkr_compatible(const struct fkr_filter *filter, const char *source) {
	return !filter->sources->count || fkr_names_have(filter->sources, source);
}

// Only plugin and async events have another source than system calls.
static void fkr_without_syscalls(struct fkr_filter *filter) {
	if (fkr_compatible(filter, "syscall")) return;
	for (unsigned code = 0; code < FKR_CODES; code++)
		if (code != FK_CODE_PLUGINEVENT && code != FK_CODE_ASYNCEVENT)
			filter->codes[code / 64] &= ~(1ull << code % 64);
}

void fkr_filter_extract(const struct fkr_guest *guest, struct fkr_filter *out) {
	uint32_t n = 0;
	uint16_t *codes = guest->api.get_extract_event_types
	                      ? guest->api.get_extract_event_types(&n, guest->state)
	                      : NULL;
	*out = (struct fkr_filter){.sources = &guest->extract_sources};
	for (uint32_t i = 0; codes && i < n; i++)
		if (codes[i] < FKR_CODES) out->codes[codes[i] / 64] |= 1ull << codes[i] % 64;
	if (!codes || !n) { // the default
		memset(out->codes, fkr_compatible(out, "syscall") ? 0xff : 0, sizeof out->codes);
		out->codes[FK_CODE_PLUGINEVENT / 64] |= 1ull << FK_CODE_PLUGINEVENT % 64;
	}
	fkr_without_syscalls(out);
}

void fkr_filter_parse(const struct fkr_guest *guest, struct fkr_filter *out) {
	*out = (struct fkr_filter){.sources = &guest->parse_sources};
	if (!(guest->caps & FKR_CAP_PARSE)) return;
	memcpy(out->codes, guest->parse_codes, sizeof out->codes);
	fkr_without_syscalls(out);
}

// The source of another plugin that the fields are for; NULL when there is none or more than one.
static const char *fkr_foreign(const struct fkr_guest *guest) {
	const char *found = NULL;
	for (unsigned i = 0; i < guest->extract_sources.count; i++) {
		const char *name = guest->extract_sources.at[i];
		if (!strcmp(name, "syscall") || !strcmp(name, guest->source)) continue;
		if (found) return NULL;
		found = name;
	}
	return found;
}

const char *fkr_filter_source(const struct fkr_guest *guests, unsigned count,
                              const ss_plugin_event *evt) {
	bool plugin = evt->type == FK_CODE_PLUGINEVENT;
	size_t at = plugin ? FKR_PLUGIN_ID : FKR_ASYNC_ID;
	uint32_t id;
	if (!plugin && evt->type != FK_CODE_ASYNCEVENT) return "syscall";
	if (evt->len < at + FKR_ID_BYTES) return "";
	memcpy(&id, (const char *)evt + at, sizeof id);
	if (!id) return plugin ? "" : "syscall";
	for (unsigned i = 0; i < count; i++)
		if (guests[i].id == id) return guests[i].source;
	for (unsigned i = 0; i < count; i++) {
		const char *foreign = fkr_foreign(&guests[i]);
		if (foreign) return foreign;
	}
	return "";
}

bool fkr_filter_passes(const struct fkr_filter *filter, const ss_plugin_event *evt,
                       const char *source) {
	return evt->type < FKR_CODES && fkr_has(filter, evt->type) && fkr_compatible(filter, source);
}

static bool fkr_any_has(unsigned count, const struct fkr_filter (*filters)[2], unsigned code) {
	for (unsigned i = 0; i < count; i++)
		if (fkr_has(&filters[i][0], code) || fkr_has(&filters[i][1], code)) return true;
	return false;
}

static bool fkr_any_plugin(const struct fkr_guest *guest, const struct fkr_filter *filter) {
	const char *foreign = fkr_foreign(guest);
	if (!fkr_has(filter, FK_CODE_PLUGINEVENT) && !fkr_has(filter, FK_CODE_ASYNCEVENT)) return false;
	return fkr_compatible(filter, foreign ? foreign : "");
}

void fkr_filter_report(struct fkr_text *t, const struct fkr_guest *guests, unsigned count,
                       const struct fkr_filter (*filters)[2]) {
	unsigned some = 0;
	fkr_add_key(t, "codes");
	fkr_add_c(t, '[');
	for (unsigned code = 0; code < FKR_CODES; code++) {
		if (!fkr_any_has(count, filters, code)) continue;
		if (some++) fkr_add_c(t, ',');
		fkr_add_u64(t, code);
	}
	fkr_add_s(t, "],\"plugin_ids\":");
	for (unsigned i = 0; i < count; i++) {
		if (!fkr_any_plugin(&guests[i], &filters[i][0]) &&
		    !fkr_any_plugin(&guests[i], &filters[i][1]))
			continue;
		fkr_add_s(t, "null");
		return;
	}
	// The plugins' own events, and async events of captures of system calls.
	fkr_add_s(t, "[0");
	for (unsigned i = 0; i < count; i++) {
		if (!guests[i].id) continue;
		fkr_add_c(t, ',');
		fkr_add_u64(t, guests[i].id);
	}
	fkr_add_c(t, ']');
}
