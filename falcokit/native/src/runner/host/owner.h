// SPDX-License-Identifier: Apache-2.0
// What a plugin knows the host by: the owner given at its init, the log function, the last error.
// Any thread may come here at any time, even when the plugin is gone.
#pragma once

#include <pthread.h>

#include "runner/host/guest.h"

// Guards owners, and the queue of async events: an emission that overlaps with the end of a capture is
// either queued before it or refused.
extern pthread_mutex_t fk_owners;
void fk_owner_lock(void);
void fk_owner_unlock(void);

void fk_owner_gate(struct fk_owner *owner, bool open); // whether its events are accepted
void fk_owner_disown(struct fk_owner *owner);          // the plugin is gone
void fk_owner_name(ss_plugin_owner_t *owner, char *name, size_t room);
const char *fk_owner_last_error(ss_plugin_owner_t *owner);
void fk_log(ss_plugin_owner_t *owner, const char *component, const char *message,
            ss_plugin_log_severity severity);

// An error report in the plugin's own words.
void fk_guest_error(const struct fk_guest *guest, const char *phase, int rc);
