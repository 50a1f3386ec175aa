// SPDX-License-Identifier: Apache-2.0
// A guest from init to destroy: its config, its state, its metrics. Engine's thread, except that
// the control thread may ask for metrics between open and close, as Falco's web server does.
#include <stdlib.h>
#include <string.h>
#include "runner/report/clock.h"
#include "runner/host/guest.h"
#include "runner/host/owner.h"
#include "runner/report/report.h"
#include "runner/host/tables.h"
#include "runner/host/routines.h"

// With a JSON schema the host hands over JSON, and `{}` where it was given nothing.
static const char *fk_config(const struct fk_guest *guest, const char *config, const char *phase) {
	struct fk_text checked = {0};
	bool ok = true;
	if (guest->init_schema.len) {
		config = config && *config ? config : "{}";
		ok = fk_json_compact(config, &checked);
		fk_text_free(&checked);
	}
	if (!ok)
		fk_report_error(phase, guest->name, SS_PLUGIN_FAILURE,
		                "the init config is not JSON, which the plugin's schema asks for");
	return ok ? config ? config : "" : NULL;
}

static void fk_read_parse_codes(struct fk_guest *guest) {
	uint32_t n = 0;
	uint16_t *codes = guest->api.get_parse_event_types
	                      ? guest->api.get_parse_event_types(&n, guest->state)
	                      : NULL;
	bool syscalls = !guest->parse_sources.count || fk_names_have(&guest->parse_sources, "syscall");
	memset(guest->parse_codes, 0, sizeof guest->parse_codes);
	if (!codes || !n) {
		if (syscalls)
			memset(guest->parse_codes, 0xff, sizeof guest->parse_codes);
		else
			guest->parse_codes[FK_CODE_PLUGINEVENT / 64] |= 1ull << FK_CODE_PLUGINEVENT % 64;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		if (codes[i] < FK_CODES) guest->parse_codes[codes[i] / 64] |= 1ull << codes[i] % 64;
}

bool fk_guest_init(struct fk_guest *guest) {
	const char *config = fk_config(guest, guest->config, "init");
	if (!config) return false;
	bool tables = guest->caps & (FK_CAP_PARSE | FK_CAP_EXTRACT);
	ss_plugin_init_input input = {
		.config = config,
		.owner = guest->owner,
		.get_owner_last_error = fk_owner_last_error,
		.tables = tables ? fk_init_tables() : NULL,
		.log_fn = fk_log,
	};
	// No success unless the plugin says so: the framework leaves this to chance.
	ss_plugin_rc rc = SS_PLUGIN_FAILURE;
	uint64_t start = fk_monotonic_ns();
	guest->state = guest->api.init(&input, &rc);
	uint64_t spent = fk_monotonic_ns() - start;
	fk_tables_leave(guest);
	if (rc != SS_PLUGIN_SUCCESS) {
		fk_guest_error(guest, "init", rc);
		if (guest->state) guest->api.destroy(guest->state);
		guest->state = NULL;
		fk_tables_forget(guest);
		return false;
	}
	guest->initialized = true;
	if (guest->caps & FK_CAP_PARSE) fk_read_parse_codes(guest);
	struct fk_text *t = fk_report_begin("initialized");
	fk_add_key(t, "plugin");
	fk_add_string_or_null(t, guest->name);
	fk_add_key(t, "init_ms");
	fk_add_double(t, (double)(spent / 1000) / 1000);
	fk_report_end(true);
	return true;
}

void fk_guest_destroy(struct fk_guest *guest) {
	if (guest->initialized) guest->api.destroy(guest->state);
	fk_tables_forget(guest);
	guest->initialized = false;
	guest->state = NULL;
	fk_owner_disown(guest->owner);
	guest->owner = NULL;
}

bool fk_guest_set_config(struct fk_guest *guest, const char *config) {
	if (!guest->api.set_config) return true;
	config = fk_config(guest, config, "set_config");
	if (!config) return false;
	ss_plugin_set_config_input input = {.config = config};
	ss_plugin_rc rc = guest->api.set_config(guest->state, &input);
	if (rc != SS_PLUGIN_SUCCESS) fk_guest_error(guest, "set_config", rc);
	return rc == SS_PLUGIN_SUCCESS;
}

static void fk_add_metric(struct fk_text *t, const ss_plugin_metric *m) {
	switch (m->value_type) {
	case SS_PLUGIN_METRIC_VALUE_TYPE_U32: fk_add_u64(t, m->value.u32); break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_S32: fk_add_i64(t, m->value.s32); break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_U64: fk_add_u64(t, m->value.u64); break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_S64: fk_add_i64(t, m->value.s64); break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_D: fk_add_double(t, m->value.d); break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_F: fk_add_double(t, (double)m->value.f); break;
	default: fk_add_i64(t, m->value.i);
	}
}

static bool fk_ends(const char *text, const char *end) {
	size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

// The metrics that tell what a plugin's producers do, as falcokit's own plugins have them.
static bool fk_of_producers(const char *name) {
	return name && strncmp(name, "producer_", 9) == 0 &&
	       (fk_ends(name, "_state") || fk_ends(name, "_failures_in_row"));
}

static bool fk_producers_changed(struct fk_guest *guest, const ss_plugin_metric *metrics,
                                 uint32_t n) {
	struct fk_text now = {0}, before = guest->producers;
	for (uint32_t i = 0; metrics && i < n; i++) {
		if (!fk_of_producers(metrics[i].name)) continue;
		fk_add_s(&now, metrics[i].name);
		fk_add_c(&now, ' ');
		fk_add_metric(&now, &metrics[i]);
		fk_add_c(&now, '\n');
	}
	bool changed = now.len && (now.len != before.len || memcmp(now.at, before.at, now.len) != 0);
	guest->producers = now;
	fk_text_free(&before);
	return changed;
}

void fk_guest_report_metrics(struct fk_guest *guest, bool if_changed) {
	uint32_t n = 0;
	if (!guest->api.get_metrics || !guest->initialized) return;
	if (if_changed && guest->no_producers) return;
	// Asked before the report begins: the plugin may log meanwhile.
	ss_plugin_metric *metrics = guest->api.get_metrics(guest->state, &n);
	if (if_changed && !fk_producers_changed(guest, metrics, n)) {
		guest->no_producers = !guest->producers.len;
		return;
	}
	struct fk_text *t = fk_report_begin("metrics");
	fk_add_key(t, "plugin");
	fk_add_string_or_null(t, guest->name);
	fk_add_key(t, "metrics");
	fk_add_c(t, '{');
	for (uint32_t i = 0; metrics && i < n; i++) {
		if (i) fk_add_c(t, ',');
		fk_add_string_or_null(t, metrics[i].name ? metrics[i].name : "");
		fk_add_c(t, ':');
		fk_add_metric(t, &metrics[i]);
	}
	fk_add_c(t, '}');
	fk_report_end(true);
}

// ---- what the host hands to plugins --------------------------------------------------------------

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
