// SPDX-License-Identifier: Apache-2.0
// See runner/host/owner.h.
#include "runner/host/owner.h"

#include <stdio.h>

#include "runner/report/report.h"

pthread_mutex_t fk_owners = PTHREAD_MUTEX_INITIALIZER;

void fk_owner_lock(void) { pthread_mutex_lock(&fk_owners); }

void fk_owner_unlock(void) { pthread_mutex_unlock(&fk_owners); }

void fk_owner_name(ss_plugin_owner_t *owner, char *name, size_t room) {
	const struct fk_owner *o = owner;
	fk_owner_lock();
	snprintf(name, room, "%s", o && o->guest ? o->guest->name : "");
	fk_owner_unlock();
}

void fk_owner_disown(struct fk_owner *owner) {
	if (!owner) return;
	fk_owner_lock();
	owner->guest = NULL;
	owner->handler_set = false;
	fk_owner_unlock();
}

void fk_owner_gate(struct fk_owner *owner, bool open) {
	fk_owner_lock();
	owner->handler_set = open;
	fk_owner_unlock();
}

const char *fk_owner_last_error(ss_plugin_owner_t *owner) {
	const struct fk_owner *o = owner;
	return o ? o->last_error : "";
}

void fk_log(ss_plugin_owner_t *owner, const char *component, const char *message,
            ss_plugin_log_severity severity) {
	static const char *const names[] = {"fatal",  "critical", "error", "warning",
	                                    "notice", "info",     "debug", "trace"};
	char plugin[128];
	fk_owner_name(owner, plugin, sizeof plugin);
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

void fk_guest_error(const struct fk_guest *guest, const char *phase, int rc) {
	const char *text = guest->api.get_last_error(guest->state);
	fk_report_error(phase, guest->name, rc,
	                text && *text ? text : "(the plugin left no error text)");
}
