// SPDX-License-Identifier: Apache-2.0
// The store of the tables that a plugin exports: C without Python. Its names begin with fk_x, x for
// exported. tables/store.c explains the protocol; the plugin's own Python uses it through
// tables/exported.c, and the runner keeps its own tables in it.
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "plugin_api.h"

#define FK_X_FIELDS     128 // of one table, including those that other plugins add
#define FK_X_DEFER_MS   10000
#define FK_X_CLOSED_MAX 32

typedef struct fk_xroot fk_xroot; // one exported table with all that is nested in it
// The fields of one table, or of all tables nested in one field.
typedef struct fk_xschema fk_xschema;
typedef struct fk_xtable fk_xtable;
typedef struct fk_xentry fk_xentry;
typedef struct fk_xtext fk_xtext; // a string value

typedef struct fk_xfield {
	fk_xschema *schema, *nested; // nested: of a table
	uint32_t index;
	ss_plugin_state_type type;
	bool read_only; // to others
	uint64_t initial;
	char *initial_text;
} fk_xfield;

struct fk_xschema {
	fk_xroot *root;
	fk_xschema *next; // in the list of the root
	char *name, *no_entry;
	ss_plugin_state_type key;
	uint32_t declared; // the fields of the owner come first
	_Atomic uint32_t count;
	fk_xfield fields[FK_X_FIELDS];
	ss_plugin_table_fieldinfo infos[FK_X_FIELDS];
};

typedef struct fk_xitem {
	uint64_t hash, number;
	char *text;       // a string key
	fk_xentry *entry; // NULL: erased
} fk_xitem;

// Items in the order of insertion, and an index of their positions plus one.
typedef struct fk_xmap {
	fk_xitem *items;
	uint32_t *index;
	uint32_t used, room, iterators; // positions do not change while there are iterators
	_Atomic uint64_t live;
} fk_xmap;

struct fk_xtable {
	ss_plugin_table_input input; // by which the host knows the table
	fk_xschema *schema;
	fk_xentry *holder; // of a nested table: the entry it is in
	fk_xmap map;
};

#define FK_X_SLOTS 8
typedef struct fk_xmore { // room for fields that were added after the entry was made
	struct fk_xmore *_Atomic next;
	_Atomic uint64_t slots[FK_X_SLOTS];
} fk_xmore;

struct fk_xentry {
	_Atomic uint64_t refs; // references; in the upper half, how many of them are the host's handles
	fk_xschema *schema;
	fk_xentry *next_gone;         // in a list of entries that are to be freed
	fk_xtext *_Atomic superseded; // strings that were overwritten and may still be read
	fk_xmore *_Atomic more;
	uint64_t deferred_ms;
	uint32_t nslots;
	bool in_map;
	_Atomic bool lent_table;
	_Atomic uint64_t slots[]; // a number, or a pointer to a fk_xtext or fk_xtable
};

struct fk_xroot {
	_Atomic uint64_t refs; // held by the host, each entry, each Python object of the table itself
	pthread_mutex_t lock;
	_Atomic bool closed;
	char *error; // the owner's last error; NULL after it was closed
	size_t error_size;
	fk_xtable table;
	fk_xschema *schemas;
	fk_xentry *deferred, **deferred_end;
	fk_xroot *next; // of the same plugin
};

typedef struct fk_xkey {
	uint64_t hash, number;
	const char *text;
} fk_xkey;

static inline void fk_xlock(fk_xroot *root) { pthread_mutex_lock(&root->lock); }
static inline void fk_xunlock(fk_xroot *root) { pthread_mutex_unlock(&root->lock); }

// A table and its fields.
fk_xroot *fk_xroot_new(const char *name, ss_plugin_state_type key);
fk_xschema *fk_xschema_new(fk_xroot *root, const char *name, ss_plugin_state_type key);
fk_xfield *fk_xfield_new(fk_xschema *s, const char *name, ss_plugin_state_type type,
                         bool read_only);
fk_xfield *fk_xfield_find(fk_xschema *s, const char *name);
const char *fk_xtype_name(ss_plugin_state_type type); // NULL: it is not a type of a field
void fk_xroot_unref(fk_xroot *root);
void fk_xroot_close(fk_xroot *root);
// The map of a table.
fk_xkey fk_xkey_number(uint64_t number);
fk_xkey fk_xkey_text(const char *text);
fk_xentry *fk_xget(fk_xtable *t, const fk_xkey *key, uint64_t refs);
bool fk_xput(fk_xtable *t, const fk_xkey *key, fk_xentry *e);
bool fk_xerase(fk_xtable *t, const fk_xkey *key);
void fk_xclear(fk_xtable *t);
void fk_xmap_free(fk_xmap *map);
uint32_t fk_xiterate_begin(fk_xtable *t);
const fk_xitem *fk_xiterate_at(const fk_xtable *t, uint32_t *position, uint32_t end); // locked
void fk_xiterate_end(fk_xtable *t);
// Entries: a reference, and a reference that is a handle of the host.
#define FK_X_REF    1ull
#define FK_X_HANDLE ((1ull << 32) + FK_X_REF)
fk_xentry *fk_xentry_new(fk_xschema *schema);
void fk_xretain(fk_xentry *e, uint64_t refs);
bool fk_xtry_retain(fk_xentry *e);
void fk_xrelease(fk_xentry *e, uint64_t refs);
void fk_xfree_deferred(fk_xroot *root, bool all);
uint64_t fk_xread(fk_xentry *e, const fk_xfield *f);
bool fk_xwrite(fk_xentry *e, const fk_xfield *f, uint64_t value);
const char *fk_xtext_locked(fk_xentry *e, const fk_xfield *f, bool lend);
bool fk_xwrite_text(fk_xentry *e, const fk_xfield *f, const char *text);
fk_xtable *fk_xnested(fk_xentry *e, const fk_xfield *f);
// The calls of the host, and numbers in its form.
void fk_xtable_init(fk_xtable *t, fk_xschema *schema, fk_xentry *holder);
uint64_t fk_xnumber(const ss_plugin_state_data *data, ss_plugin_state_type type);
void fk_xset_data(ss_plugin_state_data *out, ss_plugin_state_type type, uint64_t value);
