// SPDX-License-Identifier: Apache-2.0
// The host of plugins: the guest that a library becomes, the plugin's handle on the host, routines and
// tables, and the control of a capture. api.h has what a library exports, threads.h the host's own
// table.
#pragma once

#include <pthread.h>

#include "runner/host/api.h"
#include "runner/report/report.h"

// ---- guests ----------------------------------------------------------------------------------------

// Owns the guest: one plugin library, its metadata, and its state between init and destroy. The
// engine's thread creates and changes guests; the async handler reads them under the owners' lock.

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

// ---- owners ----------------------------------------------------------------------------------------

// The plugin's handle on the host: the owner passed to init, the log function, the last error. Any
// thread may call these at any time, even after the plugin was destroyed.

// Guards the owners and the queue of async events: an emission that overlaps with the end of a capture
// is either queued before it or refused.
extern pthread_mutex_t fkr_owners;
void fkr_owner_lock(void);
void fkr_owner_unlock(void);

void fkr_owner_gate(struct fkr_owner *owner, bool open); // whether its events are accepted
void fkr_owner_disown(struct fkr_owner *owner);          // the plugin is gone
void fkr_owner_name(ss_plugin_owner_t *owner, char *name, size_t room);
const char *fkr_owner_last_error(ss_plugin_owner_t *owner);
void fkr_log(ss_plugin_owner_t *owner, const char *component, const char *message,
             ss_plugin_log_severity severity);

// One error report: the phase, the plugin (or NULL), its return code and its error text.
void fkr_report_error(const char *phase, const char *plugin, int rc, const char *message);
// Reports an error with the plugin's last error text.
void fkr_guest_error(const struct fkr_guest *guest, const char *phase, int rc);

// ---- routines --------------------------------------------------------------------------------------

// Owns the pool that runs the plugins' routines: two threads, started with the first routine. A
// routine is called again while it returns 1, until it is unsubscribed or the capture has closed.

// On the engine's thread, or one that it waits for. NULL or FAILURE: the reason is the owner's last
// error.
ss_plugin_routine_t *fkr_routine_subscribe(ss_plugin_owner_t *o, ss_plugin_routine_fn_t run,
                                           ss_plugin_routine_state_t *state);
ss_plugin_rc fkr_routine_unsubscribe(ss_plugin_owner_t *o, ss_plugin_routine_t *r);

// Engine's thread, after every capture_close: removes all of them and waits for those that run.
void fkr_routines_end(void);

// ---- tables ----------------------------------------------------------------------------------------

// Owns the state tables: those that plugins export, the host's own (threads.h), and the handles to
// both. A handle is a ss_plugin_table_input, as in the framework, and belongs to the plugin that
// asked for it. Called within a plugin's init, parse_event, extract_fields, capture_open and
// capture_close, by the engine's thread or by one that it waits for.

struct fkr_handle {
	ss_plugin_table_input in;     // first: plugins may look into it
	struct fkr_owner *reader;     // who asked for it
	struct fkr_guest *owner;      // the guest that exports the table, NULL once it is gone
	ss_plugin_table_input *table; // the owner's
	bool nested;                  // valid until the end of the call
	struct fkr_handle *next;
};

// tables.c: the registry
void fkr_tables_begin(void);          // before the first plugin's init: the host's table is there
void fkr_tables_end(void);            // after the last plugin's destroy
bool fkr_tables_threads_wanted(void); // a plugin has asked for the host's table
ss_plugin_table_info *fkr_tables_list(ss_plugin_owner_t *o, uint32_t *n);
ss_plugin_table_t *fkr_tables_get(ss_plugin_owner_t *o, const char *name, ss_plugin_state_type key);
ss_plugin_rc fkr_tables_add(ss_plugin_owner_t *o, const ss_plugin_table_input *in);
struct fkr_handle *fkr_tables_nested(const struct fkr_handle *parent, ss_plugin_table_input *table);
void fkr_tables_forget(struct fkr_guest *guest); // it is destroyed
// After each call in which tables could be used: frees handles to nested tables, and logs entries that
// were not released.
void fkr_tables_leave(const struct fkr_guest *guest);
// Sets the text that get_owner_last_error returns.
void fkr_tables_fail(struct fkr_owner *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
extern int fkr_table_entries; // handed out and not released

// The calls on tables, as plugins get them
extern ss_plugin_table_fields_vtable_ext fkr_table_fields;
extern ss_plugin_table_reader_vtable_ext fkr_table_reader;
extern ss_plugin_table_writer_vtable_ext fkr_table_writer;
void fkr_table_fields_forget(void); // after the last plugin's destroy

// ---- the control of a capture ----------------------------------------------------------------------

// Owns the decision to end a capture, and the control thread: it flushes buffered reports, reports
// statistics on time, and notices signals, the end of the duration and a closed output.

enum fkr_stop {
	FKR_GO_ON,
	FKR_STOP_DURATION,
	FKR_STOP_SIGNAL
};

// stats_ms 0: no periodic statistics. parent: the process to exit with; 0: the current parent.
bool fkr_control_start(unsigned stats_ms, int parent);

// A capture is open from begin to end. `duration_ns` 0: unlimited. With `metrics`, the control thread
// reports the metrics of each guest together with the statistics.
void fkr_control_begin(uint64_t duration_ns, struct fkr_guest *metrics, unsigned count);
void fkr_control_end(void); // afterwards the control thread calls no guest

enum fkr_stop fkr_control_stop(void);

// ---- the command line ------------------------------------------------------------------------------

// Owns the command line. No threads.
//
// Options whose values nobody may read from the process list (configs may hold secrets) come on
// stdin, before anything else: a u32 with the number of bytes, in this machine's byte order, then
// each word followed by a NUL.

struct fkr_options {
	struct fkr_guest guests[FKR_MAX_GUESTS];
	unsigned guest_count;
	const char *open_params, *source, *record, *set_config, *extract, *fields, *rows;
	const char *fields_of; // a plugin's name; NULL: the first
	uint64_t limit, duration_ns, deadline_ns;
	unsigned stats_ms, cycles, reload;
	unsigned events_per_second; // reported beside the statistics, at most
	bool events, metrics, info, replay;
	int parent;
};

bool fkr_options_read(struct fkr_options *o, int argc, char **argv); // false: reported on stderr
