// SPDX-License-Identifier: Apache-2.0
// The walk over event blocks for files too large for Python: it takes what is well formed and
// leaves everything else to the Python walk, which therefore alone decides what a fault means.
#include "tally.h"
#include "frames.h"

// Whether the event may match; Python then checks it.
INLINE bool wanted(const struct fk_query *q, const struct event *e, const struct fk_code *code,
                   uint64_t number, bool swap) {
	if (!q->codes[e->code] || number < q->first_number) return false;
	if (q->by_tid && e->tid != q->tid) return false;
	if (q->by_time && !(has_time(e) && e->ts >= q->ts_from && e->ts < q->ts_to)) return false;
	if (!q->by_name) return true;
	if (e->code <= GENERIC_EXIT) {
		int32_t id = syscall_id(e, code, swap);
		return id < 0 || q->syscalls[id];
	}
	struct payload p;
	if (e->code != ASYNC_EVENT || !read_payload(&p, e, swap)) return true;
	// Names of plain ASCII can be compared here; others are decoded in Python.
	for (uint32_t i = 0; i < p.name_length; i++) {
		if (p.name[i] < ' ' || p.name[i] > '~') return true;
	}
	for (const uint8_t *name = q->names; name < q->names + q->names_size;) {
		uint64_t length = strlen((const char *)name);
		if (length == p.name_length && memcmp(name, p.name, length) == 0) return true;
		name += length + 1;
	}
	return p.name_length == 0; // has the type's own name
}

enum choice {
	PASSED_OVER,
	TAKEN,
	LEFT // to Python
};

INLINE enum choice choose(const struct fk_scan *s, const struct event *e,
                          const struct fk_code *code, uint32_t cpu, bool swap) {
	const struct fk_query *q = s->query;
	if (!q) return s->lines || s->tally ? TAKEN : PASSED_OVER;
	if (!wanted(q, e, code, s->number + 1, swap)) return PASSED_OVER;
	bool sure = q->codes[e->code] == FK_SURE;
	if (!sure && q->condition) {
		int truth = fk_truth(q->condition, e, code, s->number + 1, cpu, swap);
		if (truth == FK_FALSE) return PASSED_OVER;
		sure = truth == FK_TRUE;
	}
	return sure && (s->lines || s->tally) ? TAKEN : LEFT;
}

// False where Python must do it.
INLINE bool take(struct fk_scan *s, const struct event *e, const struct fk_code *code, uint32_t cpu,
                 bool leading, uint64_t offset, bool swap) {
	if (s->lines && !fk_line(s->lines, e, code, s->number + 1, cpu, leading, swap)) return false;
	return !s->tally || count_event(s->tally, e, code, leading, offset, swap);
}

INLINE uint64_t walk(struct fk_scan *s, const uint8_t *data, uint64_t size, uint64_t at,
                     uint64_t base, bool swap) {
	while (size - at >= FRAME_BYTES) {
		const uint8_t *block = data + at;
		uint32_t total = u32(block + 4, swap);
		int kind = block_kind(u32(block, swap));
		if (kind < 0 || !(s->seen >> kind & 1)) break;
		if (total < FRAME_BYTES || total > size - at) break;
		if (u32(block + total - 4, swap) != total) break;
		struct event e;
		if (!read_event(&e, kind, block + HEAD_BYTES, total - FRAME_BYTES, swap)) break;
		if (e.code >= FK_CODES || !s->codes[e.code].known) break;
		if (e.first_version && (e.code == NOTIFICATION || e.code == INFRASTRUCTURE)) break;
		const struct fk_code *code = &s->codes[e.code];
		bool leading = s->leading && code->state;
		uint32_t cpu = u16(block + HEAD_BYTES, swap);
		if (s->frames) {
			if (!fk_frame(s->frames, &e, code, s->number + 1, cpu, swap)) break;
		} else {
			enum choice choice = choose(s, &e, code, cpu, swap);
			if (choice == LEFT) break;
			if (choice == TAKEN && !take(s, &e, code, cpu, leading, base + at, swap)) break;
		}
		s->number++;
		s->leading = leading;
		s->blocks[kind]++;
		at += total;
	}
	return at;
}

uint64_t fk_scan(struct fk_scan *s, const uint8_t *data, uint64_t size, uint64_t at,
                 uint64_t base) {
	const bool host_is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	if (at > size) return at;
	if (!!s->big_endian == host_is_big) return walk(s, data, size, at, base, false);
	return walk(s, data, size, at, base, true);
}

int fk_add_name(struct fk_tally *t, const uint8_t *bytes, uint32_t length, uint32_t plugin_id,
                uint32_t stream) {
	bool named = length != NO_NAME;
	uint32_t size = named ? length : 0;
	if (size > FK_NAME_BYTES || t->names_used == FK_NAMES) return -1;
	uint32_t slot = name_slot(t, bytes, size, named, plugin_id);
	if (t->name_slots[slot] != 0) return 0;
	struct fk_name *name = &t->names[t->names_used++];
	name->plugin_id = plugin_id;
	name->length = named ? (uint16_t)length : NO_NAME;
	name->stream = (uint16_t)stream;
	memcpy(name->bytes, bytes, size);
	t->name_slots[slot] = (uint16_t)t->names_used;
	return 0;
}
