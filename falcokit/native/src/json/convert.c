// SPDX-License-Identifier: Apache-2.0
// The operators that change a value's type: to text, JSON, numbers, booleans, times, addresses.
#include "json/text.h"
#include "json/run.h"
#include <stdio.h>
#include <string.h>

// Applies the policy in the two bits at `shift`, where JSON is not possible.
static fk_joutcome by_policy(fk_jstate *run, fk_jitem *item, uint8_t policies, unsigned shift,
                             fk_jkind empty) {
	switch (policies >> shift & 3) {
	case FK_JPOLICY_EMPTY:
		if (empty == FK_KIP) return FK_DROP;
		*item = (fk_jitem){.kind = (uint8_t)empty};
		if (empty == FK_KTEXT) item->text = "";
		return FK_KEEP;
	case FK_JPOLICY_FAIL: return fk_jfail(run, "a value has the wrong type");
	default: return FK_DROP;
	}
}

// ---- text -------------------------------------------------------------------------------------------

static fk_joutcome copy_part(fk_jstate *run, fk_jitem *item, fk_jcopying how, uint32_t start,
                             uint32_t end) {
	const uint8_t *from = run->doc->text + start;
	fk_jspend_bytes(&run->doc->work, end - start, FK_JCOPIED);
	fk_joutcome outcome = fk_jis_verbatim(from, end - start)
	                          ? fk_jcopy(run, item, (const char *)from, end - start)
	                          : fk_jconvert(run, item, from, end - start, how);
	if (outcome == FK_DROP) return outcome;
	item->start = start;
	item->end = end;
	return outcome;
}

// The JSON of plain ASCII is never longer than its source, so its length is not computed first.
static fk_joutcome serialize_plain(fk_jstate *run, fk_jitem *item, uint32_t end) {
	const fk_jdoc *doc = run->doc;
	char *text = fk_arena_alloc(run->arena, end - item->start + 1u);
	if (!text) return fk_jfail(run, "there is no memory");
	size_t n =
		fk_jserialize(doc->text, doc->len, item->start, false, item->member == 0, text, NULL);
	if (n == FK_JBROKEN) return FK_DROP;
	if (!fk_jcharge(run, n)) return FK_FAIL;
	text[n] = 0;
	return fk_jset_text(item, text, n);
}

static fk_joutcome serialize_any(fk_jstate *run, fk_jitem *item, bool pretty) {
	const fk_jdoc *doc = run->doc;
	uint32_t start = item->start;
	bool root = item->member == 0;
	size_t n = fk_jserialize(doc->text, doc->len, start, pretty, root, NULL, NULL);
	if (n == FK_JBROKEN) return FK_DROP;
	char *text = fk_jnew_text(run, n);
	if (text) fk_jserialize(doc->text, doc->len, start, pretty, root, text, NULL);
	return fk_jset_text(item, text, n);
}

static fk_joutcome serialize(fk_jstate *run, fk_jitem *item, bool pretty) {
	const fk_jdoc *doc = run->doc;
	uint32_t start = item->start;
	if (fk_jis_spent(&doc->work)) return fk_jfail_spent(run);
	size_t end = item->end ? item->end : fk_jcontainer_end(&run->doc->scan, start);
	fk_jspend_bytes(&run->doc->work, (end == FK_JBROKEN ? doc->len : end) - start, FK_JREAD);
	if (end == FK_JBROKEN) return FK_DROP;
	bool plain = !pretty && fk_jis_plain(doc->text + start, end - start);
	fk_joutcome outcome =
		plain ? serialize_plain(run, item, (uint32_t)end) : serialize_any(run, item, pretty);
	item->start = start;
	item->end = (uint32_t)end;
	return outcome;
}

static fk_joutcome number_text(fk_jstate *run, fk_jitem *item) {
	char digits[24];
	int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)item->number);
	return fk_jcopy(run, item, digits, (size_t)n);
}

fk_joutcome fk_jto_text(fk_jstate *run, fk_jitem *item, uint8_t policies) {
	if (fk_jis_spent(&run->doc->work)) return fk_jfail_spent(run);
	switch (item->kind) {
	case FK_KTEXT: return FK_KEEP;
	case FK_KUINT: return number_text(run, item);
	case FK_KBOOL: return fk_jset_text(item, item->number ? "true" : "false", item->number ? 4 : 5);
	case FK_KIP: return FK_DROP;
	}
	if (item->type == FK_JSTRING)
		return copy_part(run, item, FK_JDECODE, item->start + 1, item->end - 1);
	unsigned shift = item->type == FK_JNULL ? 0 : item->type & (FK_JARRAY | FK_JOBJECT) ? 4 : 2;
	if ((policies >> shift & 3) == FK_JPOLICY_JSON) {
		if (!item->end) return serialize(run, item, false);
		return copy_part(run, item, FK_JRAW, item->start, item->end);
	}
	return by_policy(run, item, policies, shift, FK_KTEXT);
}

fk_joutcome fk_jmap_text(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	return fk_jto_text(run, item, node->flags);
}

// flags 1: pretty. A computed value is not changed.
fk_joutcome fk_jmap_json(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	return item->kind == FK_KVALUE ? serialize(run, item, node->flags) : FK_KEEP;
}

// ---- numbers ----------------------------------------------------------------------------------------

// A computed value whose source is that of the item.
static fk_jitem computed(const fk_jitem *from, fk_jkind kind) {
	return (fk_jitem){.kind = (uint8_t)kind, .start = from->start, .end = from->end};
}

static fk_joutcome set_uint(fk_jitem *item, uint64_t number) {
	*item = computed(item, FK_KUINT);
	item->number = number;
	return FK_KEEP;
}

// The text of a value from which numbers and times can be read. FK_DROP when there is none.
static fk_joutcome readable(fk_jstate *run, fk_jitem *item) {
	if (item->kind == FK_KTEXT)
		return fk_jspend_bytes(&run->doc->work, item->len, FK_JREAD), FK_KEEP;
	if (item->kind != FK_KVALUE || !(item->type & (FK_JSTRING | FK_JNUMBER))) return FK_DROP;
	return fk_jto_text(run, item, FK_JTEXT_DEFAULT);
}

fk_joutcome fk_jto_uint(fk_jstate *run, fk_jitem *item, unsigned scale, uint8_t policies) {
	if (fk_jis_spent(&run->doc->work)) return fk_jfail_spent(run);
	if (fk_jtype_of(item) == FK_JNULL) return by_policy(run, item, policies, 0, FK_KUINT);
	uint64_t number;
	if (item->kind == FK_KVALUE && item->type == FK_JNUMBER) { // without a copy
		const char *text = (const char *)run->doc->text + item->start;
		fk_jspend_bytes(&run->doc->work, item->end - item->start, FK_JREAD);
		if (fk_juint(text, item->end - item->start, scale, &number)) return set_uint(item, number);
		return by_policy(run, item, policies, 2, FK_KUINT);
	}
	if (item->kind == FK_KUINT) {
		for (number = item->number; scale; scale--)
			if (__builtin_mul_overflow(number, 10u, &number))
				return by_policy(run, item, policies, 2, FK_KUINT);
		return set_uint(item, number);
	}
	fk_joutcome outcome = readable(run, item);
	if (outcome == FK_FAIL) return outcome;
	if (outcome == FK_KEEP && fk_juint(item->text, item->len, scale, &number))
		return set_uint(item, number);
	return by_policy(run, item, policies, 2, FK_KUINT);
}

fk_joutcome fk_jmap_uint(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	return fk_jto_uint(run, item, 0, node->flags);
}

// a: the unit as a power of ten in ns (0 ns, 3 us, 6 ms, 9 s), or -1 for RFC 3339.
fk_joutcome fk_jmap_time(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	if (node->a >= 0) return fk_jto_uint(run, item, (unsigned)node->a & 15, node->flags);
	if (fk_jtype_of(item) == FK_JNULL) return by_policy(run, item, node->flags, 0, FK_KUINT);
	if (item->kind == FK_KUINT) return FK_KEEP;
	fk_joutcome outcome = readable(run, item);
	if (outcome == FK_FAIL) return outcome;
	uint64_t ns;
	if (outcome == FK_KEEP && fk_jrfc3339(item->text, item->len, &ns)) return set_uint(item, ns);
	return by_policy(run, item, node->flags, 2, FK_KUINT);
}

// ---- booleans and addresses -------------------------------------------------------------------------

bool fk_jis_true(const fk_jstate *run, const fk_jitem *item) {
	if (item->kind == FK_KBOOL) return item->number != 0;
	return item->kind == FK_KVALUE && item->type == FK_JBOOL && run->doc->text[item->start] == 't';
}

fk_joutcome fk_jmap_bool(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	if (fk_jtype_of(item) == FK_JNULL) return by_policy(run, item, node->flags, 0, FK_KBOOL);
	bool value = fk_jis_true(run, item);
	if (fk_jtype_of(item) != FK_JBOOL) {
		fk_joutcome outcome = readable(run, item);
		if (outcome == FK_FAIL) return outcome;
		value = outcome == FK_KEEP && item->len == 4 && !memcmp(item->text, "true", 4);
		if (!value && (outcome == FK_DROP || item->len != 5 || memcmp(item->text, "false", 5) != 0))
			return by_policy(run, item, node->flags, 2, FK_KBOOL);
	}
	*item = computed(item, FK_KBOOL);
	item->number = value;
	return FK_KEEP;
}

// flags bit 4: a prefix length may follow. There is no empty address.
fk_joutcome fk_jmap_ip(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	uint8_t address[16];
	bool null = fk_jtype_of(item) == FK_JNULL;
	fk_joutcome outcome = null ? FK_DROP : readable(run, item);
	if (outcome == FK_FAIL) return outcome;
	unsigned n = outcome == FK_KEEP ? fk_jip(item->text, item->len, node->flags & 16, address) : 0;
	if (!n) return by_policy(run, item, node->flags, null ? 0 : 2, FK_KIP);
	*item = computed(item, FK_KIP);
	item->len = n;
	memcpy(item->ip, address, n);
	return FK_KEEP;
}
