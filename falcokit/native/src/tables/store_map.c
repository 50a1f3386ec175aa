// SPDX-License-Identifier: Apache-2.0
// The map of an exported table: entries by key, in the order of insertion. Every call takes the
// lock itself unless it says otherwise, and lets entries go only after it has given the lock back.
#include "tables/store.h"
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define FIRST_ROOM 8
#define MOST_ITEMS (1u << 30)

// ---- keys -------------------------------------------------------------------------------------------

// Paths and names are chosen by those whom Falco watches: a secret keeps them from choosing keys that
// collide. One for the process.
static uint64_t secret[2];

static void make_secret(void) {
	struct timespec now;
	if (getrandom(secret, sizeof secret, GRND_NONBLOCK) == (ssize_t)sizeof secret) return;
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

// ---- items ------------------------------------------------------------------------------------------

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

// Room for one more: erased items are left out, unless an iteration counts on positions.
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

// ---- the table --------------------------------------------------------------------------------------

fk_xentry *fk_xget(fk_xtable *t, const fk_xkey *key, uint64_t hold) {
	fk_xlock(t->schema->root);
	const fk_xitem *item = find(&t->map, key);
	fk_xentry *e = item ? item->entry : NULL;
	if (e) fk_xhold(e, hold);
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

// Puts an entry at a key, for whatever is there. False: no memory, or it is in a table already. `hold`
// is what the caller wants of it beside the map's reference.
bool fk_xput(fk_xtable *t, const fk_xkey *key, fk_xentry *e, uint64_t hold) {
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
		fk_xhold(e, FK_X_REF + hold);
	}
	bool limbo = root->limbo != NULL;
	fk_xunlock(root);
	if (replaced) fk_xlet_go(replaced, FK_X_REF);
	if (limbo) fk_xend_limbo(root, false);
	return ok;
}

bool fk_xerase(fk_xtable *t, const fk_xkey *key) {
	fk_xlock(t->schema->root);
	fk_xitem *item = find(&t->map, key);
	fk_xentry *e = item ? take_out(&t->map, item) : NULL;
	fk_xunlock(t->schema->root);
	if (e) fk_xlet_go(e, FK_X_REF);
	return e != NULL;
}

void fk_xclear(fk_xtable *t) {
	fk_xentry *gone = NULL;
	fk_xmap *map = &t->map;
	fk_xlock(t->schema->root);
	for (uint32_t i = 0; i < map->used; i++) {
		if (!map->items[i].entry) continue;
		fk_xentry *e = take_out(map, &map->items[i]);
		e->link = gone;
		gone = e;
	}
	if (!map->iterators) fk_xmap_free(map);
	fk_xunlock(t->schema->root);
	while (gone) {
		fk_xentry *e = gone;
		gone = e->link;
		fk_xlet_go(e, FK_X_REF);
	}
}

// Of a map without entries.
void fk_xmap_free(fk_xmap *map) {
	free(map->items);
	free(map->index);
	map->items = NULL;
	map->index = NULL;
	map->used = map->room = 0;
}

// What is inserted from here on lies behind `end`, and is not visited.
uint32_t fk_xiterate_begin(fk_xtable *t) {
	fk_xlock(t->schema->root);
	t->map.iterators++;
	uint32_t end = t->map.used;
	fk_xunlock(t->schema->root);
	return end;
}

// The item at a position or the next one behind it, and moves the position past it.
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
