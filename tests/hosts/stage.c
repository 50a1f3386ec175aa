// SPDX-License-Identifier: Apache-2.0
// stage: a host that does what it is told, one operation at a time, so that a test can change the world
// between two of them. Reads lines from stdin and answers each with one JSON line on stdout.
//
//     gcc -pthread -I<falcokit/native> -o stage stage.c torture_host.c [own_malloc.c] -ldl
//     [&]OPERATION[=VALUE]
//
//   slot=N           the library that what follows is about
//   flags=WORDS      of the dlopens to come: any of global, deepbind, lazy; none is as Falco does
//   load=LIB         symbols=1 if init, destroy and get_last_error are there
//   metadata         name, version and all else that is read before init, in `text`
//   take             the data of the next event, in `text`; ten seconds at most
//   maps=TEXT        in how many places a file whose path has TEXT is mapped, as the rc
//   chdir=PATH       the working directory
//   files=N   memory=MB                      limits of this process from here on; without a value none
//   join             wait for everything begun with &
//   and all others of torture.c              init, set-handler, pump, clear-handler, destroy, unload, ...
//
// & begins it on a thread of its own; its answer comes when it is done. Exit 0 at the end of stdin.
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "torture.h"

enum {
	THREADS = 64,
	ROOM = 4096
};

struct job {
	struct slot *slot;
	char line[ROOM];
	pthread_t thread;
};

static pthread_mutex_t printing = PTHREAD_MUTEX_INITIALIZER;
static int flags = RTLD_LOCAL | RTLD_NOW;

static unsigned count_entries(const char *folder) {
	unsigned n = 0;
	DIR *d = opendir(folder);
	for (struct dirent *e; d && (e = readdir(d));) n += e->d_name[0] != '.';
	if (d) closedir(d);
	return n;
}

static unsigned long rss_kb(void) {
	unsigned long total, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	if (f && fscanf(f, "%lu %lu", &total, &resident) != 2) resident = 0;
	if (f) fclose(f);
	return resident * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

static int count_mapped(const char *text) {
	char line[ROOM];
	int n = 0;
	FILE *f = fopen("/proc/self/maps", "r");
	while (f && fgets(line, sizeof line, f)) n += strstr(line, text) != NULL;
	if (f) fclose(f);
	return n;
}

static void print_text(const char *s) {
	putchar('"');
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			printf("\\u%04x", *s);
		else
			putchar(*s);
	putchar('"');
}

static int load(struct slot *slot, const char *path, char *error, size_t room) {
	slot->library = dlopen(path, flags);
	if (!slot->library) return snprintf(error, room, "%s", dlerror()), SS_PLUGIN_FAILURE;
#define RESOLVE(name, required, result, arguments) \
	*(void **)&slot->api.name = dlsym(slot->library, "plugin_" #name);
	FKR_SYMBOLS(RESOLVE)
	return slot->api.init && slot->api.destroy && slot->api.get_last_error ? SS_PLUGIN_SUCCESS
	                                                                       : NOT_DONE;
}

static void describe(const struct fkr_api *api, char *text) {
	ss_plugin_schema_type type;
	snprintf(text, ROOM, "%s|%s|%s|%s|%s|%s|%s", api->get_name(), api->get_version(),
	         api->get_description(), api->get_contact(), api->get_required_api_version(),
	         api->get_async_events ? api->get_async_events() : "",
	         api->get_init_schema ? api->get_init_schema(&type) : "");
}

static int take(struct slot *slot, char *text) {
	ss_plugin_event *evt = NULL;
	uint32_t lengths[3];
	for (int i = 0; !evt && i < 100000; i++)
		if (!(evt = torture_take(slot))) usleep(100);
	if (!evt) return SS_PLUGIN_TIMEOUT;
	memcpy(lengths, (const char *)evt + 26, sizeof lengths);
	snprintf(text, ROOM, "%.*s", (int)lengths[2], (const char *)evt + 42 + lengths[1]);
	free(evt);
	return SS_PLUGIN_SUCCESS;
}

static int set_limit(int which, const char *value, unsigned long unit) {
	struct rlimit limit;
	getrlimit((__rlimit_resource_t)which, &limit);
	unsigned long wanted = strtoul(value, NULL, 10) * unit;
	limit.rlim_cur = *value && wanted < limit.rlim_max ? wanted : limit.rlim_max;
	return setrlimit((__rlimit_resource_t)which, &limit);
}

static int set_flags(const char *words) {
	flags = strstr(words, "lazy") ? RTLD_LAZY : RTLD_NOW;
	flags |= strstr(words, "global") ? RTLD_GLOBAL : RTLD_LOCAL;
	flags |= strstr(words, "deepbind") ? RTLD_DEEPBIND : 0;
	return 0;
}

static void *run(void *of) {
	struct job *job = of;
	struct slot *s = job->slot;
	char error[ROOM] = "", text[ROOM] = "";
	char *name = job->line, *value = strchr(job->line, '=');
	if (value) *value++ = 0;
	const char *given = value ? value : "";
	int rc;
#define IS(word) (strcmp(name, word) == 0)
	if (IS("flags"))
		rc = set_flags(given);
	else if (IS("load"))
		rc = load(s, given, error, sizeof error);
	else if (IS("metadata"))
		rc = 0, describe(&s->api, text);
	else if (IS("take"))
		rc = take(s, text);
	else if (IS("maps"))
		rc = count_mapped(given);
	else if (IS("chdir"))
		rc = chdir(given);
	else if (IS("files"))
		rc = set_limit(RLIMIT_NOFILE, given, 1);
	else if (IS("memory"))
		rc = set_limit(RLIMIT_AS, given, 1ul << 20);
	else
		rc = torture_do(s, name, value, error, sizeof error);
	pthread_mutex_lock(&printing);
	printf("{\"op\":\"%s\",\"slot\":%d,\"rc\":%d,\"error\":", name, (int)(s - slots), rc);
	print_text(error);
	fputs(",\"text\":", stdout);
	print_text(text);
	printf(
		",\"accepted\":%lu,\"stray\":%lu,\"malformed\":%lu,\"threads\":%u,\"fds\":%u,\"rss_kb\":%"
		"lu}\n",
		s->accepted, s->stray, s->malformed, count_entries("/proc/self/task"),
		count_entries("/proc/self/fd"), rss_kb());
	fflush(stdout);
	pthread_mutex_unlock(&printing);
	return NULL;
}

int main(void) {
	static struct job jobs[THREADS];
	struct slot *slot = &slots[0];
	unsigned begun = 0;
	struct job here;
	while (fgets(here.line, sizeof here.line, stdin)) {
		here.line[strcspn(here.line, "\n")] = 0;
		here.slot = slot;
		if (strncmp(here.line, "slot=", 5) == 0) {
			slot = &slots[strtoul(here.line + 5, NULL, 10) % SLOTS];
		} else if (strcmp(here.line, "join") == 0) {
			while (begun) pthread_join(jobs[--begun].thread, NULL);
		} else if (here.line[0] == '&' && begun < THREADS) {
			struct job *kept = &jobs[begun++];
			kept->slot = slot;
			memmove(kept->line, here.line + 1, sizeof here.line - 1);
			pthread_create(&kept->thread, NULL, run, kept);
		} else {
			run(&here);
		}
	}
	return 0;
}
