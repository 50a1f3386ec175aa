// SPDX-License-Identifier: Apache-2.0
// Event blocks and event headers, in either byte order. Included by scan.c and lines_text.h;
// everything is inlined, so that the test for the byte order vanishes from the loop.
#pragma once
#include <stdbool.h>
#include <string.h>
#include "scan.h"

#define INLINE static inline __attribute__((always_inline))

enum {
	GENERIC_EXIT = 1,
	PLUGIN_EVENT = 322,
	ASYNC_EVENT = 402,
	NOTIFICATION = 280, // old writers stored a wrong length in these two
	INFRASTRUCTURE = 286,
	HEAD_BYTES = 8,
	FRAME_BYTES = 12,
	MARK_SHIFT = 16,
	STATE_ONLY = 1
};
#define NOT_SET UINT64_MAX

struct event {
	uint64_t ts, tid;
	const uint8_t *params; // the array of lengths
	uint32_t size;         // of the lengths and the parameters
	uint32_t count;        // of the parameters; unknown in the first version
	uint32_t flags;
	uint16_t code;
	bool first_version, large_block;
};

INLINE uint16_t u16(const uint8_t *p, bool swap) {
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return swap ? __builtin_bswap16(v) : v;
}

INLINE uint32_t u32(const uint8_t *p, bool swap) {
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return swap ? __builtin_bswap32(v) : v;
}

INLINE uint64_t u64(const uint8_t *p, bool swap) {
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return swap ? __builtin_bswap64(v) : v;
}

// The index of an event block's code in fk_scan.blocks, as in scan.py; -1 for other blocks.
INLINE int block_kind(uint32_t code) {
	switch (code) {
	case 0x216: return 0;
	case 0x217: return 1;
	case 0x221: return 2;
	case 0x222: return 3;
	case 0x204: return 4;
	case 0x8010ABCD: return 5;
	case 0x208: return 6;
	default: return -1;
	}
}

// Reads the header of the event in a block's body; false when it is not whole.
INLINE bool read_event(struct event *e, int kind, const uint8_t *body, uint32_t size, bool swap) {
	bool flagged = kind == 1 || kind == 3 || kind == 6;
	e->first_version = kind >= 4;
	e->large_block = kind == 2 || kind == 3;
	uint32_t lead = flagged ? 6 : 2, header = e->first_version ? 22 : 26;
	if (size < lead + header) return false;
	const uint8_t *p = body + lead;
	e->flags = flagged ? u32(body + 2, swap) : 0;
	e->ts = u64(p, swap);
	e->tid = u64(p + 8, swap);
	uint32_t length = u32(p + 16, swap);
	e->code = u16(p + 20, swap);
	e->count = e->first_version ? 0 : u32(p + 22, swap);
	if (length < header || length > size - lead) return false;
	e->params = p + header;
	e->size = length - header;
	return true;
}

INLINE bool has_time(const struct event *e) { return e->ts != 0 && e->ts != NOT_SET; }

// Whether `count` lengths of `width` bytes and what they measure fill the event exactly.
INLINE bool fills(const struct event *e, uint32_t count, uint32_t width, bool swap) {
	uint64_t sum = (uint64_t)count * width;
	if (sum > e->size) return false;
	for (uint32_t i = 0; i < count; i++) {
		sum += width == 2 ? u16(e->params + 2 * i, swap) : u32(e->params + 4 * i, swap);
	}
	return sum == e->size;
}

// The id of a system call that has no event code of its own; -1 where Python must look.
INLINE int32_t syscall_id(const struct event *e, const struct fk_code *code, bool swap) {
	enum {
		MOST = 8
	};
	uint32_t count = e->count;
	if (e->first_version) {
		count = code->params;
		while (count > 0 && !fills(e, count, 2, swap)) count--;
	}
	if (count == 0 || count > MOST || !fills(e, count, 2, swap)) return -1;
	if (u16(e->params, swap) != 2) return -1;
	uint16_t id = u16(e->params + 2 * count, swap);
	return id < FK_SYSCALLS ? id : -1;
}

struct payload {
	const uint8_t *name, *data;
	uint32_t plugin_id, name_length, size;
};

// Cuts a plugin or async event in its usual form; false where Python must look.
INLINE bool read_payload(struct payload *p, const struct event *e, bool swap) {
	uint32_t count = e->code == ASYNC_EVENT ? 3 : 2;
	if (e->first_version || e->count != count || !fills(e, count, 4, swap)) return false;
	if (u32(e->params, swap) != 4) return false;
	const uint8_t *id = e->params + 4 * count;
	p->plugin_id = u32(id, swap);
	p->name = id + 4;
	p->name_length = count == 3 ? u32(e->params + 4, swap) : 0;
	p->data = p->name + p->name_length;
	p->size = u32(e->params + 4 * (count - 1), swap);
	while (p->name_length > 0 && p->name[p->name_length - 1] == 0) p->name_length--;
	return true;
}
