// SPDX-License-Identifier: Apache-2.0
// Owns the guest: one plugin library, its metadata, and its state between init and destroy. The
// engine's thread creates and changes guests; the async handler reads them under the owners' lock.
#pragma once

#include "runner/host/api.h"
#include "runner/report/json.h"

enum fkr_capability {
	FKR_CAP_SOURCE = 1,
	FKR_CAP_EXTRACT = 2,
	FKR_CAP_PARSE = 4,
	FKR_CAP_ASYNC = 8,
	FKR_CAP_LISTEN = 16,
};

enum {
	FKR_MAX_GUESTS = 16,
	FKR_CODES = 1024
};

// Given to plugins as their owner. Never freed: a plugin's thread that outlives its plugin may still
// call the handler, and must be refused rather than crash the host.
struct fkr_owner {
	struct fkr_guest *guest; // NULL once the plugin is gone
	bool handler_set;
	char last_error[1024]; // what get_owner_last_error answers
	struct fkr_owner *older;
};

struct fkr_guest {
	const char *path;
	const char *config; // NULL: none given

	void *library;
	struct fkr_api api;
	unsigned caps;
	char *name, *version, *description, *contact, *required_api, *required_schema, *source;
	struct fkr_text fields, init_schema; // compact JSON, NUL-terminated; empty: there is none
	uint32_t id;
	struct fkr_names async_events, async_sources, extract_sources, parse_sources;
	unsigned *async_stats; // for each async event name its row in the statistics

	ss_plugin_t *state;
	bool initialized;
	uint64_t
		parse_codes[FKR_CODES / 64]; // one bit for each event code; higher codes are not parsed
	bool parse_here;                 // parse_event wants the events of the open source
	struct fkr_text producers;       // the producers' metrics in the last report
	bool no_producers;               // it has no such metrics, and is not asked again
	struct fkr_owner *owner;
};

// loader.c: dlopen as Falco does, every check of the framework's loader, and everything that may be read
// before init, twice, as hosts do. False: reported.
bool fkr_guest_load(struct fkr_guest *guest);
void fkr_guest_unload(struct fkr_guest *guest);
void fkr_guest_report(const struct fkr_guest *guest);

// guest.c
bool fkr_guest_init(struct fkr_guest *guest);
void fkr_guest_destroy(struct fkr_guest *guest);
bool fkr_guest_set_config(struct fkr_guest *guest, const char *config);
void fkr_guest_report_metrics(struct fkr_guest *guest, bool if_changed);

// The inputs that the host passes to its calls.
const ss_plugin_init_tables_input *fkr_init_tables(void);
ss_plugin_event_parse_input fkr_parse_input(const struct fkr_guest *guest);
ss_plugin_field_extract_input fkr_extract_input(const struct fkr_guest *guest);

// capture_open or capture_close, for guests that listen. False: reported.
bool fkr_listen_call(const struct fkr_guest *guest, bool open);
