// SPDX-License-Identifier: Apache-2.0
// Owns what is known about the document of one event: the members found so far, in a pool with a size
// limit. Members beyond the limit are searched again each time.
#pragma once

#include "json/blocks.h"
#include "json/field.h"

#define FK_JNONE        UINT32_MAX
#define FK_JMEMBERS_MAX 65536u // 32 bytes each

// A value that was found: a member of an object, an element of an array, or the document (the first).
typedef struct fk_jmember {
	uint32_t of;           // the container it is in
	uint32_t key, key_len; // its raw bytes between the quotes
	uint32_t value;
	uint32_t next;        // the next sibling
	uint32_t first, last; // of its own members, as far as they were found
	bool complete;        // there are no others
	bool escaped;         // the key has a backslash
	bool unindexed;       // it has a member whose key has a backslash and is not in the index
} fk_jmember;

// An operand or result of an operator. A value of the document has a type; a computed one has a kind.
typedef enum fk_jkind {
	FK_KVALUE = 0,
	FK_KTEXT,
	FK_KUINT,
	FK_KBOOL,
	FK_KIP,
} fk_jkind;

typedef struct fk_jitem {
	uint8_t kind, type;
	uint32_t member;     // of a value: where it is in the pool, or FK_JNONE
	uint32_t start, end; // of the source; end is 0 for a container, both are 0 for a computed value
	union {
		const char *text; // in the arena or the program, followed by a NUL
		uint64_t number;
		uint8_t ip[16];
	};
	uint32_t len; // of text, or of an IP
} fk_jitem;

// The type of an item as JSON has it; 0: none, for an address.
static inline fk_jtype fk_jtype_of(const fk_jitem *item) {
	static const uint8_t computed[] = {
		[FK_KTEXT] = FK_JSTRING, [FK_KUINT] = FK_JNUMBER, [FK_KBOOL] = FK_JBOOL, [FK_KIP] = 0};
	return (fk_jtype)(item->kind == FK_KVALUE ? item->type : computed[item->kind]);
}

// An index of the members by container and key, made when a container with many members is searched.
typedef struct fk_jindex {
	uint32_t *table; // members by hash; 0: none, because the document itself has no key
	uint32_t size;   // a power of two, more than twice what is in it
	uint32_t count;  // members entered so far; 0: the table is of another event
} fk_jindex;

struct fk_jdoc {
	const uint8_t *text;
	size_t len;
	fk_jscan scan;
	fk_jevent event;
	fk_jwork work, work_most; // left for the current run; of a run, without the payload's share
	fk_jmember *members;
	uint32_t count, room;
	fk_jindex index;
	bool root_known, has_root;
	fk_jitem root;
	fk_jitem *items; // the evaluator's stack, kept from run to run
	uint32_t items_room;
};

// Finds the first known member of `container` with this key, or FK_JNONE. False when the index cannot
// be used: no memory, or the container has a key with an escape.
bool fk_jindex_find(fk_jdoc *doc, uint32_t container, const char *key, size_t len, uint32_t *found);

// Steps through the members of a container.
typedef struct fk_jwalk {
	uint32_t container, member; // in the pool, or FK_JNONE
	fk_jmember at;              // the last one found
	uint32_t cursor;
	bool object, started;
} fk_jwalk;

void fk_jwalk_start(const fk_jdoc *doc, fk_jwalk *walk, uint32_t value, uint32_t member);
// Goes to the next one: walk->at, and walk->member if it is in the pool. False at the end, or when the
// text is not JSON.
bool fk_jwalk_next(fk_jdoc *doc, fk_jwalk *walk);

// The value of the document, determined once per event; NULL when it has none.
const fk_jitem *fk_jroot(fk_jdoc *doc);

// Replaces `of` by its member with this key or index. False: there is none.
bool fk_jfind(fk_jdoc *doc, fk_jitem *of, const char *key, size_t len);
bool fk_jelement(fk_jdoc *doc, fk_jitem *of, uint64_t index);

// The value at `value` as an item; false when it is not well formed (containers are not checked).
bool fk_jitem_at(fk_jdoc *doc, uint32_t value, uint32_t member, fk_jitem *item);
