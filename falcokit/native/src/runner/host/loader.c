// SPDX-License-Identifier: Apache-2.0
// Opens and closes plugin libraries with Falco's own flags, refuses what Falco refuses, and copies and
// reports the metadata before init. The engine's thread only.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runner/host/host.h"
#include "runner/report/report.h"

// ---- capabilities -----------------------------------------------------------------------------------

static const char *const fkr_capability_names[5] = {"source", "extract", "parse", "async",
                                                    "listen"};

// By the framework's rules: all the symbols of a capability, or none of them. NULL, or what is wrong.
static const char *fkr_capabilities(const struct fkr_api *api, unsigned *caps) {
	*caps = 0;
	if (api->open && api->close && api->next_batch) {
		bool id = api->get_id && api->get_id() != 0;
		const char *name = api->get_event_source ? api->get_event_source() : NULL;
		if (id != (name && name[0]))
			return "event sourcing is broken: plugin_get_id and plugin_get_event_source "
				   "must both return a value, or neither";
		*caps |= FKR_CAP_SOURCE;
	} else if (api->open || api->close || api->next_batch) {
		return "event sourcing is broken: plugin_open, plugin_close and "
			   "plugin_next_batch must all be exported";
	}
	if (api->get_fields && api->extract_fields)
		*caps |= FKR_CAP_EXTRACT;
	else if (api->extract_fields)
		return "field extraction is broken: plugin_extract_fields is exported without "
			   "plugin_get_fields";
	if (api->parse_event) *caps |= FKR_CAP_PARSE;
	if (api->get_async_events && api->set_async_event_handler)
		*caps |= FKR_CAP_ASYNC;
	else if (api->set_async_event_handler)
		return "async events are broken: plugin_set_async_event_handler is exported "
			   "without plugin_get_async_events";
	if (api->capture_open && api->capture_close)
		*caps |= FKR_CAP_LISTEN;
	else if (api->capture_open)
		return "capture listening is broken: plugin_capture_open is exported without "
			   "plugin_capture_close";
	return *caps ? NULL : "the plugin implements no capability";
}

// ---- metadata ---------------------------------------------------------------------------------------

static char *fkr_read_twice(const char *(*get)(void)) {
	const char *text = get ? get() : NULL;
	// Called twice: hosts read metadata at any time, so a second call must work as well.
	text = get ? get() : text;
	return fkr_must_copy(text ? text : "");
}

// NULL, or what is wrong.
static const char *fkr_describe_names(struct fkr_guest *guest) {
	struct fkr_api *api = &guest->api;
	const char *text;
	if (guest->caps & FKR_CAP_ASYNC) {
		text = api->get_async_events();
		if (!text || !*text || !fkr_json_names(text, &guest->async_events))
			return "plugin_get_async_events must be a JSON array of strings";
		text = api->get_async_event_sources ? api->get_async_event_sources() : NULL;
		if (!fkr_json_names(text, &guest->async_sources))
			return "plugin_get_async_event_sources must be a JSON array of strings";
	}
	if (guest->caps & FKR_CAP_EXTRACT) {
		text = api->get_extract_event_sources ? api->get_extract_event_sources() : NULL;
		if (!fkr_json_names(text, &guest->extract_sources))
			return "plugin_get_extract_event_sources must be a JSON array of strings";
	}
	if (guest->caps & FKR_CAP_PARSE) {
		text = api->get_parse_event_sources ? api->get_parse_event_sources() : NULL;
		if (!fkr_json_names(text, &guest->parse_sources))
			return "plugin_get_parse_event_sources must be a JSON array of strings";
	}
	if (guest->id) { // the framework always adds a plugin's own source
		fkr_names_add(&guest->async_sources, guest->source);
		fkr_names_add(&guest->extract_sources, guest->source);
		fkr_names_add(&guest->parse_sources, guest->source);
	}
	guest->async_stats = fkr_must_alloc(NULL, guest->async_events.count * sizeof(unsigned));
	for (unsigned i = 0; i < guest->async_events.count; i++)
		guest->async_stats[i] = fkr_stats_row(guest->async_events.at[i]);
	return NULL;
}

static const char *fkr_guest_describe(struct fkr_guest *guest) {
	struct fkr_api *api = &guest->api;
	guest->name = fkr_read_twice(api->get_name);
	guest->version = fkr_read_twice(api->get_version);
	guest->description = fkr_read_twice(api->get_description);
	guest->contact = fkr_read_twice(api->get_contact);
	guest->required_api = fkr_read_twice(api->get_required_api_version);
	guest->source = fkr_read_twice(guest->caps & FKR_CAP_SOURCE ? api->get_event_source : NULL);
	guest->id = guest->caps & FKR_CAP_SOURCE && api->get_id ? api->get_id() : 0;
	if (!guest->name[0]) return "plugin_get_name returns an empty name";
	if (api->get_required_event_schema_version) {
		const char *text = api->get_required_event_schema_version(NULL);
		guest->required_schema = text ? fkr_must_copy(text) : NULL;
	}
	if (guest->caps & FKR_CAP_EXTRACT) {
		const char *text = api->get_fields();
		if (!text || !fkr_json_compact(text, &guest->fields) || guest->fields.at[0] != '[')
			return "plugin_get_fields must be a JSON array";
	}
	if (api->get_init_schema) {
		ss_plugin_schema_type type = SS_PLUGIN_SCHEMA_NONE;
		const char *text = api->get_init_schema(&type);
		if (type == SS_PLUGIN_SCHEMA_JSON && text && !fkr_json_compact(text, &guest->init_schema))
			return "the init schema is said to be JSON and is not";
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

static void fkr_guest_forget(struct fkr_guest *guest) {
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

// ---- the library ------------------------------------------------------------------------------------

static struct fkr_owner *fkr_all_owners; // all owners ever made

static bool fkr_refuse(struct fkr_guest *guest, const char *why) {
	fkr_report_error("load", guest->name ? guest->name : guest->path, SS_PLUGIN_FAILURE, why);
	fkr_guest_unload(guest);
	return false;
}

static const char *fkr_resolve(struct fkr_guest *guest) {
	const char *missing = NULL;
#define FKR_RESOLVE(name, required, result, arguments)                   \
	*(void **)&guest->api.name = dlsym(guest->library, "plugin_" #name); \
	if (required && !guest->api.name && !missing) missing = "plugin_" #name;
	FKR_SYMBOLS(FKR_RESOLVE)
#undef FKR_RESOLVE
	return missing;
}

static bool fkr_version(const char *text, unsigned part[3]) {
	char rest;
	return text && sscanf(text, "%u.%u.%u%c", &part[0], &part[1], &part[2], &rest) == 3;
}

static bool fkr_check_api(struct fkr_guest *guest, char *why, size_t room) {
	unsigned v[3];
	const char *text = guest->api.get_required_api_version();
	if (!fkr_version(text, v)) {
		snprintf(why, room, "the required API version '%s' is not x.y.z", text ? text : "");
		return false;
	}
	bool known =
		v[0] == PLUGIN_API_VERSION_MAJOR &&
		(v[1] < PLUGIN_API_VERSION_MINOR || (v[1] == PLUGIN_API_VERSION_MINOR && v[2] == 0));
	if (!known)
		snprintf(why, room, "the plugin requires API version %s, this host has %d.%d.0", text,
		         PLUGIN_API_VERSION_MAJOR, PLUGIN_API_VERSION_MINOR);
	return known;
}

bool fkr_guest_load(struct fkr_guest *guest) {
	char why[512];
	unsigned v[3];
	const char *missing;

	guest->library = dlopen(guest->path, RTLD_LOCAL | RTLD_NOW);
	if (!guest->library) return fkr_refuse(guest, dlerror());
	missing = fkr_resolve(guest);
	if (missing) {
		snprintf(why, sizeof why, "the symbol %s is not exported: this is not a Falco plugin",
		         missing);
		return fkr_refuse(guest, why);
	}
	if (!fkr_check_api(guest, why, sizeof why)) return fkr_refuse(guest, why);
	const char *wrong = fkr_capabilities(&guest->api, &guest->caps);
	if (!wrong) wrong = fkr_guest_describe(guest);
	if (wrong) return fkr_refuse(guest, wrong);
	if (!fkr_version(guest->version, v)) {
		snprintf(why, sizeof why, "the plugin's version '%s' is not x.y.z", guest->version);
		return fkr_refuse(guest, why);
	}
	if (guest->id && strcmp(guest->source, "syscall") == 0)
		return fkr_refuse(guest, "a plugin with an id cannot name its event source \"syscall\"");
	guest->owner = fkr_must_alloc(NULL, sizeof *guest->owner);
	*guest->owner = (struct fkr_owner){.guest = guest, .older = fkr_all_owners};
	fkr_all_owners = guest->owner;
	return true;
}

void fkr_guest_unload(struct fkr_guest *guest) {
	fkr_guest_forget(guest);
	if (guest->library) dlclose(guest->library);
	*guest = (struct fkr_guest){.path = guest->path, .config = guest->config};
}
