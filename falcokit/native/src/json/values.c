// SPDX-License-Identifier: Apache-2.0
// The operators that lead from a value of the document to values inside it.
#include "json/run.h"
#include <string.h>

static bool is(const fk_jstate *run, const fk_jitem *item, char opening) {
	return item->kind == FK_KVALUE && run->doc->text[item->start] == (uint8_t)opening;
}

// ---- paths ------------------------------------------------------------------------------------------

static bool step(fk_jstate *run, fk_jitem *item, const char *key, size_t len) {
	uint64_t index;
	uint8_t c = run->doc->text[item->start];
	if (c == '{') return fk_jfind(run->doc, item, key, len);
	return c == '[' && fk_jread_index(key, len, &index) && fk_jelement(run->doc, item, index);
}

static fk_joutcome arrive(fk_jstate *run, fk_jitem *item) {
	return fk_jitem_at(run->doc, item->start, item->member, item) ? FK_KEEP : FK_DROP;
}

fk_joutcome fk_jmap_path(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	if (!node->texts_n) return FK_KEEP;
	if (item->kind != FK_KVALUE) return FK_DROP;
	for (unsigned i = 0; i < node->texts_n; i++)
		if (!step(run, item, node->texts[i].text, node->texts[i].len)) return FK_DROP;
	return arrive(run, item);
}

// Reads the next segment of the pointer into `to`, decoding ~1 and ~0.
static size_t read_segment(const char **at, const char *end, char *to) {
	size_t n = 0;
	while (*at < end && **at != '/') {
		char c = *(*at)++;
		if (c == '~' && *at < end && (**at == '0' || **at == '1')) c = *(*at)++ == '0' ? '~' : '/';
		to[n++] = c;
	}
	return n;
}

fk_joutcome fk_jmap_arg_pointer(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	if (item->kind != FK_KVALUE || !run->key) return FK_DROP;
	const char *at = run->key, *end = at + run->key_len;
	if (at == end) return FK_KEEP;
	if (*at == '/') at++;
	char *segment = fk_arena_alloc(run->arena, run->key_len);
	if (!segment) return fk_jfail(run, "there is no memory");
	for (;; at++) {
		size_t n = read_segment(&at, end, segment);
		if (!step(run, item, segment, n)) return FK_DROP;
		if (at == end) return arrive(run, item);
	}
}

fk_joutcome fk_jmap_arg_key(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	if (!run->key || !is(run, item, '{') || !fk_jfind(run->doc, item, run->key, run->key_len))
		return FK_DROP;
	return arrive(run, item);
}

fk_joutcome fk_jmap_arg_index(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	if (!run->has_index || !is(run, item, '[') || !fk_jelement(run->doc, item, run->index))
		return FK_DROP;
	return arrive(run, item);
}

// ---- from one value to many -------------------------------------------------------------------------

// What is pushed for a member; FK_DROP: nothing.
typedef fk_joutcome of_member(fk_jstate *run, const fk_jnode *node, const fk_jwalk *walk,
                              fk_jitem *to);

static inline __attribute__((always_inline)) bool push_members(fk_jstate *run, const fk_jnode *node,
                                                               const fk_jitem *of, char opening,
                                                               of_member *make) {
	if (!is(run, of, opening)) return true;
	fk_jwalk walk;
	fk_jwalk_start(run->doc, &walk, of->start, of->member);
	while (fk_jwalk_next(run->doc, &walk)) {
		fk_jitem item;
		fk_joutcome outcome = make(run, node, &walk, &item);
		if (outcome == FK_FAIL || (outcome == FK_KEEP && !fk_jpush(run, &item))) return false;
	}
	return true;
}

static fk_joutcome element(fk_jstate *run, const fk_jnode *node, const fk_jwalk *walk,
                           fk_jitem *to) {
	return fk_jitem_at(run->doc, walk->at.value, walk->member, to) ? FK_KEEP : FK_DROP;
}

// flags 1: an index as the field's argument selects one element.
bool fk_jpush_elements(fk_jstate *run, const fk_jnode *node, const fk_jitem *of) {
	fk_jitem item = *of;
	if (node->flags && run->has_index)
		return fk_jmap_arg_index(run, node, &item) != FK_KEEP || fk_jpush(run, &item);
	return push_members(run, node, of, '[', element);
}

// The payload decides how deep arrays are nested.
#define FLAT_LEVELS 64u

static bool push_flat(fk_jstate *run, const fk_jitem *of, unsigned levels) {
	if (!is(run, of, '[')) return fk_jpush(run, of);
	if (!levels) return fk_jfail(run, "arrays are nested too deeply") == FK_KEEP;
	fk_jwalk walk;
	fk_jwalk_start(run->doc, &walk, of->start, of->member);
	while (fk_jwalk_next(run->doc, &walk)) {
		fk_jitem item;
		if (fk_jitem_at(run->doc, walk.at.value, walk.member, &item) &&
		    !push_flat(run, &item, levels - 1))
			return false;
	}
	return true;
}

bool fk_jpush_flat(fk_jstate *run, const fk_jnode *node, const fk_jitem *of) {
	return push_flat(run, of, FLAT_LEVELS);
}

// The key as text; FK_DROP when it has an invalid escape.
static fk_joutcome key_text(fk_jstate *run, const fk_jmember *met, fk_jitem *item) {
	const uint8_t *key = run->doc->text + met->key;
	fk_jspend_bytes(&run->doc->work, met->key_len, FK_JCOPIED);
	return fk_jconvert(run, item, key, met->key_len, FK_JDECODE);
}

// texts: the keys to leave out.
static fk_joutcome key(fk_jstate *run, const fk_jnode *node, const fk_jwalk *walk, fk_jitem *to) {
	fk_joutcome outcome = key_text(run, &walk->at, to);
	for (unsigned i = 0; outcome == FK_KEEP && i < node->texts_n; i++)
		if (node->texts[i].len == to->len && !memcmp(node->texts[i].text, to->text, to->len))
			outcome = FK_DROP;
	return outcome;
}

bool fk_jpush_keys(fk_jstate *run, const fk_jnode *node, const fk_jitem *of) {
	return push_members(run, node, of, '{', key);
}

// A member as key, separator, value. FK_DROP when the value has no text.
static fk_joutcome entry(fk_jstate *run, const fk_jnode *node, const fk_jwalk *walk, fk_jitem *to) {
	fk_jitem key, value;
	if (!fk_jitem_at(run->doc, walk->at.value, walk->member, &value)) return FK_DROP;
	fk_joutcome outcome = key_text(run, &walk->at, &key);
	if (outcome == FK_KEEP) outcome = fk_jto_text(run, &value, FK_JTEXT_DEFAULT);
	if (outcome != FK_KEEP) return outcome;
	const fk_jspan *between = &node->texts[0];
	size_t n = (size_t)key.len + between->len + value.len;
	char *text = fk_jnew_text(run, n);
	if (!text) return FK_FAIL;
	memcpy(text, key.text, key.len);
	memcpy(text + key.len, between->text, between->len);
	memcpy(text + key.len + between->len, value.text, value.len);
	return fk_jset_text(to, text, n);
}

bool fk_jpush_entries(fk_jstate *run, const fk_jnode *node, const fk_jitem *of) {
	return push_members(run, node, of, '{', entry);
}
