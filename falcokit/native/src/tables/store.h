// SPDX-License-Identifier: Apache-2.0
// The storage of the tables that a plugin exports. C without Python: other plugins and the host
// read and write through the vtable (tables/store.c) without the GIL, while the plugin's own
// threads do the same from Python (tables/exported.c, tables/exported.c). The runner keeps its
// own table in it.
//
// Threads: any, at once. One lock per exported table and all that is nested in it guards maps,
// strings and handing out of entries; numbers of an entry are atomic and need none. No callback and
// nothing of Python runs under the lock.
//
// Lifetime: an entry has references: the map's, one per handle of the host's, one per Python
// object. It outlives its erasure until the last is gone. A string lent to the host lives until its
// entry has no handle of the host's left, also when it was overwritten meanwhile. A nested table
// lent to the host has no call that gives it back: it is kept for FK_X_DEFER_MS after its entry is
// gone. A table that was closed answers FAILURE; its memory is kept until FK_X_CLOSED_MAX further ones
// were closed.
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "plugin_api.h"

#define FK_X_FIELDS     128 // of one table, with those that other plugins add
#define FK_X_DEFER_MS   10000
#define FK_X_CLOSED_MAX 32

typedef struct fk_xroot fk_xroot;     // one exported table with all below it
typedef struct fk_xschema fk_xschema; // the fields of one table, or of all nested ones of one field
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
	fk_xschema *next; // of the root's
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
	ss_plugin_table_input input; // what the host knows it by
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
	fk_xentry *next_gone;         // of a list of those that are to be let go
	fk_xtext *_Atomic superseded; // strings that were overwritten and may still be read
	fk_xmore *_Atomic more;
	uint64_t deferred_ms;
	uint32_t nslots;
	bool in_map;
	_Atomic bool lent_table;
	_Atomic uint64_t slots[]; // a number, or a pointer to a fk_xtext or fk_xtable
};

struct fk_xroot {
	_Atomic uint64_t refs; // the host, each entry, each Python object of the table itself
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

// tables/store.c
fk_xroot *fk_xroot_new(const char *name, ss_plugin_state_type key);
fk_xschema *fk_xschema_new(fk_xroot *root, const char *name, ss_plugin_state_type key);
fk_xfield *fk_xfield_new(fk_xschema *s, const char *name, ss_plugin_state_type type,
                         bool read_only);
fk_xfield *fk_xfield_find(fk_xschema *s, const char *name);
const char *fk_xtype_name(ss_plugin_state_type type); // NULL: no type of a field
void fk_xroot_unref(fk_xroot *root);
void fk_xroot_close(fk_xroot *root);
// tables/store.c
fk_xkey fk_xkey_number(uint64_t number);
fk_xkey fk_xkey_text(const char *text);
fk_xentry *fk_xget(fk_xtable *t, const fk_xkey *key, uint64_t refs);
bool fk_xput(fk_xtable *t, const fk_xkey *key, fk_xentry *e, uint64_t refs);
bool fk_xerase(fk_xtable *t, const fk_xkey *key);
void fk_xclear(fk_xtable *t);
void fk_xmap_free(fk_xmap *map);
uint32_t fk_xiterate_begin(fk_xtable *t);
const fk_xitem *fk_xiterate_at(const fk_xtable *t, uint32_t *position, uint32_t end); // locked
void fk_xiterate_end(fk_xtable *t);
// tables/store.c
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
// tables/store.c
void fk_xtable_init(fk_xtable *t, fk_xschema *schema, fk_xentry *holder);
uint64_t fk_xnumber(const ss_plugin_state_data *data, ss_plugin_state_type type);
