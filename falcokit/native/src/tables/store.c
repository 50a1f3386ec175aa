// SPDX-License-Identifier: Apache-2.0
// An exported table from its declaration to its end: fields and their types, closing, the
// graveyard. Called with the fields of the author's class when a plugin is initialised, and when it
// is destroyed; other plugins add fields through the vtable.
#include "tables/store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *fk_xtype_name(ss_plugin_state_type type) {
	static const char *const names[] = {NULL,  "i8",  "i16", "i32", "i64",  "u8",
	                                    "u16", "u32", "u64", "str", "table"};
	if (type == SS_PLUGIN_ST_BOOL) return "bool";
	return (unsigned)type < sizeof names / sizeof *names ? names[type] : NULL;
}

static void free_schema(fk_xschema *s) {
	for (uint32_t i = 0; i < s->count; i++) {
		free((char *)s->infos[i].name);
		free(s->fields[i].initial_text);
	}
	free(s->name);
	free(s->no_entry);
	free(s);
}

fk_xschema *fk_xschema_new(fk_xroot *root, const char *name, ss_plugin_state_type key) {
	fk_xschema *s = calloc(1, sizeof *s);
	if (!s) return NULL;
	s->root = root;
	s->key = key;
	static const char no_entry[] = "table '%s' has no entry of that key";
	size_t size = sizeof no_entry + strlen(name);
	s->name = strdup(name);
	s->no_entry = malloc(size);
	if (!s->name || !s->no_entry) {
		free_schema(s);
		return NULL;
	}
	snprintf(s->no_entry, size, no_entry, name);
	s->next = root->schemas;
	root->schemas = s;
	return s;
}

fk_xroot *fk_xroot_new(const char *name, ss_plugin_state_type key) {
	fk_xroot *root = calloc(1, sizeof *root);
	if (!root) return NULL;
	pthread_mutex_init(&root->lock, NULL);
	root->refs = 1;
	root->limbo_end = &root->limbo;
	fk_xschema *s = fk_xschema_new(root, name, key);
	if (!s) {
		fk_xroot_unref(root);
		return NULL;
	}
	fk_xtable_init(&root->table, s, NULL);
	return root;
}

fk_xfield *fk_xfield_find(fk_xschema *s, const char *name) {
	uint32_t n = atomic_load_explicit(&s->count, memory_order_acquire);
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(s->infos[i].name, name) == 0) return &s->fields[i];
	return NULL;
}

// NULL when there is no memory, or no room for one more. The caller found that the name is free, and
// has the lock where others may know the schema.
fk_xfield *fk_xfield_new(fk_xschema *s, const char *name, ss_plugin_state_type type,
                         bool read_only) {
	uint32_t i = s->count;
	char *kept = i < FK_X_FIELDS ? strdup(name) : NULL;
	if (!kept) return NULL;
	s->fields[i] = (fk_xfield){.schema = s, .index = i, .type = type, .read_only = read_only};
	s->infos[i] =
		(ss_plugin_table_fieldinfo){.name = kept, .field_type = type, .read_only = read_only};
	atomic_store_explicit(&s->count, i + 1, memory_order_release);
	return &s->fields[i];
}

void fk_xroot_unref(fk_xroot *root) {
	if (atomic_fetch_sub(&root->refs, 1) != 1) return;
	fk_xmap_free(&root->table.map);
	while (root->schemas) {
		fk_xschema *s = root->schemas;
		root->schemas = s->next;
		free_schema(s);
	}
	pthread_mutex_destroy(&root->lock);
	free(root);
}

// The host may have kept the table's pointer, and other plugins those of its fields: a call through
// them finds a closed table, not freed memory, until so many others were closed.
static void bury(fk_xroot *root) {
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static fk_xroot *graves[FK_X_GRAVES];
	static unsigned next;
	pthread_mutex_lock(&lock);
	fk_xroot *oldest = graves[next];
	graves[next] = root;
	next = (next + 1) % FK_X_GRAVES;
	pthread_mutex_unlock(&lock);
	if (!oldest) return;
	fk_xend_limbo(oldest, true);
	fk_xroot_unref(oldest);
}

// The owner is destroyed. Its threads may go on using the table from Python; nobody else can.
void fk_xroot_close(fk_xroot *root) {
	atomic_store(&root->closed, true);
	fk_xlock(root);
	root->error = NULL;
	fk_xunlock(root);
	fk_xclear(&root->table);
	bury(root);
}
