// SPDX-License-Identifier: Apache-2.0
// The operators that make one of many, or fewer: the sum of numbers, and texts without their
// repetitions.
#include "json/run.h"
#include <string.h>

bool fk_jsum(fk_jrun *run, const fk_jnode *node) {
	uint32_t base = run->top;
	uint64_t total = 0;
	if (!fk_jeval(run, node->kids[0])) return false;
	for (uint32_t i = base; i < run->top; i++) {
		fk_jfate fate = fk_jto_uint(run, &run->doc->items[i], 0, 0);
		if (fate == FK_FAIL) return false;
		if (fate == FK_KEEP && __builtin_add_overflow(total, run->doc->items[i].number, &total))
			return fk_jfail(run, "a sum needs more than 64 bits") == FK_KEEP;
	}
	run->top = base;
	return fk_jpush(run, &(fk_jitem){.kind = FK_KUINT, .number = total});
}

static uint64_t hash(const fk_jitem *text) {
	uint64_t h = 0xcbf29ce484222325u; // FNV-1a, scrambled: the payload chooses the texts
	for (uint32_t i = 0; i < text->len; i++) h = (h ^ (uint8_t)text->text[i]) * 0x100000001b3u;
	return h ^ h >> 29;
}

// Texts that were not there before, by a table of their places (less `base`, plus 1).
bool fk_junique(fk_jrun *run, const fk_jnode *node) {
	uint32_t base = run->top, kept = base;
	if (!fk_jeval(run, node->kids[0])) return false;
	uint64_t room = 16;
	while (room < 2u * (uint64_t)(run->top - base)) room *= 2;
	uint32_t *table = fk_arena_alloc(run->arena, room * sizeof *table);
	if (!table) return fk_jfail(run, "there is no memory") == FK_KEEP;
	memset(table, 0, room * sizeof *table);
	for (uint32_t i = base; i < run->top; i++) {
		fk_jitem item = run->doc->items[i];
		fk_jfate fate = fk_jto_text(run, &item, FK_JTEXT_DEFAULT);
		if (fate == FK_FAIL) return false;
		if (fate == FK_DROP) continue;
		uint64_t at = hash(&item) & (room - 1);
		fk_jspend_bytes(&run->doc->work, item.len, FK_JREAD);
		for (; table[at]; at = (at + 1) & (room - 1)) { // texts may collide on purpose
			const fk_jitem *other = &run->doc->items[base + table[at] - 1];
			fk_jspend(&run->doc->work, 1);
			if (other->len == item.len && !memcmp(other->text, item.text, item.len)) break;
		}
		if (table[at]) continue;
		table[at] = kept - base + 1;
		run->doc->items[kept++] = item;
	}
	run->top = kept;
	return true;
}
