// SPDX-License-Identifier: Apache-2.0
// Owns the guest: one plugin library, what it said of itself, and its state between init and
// destroy. The engine's thread makes and changes guests; the async handler reads them under the
// queue's lock.
#pragma once

#include "runner/host/api.h"
#include "runner/report/json.h"

enum fk_capability {
	FK_CAP_SOURCE = 1,
	FK_CAP_EXTRACT = 2,
	FK_CAP_PARSE = 4,
	FK_CAP_ASYNC = 8,
	FK_CAP_LISTEN = 16,
};

enum {
	FK_MAX_GUESTS = 16,
	FK_CODES = 1024
};

// Given to plugins as their owner. Never freed: a plugin's thread that outlives its plugin may still
// call the handler, and must be refused rather than crash the host.
struct fk_owner {
	struct fk_guest *guest; // NULL once the plugin is gone
	bool handler_set;
	char last_error[1024]; // what get_owner_last_error answers
	struct fk_owner *older;
};

struct fk_guest {
	const char *path;
	const char *config; // NULL: none given

	void *library;
	struct fk_api api;
	unsigned caps;
	char *name, *version, *description, *contact, *required_api, *required_schema, *source;
	struct fk_text fields, init_schema; // compact JSON, NUL-terminated; empty: there is none
	uint32_t id;
	struct fk_names async_events, async_sources, extract_sources, parse_sources;
	unsigned *async_stats; // for each async event name its row in the statistics

	ss_plugin_t *state;
	bool initialized;
	uint64_t parse_codes[FK_CODES / 64]; // one bit for each event code; codes above go to nobody
	bool parse_here;                     // parse_event wants the events of the open source
	struct fk_text producers;            // what the last report of metrics told of them
	bool no_producers;                   // it has told of none, and is not asked again
	struct fk_owner *owner;
};

// loader.c: dlopen as Falco does, and every check of the framework's loader. False: reported.
bool fk_guest_load(struct fk_guest *guest);
void fk_guest_unload(struct fk_guest *guest);

// metadata.c: ask for everything that may be asked before init, twice, as hosts do.
bool fk_guest_describe(struct fk_guest *guest);
void fk_guest_report(const struct fk_guest *guest);
void fk_guest_forget(struct fk_guest *guest);

// init.c
bool fk_guest_init(struct fk_guest *guest);
void fk_guest_destroy(struct fk_guest *guest);
bool fk_guest_set_config(struct fk_guest *guest, const char *config);
void fk_guest_report_metrics(struct fk_guest *guest, bool if_changed);

// What it is handed with its calls.
const ss_plugin_init_tables_input *fk_init_tables(void);
ss_plugin_event_parse_input fk_parse_input(const struct fk_guest *guest);
ss_plugin_field_extract_input fk_extract_input(const struct fk_guest *guest);

// capture_open or capture_close, for guests that listen. False: reported.
bool fk_listen_call(const struct fk_guest *guest, bool open);
