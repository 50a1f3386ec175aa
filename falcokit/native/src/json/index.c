// SPDX-License-Identifier: Apache-2.0
// The members of a document by their keys: a table with open addressing, for events of which many
// fields are asked. See fk_jindex in json/doc.h.
#include "json/doc.h"
#include <stdlib.h>

#define FIRST_SIZE 512u

static uint64_t eight(const uint8_t *at) {
	uint64_t bytes;
	memcpy(&bytes, at, 8);
	return bytes;
}

// The payload chooses the keys: those that collide on purpose cost what a list does, and it is counted.
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

// Where the key is in the table, or has its place.
static uint32_t *slot(fk_jdoc *doc, uint32_t container, const uint8_t *key, size_t len) {
	const fk_jindex *index = &doc->index;
	uint32_t at = hash(container, key, len) & (index->size - 1), probes = 0;
	for (; index->table[at]; at = (at + 1) & (index->size - 1), probes++)
		if (same(doc, &doc->members[index->table[at]], container, key, len)) break;
	if (__builtin_expect(probes != 0, 0)) fk_jspend(&doc->work, probes);
	return &index->table[at];
}

// The table is empty, and has room for all members.
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

// Takes in what was met since the last time. The first of equal keys stays.
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
