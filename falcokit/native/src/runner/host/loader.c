// SPDX-License-Identifier: Apache-2.0
// Opens and closes plugin libraries with Falco's own flags, and refuses what Falco refuses.
// Engine's thread only.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "runner/host/capabilities.h"
#include "runner/host/guest.h"
#include "runner/report/report.h"

static struct fk_owner *fk_owners; // all that there ever were

static bool fk_refuse(struct fk_guest *guest, const char *why) {
	fk_report_error("load", guest->name ? guest->name : guest->path, SS_PLUGIN_FAILURE, why);
	fk_guest_unload(guest);
	return false;
}

static const char *fk_resolve(struct fk_guest *guest) {
	const char *missing = NULL;
#define FK_RESOLVE(name, required, result, arguments)                    \
	*(void **)&guest->api.name = dlsym(guest->library, "plugin_" #name); \
	if (required && !guest->api.name && !missing) missing = "plugin_" #name;
	FK_SYMBOLS(FK_RESOLVE)
#undef FK_RESOLVE
	return missing;
}

static bool fk_version(const char *text, unsigned part[3]) {
	char rest;
	return text && sscanf(text, "%u.%u.%u%c", &part[0], &part[1], &part[2], &rest) == 3;
}

static bool fk_check_api(struct fk_guest *guest, char *why, size_t room) {
	unsigned v[3];
	const char *text = guest->api.get_required_api_version();
	if (!fk_version(text, v)) {
		snprintf(why, room, "the required API version '%s' is not x.y.z", text ? text : "");
		return false;
	}
	bool known =
		v[0] == PLUGIN_API_VERSION_MAJOR &&
		(v[1] < PLUGIN_API_VERSION_MINOR || (v[1] == PLUGIN_API_VERSION_MINOR && v[2] == 0));
	if (!known)
		snprintf(why, room, "the plugin requires API version %s, this host has %d.%d.0", text,
		         PLUGIN_API_VERSION_MAJOR, PLUGIN_API_VERSION_MINOR);
	return known;
}

bool fk_guest_load(struct fk_guest *guest) {
	char why[512];
	unsigned v[3];
	const char *missing;

	guest->library = dlopen(guest->path, RTLD_LOCAL | RTLD_NOW);
	if (!guest->library) return fk_refuse(guest, dlerror());
	missing = fk_resolve(guest);
	if (missing) {
		snprintf(why, sizeof why, "the symbol %s is not exported: this is not a Falco plugin",
		         missing);
		return fk_refuse(guest, why);
	}
	if (!fk_check_api(guest, why, sizeof why) ||
	    !fk_capabilities(&guest->api, &guest->caps, why, sizeof why))
		return fk_refuse(guest, why);
	if (!fk_guest_describe(guest)) { // has been reported
		fk_guest_unload(guest);
		return false;
	}
	if (!fk_version(guest->version, v)) {
		snprintf(why, sizeof why, "the plugin's version '%s' is not x.y.z", guest->version);
		return fk_refuse(guest, why);
	}
	if (guest->id && strcmp(guest->source, "syscall") == 0)
		return fk_refuse(guest, "a plugin with an id cannot name its event source \"syscall\"");
	guest->owner = fk_must_alloc(NULL, sizeof *guest->owner);
	*guest->owner = (struct fk_owner){.guest = guest, .older = fk_owners};
	fk_owners = guest->owner;
	return true;
}

void fk_guest_unload(struct fk_guest *guest) {
	fk_guest_forget(guest);
	if (guest->library) dlclose(guest->library);
	*guest = (struct fk_guest){.path = guest->path, .config = guest->config};
}
