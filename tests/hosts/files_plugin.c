// SPDX-License-Identifier: Apache-2.0
// A source whose payloads are files: what a test wants a host to carry, it writes there.
//
//     gcc -fPIC -shared -I<folder of plugin_api.h> -o libfiles.so files_plugin.c
//
// Open params: "FOLDER[,REPEAT]". The files of the folder in the order of their names, REPEAT times; each
// is a plugin event (322), and an async event "file" (402) before it. The host's threads.
#define _GNU_SOURCE
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin_api.h"

enum {
	PLUGIN_ID = 996,
	LINGER = 50 // timeouts at the end, so that the host takes what is in its queue
};

struct plugin {
	char error[PLUGIN_MAX_ERRLEN];
	ss_plugin_owner_t *owner;
	ss_plugin_async_event_handler_t handler;
};

struct instance {
	char folder[4096];
	struct dirent **files;
	int nfiles, at, repeat, linger;
	ss_plugin_event *event, *events[1];
};

const char *plugin_get_required_api_version(void) { return "3.4.0"; }
const char *plugin_get_name(void) { return "files"; }
const char *plugin_get_description(void) { return "Events that are files"; }
const char *plugin_get_contact(void) { return "files@example.com"; }
const char *plugin_get_version(void) { return "0.1.0"; }
const char *plugin_get_last_error(ss_plugin_t *s) { return s ? ((struct plugin *)s)->error : ""; }
uint32_t plugin_get_id(void) { return PLUGIN_ID; }
const char *plugin_get_event_source(void) { return "files"; }
const char *plugin_get_async_event_sources(void) { return "[\"files\"]"; }
const char *plugin_get_async_events(void) { return "[\"file\"]"; }

ss_plugin_t *plugin_init(const ss_plugin_init_input *in, ss_plugin_rc *rc) {
	(void)in;
	*rc = SS_PLUGIN_SUCCESS;
	return calloc(1, sizeof(struct plugin));
}

void plugin_destroy(ss_plugin_t *s) { free(s); }

ss_plugin_rc plugin_set_async_event_handler(ss_plugin_t *s, ss_plugin_owner_t *owner,
                                            const ss_plugin_async_event_handler_t handler) {
	struct plugin *p = s;
	p->owner = owner;
	p->handler = handler;
	return SS_PLUGIN_SUCCESS;
}

static int is_file(const struct dirent *entry) { return entry->d_name[0] != '.'; }

ss_instance_t *plugin_open(ss_plugin_t *s, const char *params, ss_plugin_rc *rc) {
	struct plugin *p = s;
	struct instance *i = calloc(1, sizeof *i);
	i->repeat = 1;
	sscanf(params, "%4095[^,],%d", i->folder, &i->repeat);
	i->nfiles = scandir(i->folder, &i->files, is_file, alphasort);
	*rc = i->nfiles < 0 ? SS_PLUGIN_FAILURE : SS_PLUGIN_SUCCESS;
	if (i->nfiles >= 0) return i;
	snprintf(p->error, sizeof p->error, "there is no folder %.900s", i->folder);
	free(i);
	return NULL;
}

void plugin_close(ss_plugin_t *s, ss_instance_t *h) {
	struct instance *i = h;
	(void)s;
	for (int k = 0; i && k < i->nfiles; k++) free(i->files[k]);
	if (i) free(i->files), free(i->event);
	free(i);
}

static ss_plugin_event *read_event(struct instance *i, const char *name, int code) {
	static const char async_name[] = "file";
	uint32_t id = PLUGIN_ID, named = code == FK_CODE_ASYNCEVENT ? sizeof async_name : 0;
	uint32_t nparams = named ? 3 : 2, head = sizeof(ss_plugin_event) + 4 * nparams + 4 + named;
	char path[8192];
	snprintf(path, sizeof path, "%s/%s", i->folder, name);
	FILE *f = fopen(path, "rb");
	if (!f || fseek(f, 0, SEEK_END)) abort();
	uint32_t size = (uint32_t)ftell(f);
	rewind(f);
	uint8_t *bytes = malloc(head + size);
	uint32_t lengths[3] = {4, named ? named : size, size};
	*(ss_plugin_event *)bytes =
		(ss_plugin_event){FK_NOT_SET, FK_NOT_SET, head + size, (uint16_t)code, nparams};
	memcpy(bytes + sizeof(ss_plugin_event), lengths, 4 * nparams);
	memcpy(bytes + head - named - 4, &id, 4);
	memcpy(bytes + head - named, async_name, named);
	if (fread(bytes + head, 1, size, f) != size) abort();
	fclose(f);
	return (ss_plugin_event *)bytes;
}

ss_plugin_rc plugin_next_batch(ss_plugin_t *s, ss_instance_t *h, uint32_t *n,
                               ss_plugin_event ***out) {
	struct plugin *p = s;
	struct instance *i = h;
	char error[PLUGIN_MAX_ERRLEN];
	*n = 0;
	*out = i->events;
	free(i->event);
	i->event = NULL;
	if (i->at == i->nfiles * i->repeat)
		return i->linger++ < LINGER ? SS_PLUGIN_TIMEOUT : SS_PLUGIN_EOF;
	const char *name = i->files[i->at++ % i->nfiles]->d_name;
	if (p->handler) {
		ss_plugin_event *event = read_event(i, name, FK_CODE_ASYNCEVENT);
		if (p->handler(p->owner, event, error) != SS_PLUGIN_SUCCESS) abort();
		free(event);
	}
	*n = 1;
	i->events[0] = i->event = read_event(i, name, FK_CODE_PLUGINEVENT);
	return SS_PLUGIN_SUCCESS;
}
