// SPDX-License-Identifier: Apache-2.0
// The packaged layouts: Python and the glue come from the payload.
#include "payload/store.h"
#include "entry/entry.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static fk_store *opened; // until the glue has taken it
static char library[4096];

// At load time, not at init: until then the host may change its working directory.
__attribute__((constructor)) static void find_library(void) {
	Dl_info me;
	if (!dladdr((void *)library, &me) || !me.dli_fname) return;
	if (!realpath(me.dli_fname, library)) snprintf(library, sizeof library, "%s", me.dli_fname);
}

static fk_store *open_store(char *err, size_t errlen) {
	const fk_plugin_data *data = fk_data();
	const fk_item_data *rows = fk_place(data->items);
	fk_item *items = calloc(data->item_count, sizeof *items); // the store has copies
	if (!items) {
		snprintf(err, errlen, "there is no memory to unpack the plugin's Python");
		return NULL;
	}
	for (uint32_t i = 0; i < data->item_count; i++) {
		items[i] = (fk_item){.name = fk_text(rows[i].name),
		                     .module = fk_text(rows[i].module),
		                     .offset = rows[i].offset,
		                     .size = rows[i].size,
		                     .needs = fk_place(rows[i].needs)};
		memcpy(items[i].sha256, rows[i].sha256, sizeof items[i].sha256);
	}
	const fk_payload payload = {
		.folder = fk_text(data->folder),
		.blob = data->folder ? NULL : (const unsigned char *)fk_slot_address() + fk_slot.payload,
		.blob_size = fk_slot.payload_size,
		.items = items,
		.count = (int)data->item_count,
		.glue = (int)data->glue_item,
		.archive = (int)data->archive_item,
	};
	fk_store *store = fk_store_open(&payload, library, err, errlen);
	free(items);
	return store;
}

void *fk_load_from_payload(char *err, size_t errlen) {
	const fk_plugin_data *data = fk_data();
	if (!opened) opened = open_store(err, errlen);
	if (!opened) return NULL;
	fk_store_begin_archive(opened);
	if (!fk_store_load(opened, (int)data->glue_item, true, err, errlen)) {
		fk_store_close(opened);
		opened = NULL;
		return NULL;
	}
	// A copy of this library under another name may have loaded its own glue at the same time. All use the
	// first one of that name, and with it the same Python.
	void *lib = dlopen(fk_text(data->glue), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	if (!lib) snprintf(err, errlen, "the glue of the packaged plugin is not there: %s", dlerror());
	return lib;
}

// Also when the glue was loaded already: this library may be intact while the other one is damaged.
void fk_payload_found(const fk_glue *table) {
	char ignored[256];
	if (!opened) opened = open_store(ignored, sizeof ignored);
	if (opened) table->adopt(opened);
	if (opened && !opened->adopted) fk_store_close(opened);
	opened = NULL;
}

__attribute__((destructor)) static void unload(void) { fk_store_close(opened); }
