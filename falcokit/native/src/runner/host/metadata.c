// SPDX-License-Identifier: Apache-2.0
// What a plugin says of itself before init, kept as copies and reported. Engine's thread only.
#include <stdlib.h>
#include <string.h>

#include "runner/host/capabilities.h"
#include "runner/host/guest.h"
#include "runner/report/report.h"
#include "runner/report/stats.h"

static char *fk_ask(const char *(*get)(void)) {
	const char *text = get ? get() : NULL;
	// Asked twice: hosts read metadata whenever they like, and a second answer must be as good.
	text = get ? get() : text;
	return fk_must_copy(text ? text : "");
}

static bool fk_bad(const struct fk_guest *guest, const char *what) {
	fk_report_error("load", guest->name, SS_PLUGIN_FAILURE, what);
	return false;
}

static bool fk_describe_names(struct fk_guest *guest) {
	struct fk_api *api = &guest->api;
	const char *text;
	if (guest->caps & FK_CAP_ASYNC) {
		text = api->get_async_events();
		if (!text || !*text || !fk_json_names(text, &guest->async_events))
			return fk_bad(guest, "plugin_get_async_events must be a JSON array of strings");
		text = api->get_async_event_sources ? api->get_async_event_sources() : NULL;
		if (!fk_json_names(text, &guest->async_sources))
			return fk_bad(guest, "plugin_get_async_event_sources must be a JSON array of strings");
	}
	if (guest->caps & FK_CAP_EXTRACT) {
		text = api->get_extract_event_sources ? api->get_extract_event_sources() : NULL;
		if (!fk_json_names(text, &guest->extract_sources))
			return fk_bad(guest,
			              "plugin_get_extract_event_sources must be a JSON array of strings");
	}
	if (guest->caps & FK_CAP_PARSE) {
		text = api->get_parse_event_sources ? api->get_parse_event_sources() : NULL;
		if (!fk_json_names(text, &guest->parse_sources))
			return fk_bad(guest, "plugin_get_parse_event_sources must be a JSON array of strings");
	}
	if (guest->id) { // the framework always adds a plugin's own source
		fk_names_add(&guest->async_sources, guest->source);
		fk_names_add(&guest->extract_sources, guest->source);
		fk_names_add(&guest->parse_sources, guest->source);
	}
	guest->async_stats = fk_must_alloc(NULL, guest->async_events.count * sizeof(unsigned));
	for (unsigned i = 0; i < guest->async_events.count; i++)
		guest->async_stats[i] = fk_stats_row(guest->async_events.at[i]);
	return true;
}

bool fk_guest_describe(struct fk_guest *guest) {
	struct fk_api *api = &guest->api;
	guest->name = fk_ask(api->get_name);
	guest->version = fk_ask(api->get_version);
	guest->description = fk_ask(api->get_description);
	guest->contact = fk_ask(api->get_contact);
	guest->required_api = fk_ask(api->get_required_api_version);
	guest->source = fk_ask(guest->caps & FK_CAP_SOURCE ? api->get_event_source : NULL);
	guest->id = guest->caps & FK_CAP_SOURCE && api->get_id ? api->get_id() : 0;
	if (!guest->name[0]) return fk_bad(guest, "plugin_get_name answers nothing");
	if (api->get_required_event_schema_version) {
		const char *text = api->get_required_event_schema_version(NULL);
		guest->required_schema = text ? fk_must_copy(text) : NULL;
	}
	if (guest->caps & FK_CAP_EXTRACT) {
		const char *text = api->get_fields();
		if (!text || !fk_json_compact(text, &guest->fields) || guest->fields.at[0] != '[')
			return fk_bad(guest, "plugin_get_fields must be a JSON array");
	}
	if (api->get_init_schema) {
		ss_plugin_schema_type type = SS_PLUGIN_SCHEMA_NONE;
		const char *text = api->get_init_schema(&type);
		if (type == SS_PLUGIN_SCHEMA_JSON && text && !fk_json_compact(text, &guest->init_schema))
			return fk_bad(guest, "plugin_get_init_schema says JSON and is not");
	}
	return fk_describe_names(guest);
}

static void fk_add_names(struct fk_text *t, const char *key, const struct fk_names *names) {
	fk_add_key(t, key);
	fk_add_c(t, '[');
	for (unsigned i = 0; i < names->count; i++) {
		if (i) fk_add_c(t, ',');
		fk_add_string_or_null(t, names->at[i]);
	}
	fk_add_c(t, ']');
}

static void fk_add_member(struct fk_text *t, const char *key, const char *value) {
	fk_add_key(t, key);
	fk_add_string_or_null(t, value);
}

static void fk_add_raw(struct fk_text *t, const char *key, const struct fk_text *json,
                       const char *none) {
	fk_add_key(t, key);
	if (json->len)
		fk_add(t, json->at, json->len);
	else
		fk_add_s(t, none);
}

void fk_guest_report(const struct fk_guest *guest) {
	struct fk_text *t = fk_report_begin("loaded");
	fk_add_member(t, "plugin", guest->name);
	fk_add_member(t, "version", guest->version);
	fk_add_member(t, "description", guest->description);
	fk_add_member(t, "contact", guest->contact);
	fk_add_member(t, "required_api", guest->required_api);
	fk_add_member(t, "required_schema", guest->required_schema);
	fk_add_key(t, "capabilities");
	fk_add_c(t, '[');
	for (unsigned i = 0, some = 0; i < sizeof fk_capability_names / sizeof *fk_capability_names;
	     i++) {
		if (!(guest->caps & 1u << i)) continue;
		if (some++) fk_add_c(t, ',');
		fk_add_string_or_null(t, fk_capability_names[i]);
	}
	fk_add_c(t, ']');
	fk_add_member(t, "event_source", guest->source[0] ? guest->source : NULL);
	fk_add_key(t, "plugin_id");
	fk_add_u64(t, guest->id);
	fk_add_names(t, "async_events", &guest->async_events);
	fk_add_names(t, "async_event_sources", &guest->async_sources);
	fk_add_names(t, "extract_event_sources", &guest->extract_sources);
	fk_add_names(t, "parse_event_sources", &guest->parse_sources);
	fk_add_raw(t, "init_schema", &guest->init_schema, "null");
	fk_add_raw(t, "fields", &guest->fields, "[]");
	fk_add_member(t, "library", guest->path);
	fk_report_end(true);
}

void fk_guest_forget(struct fk_guest *guest) {
	char *texts[] = {guest->name,    guest->version,      guest->description,
	                 guest->contact, guest->required_api, guest->required_schema,
	                 guest->source};
	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++) free(texts[i]);
	fk_text_free(&guest->fields);
	fk_text_free(&guest->init_schema);
	fk_text_free(&guest->producers);
	fk_names_free(&guest->async_events);
	fk_names_free(&guest->async_sources);
	fk_names_free(&guest->extract_sources);
	fk_names_free(&guest->parse_sources);
	free(guest->async_stats);
}
