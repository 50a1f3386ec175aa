// SPDX-License-Identifier: Apache-2.0
// Finds the members of a document one after the other and remembers them. See json/doc.h.
#include "json/doc.h"
#include "json/text.h"
#include <stdlib.h>
#include <string.h>

#define FIRST_MEMBERS 256u
#define FEW           12u // up to this number, comparing is faster than the index

fk_jdoc *fk_jdoc_new(void) {
	fk_jdoc *doc = calloc(1, sizeof *doc);
	if (!doc) return NULL;
	doc->members = malloc(FIRST_MEMBERS * sizeof *doc->members);
	doc->room = doc->members ? FIRST_MEMBERS : 0;
	doc->scan.read = fk_jbest_reader();
	doc->work_most = FK_JWORK;
	return doc;
}

void fk_jdoc_free(fk_jdoc *doc) {
	if (!doc) return;
	free(doc->members);
	free(doc->scan.blocks);
	free(doc->index.table);
	free(doc->items);
	free(doc);
}

void fk_jdoc_begin(fk_jdoc *doc, const fk_jevent *event) {
	doc->event = *event;
	doc->text = event->payload;
	doc->len = event->len < FK_JNONE ? event->len : 0; // an event's length has 32 bits
	fk_jscan_begin(&doc->scan, doc->text, doc->len);
	doc->count = 0;
	doc->index.count = 0;
	doc->root_known = false;
	if (!doc->room) return;
	size_t start = fk_jskip_space(doc->text, doc->len, 0);
	doc->members[0] = (fk_jmember){.value = (uint32_t)start, .next = FK_JNONE, .first = FK_JNONE};
	doc->members[0].last = FK_JNONE;
	doc->count = 1;
}

// ---- the pool ---------------------------------------------------------------------------------------

static bool make_room(fk_jdoc *doc) {
	if (doc->room >= FK_JMEMBERS_MAX || !doc->room) return false;
	fk_jmember *more = realloc(doc->members, 2 * doc->room * sizeof *more);
	if (!more) return false;
	doc->members = more;
	doc->room *= 2;
	return true;
}

// Adds a member to the pool as the last one of its container.
static inline uint32_t remember(fk_jdoc *doc, uint32_t container, uint32_t last,
                                const fk_jmember *met) {
	if (container == FK_JNONE) return FK_JNONE;
	if (doc->members[container].last != last)
		return FK_JNONE; // the members before it are not in the pool
	if (doc->count == doc->room && !make_room(doc)) return FK_JNONE;
	uint32_t index = doc->count++;
	doc->members[index] = *met;
	doc->members[index].of = container;
	if (last == FK_JNONE)
		doc->members[container].first = index;
	else
		doc->members[last].next = index;
	doc->members[container].last = index;
	return index;
}

// ---- walking ----------------------------------------------------------------------------------------

void fk_jwalk_start(const fk_jdoc *doc, fk_jwalk *walk, uint32_t value, uint32_t member) {
	walk->container = member;
	walk->member = FK_JNONE;
	walk->object = doc->text[value] == '{';
	walk->started = false;
	walk->cursor = value;
}

// The position after the comma that follows a value ending at `pos`; FK_JBROKEN without a comma.
static inline __attribute__((always_inline)) size_t after_comma(const fk_jdoc *doc, size_t pos) {
	if (pos == FK_JBROKEN) return pos;
	pos = fk_jskip_space(doc->text, doc->len, pos);
	return pos < doc->len && doc->text[pos] == ',' ? pos + 1 : FK_JBROKEN;
}

// Reads the member at `pos`, after white space.
static inline __attribute__((always_inline)) bool read_member(fk_jdoc *doc, bool object, size_t pos,
                                                              fk_jmember *met) {
	const uint8_t *text = doc->text;
	size_t len = doc->len;
	pos = fk_jskip_space(text, len, pos);
	if (object) {
		if (pos >= len || text[pos] != '"') return false;
		size_t end = fk_jafter_quote(&doc->scan, pos);
		if (end == FK_JBROKEN) return false;
		met->escaped = fk_jhas_slash(&doc->scan, pos, end);
		met->key = (uint32_t)pos + 1;
		met->key_len = (uint32_t)(end - pos - 2);
		pos = fk_jskip_space(text, len, end);
		if (pos >= len || text[pos] != ':') return false;
		pos = fk_jskip_space(text, len, pos + 1);
	}
	if (pos >= len) return false;
	uint8_t c = text[pos];
	if (c == ',' || c == ']' || c == '}' || c == ':') return false;
	met->value = (uint32_t)pos;
	return true;
}

static bool walk_on(fk_jdoc *doc, fk_jwalk *walk, uint32_t last) {
	size_t pos = (size_t)walk->cursor + 1;
	if (walk->started) {
		size_t end = fk_jvalue_end(&doc->scan, walk->cursor);
		fk_jspend_bytes(&doc->work, (end == FK_JBROKEN ? doc->len : end) - walk->cursor,
		                FK_JWALKED);
		pos = after_comma(doc, end);
	}
	fk_jmember met = {.next = FK_JNONE, .first = FK_JNONE, .last = FK_JNONE};
	bool found = pos != FK_JBROKEN && read_member(doc, walk->object, pos, &met);
	bool known = walk->container != FK_JNONE && doc->members[walk->container].last == last;
	if (!found) {
		if (known) doc->members[walk->container].complete = true;
		return false;
	}
	walk->member = known ? remember(doc, walk->container, last, &met) : FK_JNONE;
	if (walk->member == FK_JNONE) fk_jspend(&doc->work, 2);
	walk->at = met;
	walk->cursor = met.value;
	walk->started = true;
	return true;
}

bool fk_jwalk_next(fk_jdoc *doc, fk_jwalk *walk) {
	if (!fk_jstep_on(&doc->work)) return false;
	if (walk->container == FK_JNONE) return walk_on(doc, walk, FK_JNONE);
	if (walk->started && walk->member == FK_JNONE) return walk_on(doc, walk, FK_JNONE - 1);
	const fk_jmember *of = &doc->members[walk->container];
	uint32_t next = walk->started ? doc->members[walk->member].next : of->first;
	if (next == FK_JNONE) {
		if (of->complete) return false;
		return walk_on(doc, walk, walk->started ? walk->member : FK_JNONE);
	}
	walk->member = next;
	walk->at = doc->members[next];
	walk->cursor = walk->at.value;
	walk->started = true;
	return true;
}

// ---- finding ----------------------------------------------------------------------------------------

bool fk_jitem_at(fk_jdoc *doc, uint32_t value, uint32_t member, fk_jitem *item) {
	const uint8_t *text = doc->text;
	uint8_t c = text[value];
	*item = (fk_jitem){.kind = FK_KVALUE, .start = value, .member = member};
	if (c == '{' || c == '[') {
		item->type = c == '{' ? FK_JOBJECT : FK_JARRAY;
		return true;
	}
	size_t end;
	if (c == '"') {
		end = fk_jafter_quote(&doc->scan, value);
		item->type = FK_JSTRING;
	} else {
		end = fk_jscalar_end(text, doc->len, value);
		if (end == doc->len && member != 0) return false;
		item->type = (uint8_t)fk_jscalar_type(text, value, end);
		fk_jspend_bytes(&doc->work, end - value, FK_JREAD);
	}
	fk_jspend_bytes(&doc->work, (end == FK_JBROKEN ? doc->len : end) - value, FK_JWALKED);
	item->end = (uint32_t)end;
	return end != FK_JBROKEN && item->type;
}

const fk_jitem *fk_jroot(fk_jdoc *doc) {
	if (!doc->root_known) {
		doc->has_root = doc->count && doc->members[0].value < doc->len &&
		                fk_jitem_at(doc, doc->members[0].value, 0, &doc->root);
		doc->root_known = true;
	}
	return doc->has_root ? &doc->root : NULL;
}

static inline bool has_key(const fk_jdoc *doc, const fk_jmember *m, const char *key, size_t len) {
	if (__builtin_expect(m->escaped != 0, 0))
		return fk_jkey_equals(doc->text + m->key, m->key_len, key, len);
	const uint8_t *at = doc->text + m->key;
	return m->key_len == len && (!len || (at[0] == (uint8_t)key[0] && !memcmp(at, key, len)));
}

static inline bool go_to(fk_jitem *of, uint32_t value, uint32_t member) {
	of->start = value;
	of->member = member;
	return true;
}

// Continues after the last remembered member, and remembers more. False with `*full` when the pool is
// full.
static bool find_on(fk_jdoc *doc, fk_jitem *of, const char *key, size_t len, bool *full) {
	uint32_t container = of->member, last = doc->members[container].last, from = of->start;
	size_t pos = of->start + (size_t)1;
	if (last != FK_JNONE) {
		from = doc->members[last].value;
		pos = after_comma(doc, fk_jvalue_end(&doc->scan, from));
	}
	for (;;) {
		*full = doc->count == doc->room && !make_room(doc);
		if (*full) {
			fk_jspend_bytes(&doc->work, (pos == FK_JBROKEN ? doc->len : pos) - from, FK_JWALKED);
			return false;
		}
		uint32_t index = doc->count;
		fk_jmember *met = &doc->members[index]; // written in place: a copy would wait for its parts
		if (pos == FK_JBROKEN || !read_member(doc, true, pos, met)) break;
		met->of = container;
		met->next = met->first = met->last = FK_JNONE;
		met->complete = met->unindexed = false;
		*(last == FK_JNONE ? &doc->members[container].first : &doc->members[last].next) = index;
		doc->members[container].last = last = index;
		doc->count = index + 1;
		if (has_key(doc, met, key, len)) return go_to(of, met->value, last);
		pos = after_comma(doc, fk_jvalue_end(&doc->scan, met->value));
	}
	doc->members[container].complete = true;
	return false;
}

// Searches the known members: the first few one by one, the rest in the index.
static uint32_t find_met(fk_jdoc *doc, uint32_t container, const char *key, size_t len) {
	uint32_t i = doc->members[container].first, found;
	if (doc->index.count && fk_jindex_find(doc, container, key, len, &found)) return found;
	unsigned n = 0;
	for (; i != FK_JNONE; i = doc->members[i].next, n++) {
		if (n == FEW && fk_jindex_find(doc, container, key, len, &found)) return found;
		if (has_key(doc, &doc->members[i], key, len)) break;
	}
	if (n >= FEW) fk_jspend(&doc->work, n);
	return i;
}

bool fk_jfind(fk_jdoc *doc, fk_jitem *of, const char *key, size_t len) {
	if (fk_jis_spent(&doc->work)) return false;
	if (of->member != FK_JNONE) {
		bool full;
		uint32_t met = find_met(doc, of->member, key, len);
		if (met != FK_JNONE) return go_to(of, doc->members[met].value, met);
		if (doc->members[of->member].complete) return false;
		if (find_on(doc, of, key, len, &full)) return true;
		if (!full) return false;
	}
	fk_jwalk walk;
	fk_jwalk_start(doc, &walk, of->start, of->member);
	while (fk_jwalk_next(doc, &walk))
		if (has_key(doc, &walk.at, key, len)) return go_to(of, walk.at.value, walk.member);
	return false;
}

bool fk_jelement(fk_jdoc *doc, fk_jitem *of, uint64_t index) {
	fk_jwalk walk;
	fk_jwalk_start(doc, &walk, of->start, of->member);
	while (fk_jwalk_next(doc, &walk))
		if (index-- == 0) return go_to(of, walk.at.value, walk.member);
	return false;
}

// ---- the index --------------------------------------------------------------------------------------
// A hash table with open addressing, for events of which many fields are extracted.

#define FIRST_SIZE 512u

static uint64_t eight(const uint8_t *at) {
	uint64_t bytes;
	memcpy(&bytes, at, 8);
	return bytes;
}

// The payload chooses the keys: keys that collide on purpose make it a list, and that work is counted.
static uint32_t hash(uint32_t container, const uint8_t *key, size_t len) {
	const uint64_t factor = 0x9e3779b97f4a7c15u;
	uint64_t h = (container + ((uint64_t)len << 32)) * factor, tail = 0;
	for (; len > 8; len -= 8, key += 8) h = ((h ^ eight(key)) * factor) ^ h >> 32;
	if (len == 8)
		tail = eight(key);
	else
		for (size_t i = 0; i < len; i++) tail |= (uint64_t)key[i] << 8 * i;
	h = (h ^ tail) * factor;
	return (uint32_t)((h ^ h >> 32) * factor >> 32);
}

static bool same(const fk_jdoc *doc, const fk_jmember *m, uint32_t container, const void *key,
                 size_t len) {
	return m->of == container && m->key_len == len && !memcmp(doc->text + m->key, key, len);
}

// The slot of the key, or the free one for it.
static uint32_t *slot(fk_jdoc *doc, uint32_t container, const uint8_t *key, size_t len) {
	const fk_jindex *index = &doc->index;
	uint32_t at = hash(container, key, len) & (index->size - 1), probes = 0;
	for (; index->table[at]; at = (at + 1) & (index->size - 1), probes++)
		if (same(doc, &doc->members[index->table[at]], container, key, len)) break;
	if (__builtin_expect(probes != 0, 0)) fk_jspend(&doc->work, probes);
	return &index->table[at];
}

// Empties the table and makes room for all members.
static bool clear(fk_jdoc *doc) {
	fk_jindex *index = &doc->index;
	uint32_t size = index->size ? index->size : FIRST_SIZE;
	while (size < 2 * doc->count) size *= 2;
	if (size != index->size) {
		uint32_t *table = malloc(size * sizeof *table);
		if (!table) return false;
		free(index->table);
		index->table = table;
		index->size = size;
	}
	memset(index->table, 0, index->size * sizeof *index->table);
	index->count = 1; // the document has no key
	return true;
}

// Enters the members found since the last time. Of equal keys the first one stays.
static bool bring_up_to_date(fk_jdoc *doc) {
	fk_jindex *index = &doc->index;
	if ((!index->count || index->size < 2 * doc->count) && !clear(doc)) return false;
	for (; index->count < doc->count; index->count++) {
		if (fk_jis_spent(&doc->work)) return false;
		const fk_jmember *m = &doc->members[index->count];
		if (doc->text[doc->members[m->of].value] != '{') continue; // an array's
		if (m->escaped) {
			doc->members[m->of].unindexed = true;
			continue;
		}
		uint32_t *at = slot(doc, m->of, doc->text + m->key, m->key_len);
		if (!*at) *at = index->count;
	}
	return true;
}

bool fk_jindex_find(fk_jdoc *doc, uint32_t container, const char *key, size_t len,
                    uint32_t *found) {
	if (doc->index.count < doc->count && !bring_up_to_date(doc)) return false;
	if (doc->members[container].unindexed) return false;
	uint32_t at = *slot(doc, container, (const uint8_t *)key, len);
	*found = at ? at : FK_JNONE;
	return true;
}
