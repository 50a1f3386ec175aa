// SPDX-License-Identifier: Apache-2.0
// Prints the tables of events, flags and dynamic parameters of the release that it is compiled with,
// as JSON: used by release.py.
#include <stdio.h>

#include "ppm_events_public.h"
#include "table_names.h" // FLAGS_TABLES(X) and DYNAMIC_TABLES(X), written by release.py

extern const struct ppm_event_info g_event_info[];
struct table {
	const char *name;
	const void *at;
};
#define ROW(name) {#name, name},
static const struct table flags[] = {FLAGS_TABLES(ROW)};
static const struct table dynamic[] = {DYNAMIC_TABLES(ROW)};
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const char *name_of(const struct table *tables, unsigned n, const void *at) {
	for (unsigned i = 0; i < n; i++)
		if (tables[i].at == at) return tables[i].name;
	return "";
}

static void put(const struct ppm_param_info *p, const char *sep) {
	printf(
		"%s{\"name\":\"%s\",\"type\":%d,\"fmt\":%d,\"flags\":\"%s\",\"dynamic\":\"%s\",\"info\":%"
		"lu}",
		sep, p->name, p->type, p->fmt, name_of(flags, COUNT(flags), p->info),
		name_of(dynamic, COUNT(dynamic), p->info), (unsigned long)p->info);
}

int main(void) {
	printf("{\"events\":[");
	for (unsigned i = 0; i < PPM_EVENT_MAX; i++) {
		const struct ppm_event_info *e = g_event_info + i;
		printf("%s{\"name\":\"%s\",\"category\":%d,\"flags\":%d,\"params\":[", i ? "," : "",
		       e->name, e->category, e->flags);
		for (unsigned j = 0; j < e->nparams; j++) put(e->params + j, j ? "," : "");
		printf("]}");
	}
	printf("],\"flags_tables\":{");
	for (unsigned i = 0; i < COUNT(flags); i++) {
		const struct ppm_name_value *f = flags[i].at;
		printf("%s\"%s\":[", i ? "," : "", flags[i].name);
		for (unsigned j = 0; f[j].name; j++)
			printf("%s[\"%s\",%u]", j ? "," : "", f[j].name, (unsigned)f[j].value);
		printf("]");
	}
	printf("},\"dynamic_tables\":{");
	for (unsigned i = 0; i < COUNT(dynamic); i++) {
		unsigned size = 0; /* each parameter that refers to the table says it */
		for (unsigned e = 0; e < PPM_EVENT_MAX; e++)
			for (unsigned j = 0; j < g_event_info[e].nparams; j++)
				if (g_event_info[e].params[j].info == dynamic[i].at)
					size = g_event_info[e].params[j].ninfo;
		printf("%s\"%s\":[", i ? "," : "", dynamic[i].name);
		for (unsigned j = 0; j < size; j++)
			put((const struct ppm_param_info *)dynamic[i].at + j, j ? "," : "");
		printf("]");
	}
	printf("}}\n");
	return 0;
}
