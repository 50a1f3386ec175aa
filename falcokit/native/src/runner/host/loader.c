// SPDX-License-Identifier: Apache-2.0
// Opens and closes plugin libraries with Falco's own flags, and refuses what Falco refuses.
// The engine's thread only.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "runner/host/guest.h"
#include "runner/report/report.h"

static struct fkr_owner *fkr_owners; // all owners ever made

static bool fkr_refuse(struct fkr_guest *guest, const char *why) {
	fkr_report_error("load", guest->name ? guest->name : guest->path, SS_PLUGIN_FAILURE, why);
	fkr_guest_unload(guest);
	return false;
}

static const char *fkr_resolve(struct fkr_guest *guest) {
	const char *missing = NULL;
#define FKR_RESOLVE(name, required, result, arguments)                   \
	*(void **)&guest->api.name = dlsym(guest->library, "plugin_" #name); \
	if (required && !guest->api.name && !missing) missing = "plugin_" #name;
	FKR_SYMBOLS(FKR_RESOLVE)
#undef FKR_RESOLVE
	return missing;
}

static bool fkr_version(const char *text, unsigned part[3]) {
	char rest;
	return text && sscanf(text, "%u.%u.%u%c", &part[0], &part[1], &part[2], &rest) == 3;
}

static bool fkr_check_api(struct fkr_guest *guest, char *why, size_t room) {
	unsigned v[3];
	const char *text = guest->api.get_required_api_version();
	if (!fkr_version(text, v)) {
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

bool fkr_guest_load(struct fkr_guest *guest) {
	char why[512];
	unsigned v[3];
	const char *missing;

	guest->library = dlopen(guest->path, RTLD_LOCAL | RTLD_NOW);
	if (!guest->library) return fkr_refuse(guest, dlerror());
	missing = fkr_resolve(guest);
	if (missing) {
		snprintf(why, sizeof why, "the symbol %s is not exported: this is not a Falco plugin",
		         missing);
		return fkr_refuse(guest, why);
	}
	if (!fkr_check_api(guest, why, sizeof why) ||
	    !fkr_capabilities(&guest->api, &guest->caps, why, sizeof why))
		return fkr_refuse(guest, why);
	if (!fkr_guest_describe(guest)) { // has been reported
		fkr_guest_unload(guest);
		return false;
	}
	if (!fkr_version(guest->version, v)) {
		snprintf(why, sizeof why, "the plugin's version '%s' is not x.y.z", guest->version);
		return fkr_refuse(guest, why);
	}
	if (guest->id && strcmp(guest->source, "syscall") == 0)
		return fkr_refuse(guest, "a plugin with an id cannot name its event source \"syscall\"");
	guest->owner = fkr_must_alloc(NULL, sizeof *guest->owner);
	*guest->owner = (struct fkr_owner){.guest = guest, .older = fkr_owners};
	fkr_owners = guest->owner;
	return true;
}

void fkr_guest_unload(struct fkr_guest *guest) {
	fkr_guest_forget(guest);
	if (guest->library) dlclose(guest->library);
	*guest = (struct fkr_guest){.path = guest->path, .config = guest->config};
}
