// SPDX-License-Identifier: Apache-2.0
// Entries of exported tables: their references and their values.
#include "tables/store.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

// ---- references -------------------------------------------------------------------------------------

fk_xentry *fk_xentry_new(fk_xschema *schema) {
	uint32_t n = atomic_load_explicit(&schema->count, memory_order_acquire);
	fk_xentry *e = calloc(1, sizeof *e + n * sizeof *e->slots);
	if (!e) return NULL;
	e->schema = schema;
	e->nslots = n;
	e->hold = FK_X_REF;
	atomic_fetch_add_explicit(&schema->root->refs, 1, memory_order_relaxed);
	for (uint32_t i = 0; i < schema->declared; i++) {
		const fk_xfield *f = &schema->fields[i];
		if (!f->initial_text)
			e->slots[i] = f->initial;
		else if (!fk_xwrite_text(e, f, f->initial_text)) {
			fk_xlet_go(e, FK_X_REF);
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
	free_texts(e->overtaken);
	free(e);
	fk_xroot_unref(s->root);
}

// Frees what died long enough ago, oldest first.
void fk_xend_limbo(fk_xroot *root, bool all) {
	uint64_t now = now_ms();
	for (;;) {
		fk_xlock(root);
		fk_xentry *e = root->limbo;
		if (e && (all || now - e->died_ms > FK_X_LIMBO_MS)) {
			root->limbo = e->link;
			if (!root->limbo) root->limbo_end = &root->limbo;
		} else
			e = NULL;
		fk_xunlock(root);
		if (!e) return;
		free_entry(e); // not the last reference to the root: the caller has one
	}
}

static void to_limbo(fk_xentry *e) {
	fk_xroot *root = e->schema->root;
	atomic_fetch_add(&root->refs, 1);
	e->died_ms = now_ms();
	e->link = NULL;
	fk_xlock(root);
	*root->limbo_end = e;
	root->limbo_end = &e->link;
	fk_xunlock(root);
	fk_xend_limbo(root, false);
	fk_xroot_unref(root);
}

void fk_xhold(fk_xentry *e, uint64_t hold) {
	atomic_fetch_add_explicit(&e->hold, hold, memory_order_relaxed);
}

// A reference, unless the last was just given back.
bool fk_xtry_ref(fk_xentry *e) {
	uint64_t hold = e->hold;
	while ((uint32_t)hold)
		if (atomic_compare_exchange_weak(&e->hold, &hold, hold + FK_X_REF)) return true;
	return false;
}

// Handles are added under the lock only: when the one that is about to go is the last, nobody reads.
static void end_overtaken(fk_xentry *e) {
	fk_xtext *texts = NULL;
	fk_xlock(e->schema->root);
	if (e->hold >> 32 == 1) texts = atomic_exchange(&e->overtaken, NULL);
	fk_xunlock(e->schema->root);
	free_texts(texts);
}

void fk_xlet_go(fk_xentry *e, uint64_t hold) {
	if (hold == FK_X_HANDLE && e->overtaken && e->hold >> 32 == 1) end_overtaken(e);
	if ((uint32_t)atomic_fetch_sub(&e->hold, hold) != 1) return;
	if (e->lent_table && !e->schema->root->closed)
		to_limbo(e);
	else
		free_entry(e);
}

// ---- values -----------------------------------------------------------------------------------------

// The place of a value; NULL for a field that the entry has no room for yet.
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

// With the lock. A string that is lent is good until the entry has no handle left.
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
	if (old && old->lent && e->hold >> 32) {
		old->next = e->overtaken;
		e->overtaken = old;
		old = NULL;
	}
	fk_xunlock(e->schema->root);
	free(old);
	return true;
}

// The nested table of an entry, made when it is first asked for. It lives as long as the entry.
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
