// SPDX-License-Identifier: Apache-2.0
// The plugin's handle on the host: the owner passed to init, the log function, the last error. Any
// thread may call these at any time, even after the plugin was destroyed.
#pragma once

#include <pthread.h>

#include "runner/host/guest.h"

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

// Reports an error with the plugin's last error text.
void fkr_guest_error(const struct fkr_guest *guest, const char *phase, int rc);
