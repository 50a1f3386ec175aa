// SPDX-License-Identifier: Apache-2.0
// Owns what is known of one event's document: the members that were met, in a pool that stops
// growing at a limit; what is beyond it is found again each time.
#pragma once

#include "json/blocks.h"
#include "json/field.h"
#include "json/work.h"

#define FK_JNONE        UINT32_MAX
#define FK_JMEMBERS_MAX 65536u // 32 bytes each

// A value that was met: a member of an object, an element of an array, the document itself (the first).
typedef struct fk_jmember {
	uint32_t of;           // the container it is in
	uint32_t key, key_len; // its bytes between the quotes, as they are
	uint32_t value;
	uint32_t next;        // its sibling
	uint32_t first, last; // of its own members, as far as they were met
	bool complete;        // there are no others
	bool escaped;         // the key has a backslash
	bool unindexed;       // a key in it has, and is not in the index
} fk_jmember;

// What an operator gives or takes. A value of the document has a type; what was computed has a kind.
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
	uint32_t start, end; // the source; end is 0 for a container, and both for what was computed
	union {
		const char *text; // in the arena or the program, with a NUL behind it
		uint64_t number;
		uint8_t ip[16];
	};
	uint32_t len; // of text, or of an IP
} fk_jitem;

// The members by container and key, made when a container with many is searched again.
typedef struct fk_jindex {
	uint32_t *table; // members, by their hash; 0 is none, as the document itself has no key
	uint32_t size;   // a power of two, more than twice what is in it
	uint32_t count;  // the members that were looked at, 0: what the table holds is of another event
} fk_jindex;

struct fk_jdoc {
	const uint8_t *text;
	size_t len;
	fk_jscan scan;
	fk_jevent event;
	fk_jwork work,
		work_most; // that the run at hand may still do; of a run, less the payload's share
	fk_jmember *members;
	uint32_t count, room;
	fk_jindex index;
	bool root_known, has_root;
	fk_jitem root;
	fk_jitem *items; // the evaluator's stack, kept from run to run
	uint32_t items_room;
};

// The first of the known members of `container` that has this key, or FK_JNONE. False when it cannot
// tell: there is no memory, or a key with an escape in the container.
bool fk_jindex_find(fk_jdoc *doc, uint32_t container, const char *key, size_t len, uint32_t *found);

// Steps through the members of a container.
typedef struct fk_jwalk {
	uint32_t container, member; // in the pool, or FK_JNONE
	fk_jmember at;              // the one that was met last
	uint32_t cursor;
	bool object, started;
} fk_jwalk;

void fk_jwalk_start(const fk_jdoc *doc, fk_jwalk *walk, uint32_t value, uint32_t member);
// To the next: walk->at, and walk->member when it is in the pool. False when there is none, or when
// what is there is not JSON.
bool fk_jwalk_next(fk_jdoc *doc, fk_jwalk *walk);

// The document's value, looked for once in an event; NULL when it has none.
const fk_jitem *fk_jroot(fk_jdoc *doc);

// The member of `of` that has this key or index: into `of`.
bool fk_jfind(fk_jdoc *doc, fk_jitem *of, const char *key, size_t len);
bool fk_jelement(fk_jdoc *doc, fk_jitem *of, uint64_t index);

// The value at `value` as an item; false when it is not well formed (containers are not looked into).
bool fk_jitem_at(fk_jdoc *doc, uint32_t value, uint32_t member, fk_jitem *item);
