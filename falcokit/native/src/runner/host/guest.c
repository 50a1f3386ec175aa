// SPDX-License-Identifier: Apache-2.0
// A guest from init to destroy: its config, its state, its metrics. Engine's thread, except that
// the control thread may ask for metrics between open and close, as Falco's web server does.
#include "runner/host/host.h"

#include <stdlib.h>
#include <string.h>

#include "runner/report/report.h"

// For a plugin with a JSON schema the host passes JSON, and `{}` when it was given no config.
static const char *fkr_config(const struct fkr_guest *guest, const char *config,
                              const char *phase) {
	struct fkr_text checked = {0};
	if (!guest->init_schema.len) return config ? config : "";
	config = config && *config ? config : "{}";
	bool ok = fkr_json_compact(config, &checked);
	fkr_text_free(&checked);
	if (ok) return config;
	fkr_report_error(phase, guest->name, SS_PLUGIN_FAILURE,
	                 "the init config is not JSON, which the plugin's schema asks for");
	return NULL;
}

static void fkr_read_parse_codes(struct fkr_guest *guest) {
	uint32_t n = 0;
	uint16_t *codes = guest->api.get_parse_event_types
	                      ? guest->api.get_parse_event_types(&n, guest->state)
	                      : NULL;
	bool syscalls = !guest->parse_sources.count || fkr_names_have(&guest->parse_sources, "syscall");
	memset(guest->parse_codes, 0, sizeof guest->parse_codes);
	if (!codes || !n) {
		if (syscalls)
			memset(guest->parse_codes, 0xff, sizeof guest->parse_codes);
		else
			guest->parse_codes[FK_CODE_PLUGINEVENT / 64] |= 1ull << FK_CODE_PLUGINEVENT % 64;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		if (codes[i] < FKR_CODES) guest->parse_codes[codes[i] / 64] |= 1ull << codes[i] % 64;
}

bool fkr_guest_init(struct fkr_guest *guest) {
	const char *config = fkr_config(guest, guest->config, "init");
	if (!config) return false;
	bool tables = guest->caps & (FKR_CAP_PARSE | FKR_CAP_EXTRACT);
	ss_plugin_init_input input = {
		.config = config,
		.owner = guest->owner,
		.get_owner_last_error = fkr_owner_last_error,
		.tables = tables ? fkr_init_tables() : NULL,
		.log_fn = fkr_log,
	};
	// Failure unless the plugin sets it: the framework leaves this uninitialized.
	ss_plugin_rc rc = SS_PLUGIN_FAILURE;
	uint64_t start = fkr_monotonic_ns();
	guest->state = guest->api.init(&input, &rc);
	uint64_t spent = fkr_monotonic_ns() - start;
	fkr_tables_leave(guest);
	if (rc != SS_PLUGIN_SUCCESS) {
		fkr_guest_error(guest, "init", rc);
		if (guest->state) guest->api.destroy(guest->state);
		guest->state = NULL;
		fkr_tables_forget(guest);
		return false;
	}
	guest->initialized = true;
	if (guest->caps & FKR_CAP_PARSE) fkr_read_parse_codes(guest);
	struct fkr_text *t = fkr_report_begin("initialized");
	fkr_add_member(t, "plugin", guest->name);
	fkr_add_key(t, "init_ms");
	fkr_add_double(t, (double)(spent / 1000) / 1000);
	fkr_report_end(true);
	return true;
}

void fkr_guest_destroy(struct fkr_guest *guest) {
	if (guest->initialized) guest->api.destroy(guest->state);
	fkr_tables_forget(guest);
	guest->initialized = false;
	guest->state = NULL;
	fkr_owner_disown(guest->owner);
	guest->owner = NULL;
}

bool fkr_guest_set_config(struct fkr_guest *guest, const char *config) {
	if (!guest->api.set_config) return true;
	config = fkr_config(guest, config, "set_config");
	if (!config) return false;
	ss_plugin_set_config_input input = {.config = config};
	ss_plugin_rc rc = guest->api.set_config(guest->state, &input);
	if (rc != SS_PLUGIN_SUCCESS) fkr_guest_error(guest, "set_config", rc);
	return rc == SS_PLUGIN_SUCCESS;
}

static void fkr_add_metric(struct fkr_text *t, const ss_plugin_metric *m) {
	switch (m->value_type) {
	case SS_PLUGIN_METRIC_VALUE_TYPE_U32: fkr_add_u64(t, m->value.u32); break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_S32: fkr_add_i64(t, m->value.s32); break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_U64: fkr_add_u64(t, m->value.u64); break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_S64: fkr_add_i64(t, m->value.s64); break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_D: fkr_add_double(t, m->value.d); break;
	case SS_PLUGIN_METRIC_VALUE_TYPE_F: fkr_add_double(t, (double)m->value.f); break;
	default: fkr_add_i64(t, m->value.i);
	}
}

static bool fkr_ends(const char *text, const char *end) {
	size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

// Whether this metric describes a producer, in the form of falcokit's plugins.
static bool fkr_of_producers(const char *name) {
	return name && strncmp(name, "producer_", 9) == 0 &&
	       (fkr_ends(name, "_state") || fkr_ends(name, "_failures_in_row"));
}

static bool fkr_producers_changed(struct fkr_guest *guest, const ss_plugin_metric *metrics,
                                  uint32_t n) {
	struct fkr_text now = {0}, before = guest->producers;
	for (uint32_t i = 0; metrics && i < n; i++) {
		if (!fkr_of_producers(metrics[i].name)) continue;
		fkr_add_s(&now, metrics[i].name);
		fkr_add_c(&now, ' ');
		fkr_add_metric(&now, &metrics[i]);
		fkr_add_c(&now, '\n');
	}
	bool changed = now.len && (now.len != before.len || memcmp(now.at, before.at, now.len) != 0);
	guest->producers = now;
	fkr_text_free(&before);
	return changed;
}

void fkr_guest_report_metrics(struct fkr_guest *guest, bool if_changed) {
	uint32_t n = 0;
	if (!guest->api.get_metrics || !guest->initialized) return;
	if (if_changed && guest->no_producers) return;
	// Called before the report begins, because the plugin may log during the call.
	ss_plugin_metric *metrics = guest->api.get_metrics(guest->state, &n);
	if (if_changed && !fkr_producers_changed(guest, metrics, n)) {
		guest->no_producers = !guest->producers.len;
		return;
	}
	struct fkr_text *t = fkr_report_begin("metrics");
	fkr_add_member(t, "plugin", guest->name);
	fkr_add_key(t, "metrics");
	fkr_add_c(t, '{');
	for (uint32_t i = 0; metrics && i < n; i++) {
		if (i) fkr_add_c(t, ',');
		fkr_add_string_or_null(t, metrics[i].name ? metrics[i].name : "");
		fkr_add_c(t, ':');
		fkr_add_metric(t, &metrics[i]);
	}
	fkr_add_c(t, '}');
	fkr_report_end(true);
}

// ---- inputs of the plugin's calls -------------------------------------------------------------------

const ss_plugin_init_tables_input *fkr_init_tables(void) {
	static ss_plugin_init_tables_input tables = {
		.list_tables = fkr_tables_list,
		.get_table = fkr_tables_get,
		.add_table = fkr_tables_add,
		.fields_ext = &fkr_table_fields,
		.reader_ext = &fkr_table_reader,
		.writer_ext = &fkr_table_writer,
	};
	tables.fields = fkr_table_fields;
	return &tables;
}

ss_plugin_event_parse_input fkr_parse_input(const struct fkr_guest *guest) {
	ss_plugin_event_parse_input in = {
		.owner = guest->owner,
		.get_owner_last_error = fkr_owner_last_error,
		.table_writer = fkr_table_writer,
		.table_reader_ext = &fkr_table_reader,
		.table_writer_ext = &fkr_table_writer,
	};
	memcpy(&in.table_reader, &fkr_table_reader, sizeof in.table_reader);
	return in;
}

ss_plugin_field_extract_input fkr_extract_input(const struct fkr_guest *guest) {
	ss_plugin_field_extract_input in = {
		.owner = guest->owner,
		.get_owner_last_error = fkr_owner_last_error,
		.table_reader_ext = &fkr_table_reader,
	};
	memcpy(&in.table_reader, &fkr_table_reader, sizeof in.table_reader);
	return in;
}

bool fkr_listen_call(const struct fkr_guest *guest, bool open) {
	static ss_plugin_routine_vtable routines = {fkr_routine_subscribe, fkr_routine_unsubscribe};
	ss_plugin_capture_listen_input in = {
		.owner = guest->owner,
		.routine = &routines,
		.table_reader_ext = &fkr_table_reader,
		.table_writer_ext = &fkr_table_writer,
		.get_owner_last_error = fkr_owner_last_error,
	};
	if (!(guest->caps & FKR_CAP_LISTEN)) return true;
	ss_plugin_rc rc =
		(open ? guest->api.capture_open : guest->api.capture_close)(guest->state, &in);
	if (rc != SS_PLUGIN_SUCCESS)
		fkr_guest_error(guest, open ? "capture_open" : "capture_close", rc);
	fkr_tables_leave(guest);
	return rc == SS_PLUGIN_SUCCESS;
}
