// SPDX-License-Identifier: Apache-2.0
// Evaluates the tree of operators. Each adds its results to the top of the stack of items, and leaves
// what is below unchanged.
#include "json/run.h"
#include <string.h>

static fk_jmap *const maps[FK_JOPS] = {// NULL for operators that this file runs itself
#define FUNCTION_OF(name, kids_min, kids_max, texts_min, texts_max, function) \
	[FK_J##name] = function,
                                       FK_JOPERATORS(FUNCTION_OF)};

static bool push_uint(fk_jstate *run, uint64_t number) {
	return fk_jpush(run, &(fk_jitem){.kind = FK_KUINT, .number = number});
}

static bool push_bool(fk_jstate *run, bool value) {
	return fk_jpush(run, &(fk_jitem){.kind = FK_KBOOL, .number = value});
}

static bool push_text(fk_jstate *run, const char *text, size_t len) {
	return fk_jpush(run, &(fk_jitem){.kind = FK_KTEXT, .text = text, .len = (uint32_t)len});
}

// ---- sources ----------------------------------------------------------------------------------------

static bool push_context(fk_jstate *run, unsigned out) {
	if (out > run->depth) return true;
	if (out < run->depth) return fk_jpush(run, &run->contexts[run->depth - out]);
	const fk_jitem *root = fk_jroot(run->doc);
	return !root || fk_jpush(run, root);
}

// Bytes that are not JSON, as text: parts that are not UTF-8 are replaced.
static bool push_bytes(fk_jstate *run, const uint8_t *bytes, size_t len, uint32_t end) {
	fk_jitem item;
	if (fk_jconvert(run, &item, bytes, len, FK_JRAW) == FK_FAIL) return false;
	item.end = end;
	return fk_jpush(run, &item);
}

static bool push_event(fk_jstate *run, unsigned what) {
	const fk_jdoc *doc = run->doc;
	const char *source = doc->event.source;
	switch (what) {
	case 0: return push_uint(run, doc->event.ts);
	case 1: return push_uint(run, doc->event.number);
	case 2: return !source || push_bytes(run, (const uint8_t *)source, strlen(source), 0);
	default: return push_bytes(run, doc->text, doc->len, (uint32_t)doc->len);
	}
}

// ---- from one value to many -------------------------------------------------------------------------

// Moves the items from `from` on down to `base`.
static bool settle(fk_jstate *run, uint32_t base, uint32_t from) {
	uint32_t n = run->top - from;
	if (n) memmove(run->doc->items + base, run->doc->items + from, n * sizeof *run->doc->items);
	run->top = base + n;
	return true;
}

static bool push_inside(fk_jstate *run, const fk_jnode *node, fk_jitem of) {
	switch (node->op) {
	case FK_JELEMENTS: return fk_jpush_elements(run, node, &of);
	case FK_JFLAT: return fk_jpush_flat(run, node, &of);
	case FK_JKEYS: return fk_jpush_keys(run, node, &of);
	case FK_JENTRIES: return fk_jpush_entries(run, node, &of);
	case FK_JSPLIT: return fk_jpush_parts(run, node, &of);
	default: // FK_JMAP
		run->contexts[++run->depth] = of;
		bool good = fk_jeval(run, node->kids[1]);
		run->depth--;
		return good;
	}
}

static bool expand(fk_jstate *run, const fk_jnode *node) {
	uint32_t base = run->top;
	if (!fk_jeval(run, node->kids[0])) return false;
	uint32_t from = run->top;
	for (uint32_t i = base; i < from; i++)
		if (!push_inside(run, node, run->doc->items[i])) return false;
	return settle(run, base, from);
}

bool fk_jtruth(fk_jstate *run, const fk_jnode *node, bool *holds) {
	uint32_t base = run->top;
	if (!fk_jeval(run, node)) return false;
	*holds = false;
	for (uint32_t i = base; i < run->top && !*holds; i++)
		*holds = fk_jis_true(run, &run->doc->items[i]);
	run->top = base;
	return true;
}

static bool where(fk_jstate *run, const fk_jnode *node) {
	uint32_t base = run->top, kept = base;
	if (!fk_jeval(run, node->kids[0])) return false;
	uint32_t end = run->top;
	for (uint32_t i = base; i < end; i++) {
		bool holds;
		run->contexts[++run->depth] = run->doc->items[i];
		bool good = fk_jtruth(run, node->kids[1], &holds);
		run->depth--;
		if (!good) return false;
		if (holds) run->doc->items[kept++] = run->doc->items[i];
	}
	run->top = kept;
	return true;
}

// flags 1: the last, otherwise the first.
static bool pick(fk_jstate *run, const fk_jnode *node) {
	uint32_t base = run->top;
	if (!fk_jeval(run, node->kids[0])) return false;
	if (run->top == base) return true;
	if (node->flags & 1) run->doc->items[base] = run->doc->items[run->top - 1];
	run->top = base + 1;
	return true;
}

// ---- choices ----------------------------------------------------------------------------------------

// All of them or any of them: ends at the first operand that decides.
static bool logic(fk_jstate *run, const fk_jnode *node, bool decides) {
	bool holds = !decides;
	for (unsigned i = 0; i < node->kids_n && holds != decides; i++)
		if (!fk_jtruth(run, node->kids[i], &holds)) return false;
	return push_bool(run, holds);
}

// flags: 0 any value, 1 not null, 2 neither null nor empty text, 3 numbers above 0.
static fk_joutcome acceptable(fk_jstate *run, unsigned until, const fk_jitem *item) {
	fk_jitem copy = *item;
	if (until == 0) return FK_KEEP;
	if (until == 3) {
		fk_joutcome outcome = fk_jto_uint(run, &copy, 0, 0);
		return outcome == FK_KEEP && !copy.number ? FK_DROP : outcome;
	}
	bool empty = item->kind == FK_KTEXT ? !item->len
	                                    : item->kind == FK_KVALUE && item->type == FK_JSTRING &&
	                                          item->end - item->start == 2;
	return fk_jtype_of(item) == FK_JNULL || (until == 2 && empty) ? FK_DROP : FK_KEEP;
}

static bool coalesce(fk_jstate *run, const fk_jnode *node) {
	uint32_t base = run->top;
	for (unsigned k = 0; k < node->kids_n; k++) {
		if (!fk_jeval(run, node->kids[k])) return false;
		uint32_t kept = base;
		for (uint32_t i = base; i < run->top; i++) {
			fk_joutcome outcome = acceptable(run, node->flags, &run->doc->items[i]);
			if (outcome == FK_FAIL) return false;
			if (outcome == FK_KEEP) run->doc->items[kept++] = run->doc->items[i];
		}
		run->top = kept;
		if (kept > base) break;
	}
	return true;
}

static bool when(fk_jstate *run, const fk_jnode *node) {
	bool holds;
	if (!fk_jtruth(run, node->kids[0], &holds)) return false;
	if (holds) return fk_jeval(run, node->kids[1]);
	return node->kids_n < 3 || fk_jeval(run, node->kids[2]);
}

// The operands: the value, one branch per constant, and optionally one for all others.
static bool choose(fk_jstate *run, const fk_jnode *node) {
	uint32_t base = run->top;
	int which = -1;
	fk_joutcome outcome = FK_KEEP;
	if (!fk_jeval(run, node->kids[0])) return false;
	if (run->top > base) which = fk_jwhich(run, node, &run->doc->items[base], &outcome);
	run->top = base;
	if (outcome == FK_FAIL) return false;
	if (which < 0 && node->kids_n == node->texts_n + 1) return true;
	return fk_jeval(run, node->kids[which < 0 ? node->kids_n - 1 : which + 1]);
}

// ---- from many values to one, or to fewer -----------------------------------------------------------

static bool sum(fk_jstate *run, const fk_jnode *node) {
	uint32_t base = run->top;
	uint64_t total = 0;
	if (!fk_jeval(run, node->kids[0])) return false;
	for (uint32_t i = base; i < run->top; i++) {
		fk_joutcome outcome = fk_jto_uint(run, &run->doc->items[i], 0, 0);
		if (outcome == FK_FAIL) return false;
		if (outcome == FK_KEEP && __builtin_add_overflow(total, run->doc->items[i].number, &total))
			return fk_jfail(run, "a sum needs more than 64 bits") == FK_KEEP;
	}
	run->top = base;
	return push_uint(run, total);
}

static uint64_t hash(const fk_jitem *text) {
	uint64_t h = 0xcbf29ce484222325u; // FNV-1a, scrambled: the payload chooses the texts
	for (uint32_t i = 0; i < text->len; i++) h = (h ^ (uint8_t)text->text[i]) * 0x100000001b3u;
	return h ^ h >> 29;
}

// Keeps the first of equal texts, by a hash table of their positions (minus `base`, plus 1).
static bool unique(fk_jstate *run, const fk_jnode *node) {
	uint32_t base = run->top, kept = base;
	if (!fk_jeval(run, node->kids[0])) return false;
	uint64_t room = 16;
	while (room < 2u * (uint64_t)(run->top - base)) room *= 2;
	uint32_t *table = fk_arena_alloc(run->arena, room * sizeof *table);
	if (!table) return fk_jfail(run, "there is no memory") == FK_KEEP;
	memset(table, 0, room * sizeof *table);
	for (uint32_t i = base; i < run->top; i++) {
		fk_jitem item = run->doc->items[i];
		fk_joutcome outcome = fk_jto_text(run, &item, FK_JTEXT_DEFAULT);
		if (outcome == FK_FAIL) return false;
		if (outcome == FK_DROP) continue;
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

static bool join(fk_jstate *run, const fk_jnode *node) {
	uint32_t base = run->top, kept = base;
	size_t total = 0;
	if (!fk_jeval(run, node->kids[0])) return false;
	for (uint32_t i = base; i < run->top; i++) {
		fk_jitem item = run->doc->items[i];
		fk_joutcome outcome = fk_jto_text(run, &item, FK_JTEXT_DEFAULT);
		if (outcome == FK_FAIL) return false;
		if (outcome == FK_DROP) continue;
		total += item.len + (kept > base ? node->texts[0].len : 0u);
		run->doc->items[kept++] = item;
	}
	run->top = base;
	if (kept == base) return true;
	char *text = fk_jnew_text(run, total), *to = text;
	if (!text) return false;
	for (uint32_t i = base; i < kept; i++) {
		if (i > base) to = mempcpy(to, node->texts[0].text, node->texts[0].len);
		to = mempcpy(to, run->doc->items[i].text, run->doc->items[i].len);
	}
	return push_text(run, text, total);
}

// Pushes the first value of a template's part as text; `*given` is false when there is none.
static bool eval_part(fk_jstate *run, const fk_jnode *part, bool *given) {
	uint32_t base = run->top;
	if (!fk_jeval(run, part)) return false;
	*given = run->top > base;
	if (!*given) return true;
	fk_joutcome outcome = fk_jto_text(run, &run->doc->items[base], FK_JTEXT_DEFAULT);
	*given = outcome == FK_KEEP;
	run->top = base + *given;
	return outcome != FK_FAIL;
}

static bool fill(fk_jstate *run, const fk_jnode *node) {
	uint32_t base = run->top;
	size_t total = node->texts[node->kids_n].len;
	for (unsigned i = 0; i < node->kids_n; i++) {
		bool given;
		if (!eval_part(run, node->kids[i], &given)) return false;
		if (!given) return run->top = base, true;
		total += node->texts[i].len + (size_t)run->doc->items[run->top - 1].len;
	}
	run->top = base;
	char *text = fk_jnew_text(run, total), *to = text;
	if (!text) return false;
	for (unsigned i = 0; i < node->kids_n; i++) {
		to = mempcpy(to, node->texts[i].text, node->texts[i].len);
		to = mempcpy(to, run->doc->items[base + i].text, run->doc->items[base + i].len);
	}
	memcpy(to, node->texts[node->kids_n].text, node->texts[node->kids_n].len);
	return push_text(run, text, total);
}

// ---- the operators ----------------------------------------------------------------------------------

static bool map(fk_jstate *run, const fk_jnode *node) {
	uint32_t base = run->top, kept = base;
	if (!fk_jeval(run, node->kids[0])) return false;
	for (uint32_t i = base; i < run->top; i++) {
		fk_joutcome outcome = maps[node->op](run, node, &run->doc->items[i]);
		if (outcome == FK_FAIL) return false;
		if (outcome == FK_KEEP && i != kept) run->doc->items[kept] = run->doc->items[i];
		kept += outcome == FK_KEEP;
	}
	run->top = kept;
	return true;
}

static bool counted(fk_jstate *run, const fk_jnode *node, bool exists) {
	uint32_t base = run->top;
	if (!fk_jeval(run, node->kids[0])) return false;
	uint32_t n = run->top - base;
	run->top = base;
	return exists ? push_bool(run, n > 0) : push_uint(run, n);
}

static bool negated(fk_jstate *run, const fk_jnode *node) {
	bool holds;
	return fk_jtruth(run, node->kids[0], &holds) && push_bool(run, !holds);
}

static bool required(fk_jstate *run, const fk_jnode *node) {
	uint32_t base = run->top;
	if (!fk_jeval(run, node->kids[0])) return false;
	return run->top > base || fk_jfail(run, "a required value is missing") == FK_KEEP;
}

bool fk_jeval(fk_jstate *run, const fk_jnode *node) {
	if (!fk_jstep_on(&run->doc->work)) return fk_jfail_spent(run) == FK_KEEP;
	if (maps[node->op]) return map(run, node);
	switch (node->op) {
	case FK_JHERE: return push_context(run, 0);
	case FK_JROOT: return push_context(run, run->depth);
	case FK_JOUTER: return push_context(run, node->a < 0 ? 0 : (unsigned)(node->a & 127));
	case FK_JCONST_TEXT: return push_text(run, node->texts[0].text, node->texts[0].len);
	case FK_JCONST_UINT: return push_uint(run, (uint64_t)node->a);
	case FK_JCONST_BOOL: return push_bool(run, node->flags);
	case FK_JEVENT: return push_event(run, node->flags);
	case FK_JARG_GIVEN: return push_bool(run, run->arg_given);
	case FK_JWHERE: return where(run, node);
	case FK_JPICK: return pick(run, node);
	case FK_JEXISTS: return counted(run, node, true);
	case FK_JNOT: return negated(run, node);
	case FK_JALL_OF: return logic(run, node, false);
	case FK_JANY_OF: return logic(run, node, true);
	case FK_JCOALESCE: return coalesce(run, node);
	case FK_JWHEN: return when(run, node);
	case FK_JSWITCH: return choose(run, node);
	case FK_JREQUIRED: return required(run, node);
	case FK_JTEMPLATE: return fill(run, node);
	case FK_JJOIN: return join(run, node);
	case FK_JCOUNT: return counted(run, node, false);
	case FK_JSUM: return sum(run, node);
	case FK_JUNIQUE: return unique(run, node);
	default: return expand(run, node);
	}
}
