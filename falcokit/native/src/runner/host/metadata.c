// SPDX-License-Identifier: Apache-2.0
// The plugin's metadata before init, copied and reported. The engine's thread only.
#include <stdlib.h>
#include <string.h>

#include "runner/host/guest.h"
#include "runner/report/report.h"
#include "runner/report/stats.h"

static char *fkr_read_twice(const char *(*get)(void)) {
	const char *text = get ? get() : NULL;
	// Called twice: hosts read metadata at any time, so a second call must work as well.
	text = get ? get() : text;
	return fkr_must_copy(text ? text : "");
}

static bool fkr_bad(const struct fkr_guest *guest, const char *what) {
	fkr_report_error("load", guest->name, SS_PLUGIN_FAILURE, what);
	return false;
}

static bool fkr_describe_names(struct fkr_guest *guest) {
	struct fkr_api *api = &guest->api;
	const char *text;
	if (guest->caps & FKR_CAP_ASYNC) {
		text = api->get_async_events();
		if (!text || !*text || !fkr_json_names(text, &guest->async_events))
			return fkr_bad(guest, "plugin_get_async_events must be a JSON array of strings");
		text = api->get_async_event_sources ? api->get_async_event_sources() : NULL;
		if (!fkr_json_names(text, &guest->async_sources))
			return fkr_bad(guest, "plugin_get_async_event_sources must be a JSON array of strings");
	}
	if (guest->caps & FKR_CAP_EXTRACT) {
		text = api->get_extract_event_sources ? api->get_extract_event_sources() : NULL;
		if (!fkr_json_names(text, &guest->extract_sources))
			return fkr_bad(guest,
			               "plugin_get_extract_event_sources must be a JSON array of strings");
	}
	if (guest->caps & FKR_CAP_PARSE) {
		text = api->get_parse_event_sources ? api->get_parse_event_sources() : NULL;
		if (!fkr_json_names(text, &guest->parse_sources))
			return fkr_bad(guest, "plugin_get_parse_event_sources must be a JSON array of strings");
	}
	if (guest->id) { // the framework always adds a plugin's own source
		fkr_names_add(&guest->async_sources, guest->source);
		fkr_names_add(&guest->extract_sources, guest->source);
		fkr_names_add(&guest->parse_sources, guest->source);
	}
	guest->async_stats = fkr_must_alloc(NULL, guest->async_events.count * sizeof(unsigned));
	for (unsigned i = 0; i < guest->async_events.count; i++)
		guest->async_stats[i] = fkr_stats_row(guest->async_events.at[i]);
	return true;
}

bool fkr_guest_describe(struct fkr_guest *guest) {
	struct fkr_api *api = &guest->api;
	guest->name = fkr_read_twice(api->get_name);
	guest->version = fkr_read_twice(api->get_version);
	guest->description = fkr_read_twice(api->get_description);
	guest->contact = fkr_read_twice(api->get_contact);
	guest->required_api = fkr_read_twice(api->get_required_api_version);
	guest->source = fkr_read_twice(guest->caps & FKR_CAP_SOURCE ? api->get_event_source : NULL);
	guest->id = guest->caps & FKR_CAP_SOURCE && api->get_id ? api->get_id() : 0;
	if (!guest->name[0]) return fkr_bad(guest, "plugin_get_name answers nothing");
	if (api->get_required_event_schema_version) {
		const char *text = api->get_required_event_schema_version(NULL);
		guest->required_schema = text ? fkr_must_copy(text) : NULL;
	}
	if (guest->caps & FKR_CAP_EXTRACT) {
		const char *text = api->get_fields();
		if (!text || !fkr_json_compact(text, &guest->fields) || guest->fields.at[0] != '[')
			return fkr_bad(guest, "plugin_get_fields must be a JSON array");
	}
	if (api->get_init_schema) {
		ss_plugin_schema_type type = SS_PLUGIN_SCHEMA_NONE;
		const char *text = api->get_init_schema(&type);
		if (type == SS_PLUGIN_SCHEMA_JSON && text && !fkr_json_compact(text, &guest->init_schema))
			return fkr_bad(guest, "plugin_get_init_schema says JSON and is not");
	}
	return fkr_describe_names(guest);
}

static void fkr_add_names(struct fkr_text *t, const char *key, const struct fkr_names *names) {
	fkr_add_key(t, key);
	fkr_add_c(t, '[');
	for (unsigned i = 0; i < names->count; i++) {
		if (i) fkr_add_c(t, ',');
		fkr_add_string_or_null(t, names->at[i]);
	}
	fkr_add_c(t, ']');
}

static void fkr_add_raw(struct fkr_text *t, const char *key, const struct fkr_text *json,
                        const char *none) {
	fkr_add_key(t, key);
	if (json->len)
		fkr_add(t, json->at, json->len);
	else
		fkr_add_s(t, none);
}

void fkr_guest_report(const struct fkr_guest *guest) {
	struct fkr_text *t = fkr_report_begin("loaded");
	fkr_add_member(t, "plugin", guest->name);
	fkr_add_member(t, "version", guest->version);
	fkr_add_member(t, "description", guest->description);
	fkr_add_member(t, "contact", guest->contact);
	fkr_add_member(t, "required_api", guest->required_api);
	fkr_add_member(t, "required_schema", guest->required_schema);
	fkr_add_key(t, "capabilities");
	fkr_add_c(t, '[');
	for (unsigned i = 0, some = 0; i < sizeof fkr_capability_names / sizeof *fkr_capability_names;
	     i++) {
		if (!(guest->caps & 1u << i)) continue;
		if (some++) fkr_add_c(t, ',');
		fkr_add_string_or_null(t, fkr_capability_names[i]);
	}
	fkr_add_c(t, ']');
	fkr_add_member(t, "event_source", guest->source[0] ? guest->source : NULL);
	fkr_add_key(t, "plugin_id");
	fkr_add_u64(t, guest->id);
	fkr_add_names(t, "async_events", &guest->async_events);
	fkr_add_names(t, "async_event_sources", &guest->async_sources);
	fkr_add_names(t, "extract_event_sources", &guest->extract_sources);
	fkr_add_names(t, "parse_event_sources", &guest->parse_sources);
	fkr_add_raw(t, "init_schema", &guest->init_schema, "null");
	fkr_add_raw(t, "fields", &guest->fields, "[]");
	fkr_add_member(t, "library", guest->path);
	fkr_report_end(true);
}

void fkr_guest_forget(struct fkr_guest *guest) {
	char *texts[] = {guest->name,    guest->version,      guest->description,
	                 guest->contact, guest->required_api, guest->required_schema,
	                 guest->source};
	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
	fkr_text_free(&guest->fields);
	fkr_text_free(&guest->init_schema);
	fkr_text_free(&guest->producers);
	fkr_names_free(&guest->async_events);
	fkr_names_free(&guest->async_sources);
	fkr_names_free(&guest->extract_sources);
	fkr_names_free(&guest->parse_sources);
	free(guest->async_stats);
}
