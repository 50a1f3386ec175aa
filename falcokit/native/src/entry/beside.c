// SPDX-License-Identifier: Apache-2.0
// The development layout: the glue is a file next to the entry library, Python is that of the author.
#include "entry/entry.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

void *fk_load_beside(char *err, size_t errlen) {
	char path[4096];
	Dl_info me;
	const fk_plugin_data *data = fk_data();
	const char *slash = NULL, *libpython = fk_text(data->libpython);
	if (dladdr((void *)&fk_load_beside, &me) && me.dli_fname) slash = strrchr(me.dli_fname, '/');
	snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash - me.dli_fname) + 1 : 0,
	         slash ? me.dli_fname : "", fk_text(data->glue));
	// The glue is the same for all Pythons of a version: it needs libpython by its name, and finds the
	// one that is loaded. If this one is gone, the loader says what it misses.
	if (libpython) dlopen(libpython, RTLD_NOW | RTLD_LOCAL);
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		const char *why = dlerror();
		snprintf(err, errlen,
		         "cannot load the Python glue of plugin '%s': %s; build the plugin again with "
		         "'falcokit build'",
		         fk_text(data->name), why ? why : "no reason given");
	}
	return lib;
}
