// SPDX-License-Identifier: Apache-2.0
// The store of exported tables. Other plugins and the host read and write it through the vtables at the
// end of this file, without the GIL; the plugin's own threads do the same from Python
// (tables/exported.c).
//
// Theory of operation
//
// - Structure. An fk_xroot is one exported table with everything nested in it. An fk_xtable has a map
//   from keys to entries; an fk_xentry has one slot of 64 bits per field: a number, or a pointer to a
//   string (fk_xtext) or to a nested table. Fields that other plugins add later go into further slots
//   (fk_xmore) of each entry, so slots never move.
// - Threads. Any thread may make any call at any time. One lock per root guards the maps, the strings
//   and the lending of entries. Numbers are atomic and are read and written without it. Neither a
//   callback nor Python code runs under the lock, and entries are released only after it was given
//   back, because freeing one may take it again.
// - References of an entry. `refs` counts in its lower half all references: the map's, one per handle
//   of the host, one per Python object. Its upper half counts how many of them are handles of the host.
//   An entry that is erased or replaced lives until its last reference is gone.
// - Strings. A caller of read_entry_field gets a pointer to the string itself. If the string is
//   overwritten while the host has a handle, the old one goes to `superseded`, which is freed with the
//   last handle of the entry. Handles are added under the lock only, so the one that is about to go can
//   tell that it is the last.
// - Deferred frees. The API has no call that gives a nested table back. An entry whose nested table was
//   lent is therefore not freed with its last reference, but put on the list `deferred` of its root. It
//   is freed when an entry is inserted or another one deferred more than FK_X_DEFER_MS later.
// - The end. fk_xroot_close marks the table as closed: each call of the host then answers FAILURE. The
//   host and other plugins may still have pointers to the table and its fields, so its memory is kept
//   until FK_X_CLOSED_MAX further tables were closed.
#include "tables/store.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/random.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

// ---- a table and its fields -------------------------------------------------------------------------

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
	root->deferred_end = &root->deferred;
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

// NULL when there is no memory or no room for another field. The caller has checked that the name is
// free, and holds the lock if others may know the schema.
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

// A call through a pointer that the host or another plugin kept finds a closed table, not freed memory.
static void keep_closed(fk_xroot *root) {
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static fk_xroot *kept[FK_X_CLOSED_MAX];
	static unsigned next;
	pthread_mutex_lock(&lock);
	fk_xroot *oldest = kept[next];
	kept[next] = root;
	next = (next + 1) % FK_X_CLOSED_MAX;
	pthread_mutex_unlock(&lock);
	if (!oldest) return;
	fk_xfree_deferred(oldest, true);
	fk_xroot_unref(oldest);
}

// The owner is destroyed. Its threads may still use the table from Python; nobody else can.
void fk_xroot_close(fk_xroot *root) {
	atomic_store(&root->closed, true);
	fk_xlock(root);
	root->error = NULL;
	fk_xunlock(root);
	fk_xclear(&root->table);
	keep_closed(root);
}

// ---- strings ----------------------------------------------------------------------------------------

struct fk_xtext {
	fk_xtext *next;
	bool lent; // its pointer was given to the host
	char bytes[];
};

static fk_xtext *new_text(const char *bytes) {
	size_t size = strlen(bytes) + 1;
	fk_xtext *text = malloc(sizeof *text + size);
	if (!text) return NULL;
	text->next = NULL;
	text->lent = false;
	memcpy(text->bytes, bytes, size);
	return text;
}

static void free_texts(fk_xtext *text) {
	while (text) {
		fk_xtext *next = text->next;
		free(text);
		text = next;
	}
}

static uint64_t now_ms(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// ---- entries: references ----------------------------------------------------------------------------

fk_xentry *fk_xentry_new(fk_xschema *schema) {
	uint32_t n = atomic_load_explicit(&schema->count, memory_order_acquire);
	fk_xentry *e = calloc(1, sizeof *e + n * sizeof *e->slots);
	if (!e) return NULL;
	e->schema = schema;
	e->nslots = n;
	e->refs = FK_X_REF;
	atomic_fetch_add_explicit(&schema->root->refs, 1, memory_order_relaxed);
	for (uint32_t i = 0; i < schema->declared; i++) {
		const fk_xfield *f = &schema->fields[i];
		if (!f->initial_text)
			e->slots[i] = f->initial;
		else if (!fk_xwrite_text(e, f, f->initial_text)) {
			fk_xrelease(e, FK_X_REF);
			return NULL;
		}
	}
	return e;
}

static void free_value(const fk_xfield *f, uint64_t value) {
	if (!value) return;
	if (f->type == SS_PLUGIN_ST_STRING) free((fk_xtext *)(uintptr_t)value);
	if (f->type != SS_PLUGIN_ST_TABLE) return;
	fk_xtable *t = (fk_xtable *)(uintptr_t)value;
	fk_xclear(t);
	fk_xmap_free(&t->map);
	free(t);
}

static void free_entry(fk_xentry *e) {
	fk_xschema *s = e->schema;
	uint32_t i = 0;
	for (; i < e->nslots; i++) free_value(&s->fields[i], e->slots[i]);
	for (fk_xmore *more = e->more; more;) {
		fk_xmore *next = more->next;
		for (int k = 0; k < FK_X_SLOTS && i < s->count; k++, i++)
			free_value(&s->fields[i], more->slots[k]);
		free(more);
		more = next;
	}
	free_texts(e->superseded);
	free(e);
	fk_xroot_unref(s->root);
}

// Frees entries that were deferred long enough ago, oldest first.
void fk_xfree_deferred(fk_xroot *root, bool all) {
	uint64_t now = now_ms();
	for (;;) {
		fk_xlock(root);
		fk_xentry *e = root->deferred;
		if (e && (all || now - e->deferred_ms > FK_X_DEFER_MS)) {
			root->deferred = e->next_gone;
			if (!root->deferred) root->deferred_end = &root->deferred;
		} else
			e = NULL;
		fk_xunlock(root);
		if (!e) return;
		free_entry(e); // not the last reference to the root, because the caller holds one
	}
}

static void defer_free(fk_xentry *e) {
	fk_xroot *root = e->schema->root;
	atomic_fetch_add(&root->refs, 1);
	e->deferred_ms = now_ms();
	e->next_gone = NULL;
	fk_xlock(root);
	*root->deferred_end = e;
	root->deferred_end = &e->next_gone;
	fk_xunlock(root);
	fk_xfree_deferred(root, false);
	fk_xroot_unref(root);
}

void fk_xretain(fk_xentry *e, uint64_t refs) {
	atomic_fetch_add_explicit(&e->refs, refs, memory_order_relaxed);
}

// Adds a reference, unless the last one was just released.
bool fk_xtry_retain(fk_xentry *e) {
	uint64_t refs = e->refs;
	while ((uint32_t)refs)
		if (atomic_compare_exchange_weak(&e->refs, &refs, refs + FK_X_REF)) return true;
	return false;
}

// Handles are added under the lock only: if the one that is being released is the last, nobody reads.
static void free_superseded(fk_xentry *e) {
	fk_xtext *texts = NULL;
	fk_xlock(e->schema->root);
	if (e->refs >> 32 == 1) texts = atomic_exchange(&e->superseded, NULL);
	fk_xunlock(e->schema->root);
	free_texts(texts);
}

void fk_xrelease(fk_xentry *e, uint64_t refs) {
	if (refs == FK_X_HANDLE && e->superseded && e->refs >> 32 == 1) free_superseded(e);
	if ((uint32_t)atomic_fetch_sub(&e->refs, refs) != 1) return;
	if (e->lent_table && !e->schema->root->closed)
		defer_free(e);
	else
		free_entry(e);
}

// ---- entries: values --------------------------------------------------------------------------------

// The slot of a field; NULL for one that was added after the entry was made.
static _Atomic uint64_t *slot_of(fk_xentry *e, const fk_xfield *f) {
	if (f->index < e->nslots) return &e->slots[f->index];
	uint32_t i = f->index - e->nslots;
	fk_xmore *more = e->more;
	for (; more && i >= FK_X_SLOTS; i -= FK_X_SLOTS) more = more->next;
	return more ? &more->slots[i] : NULL;
}

static _Atomic uint64_t *make_slot(fk_xentry *e, const fk_xfield *f) {
	_Atomic uint64_t *slot = slot_of(e, f);
	if (slot) return slot;
	fk_xlock(e->schema->root);
	fk_xmore *_Atomic *end = &e->more;
	while (!(slot = slot_of(e, f))) {
		while (*end) end = &(*end)->next;
		fk_xmore *more = calloc(1, sizeof *more);
		if (!more) break;
		*end = more;
	}
	fk_xunlock(e->schema->root);
	return slot;
}

uint64_t fk_xread(fk_xentry *e, const fk_xfield *f) {
	_Atomic uint64_t *slot = slot_of(e, f);
	return slot ? atomic_load_explicit(slot, memory_order_relaxed) : 0;
}

bool fk_xwrite(fk_xentry *e, const fk_xfield *f, uint64_t value) {
	_Atomic uint64_t *slot = make_slot(e, f);
	if (slot) atomic_store_explicit(slot, value, memory_order_relaxed);
	return slot != NULL;
}

// With the lock. A string that is lent is valid until the entry has no handle left.
const char *fk_xtext_locked(fk_xentry *e, const fk_xfield *f, bool lend) {
	fk_xtext *text = (fk_xtext *)(uintptr_t)fk_xread(e, f);
	if (!text) return "";
	if (lend) text->lent = true;
	return text->bytes;
}

bool fk_xwrite_text(fk_xentry *e, const fk_xfield *f, const char *bytes) {
	_Atomic uint64_t *slot = make_slot(e, f);
	fk_xtext *text = slot ? new_text(bytes) : NULL;
	if (!text) return false;
	fk_xlock(e->schema->root);
	fk_xtext *old = (fk_xtext *)(uintptr_t)atomic_exchange(slot, (uint64_t)(uintptr_t)text);
	if (old && old->lent && e->refs >> 32) {
		old->next = e->superseded;
		e->superseded = old;
		old = NULL;
	}
	fk_xunlock(e->schema->root);
	free(old);
	return true;
}

// The nested table of an entry, made at its first use. It lives as long as the entry.
fk_xtable *fk_xnested(fk_xentry *e, const fk_xfield *f) {
	_Atomic uint64_t *slot = slot_of(e, f); // always a declared field, which every entry has
	fk_xtable *t = (fk_xtable *)(uintptr_t)atomic_load(slot);
	if (t) return t;
	fk_xtable *made = calloc(1, sizeof *made);
	if (!made) return NULL;
	fk_xtable_init(made, f->nested, e);
	uint64_t none = 0;
	if (atomic_compare_exchange_strong(slot, &none, (uint64_t)(uintptr_t)made)) return made;
	free(made);
	return (fk_xtable *)(uintptr_t)none;
}

#define FIRST_ROOM 8
#define MOST_ITEMS (1u << 30)

// ---- the map: keys ----------------------------------------------------------------------------------

// Paths and names are chosen by the processes that Falco monitors: a secret hash key, one per process,
// keeps them from choosing keys that collide.
static uint64_t secret[2];

static void make_secret(void) {
	struct timespec now;
	// The kernel has it since 3.17, glibc's function since 2.25.
	if (syscall(SYS_getrandom, secret, sizeof secret, GRND_NONBLOCK) == (long)sizeof secret) return;
	clock_gettime(CLOCK_REALTIME, &now);
	secret[0] = (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u;
	secret[1] = (uint64_t)(uintptr_t)&now ^ (uint64_t)now.tv_sec;
}

static const uint64_t *get_secret(void) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, make_secret);
	return secret;
}

static inline uint64_t rotate(uint64_t x, int by) { return x << by | x >> (64 - by); }

static inline void sip_round(uint64_t v[4]) {
	v[0] += v[1], v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0], v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1], v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2], v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

// SipHash with one round a word and three at the end.
static uint64_t hash_text(const char *text, size_t len) {
	const uint64_t *k = get_secret();
	uint64_t v[4] = {k[0] ^ 0x736f6d6570736575u, k[1] ^ 0x646f72616e646f6du,
	                 k[0] ^ 0x6c7967656e657261u, k[1] ^ 0x7465646279746573u};
	uint64_t word, last = (uint64_t)len << 56;
	size_t whole = len & ~(size_t)7;
	for (size_t i = 0; i < whole; i += 8) {
		memcpy(&word, text + i, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	for (size_t i = whole; i < len; i++) last |= (uint64_t)(uint8_t)text[i] << 8 * (i - whole);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++) sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

fk_xkey fk_xkey_number(uint64_t number) {
	uint64_t x = number ^ get_secret()[0];
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (fk_xkey){.hash = x ^ x >> 31, .number = number};
}

fk_xkey fk_xkey_text(const char *text) {
	return (fk_xkey){.hash = hash_text(text, strlen(text)), .text = text};
}

// ---- the map: items ---------------------------------------------------------------------------------

static bool same_key(const fk_xitem *item, const fk_xkey *key) {
	if (item->hash != key->hash || !item->entry) return false;
	return key->text ? strcmp(item->text, key->text) == 0 : item->number == key->number;
}

static inline uint32_t mask_of(const fk_xmap *map) { return map->room * 2 - 1; }

static fk_xitem *find(const fk_xmap *map, const fk_xkey *key) {
	if (!map->room) return NULL;
	for (uint32_t at = (uint32_t)key->hash;; at++) {
		uint32_t position = map->index[at & mask_of(map)];
		if (!position) return NULL;
		if (same_key(&map->items[position - 1], key)) return &map->items[position - 1];
	}
}

static void enter(fk_xmap *map, uint32_t position) {
	uint32_t at = (uint32_t)map->items[position].hash;
	while (map->index[at & mask_of(map)]) at++;
	map->index[at & mask_of(map)] = position + 1;
}

// Makes room for one more item. Erased items are dropped, unless an iteration relies on positions.
static bool make_room(fk_xmap *map) {
	if (map->used < map->room) return true;
	uint64_t kept = map->iterators ? map->used : map->live;
	uint64_t room = FIRST_ROOM;
	while (room < kept + kept / 2 + 1) room *= 2;
	if (room > MOST_ITEMS) return false;
	fk_xitem *items = malloc(room * sizeof *items);
	uint32_t *index = calloc(room * 2, sizeof *index);
	if (!items || !index) {
		free(items);
		free(index);
		return false;
	}
	uint32_t used = 0;
	for (uint32_t i = 0; i < map->used; i++)
		if (map->iterators || map->items[i].entry) items[used++] = map->items[i];
	free(map->items);
	free(map->index);
	map->items = items;
	map->index = index;
	map->used = used;
	map->room = (uint32_t)room;
	for (uint32_t i = 0; i < used; i++)
		if (items[i].entry) enter(map, i);
	return true;
}

static fk_xentry *take_out(fk_xmap *map, fk_xitem *item) {
	fk_xentry *e = item->entry;
	e->in_map = false;
	item->entry = NULL;
	free(item->text);
	item->text = NULL;
	map->live--;
	return e;
}

// ---- the map: calls ---------------------------------------------------------------------------------
// In the order of insertion. Each call takes the lock itself unless it says otherwise.

fk_xentry *fk_xget(fk_xtable *t, const fk_xkey *key, uint64_t refs) {
	fk_xlock(t->schema->root);
	const fk_xitem *item = find(&t->map, key);
	fk_xentry *e = item ? item->entry : NULL;
	if (e) fk_xretain(e, refs);
	fk_xunlock(t->schema->root);
	return e;
}

static bool add_item(fk_xmap *map, const fk_xkey *key, fk_xentry *e) {
	char *text = NULL;
	if (!make_room(map) || (key->text && !(text = strdup(key->text)))) return false;
	map->items[map->used] =
		(fk_xitem){.hash = key->hash, .number = key->number, .text = text, .entry = e};
	enter(map, map->used++);
	map->live++;
	return true;
}

// Puts an entry at a key, replacing what is there. False: no memory, or the entry is in a table
// already.
bool fk_xput(fk_xtable *t, const fk_xkey *key, fk_xentry *e) {
	fk_xroot *root = t->schema->root;
	fk_xentry *replaced = NULL;
	fk_xlock(root);
	fk_xitem *item = e->in_map ? NULL : find(&t->map, key);
	bool ok = !e->in_map;
	if (item) {
		replaced = item->entry;
		replaced->in_map = false;
		item->entry = e;
	} else if (ok)
		ok = add_item(&t->map, key, e);
	if (ok) {
		e->in_map = true;
		fk_xretain(e, FK_X_REF);
	}
	bool deferred = root->deferred != NULL;
	fk_xunlock(root);
	if (replaced) fk_xrelease(replaced, FK_X_REF);
	if (deferred) fk_xfree_deferred(root, false);
	return ok;
}

bool fk_xerase(fk_xtable *t, const fk_xkey *key) {
	fk_xlock(t->schema->root);
	fk_xitem *item = find(&t->map, key);
	fk_xentry *e = item ? take_out(&t->map, item) : NULL;
	fk_xunlock(t->schema->root);
	if (e) fk_xrelease(e, FK_X_REF);
	return e != NULL;
}

void fk_xclear(fk_xtable *t) {
	fk_xentry *gone = NULL;
	fk_xmap *map = &t->map;
	fk_xlock(t->schema->root);
	for (uint32_t i = 0; i < map->used; i++) {
		if (!map->items[i].entry) continue;
		fk_xentry *e = take_out(map, &map->items[i]);
		e->next_gone = gone;
		gone = e;
	}
	if (!map->iterators) fk_xmap_free(map);
	fk_xunlock(t->schema->root);
	while (gone) {
		fk_xentry *e = gone;
		gone = e->next_gone;
		fk_xrelease(e, FK_X_REF);
	}
}

// For a map without entries.
void fk_xmap_free(fk_xmap *map) {
	free(map->items);
	free(map->index);
	map->items = NULL;
	map->index = NULL;
	map->used = map->room = 0;
}

// Entries that are inserted from now on lie after `end` and are not visited.
uint32_t fk_xiterate_begin(fk_xtable *t) {
	fk_xlock(t->schema->root);
	t->map.iterators++;
	uint32_t end = t->map.used;
	fk_xunlock(t->schema->root);
	return end;
}

// Returns the item at the position or the next one after it, and moves the position past it.
const fk_xitem *fk_xiterate_at(const fk_xtable *t, uint32_t *position, uint32_t end) {
	while (*position < end) {
		const fk_xitem *item = &t->map.items[(*position)++];
		if (item->entry) return item;
	}
	return NULL;
}

void fk_xiterate_end(fk_xtable *t) {
	fk_xlock(t->schema->root);
	t->map.iterators--;
	fk_xunlock(t->schema->root);
}

// ---- calls of the host: errors ----------------------------------------------------------------------
// Without the GIL. A call that fails leaves its reason as the owner's last error, which the framework
// reads at once.

static void *fail_text(fk_xtable *t, const char *text) {
	fk_xroot *root = t->schema->root;
	fk_xlock(root);
	if (root->error) {
		size_t len = strnlen(text, root->error_size - 1);
		memcpy(root->error, text, len);
		root->error[len] = 0;
	}
	fk_xunlock(root);
	return NULL;
}

// Returns NULL, or false.
static void *fail(fk_xtable *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void *fail(fk_xtable *t, const char *format, ...) {
	char text[1024], *end = text + snprintf(text, 512, "table '%s': ", t->schema->name);
	if (end > text + 511) end = text + 511;
	va_list args;
	va_start(args, format);
	vsnprintf(end, sizeof text - (size_t)(end - text), format, args);
	va_end(args);
	return fail_text(t, text);
}

// Whether a table may be used at all.
static bool open_table(fk_xtable *t) {
	return t && (!t->schema->root->closed || fail(t, "its plugin was destroyed"));
}

static bool open_entry(fk_xtable *t, fk_xentry *e) {
	if (!open_table(t)) return false;
	if (e && e->schema == t->schema) return true;
	return fail(t, e ? "the entry is of another table" : "the entry is NULL");
}

static bool open_field(fk_xtable *t, fk_xentry *e, const fk_xfield *f, const void *value) {
	if (!open_entry(t, e)) return false;
	if (f && value && f->schema == t->schema) return true;
	return fail(t, f && value ? "the field is of another table" : "the field or the value is NULL");
}

// ---- calls of the host: values ----------------------------------------------------------------------

uint64_t fk_xnumber(const ss_plugin_state_data *data, ss_plugin_state_type type) {
	switch (type) {
	case SS_PLUGIN_ST_INT8: return (uint64_t)(int64_t)data->s8;
	case SS_PLUGIN_ST_INT16: return (uint64_t)(int64_t)data->s16;
	case SS_PLUGIN_ST_INT32: return (uint64_t)(int64_t)data->s32;
	case SS_PLUGIN_ST_UINT8: return data->u8;
	case SS_PLUGIN_ST_UINT16: return data->u16;
	case SS_PLUGIN_ST_UINT32: return data->u32;
	case SS_PLUGIN_ST_BOOL: return data->b != 0;
	default: return data->u64;
	}
}

// Slots hold numbers with their sign extended; the member of the union gets the value in any byte
// order.
void fk_xset_data(ss_plugin_state_data *out, ss_plugin_state_type type, uint64_t value) {
	switch (type) {
	case SS_PLUGIN_ST_INT8:
	case SS_PLUGIN_ST_UINT8: out->u8 = (uint8_t)value; break;
	case SS_PLUGIN_ST_INT16:
	case SS_PLUGIN_ST_UINT16: out->u16 = (uint16_t)value; break;
	case SS_PLUGIN_ST_INT32:
	case SS_PLUGIN_ST_UINT32:
	case SS_PLUGIN_ST_BOOL: out->u32 = (uint32_t)value; break;
	default: out->u64 = value;
	}
}

static bool take_key(fk_xtable *t, const ss_plugin_state_data *data, fk_xkey *key) {
	if (!open_table(t)) return false;
	bool text = t->schema->key == SS_PLUGIN_ST_STRING;
	if (!data || (text && !data->str)) return fail(t, "the key is NULL");
	*key = text ? fk_xkey_text(data->str) : fk_xkey_number(fk_xnumber(data, t->schema->key));
	return true;
}

// ---- calls of the host: fields ----------------------------------------------------------------------

static const ss_plugin_table_fieldinfo *list_fields(ss_plugin_table_t *t, uint32_t *n) {
	if (n) *n = 0;
	if (!open_table(t) || !n) return NULL;
	fk_xschema *s = ((fk_xtable *)t)->schema;
	*n = atomic_load_explicit(&s->count, memory_order_acquire);
	return s->infos;
}

static fk_xfield *of_type(fk_xtable *t, fk_xfield *f, ss_plugin_state_type type) {
	if (f->type == type) return f;
	const char *asked = fk_xtype_name(type);
	return fail(t, "field '%s' is of type %s, not %s", t->schema->infos[f->index].name,
	            fk_xtype_name(f->type), asked ? asked : "an unknown one");
}

static ss_plugin_table_field_t *get_field(ss_plugin_table_t *table, const char *name,
                                          ss_plugin_state_type type) {
	fk_xtable *t = table;
	if (!open_table(t)) return NULL;
	fk_xfield *f = name ? fk_xfield_find(t->schema, name) : NULL;
	return f ? of_type(t, f, type) : fail(t, "there is no field '%s'", name ? name : "NULL");
}

static ss_plugin_table_field_t *add_field(ss_plugin_table_t *table, const char *name,
                                          ss_plugin_state_type type) {
	fk_xtable *t = table;
	if (!open_table(t)) return NULL;
	if (!name || !*name) return fail(t, "a field without a name cannot be added");
	if (type == SS_PLUGIN_ST_TABLE || !fk_xtype_name(type))
		return fail(t, "field '%s' cannot be added: its type is %s", name,
		            type == SS_PLUGIN_ST_TABLE ? "a table" : "unknown");
	fk_xlock(t->schema->root);
	fk_xfield *found = fk_xfield_find(t->schema, name);
	fk_xfield *f = found ? found : fk_xfield_new(t->schema, name, type, false);
	fk_xunlock(t->schema->root);
	if (f) return of_type(t, f, type);
	return fail(t, "field '%s' cannot be added: there are %u, and room for %d", name,
	            t->schema->count, FK_X_FIELDS);
}

// ---- calls of the host: reading ---------------------------------------------------------------------

static const char *get_name(ss_plugin_table_t *t) {
	return open_table(t) ? ((fk_xtable *)t)->schema->name : NULL;
}

static uint64_t get_size(ss_plugin_table_t *t) {
	return open_table(t) ? ((fk_xtable *)t)->map.live : UINT64_MAX;
}

static ss_plugin_table_entry_t *get_entry(ss_plugin_table_t *t, const ss_plugin_state_data *data) {
	fk_xkey key;
	if (!take_key(t, data, &key)) return NULL;
	fk_xentry *e = fk_xget(t, &key, FK_X_HANDLE);
	return e ? e : fail_text(t, ((fk_xtable *)t)->schema->no_entry);
}

static ss_plugin_rc read_field(ss_plugin_table_t *t, ss_plugin_table_entry_t *entry,
                               const ss_plugin_table_field_t *field, ss_plugin_state_data *out) {
	const fk_xfield *f = field;
	fk_xentry *e = entry;
	if (!open_field(t, e, f, out)) return SS_PLUGIN_FAILURE;
	if (f->type == SS_PLUGIN_ST_STRING) {
		fk_xlock(e->schema->root);
		out->str = fk_xtext_locked(e, f, true);
		fk_xunlock(e->schema->root);
	} else if (f->type == SS_PLUGIN_ST_TABLE) {
		fk_xtable *nested = fk_xnested(e, f);
		if (!nested) {
			fail(t, "no memory");
			return SS_PLUGIN_FAILURE;
		}
		e->lent_table = true;
		out->table = &nested->input; // here the framework finds the vtables of the nested table
	} else
		fk_xset_data(out, f->type, fk_xread(e, f));
	return SS_PLUGIN_SUCCESS;
}

static void release_entry(ss_plugin_table_t *t, ss_plugin_table_entry_t *e) {
	// The table may be closed meanwhile: the entry still belongs to the caller.
	if (e) fk_xrelease(e, FK_X_HANDLE);
}

static ss_plugin_bool iterate(ss_plugin_table_t *table, ss_plugin_table_iterator_func_t step,
                              ss_plugin_table_iterator_state_t *state) {
	fk_xtable *t = table;
	if (!open_table(t) || !step) return 0;
	// A step may erase the entry that holds this nested table.
	bool held = t->holder && fk_xtry_retain(t->holder);
	uint32_t position = 0, end = fk_xiterate_begin(t);
	bool more = true;
	while (more) {
		fk_xlock(t->schema->root);
		const fk_xitem *item = fk_xiterate_at(t, &position, end);
		fk_xentry *e = item ? item->entry : NULL;
		if (e) fk_xretain(e, FK_X_HANDLE);
		fk_xunlock(t->schema->root);
		if (!e) break;
		more = step(state, e);
		fk_xrelease(e, FK_X_HANDLE);
	}
	fk_xiterate_end(t);
	if (held) fk_xrelease(t->holder, FK_X_REF);
	return more;
}

// ---- calls of the host: writing ---------------------------------------------------------------------

static ss_plugin_rc clear_table(ss_plugin_table_t *t) {
	if (!open_table(t)) return SS_PLUGIN_FAILURE;
	fk_xclear(t);
	return SS_PLUGIN_SUCCESS;
}

static ss_plugin_rc erase_entry(ss_plugin_table_t *t, const ss_plugin_state_data *data) {
	fk_xkey key;
	if (!take_key(t, data, &key)) return SS_PLUGIN_FAILURE;
	if (fk_xerase(t, &key)) return SS_PLUGIN_SUCCESS;
	fail_text(t, ((fk_xtable *)t)->schema->no_entry);
	return SS_PLUGIN_FAILURE;
}

static ss_plugin_table_entry_t *create_entry(ss_plugin_table_t *t) {
	if (!open_table(t)) return NULL;
	fk_xentry *e = fk_xentry_new(((fk_xtable *)t)->schema);
	if (!e) return fail(t, "no memory");
	fk_xretain(e, FK_X_HANDLE - FK_X_REF);
	return e;
}

// The entry that was created and the one that is returned are the same, so both calls that end them
// release a handle.
static ss_plugin_table_entry_t *add_entry(ss_plugin_table_t *t, const ss_plugin_state_data *data,
                                          ss_plugin_table_entry_t *e) {
	fk_xkey key;
	if (!take_key(t, data, &key) || !open_entry(t, e)) return NULL;
	if (fk_xput(t, &key, e)) return e;
	return fail(t, "the entry is in the table already, or there is no memory");
}

static ss_plugin_rc write_field(ss_plugin_table_t *t, ss_plugin_table_entry_t *entry,
                                const ss_plugin_table_field_t *field,
                                const ss_plugin_state_data *in) {
	const fk_xfield *f = field;
	fk_xentry *e = entry;
	if (!open_field(t, e, f, in)) return SS_PLUGIN_FAILURE;
	// Not NOT_SUPPORTED: the framework would not read the reason then.
	if (f->read_only || f->type == SS_PLUGIN_ST_TABLE) {
		fail(t, "field '%s' %s", f->schema->infos[f->index].name,
		     f->read_only ? "is read-only" : "is a table, which is written entry by entry");
		return SS_PLUGIN_FAILURE;
	}
	if (f->type == SS_PLUGIN_ST_STRING && !in->str) {
		fail(t, "the value of field '%s' is NULL", f->schema->infos[f->index].name);
		return SS_PLUGIN_FAILURE;
	}
	bool ok = f->type == SS_PLUGIN_ST_STRING ? fk_xwrite_text(e, f, in->str)
	                                         : fk_xwrite(e, f, fk_xnumber(in, f->type));
	if (!ok) fail(t, "no memory");
	return ok ? SS_PLUGIN_SUCCESS : SS_PLUGIN_FAILURE;
}

// ---- the vtables ------------------------------------------------------------------------------------

static ss_plugin_table_fields_vtable_ext fields_ext = {list_fields, get_field, add_field};
static ss_plugin_table_reader_vtable_ext reader_ext = {get_name,   get_size,      get_entry,
                                                       read_field, release_entry, iterate};
static ss_plugin_table_writer_vtable_ext writer_ext = {clear_table,   erase_entry, create_entry,
                                                       release_entry, add_entry,   write_field};

// The framework refuses a table whose two generations of vtables differ.
void fk_xtable_init(fk_xtable *t, fk_xschema *schema, fk_xentry *holder) {
	t->schema = schema;
	t->holder = holder;
	t->input = (ss_plugin_table_input){
		.name = schema->name,
		.key_type = schema->key,
		.table = t,
		.reader = {get_name, get_size, get_entry, read_field},
		.writer = writer_ext,
		.fields = fields_ext,
		.reader_ext = &reader_ext,
		.writer_ext = &writer_ext,
		.fields_ext = &fields_ext,
	};
}
