// SPDX-License-Identifier: Apache-2.0
// The owners of plugins, see runner/host/host.h.
#include "runner/host/host.h"

#include <stdio.h>

#include "runner/report/report.h"

pthread_mutex_t fkr_owners = PTHREAD_MUTEX_INITIALIZER;

void fkr_owner_lock(void) { pthread_mutex_lock(&fkr_owners); }

void fkr_owner_unlock(void) { pthread_mutex_unlock(&fkr_owners); }

void fkr_owner_name(ss_plugin_owner_t *owner, char *name, size_t room) {
	const struct fkr_owner *o = owner;
	fkr_owner_lock();
	snprintf(name, room, "%s", o && o->guest ? o->guest->name : "");
	fkr_owner_unlock();
}

void fkr_owner_disown(struct fkr_owner *owner) {
	if (!owner) return;
	fkr_owner_lock();
	owner->guest = NULL;
	owner->handler_set = false;
	fkr_owner_unlock();
}

void fkr_owner_gate(struct fkr_owner *owner, bool open) {
	fkr_owner_lock();
	owner->handler_set = open;
	fkr_owner_unlock();
}

const char *fkr_owner_last_error(ss_plugin_owner_t *owner) {
	const struct fkr_owner *o = owner;
	return o ? o->last_error : "";
}

void fkr_log(ss_plugin_owner_t *owner, const char *component, const char *message,
             ss_plugin_log_severity severity) {
	static const char *const names[] = {"fatal",  "critical", "error", "warning",
	                                    "notice", "info",     "debug", "trace"};
	char plugin[128];
	fkr_owner_name(owner, plugin, sizeof plugin);
	unsigned i = (unsigned)severity - SS_PLUGIN_LOG_SEV_FATAL;
	struct fkr_text *t = fkr_report_begin("log");
	fkr_add_member(t, "severity", i < sizeof names / sizeof *names ? names[i] : "info");
	fkr_add_member(t, "component", component);
	fkr_add_member(t, "plugin", plugin[0] ? plugin : NULL);
	fkr_add_member(t, "message", message ? message : "");
	fkr_report_end(true);
}

void fkr_report_error(const char *phase, const char *plugin, int rc, const char *message) {
	struct fkr_text *t = fkr_report_begin("error");
	fkr_add_member(t, "phase", phase);
	fkr_add_member(t, "plugin", plugin);
	fkr_add_key(t, "rc");
	fkr_add_i64(t, rc);
	fkr_add_member(t, "message", message ? message : "");
	fkr_report_end(true);
}

void fkr_guest_error(const struct fkr_guest *guest, const char *phase, int rc) {
	const char *text = guest->api.get_last_error(guest->state);
	fkr_report_error(phase, guest->name, rc,
	                 text && *text ? text : "(the plugin left no error text)");
}
