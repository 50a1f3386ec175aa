// SPDX-License-Identifier: Apache-2.0
// What the host hands to plugins. Inputs lie on the stack of the call, as in the framework.
#include "runner/host/inputs.h"

#include <string.h>

#include "runner/host/handler.h"
#include "runner/report/report.h"
#include "runner/host/routines.h"
#include "runner/host/tables.h"

const char *fk_owner_last_error(ss_plugin_owner_t *owner) {
	const struct fk_owner *o = owner;
	return o ? o->last_error : "";
}

void fk_log(ss_plugin_owner_t *owner, const char *component, const char *message,
            ss_plugin_log_severity severity) {
	static const char *const names[] = {"fatal",  "critical", "error", "warning",
	                                    "notice", "info",     "debug", "trace"};
	char plugin[128];
	fk_handler_owner_name(owner, plugin, sizeof plugin);
	unsigned i = (unsigned)severity - SS_PLUGIN_LOG_SEV_FATAL;
	struct fk_text *t = fk_report_begin("log");
	fk_add_key(t, "severity");
	fk_add_string_or_null(t, i < sizeof names / sizeof *names ? names[i] : "info");
	fk_add_key(t, "component");
	fk_add_string_or_null(t, component);
	fk_add_key(t, "plugin");
	fk_add_string_or_null(t, plugin[0] ? plugin : NULL);
	fk_add_key(t, "message");
	fk_add_string_or_null(t, message ? message : "");
	fk_report_end(true);
}

const ss_plugin_init_tables_input *fk_init_tables(void) {
	static ss_plugin_init_tables_input tables = {
		.list_tables = fk_tables_list,
		.get_table = fk_tables_get,
		.add_table = fk_tables_add,
		.fields_ext = &fk_table_fields,
		.reader_ext = &fk_table_reader,
		.writer_ext = &fk_table_writer,
	};
	tables.fields = fk_table_fields;
	return &tables;
}

ss_plugin_event_parse_input fk_parse_input(const struct fk_guest *guest) {
	ss_plugin_event_parse_input in = {
		.owner = guest->owner,
		.get_owner_last_error = fk_owner_last_error,
		.table_writer = fk_table_writer,
		.table_reader_ext = &fk_table_reader,
		.table_writer_ext = &fk_table_writer,
	};
	memcpy(&in.table_reader, &fk_table_reader, sizeof in.table_reader);
	return in;
}

ss_plugin_field_extract_input fk_extract_input(const struct fk_guest *guest) {
	ss_plugin_field_extract_input in = {
		.owner = guest->owner,
		.get_owner_last_error = fk_owner_last_error,
		.table_reader_ext = &fk_table_reader,
	};
	memcpy(&in.table_reader, &fk_table_reader, sizeof in.table_reader);
	return in;
}

bool fk_listen_call(const struct fk_guest *guest, bool open) {
	static ss_plugin_routine_vtable routines = {fk_routine_subscribe, fk_routine_unsubscribe};
	ss_plugin_capture_listen_input in = {
		.owner = guest->owner,
		.routine = &routines,
		.table_reader_ext = &fk_table_reader,
		.table_writer_ext = &fk_table_writer,
		.get_owner_last_error = fk_owner_last_error,
	};
	if (!(guest->caps & FK_CAP_LISTEN)) return true;
	ss_plugin_rc rc =
		(open ? guest->api.capture_open : guest->api.capture_close)(guest->state, &in);
	if (rc != SS_PLUGIN_SUCCESS) fk_guest_error(guest, open ? "capture_open" : "capture_close", rc);
	fk_tables_leave(guest);
	return rc == SS_PLUGIN_SUCCESS;
}
