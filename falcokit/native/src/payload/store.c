// SPDX-License-Identifier: Apache-2.0
// Finds the payload's bytes, and loads its libraries in order. See payload/store.h.
#include "payload/store.h"
#include "payload/file.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- the library's own file -------------------------------------------------------------------------

typedef struct place {
	uintptr_t address;
	uint64_t offset; // in the file
	bool found;
} place;

static int find_segment(struct dl_phdr_info *info, size_t size, void *data) {
	place *p = data;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + h->p_vaddr;
		if (h->p_type != PT_LOAD || p->address < start || p->address >= start + h->p_filesz)
			continue;
		p->offset = h->p_offset + (p->address - start);
		p->found = true;
		return 1;
	}
	return 0;
}

// The file is opened once, so that it stays the loaded one even if its name is reused later. Items are
// read from it when needed, which costs no memory. False if it cannot be found any more.
static bool open_own_file(fk_store *s, const fk_payload *payload, const char *library) {
	unsigned char head[4096];
	size_t n = payload->blob_size < sizeof head ? payload->blob_size : sizeof head;
	place where = {.address = (uintptr_t)payload->blob};
	if (!dl_iterate_phdr(find_segment, &where) || !where.found) return false;
	int fd = open(library, O_RDONLY | O_CLOEXEC);
	if (fd < 0) return false;
	if (pread(fd, head, n, (off_t)where.offset) != (ssize_t)n || memcmp(head, payload->blob, n)) {
		close(fd);
		return false;
	}
	s->fd = fd;
	s->base = where.offset;
	return true;
}

static bool open_bytes(fk_store *s, const fk_payload *payload, const char *library, char *err,
                       size_t errlen) {
	if (open_own_file(s, payload, library)) return true;
	s->fd = fk_copy_section(payload->blob, payload->blob_size, err, errlen);
	return s->fd >= 0;
}

static char *beside_library(const fk_payload *payload, const char *library) {
	char folder[PATH_MAX];
	const char *slash = strrchr(library, '/');
	int length = slash ? (int)(slash - library) + 1 : 0;
	snprintf(folder, sizeof folder, "%.*s", length, library);
	return fk_joined(folder, payload->folder);
}

// ---- open and close ---------------------------------------------------------------------------------

// The entry library may be unloaded while the store lives on.
static bool copy_items(fk_store *s, const fk_payload *payload) {
	s->items = calloc((size_t)payload->count, sizeof *s->items);
	s->paths = calloc((size_t)payload->count, sizeof *s->paths);
	s->handles = calloc((size_t)payload->count, sizeof *s->handles);
	if (!s->items || !s->paths || !s->handles) return false;
	for (int i = 0; i < payload->count; i++) {
		const fk_item *from = &payload->items[i];
		size_t needs = 1;
		while (from->needs[needs - 1] >= 0) needs++;
		int16_t *copy = malloc(needs * sizeof *copy);
		s->items[i] = *from;
		s->items[i].name = fk_joined(from->name, "");
		s->items[i].module = from->module ? fk_joined(from->module, "") : NULL;
		s->items[i].needs = copy;
		s->count = i + 1;
		if (!copy || !s->items[i].name || (from->module && !s->items[i].module)) return false;
		memcpy(copy, from->needs, needs * sizeof *copy);
	}
	return true;
}

fk_store *fk_store_open(const fk_payload *payload, const char *library, char *err, size_t errlen) {
	fk_store *s = calloc(1, sizeof *s);
	if (s) {
		pthread_mutex_init(&s->lock, NULL);
		s->fd = -1;
		s->glue = payload->glue;
		s->archive = payload->archive;
	}
	if (!s || !copy_items(s, payload) ||
	    (payload->folder && !(s->folder = beside_library(payload, library)))) {
		snprintf(err, errlen, "there is no memory to unpack the plugin's Python");
		fk_store_close(s);
		return NULL;
	}
	if (payload->folder || open_bytes(s, payload, library, err, errlen)) return s;
	fk_store_close(s);
	return NULL;
}

// A loaded library stays, with its descriptor: the libpython of 3.13 registers a function that is
// called at the end of the thread that loads it. The next load finds the library by its name.
static void forget(fk_store *s) {
	for (int i = 0; i < s->count; i++) {
		char *path = s->paths ? s->paths[i] : NULL;
		if (path && !s->handles[i]) fk_displace(path);
		free(path);
	}
}

void fk_store_close(fk_store *s) {
	if (!s) return;
	fk_store_settle(s);
	forget(s);
	for (int i = 0; i < s->count; i++) {
		free((void *)s->items[i].name);
		free((void *)s->items[i].module);
		free((void *)s->items[i].needs);
	}
	if (s->fd >= 0) close(s->fd);
	free(s->items);
	free(s->paths);
	free(s->handles);
	free(s->folder);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void fk_store_mend(fk_store *s, const fk_store *other) {
	pthread_mutex_lock(&s->lock);
	if (s->damaged) {
		if (s->fd >= 0) close(s->fd);
		s->fd = other->fd < 0 ? -1 : fcntl(other->fd, F_DUPFD_CLOEXEC, 3);
		s->base = other->base;
		if (other->folder)
			s->folder = fk_joined(other->folder, ""); // the old one belongs to another allocator
		s->damaged = false;
	}
	pthread_mutex_unlock(&s->lock);
}

// ---- place and load ---------------------------------------------------------------------------------

static char *try_to_place(fk_store *s, const fk_item *item, char *err, size_t errlen) {
	fk_extent from = {.fd = s->fd,
	                  .offset = s->base + item->offset,
	                  .size = item->size,
	                  .sha256 = item->sha256,
	                  .name = item->name};
	if (s->folder) return fk_place_in_folder(&from, s->folder, err, errlen);
	if (!s->no_memfd) {
		bool refused = false;
		char *path = fk_place_in_memory(&from, &refused, err, errlen);
		if (path || !refused) return path; // not refused: the payload itself is damaged
		s->no_memfd = true;
	}
	return fk_place_in_cache(&from, err, errlen);
}

static char *place_now(fk_store *s, int i, char *err, size_t errlen) {
	char *path = try_to_place(s, &s->items[i], err, errlen);
	if (!path) s->damaged = true;
	return path;
}

static const char *place_locked(fk_store *s, int i, char *err, size_t errlen) {
	if (!s->paths[i]) s->paths[i] = place_now(s, i, err, errlen);
	return s->paths[i];
}

// Until this thread is joined, only it writes the archive's path, without the lock.
static void *archive_main(void *arg) {
	fk_store *s = arg;
	char ignored[1024]; // fk_store_archive tries again and reports the error
	s->paths[s->archive] = place_now(s, s->archive, ignored, sizeof ignored);
	return NULL;
}

void fk_store_begin_archive(fk_store *s) {
	if (s->archiving || s->paths[s->archive]) return;
	s->archiving = pthread_create(&s->archiver, NULL, archive_main, s) == 0;
}

void fk_store_settle(fk_store *s) {
	if (s->archiving) pthread_join(s->archiver, NULL);
	s->archiving = false;
}

const char *fk_store_archive(fk_store *s, char *err, size_t errlen) {
	fk_store_settle(s);
	return fk_store_place(s, s->archive, err, errlen);
}

int fk_store_flags(const fk_store *s) {
	// Not RTLD_DEFAULT: a glue that was loaded with RTLD_DEEPBIND finds its own Python there first.
	void *host = dlopen(NULL, RTLD_LAZY), *glue = s->handles[s->glue];
	void *first = host ? dlsym(host, "Py_GetVersion") : NULL;
	bool foreign = first && (!glue || first != dlsym(glue, "Py_GetVersion"));
	if (host) dlclose(host);
	return RTLD_NOW | RTLD_LOCAL | (foreign ? RTLD_DEEPBIND : 0);
}

// Finds a library by its unique name, if an earlier init or a copy of the entry library has loaded it.
static bool is_loaded(fk_store *s, int i) {
	s->handles[i] = dlopen(s->items[i].name, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
	return s->handles[i] != NULL;
}

static void *load_locked(fk_store *s, int i, bool itself, char *err, size_t errlen) {
	if (s->handles[i]) return s->handles[i];
	for (const int16_t *need = s->items[i].needs; *need >= 0; need++)
		if (!load_locked(s, *need, true, err, errlen)) return NULL;
	if (!itself) return s;
	if (is_loaded(s, i)) return s->handles[i];
	const char *path = place_locked(s, i, err, errlen);
	if (!path) return NULL;
	if (is_loaded(s, i)) { // meanwhile
		fk_displace(path);
		free(s->paths[i]);
		s->paths[i] = NULL;
		return s->handles[i];
	}
	s->handles[i] = dlopen(path, fk_store_flags(s));
	if (!s->handles[i]) {
		const char *why = dlerror();
		snprintf(err, errlen, "cannot load %s of the packaged plugin: %s", s->items[i].name,
		         why ? why : "no reason given");
	}
	return s->handles[i];
}

const char *fk_store_place(fk_store *s, int item, char *err, size_t errlen) {
	pthread_mutex_lock(&s->lock);
	const char *path = place_locked(s, item, err, errlen);
	pthread_mutex_unlock(&s->lock);
	return path;
}

void fk_store_displace(fk_store *s, int item) {
	pthread_mutex_lock(&s->lock);
	if (s->paths[item] && !s->handles[item]) {
		fk_displace(s->paths[item]);
		free(s->paths[item]);
		s->paths[item] = NULL;
	}
	pthread_mutex_unlock(&s->lock);
}

void *fk_store_load(fk_store *s, int item, bool itself, char *err, size_t errlen) {
	pthread_mutex_lock(&s->lock);
	void *handle = load_locked(s, item, itself, err, errlen);
	pthread_mutex_unlock(&s->lock);
	return handle;
}
