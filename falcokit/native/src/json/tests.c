// SPDX-License-Identifier: Apache-2.0
// The operators that compare: with constants, and with the field's argument.
#include "json/text.h"
#include "json/run.h"
#include <string.h>

// An item in a form that can be compared with constants.
typedef struct fk_jprobe {
	char type; // as the first byte of constants: s, n, b, z; 0: equals no constant
	fk_jitem item;
} fk_jprobe;

static fk_joutcome prepare(fk_jstate *run, const fk_jitem *item, fk_jprobe *to) {
	fk_joutcome outcome = FK_KEEP;
	to->item = *item;
	to->type = 0;
	fk_jtype type = fk_jtype_of(item);
	if (type == FK_JSTRING) {
		outcome = fk_jto_text(run, &to->item, FK_JTEXT_DEFAULT);
		to->type = 's';
	} else if (type == FK_JNUMBER) {
		outcome = fk_jto_uint(run, &to->item, 0, 0);
		to->type = 'n';
	} else if (type == FK_JBOOL) {
		fk_jset_bool(&to->item, fk_jis_true(run, item));
		to->type = 'b';
	} else if (type == FK_JNULL) {
		to->type = 'z';
	}
	if (outcome == FK_DROP) to->type = 0;
	return outcome;
}

static bool same(const fk_jprobe *probe, const fk_jspan *constant) {
	const char *text = constant->text + 1;
	size_t len = constant->len - 1;
	uint64_t number;
	if (probe->type != constant->text[0]) return false;
	switch (probe->type) {
	case 's': return probe->item.len == len && !memcmp(probe->item.text, text, len);
	case 'n': return fk_juint(text, len, 0, &number) && number == probe->item.number;
	case 'b': return len && (text[0] == '1') == (probe->item.number != 0);
	default: return true;
	}
}

int fk_jwhich(fk_jstate *run, const fk_jnode *node, const fk_jitem *item, fk_joutcome *outcome) {
	fk_jprobe probe;
	*outcome = prepare(run, item, &probe);
	if (*outcome == FK_FAIL) return -1;
	for (unsigned i = 0; i < node->texts_n; i++)
		if (same(&probe, &node->texts[i])) return (int)i;
	return -1;
}

fk_joutcome fk_jmap_equals(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	fk_joutcome outcome;
	bool equal = fk_jwhich(run, node, item, &outcome) >= 0;
	return outcome == FK_FAIL ? outcome : fk_jset_bool(item, equal);
}

// flags: 0 begins with, 1 ends with, 2 contains.
fk_joutcome fk_jmap_test(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	fk_joutcome outcome = fk_jto_text(run, item, FK_JTEXT_DEFAULT);
	if (outcome != FK_KEEP) return outcome;
	const fk_jspan *part = &node->texts[0];
	fk_jspend_bytes(&run->doc->work, item->len, FK_JREAD);
	bool holds = item->len >= part->len;
	if (holds && node->flags == 2)
		holds = memmem(item->text, item->len, part->text, part->len) != NULL;
	else if (holds)
		holds = !memcmp(item->text + (node->flags == 1 ? item->len - part->len : 0), part->text,
		                part->len);
	return fk_jset_bool(item, holds);
}

// flags: 0 less, 1 less or equal, 2 greater, 3 greater or equal. a: the number.
fk_joutcome fk_jmap_compare(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	fk_joutcome outcome = fk_jto_uint(run, item, 0, 0);
	if (outcome != FK_KEEP) return outcome;
	uint64_t number = item->number, with = (uint64_t)node->a;
	bool holds = node->flags & 2 ? number > with : number < with;
	return fk_jset_bool(item, holds || (node->flags & 1 && number == with));
}

// flags: the types, as the bits of fk_jtype.
fk_joutcome fk_jmap_is_type(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	return fk_jset_bool(item, fk_jtype_of(item) & node->flags);
}

// * is any number of characters, ? is one.
static bool glob(fk_jwork *work, const char *text, size_t len, const char *pattern, size_t n) {
	size_t at = 0, p = 0, star = SIZE_MAX, retry = 0;
	while (at < len) {
		fk_jspend(work, 1);
		if (fk_jis_spent(work)) return false;
		unsigned width = fk_jchar_len((uint8_t)text[at]);
		if (p < n && pattern[p] == '*') {
			star = p++;
			retry = at;
		} else if (p < n && pattern[p] == '?') {
			p++;
			at += width;
		} else if (p < n && pattern[p] == text[at]) {
			p++;
			at++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			at = retry += fk_jchar_len((uint8_t)text[retry]);
		} else {
			return false;
		}
	}
	while (p < n && pattern[p] == '*') p++;
	return p == n;
}

// flags 1: the argument is a pattern. Values that do not match are dropped.
fk_joutcome fk_jmap_match_arg(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	if (!run->key) return FK_DROP;
	fk_jitem text = *item;
	fk_joutcome outcome = fk_jto_text(run, &text, FK_JTEXT_DEFAULT);
	if (outcome != FK_KEEP) return outcome;
	if (node->flags & 1)
		return glob(&run->doc->work, text.text, text.len, run->key, run->key_len) ? FK_KEEP
		                                                                          : FK_DROP;
	bool same_text = text.len == run->key_len && !memcmp(text.text, run->key, text.len);
	return same_text ? FK_KEEP : FK_DROP;
}
