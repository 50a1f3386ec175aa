// SPDX-License-Identifier: Apache-2.0
// The development layout: the glue is a file next to the entry library, Python is that of the author.
// Included by the generated plugin.c before entry/base.c.
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static void *fk_load_glue(char *err, size_t errlen) {
	char path[4096];
	Dl_info me;
	const char *slash = NULL;
	if (dladdr((void *)&fk_load_glue, &me) && me.dli_fname) slash = strrchr(me.dli_fname, '/');
	snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash - me.dli_fname) + 1 : 0,
	         slash ? me.dli_fname : "", FK_GLUE);
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		const char *why = dlerror();
		snprintf(err, errlen,
		         "cannot load the Python glue of plugin '" FK_META_NAME
		         "': %s; build the plugin again with 'falcokit build'",
		         why ? why : "no reason given");
	}
	return lib;
}

static void fk_glue_found(const fk_glue *table) { (void)table; }
