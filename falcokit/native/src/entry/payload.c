// SPDX-License-Identifier: Apache-2.0
// The packaged layouts: Python and the glue come from the payload (fk_payload_data, generated).
// Included by the generated plugin.c before entry/base.c. The code that opens the payload is the same
// for every plugin, and is linked in: entry/payload_parts.c.
#include "payload/store.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static fk_store *fk_opened; // until the glue has taken it
static char fk_library[4096];

// At load time, not at init: until then the host may change its working directory.
__attribute__((constructor)) static void fk_find_library(void) {
	Dl_info me;
	if (!dladdr((void *)fk_library, &me) || !me.dli_fname) return;
	if (!realpath(me.dli_fname, fk_library))
		snprintf(fk_library, sizeof fk_library, "%s", me.dli_fname);
}

static void *fk_load_glue(char *err, size_t errlen) {
	if (!fk_opened) fk_opened = fk_store_open(&fk_payload_data, fk_library, err, errlen);
	if (!fk_opened) return NULL;
	fk_store_begin_archive(fk_opened);
	if (!fk_store_load(fk_opened, fk_payload_data.glue, true, err, errlen)) {
		fk_store_close(fk_opened);
		fk_opened = NULL;
		return NULL;
	}
	// A copy of this library under another name may have loaded its own glue at the same time. All use the
	// first one of that name, and with it the same Python.
	void *lib = dlopen(FK_GLUE, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	if (!lib) snprintf(err, errlen, "the glue of the packaged plugin is not there: %s", dlerror());
	return lib;
}

// Also when the glue was loaded already: this library may be intact while the other one is damaged.
static void fk_glue_found(const fk_glue *table) {
	char ignored[256];
	if (!fk_opened)
		fk_opened = fk_store_open(&fk_payload_data, fk_library, ignored, sizeof ignored);
	if (fk_opened) table->adopt(fk_opened);
	if (fk_opened && !fk_opened->adopted) fk_store_close(fk_opened);
	fk_opened = NULL;
}

__attribute__((destructor)) static void fk_unload(void) { fk_store_close(fk_opened); }
