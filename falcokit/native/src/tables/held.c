// SPDX-License-Identifier: Apache-2.0
// The entries of the host that must be released. A nested table lies within its entry: entries of it
// and iterations over it end before that entry, in whatever order the author drops them. With the lock
// of the tables, or at the end of the hook, when Python cannot use them any more.
#include "tables/tables.h"
#include <stdlib.h>

static uint32_t *children_of(fk_tables *t, fk_parent parent) {
	if (parent.lender) return &parent.lender->children;
	return parent.held == FK_NOT_HELD ? NULL : &t->held[parent.held].children;
}

void fk_tables_add_child(fk_tables *t, fk_parent parent) {
	uint32_t *children = children_of(t, parent);
	if (children) ++*children;
}

void fk_tables_remove_child(fk_tables *t, fk_parent parent) {
	uint32_t *children = children_of(t, parent);
	if (children) --*children;
}

static bool same(fk_parent a, fk_parent b) { return a.held == b.held && a.lender == b.lender; }

static bool drop_one(fk_tables *t, fk_parent parent) {
	for (fk_open_iter *i = t->open; i; i = i->next)
		if (same(i->parent, parent)) return i->end(t, i), true;
	for (uint32_t k = t->nheld; k-- > 0;)
		if (t->held[k].entry && same(t->held[k].parent, parent))
			return fk_tables_give_back(t, k), true;
	return false;
}

void fk_tables_release_children(fk_tables *t, fk_parent parent) {
	uint32_t *children = children_of(t, parent);
	while (children && *children && drop_one(t, parent)) {
	}
}

static void drop(fk_tables *t, const fk_held *one) {
	if (one->borrowed) return;
	if (one->is_new)
		t->writer->destroy_table_entry(one->table, one->entry);
	else
		t->reader->release_table_entry(one->table, one->entry);
}

fk_held_ref fk_tables_hold(fk_tables *t, fk_held one) {
	if (t->nheld == t->room) {
		uint32_t room = t->room ? t->room * 2 : 16;
		fk_held *more = realloc(t->held, room * sizeof *more);
		if (!more) {
			drop(t, &one);
			PyErr_NoMemory();
			return (fk_held_ref){.index = FK_NOT_HELD};
		}
		t->held = more;
		t->room = room;
	}
	one.serial = ++t->serial;
	one.children = 0;
	fk_tables_add_child(t, one.parent);
	t->held[t->nheld] = one;
	return (fk_held_ref){.index = t->nheld++, .serial = one.serial};
}

fk_held *fk_tables_held(fk_tables *t, fk_held_ref ref) {
	fk_held *one = ref.index < t->nheld ? &t->held[ref.index] : NULL;
	return one && one->entry && one->serial == ref.serial ? one : NULL;
}

void fk_tables_give_back(fk_tables *t, uint32_t index) {
	fk_held *one = &t->held[index];
	if (one->entry) {
		fk_tables_release_children(t, (fk_parent){index, NULL});
		fk_tables_remove_child(t, one->parent);
		drop(t, one);
		one->entry = NULL;
	}
	while (t->nheld && !t->held[t->nheld - 1].entry) t->nheld--;
}
