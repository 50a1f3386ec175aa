// SPDX-License-Identifier: Apache-2.0
// The host of falcokit.testing: the runner's host as a library in the process of an author's tests,
// where Python takes the place of the runner's main loop. It is called through ctypes, so no thread
// has the GIL here, and what plugins hand over on threads of their own (log messages, async events)
// waits until Python takes it: none of them waits for the GIL here.
//
// One plugin at a time: what the runner has once in a process is once in this library. Python loads
// another copy of it for a second plugin. One thread at a time calls it, fk_test_next aside.
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "runner/capture/handler.h"
#include "runner/capture/queue.h"
#include "runner/extract/extractor.h"
#include "runner/extract/filter.h"
#include "runner/extract/monitor.h"
#include "runner/host/host.h"
#include "runner/report/report.h"

enum {
	FKR_ASYNC_ID = 38
};

static struct fkr_guest guest;
static uint32_t source_id;

// ---- reports: kept until they are asked for --------------------------------------------------------

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fkr_text waiting;

struct fkr_text *fkr_report_begin(const char *kind) {
	pthread_mutex_lock(&lock);
	fkr_add_s(&waiting, "{\"report\":\"");
	fkr_add_s(&waiting, kind);
	fkr_add_c(&waiting, '"');
	return &waiting;
}

void fkr_report_end(bool now) {
	(void)now;
	fkr_add(&waiting, "}\n", 2);
	pthread_mutex_unlock(&lock);
}

// JSON objects, one a line; valid until the next call.
const char *fk_test_reports(void) {
	static struct fkr_text taken;
	pthread_mutex_lock(&lock);
	struct fkr_text now = waiting;
	waiting = taken;
	waiting.len = 0;
	taken = now;
	pthread_mutex_unlock(&lock);
	fkr_add_c(&taken, '\0');
	return taken.at;
}

// A plugin that hangs or crashes does so in the author's own process: nobody watches.
void fkr_monitor_enter(const char *step, uint64_t number) {
	(void)step;
	(void)number;
}

// ---- tables of the test's ---------------------------------------------------------------------------

static struct fkr_owner test_owner;
static const char *test_error(ss_plugin_t *state) {
	(void)state;
	return test_owner.last_error;
}

// Like a plugin that has exported them.
static struct fkr_guest test = {.name = "the test",
                                .initialized = true,
                                .api.get_last_error = test_error,
                                .owner = &test_owner};
static struct fkr_owner test_owner = {.guest = &test};

bool fk_test_add_table(const ss_plugin_table_input *in) {
	return fkr_tables_add(&test_owner, in) == SS_PLUGIN_SUCCESS;
}

// What Python has for a table that is a dict; the rest of it is Python's.
struct fk_test_table {
	uint64_t count;
	ss_plugin_table_entry_t **entries;
};

// Not in Python: who is called may leave for another stack, and come back here later.
ss_plugin_bool fk_test_iterate(ss_plugin_table_t *t, ss_plugin_table_iterator_func_t it,
                               ss_plugin_table_iterator_state_t *s) {
	const struct fk_test_table *table = t;
	for (uint64_t i = 0; i < table->count; i++)
		if (!it(s, table->entries[i])) return false;
	return true;
}

void fk_test_refuse(const char *why) {
	snprintf(test_owner.last_error, sizeof test_owner.last_error, "%s", why);
}

// ---- the plugin -------------------------------------------------------------------------------------

ss_plugin_t *fk_test_state(void) { return guest.state; }

const char *fk_test_last_error(void) { return guest.api.get_last_error(guest.state); }

bool fk_test_init(const char *library, const char *config, const char *source, uint32_t id) {
	guest = (struct fkr_guest){.path = library, .config = config};
	if (!fkr_guest_load(&guest)) return false;
	source_id = id;
	fkr_handler_source(id, source);
	return fkr_guest_init(&guest);
}

void fk_test_destroy(void) {
	fkr_guest_destroy(&guest);
	fkr_guest_unload(&guest);
	fkr_tables_forget(&test);
}

bool fk_test_set_handler(bool open) {
	if (!(guest.caps & FKR_CAP_ASYNC)) return true;
	// Closed when the call has returned: what is sent in the midst of it is dropped, and no error.
	fkr_owner_gate(guest.owner, true);
	ss_plugin_rc rc = guest.api.set_async_event_handler(guest.state, guest.owner,
	                                                    open ? fkr_async_handler : NULL);
	if (rc != SS_PLUGIN_SUCCESS || !open) fkr_owner_gate(guest.owner, false);
	if (rc == SS_PLUGIN_SUCCESS) return true;
	fkr_guest_error(&guest, "set_async_event_handler", rc);
	return false;
}

bool fk_test_listen(bool open) { return fkr_listen_call(&guest, open); }

// After the last call of a capture.
void fk_test_closed(void) {
	fkr_routines_end();
	fkr_queue_close();
}

// The next async event whose time has come; NULL when there was none for `wait_ns`. It is valid until
// the next call. On a thread of its own: it calls no plugin.
const ss_plugin_event *fk_test_next(uint64_t wait_ns) {
	fkr_queue_wait(wait_ns);
	uint64_t now = fkr_wall_ns();
	struct fkr_async *async = fkr_queue_pop(now);
	if (!async) return NULL;
	if (async->evt->ts == FK_NOT_SET) async->evt->ts = now;
	memcpy((char *)async->evt + FKR_ASYNC_ID, &source_id, sizeof source_id);
	return async->evt;
}

bool fk_test_parse(const ss_plugin_event *evt, uint64_t number, const char *source) {
	ss_plugin_event_input input = {evt, number, source};
	struct fkr_filter filter;
	fkr_filter_parse(&guest, &filter);
	if (!fkr_filter_passes(&filter, evt, source)) return false;
	ss_plugin_event_parse_input in = fkr_parse_input(&guest);
	ss_plugin_rc rc = guest.api.parse_event(guest.state, &input, &in);
	fkr_tables_leave(&guest);
	return rc == SS_PLUGIN_SUCCESS;
}

// The value of one field as JSON, "null" for none; NULL: there is no such field, or it takes no such
// argument. Valid until the next call.
const char *fk_test_extract(const char *field, const ss_plugin_event *evt, uint64_t number,
                            const char *source) {
	static struct fkr_text row;
	ss_plugin_event_input input = {evt, number, source};
	struct fkr_extractor extractor = {0};
	struct fkr_filter filter;
	row.len = 0;
	if (!fkr_fields_select(&guest, field, &extractor.fields)) {
		fkr_fields_free(&extractor.fields);
		return NULL;
	}
	fkr_extractor_open(&extractor, &guest);
	fkr_filter_extract(&guest, &filter);
	if (fkr_filter_passes(&filter, evt, source))
		fkr_extractor_append(&extractor, &input, &row, 0);
	else
		fkr_add_s(&row, "null");
	fkr_extractor_close(&extractor);
	fkr_add_c(&row, '\0');
	return row.at;
}

// ---- dump_state -------------------------------------------------------------------------------------

static struct fkr_text dump;
static bool dumping; // under the owners' lock, as `dump`

static ss_plugin_rc dump_handler(ss_plugin_owner_t *owner, const ss_plugin_event *evt, char *err) {
	if (!owner || !evt) return fkr_refuse(err, "state event sent without owner or without event");
	ss_plugin_rc rc = SS_PLUGIN_FAILURE;
	const char *name = (const char *)evt + FKR_NAME;
	fkr_owner_lock();
	if (!dumping)
		fkr_refuse(err, "state event sent while no state is being dumped");
	else if (!fkr_async_well_formed(evt))
		fkr_refuse(err, "malformed async event produced by plugin: %s", guest.name);
	else if (!fkr_row_of(&guest, name))
		fkr_refuse(err, "incompatible async event '%.64s' produced by plugin: %s", name,
		           guest.name);
	else {
		fkr_add(&dump, (const char *)evt, evt->len);
		rc = SS_PLUGIN_SUCCESS;
	}
	fkr_owner_unlock();
	return rc;
}

static void set_dumping(bool now) {
	fkr_owner_lock();
	dumping = now;
	fkr_owner_unlock();
}

// The events of dump_state, `size` bytes of them, one behind the other; valid until the next call.
// What a dump that fails has written stays, as in a capture file; the failure is reported.
const char *fk_test_dump(size_t *size) {
	*size = dump.len = 0;
	if (!guest.api.dump_state) return NULL;
	set_dumping(true);
	ss_plugin_rc rc = guest.api.dump_state(guest.state, guest.owner, dump_handler);
	set_dumping(false);
	if (rc != SS_PLUGIN_SUCCESS) fkr_guest_error(&guest, "dump_state", rc);
	*size = dump.len;
	return dump.at;
}

bool fk_test_set_config(const char *config) { return fkr_guest_set_config(&guest, config); }

void fk_test_metrics(void) { fkr_guest_report_metrics(&guest, false); }
