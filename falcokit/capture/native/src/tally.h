// SPDX-License-Identifier: Apache-2.0
// Counting events, as summarize.Tally does in Python; unusual events are left to Python. Included by
// scan.c alone.
#pragma once
#include "event.h"

enum {
	NO_ENTER = 0xffff,
	NO_NAME = 0xffff
};

INLINE void fold(struct fk_histogram *h, unsigned by) {
	uint64_t bins[FK_BINS] = {0};
	for (uint64_t key = h->low;; key++) {
		bins[(key >> by) % FK_BINS] += h->bins[key % FK_BINS];
		if (key == h->high) break;
	}
	memcpy(h->bins, bins, sizeof bins);
	h->shift += by;
	h->low >>= by;
	h->high >>= by;
}

INLINE void add_time(struct fk_histogram *h, uint64_t ts) {
	uint64_t key = ts >> h->shift;
	if (h->total == 0) {
		h->low = h->high = key;
	} else if (key < h->low || key > h->high) {
		uint64_t low = key < h->low ? key : h->low, high = key > h->high ? key : h->high;
		unsigned by = 0;
		while ((high >> by) - (low >> by) >= FK_BINS) by++;
		if (by) fold(h, by);
		key >>= by;
		h->low = low >> by;
		h->high = high >> by;
	}
	h->bins[key % FK_BINS]++;
	h->total++;
}

INLINE uint32_t name_hash(const uint8_t *bytes, uint32_t length, uint32_t plugin_id) {
	uint32_t hash = 2166136261u ^ plugin_id;
	for (uint32_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 16777619u;
	return (hash ^ hash >> 15) * 2246822519u;
}

// The slot of a name, or the free one where it would be.
INLINE uint32_t name_slot(const struct fk_tally *t, const uint8_t *bytes, uint32_t length,
                          bool named, uint32_t plugin_id) {
	uint32_t slot = name_hash(bytes, length, plugin_id) % FK_NAME_SLOTS;
	uint32_t stored = named ? length : NO_NAME;
	for (;; slot = (slot + 1) % FK_NAME_SLOTS) {
		if (t->name_slots[slot] == 0) return slot;
		const struct fk_name *name = &t->names[t->name_slots[slot] - 1];
		if (name->plugin_id == plugin_id && name->length == stored &&
		    memcmp(name->bytes, bytes, length) == 0) {
			return slot;
		}
	}
}

INLINE void add_payload(struct fk_stream *stream, const struct event *e, const struct payload *p,
                        uint64_t offset) {
	stream->count++;
	stream->size += p->size;
	stream->last_offset = offset;
	stream->last_size = p->size;
	memcpy(stream->last_data, p->data, p->size < FK_DATA_BYTES ? p->size : FK_DATA_BYTES);
	if (!has_time(e)) {
		stream->untimed++;
		return;
	}
	bool first = stream->count - stream->untimed == 1;
	if (first || e->ts < stream->first) stream->first = e->ts;
	if (first || e->ts > stream->last) stream->last = e->ts;
}

// Follows the framework's converter: an enter event is stored for its thread, and an exit event of
// an old form takes it. Another enter event than the exit's own stops a replay.
INLINE void pair(struct fk_tally *t, const struct event *e, const struct fk_code *code,
                 uint64_t offset) {
	bool takes = code->enter != NO_ENTER && (e->first_version || e->count <= code->most);
	if (!takes && !code->stored) return;
	uint32_t slot = (uint32_t)(e->tid * 0x9E3779B97F4A7C15u >> FK_PAIR_SHIFT);
	if (code->stored) {
		t->pair_tids[slot] = e->tid;
		t->pair_marks[slot] = t->generation << MARK_SHIFT | e->code;
		return;
	}
	uint64_t mark = t->pair_marks[slot];
	if (t->pair_tids[slot] != e->tid || mark >> MARK_SHIFT != t->generation) return;
	t->pair_marks[slot] = 0;
	if ((mark & 0xffff) == code->enter) return;
	if (t->mismatches++ == 0) {
		t->mismatch_offset = offset;
		t->mismatch_exit = e->code;
		t->mismatch_enter = mark & 0xffff;
	}
}

// Counts one event; false, and nothing counted, where Python must do it.
INLINE bool count_event(struct fk_tally *t, const struct event *e, const struct fk_code *code,
                        bool leading, uint64_t offset, bool swap) {
	if (e->code == PLUGIN_EVENT || e->code == ASYNC_EVENT) {
		struct payload p;
		if (!read_payload(&p, e, swap) || p.name_length > FK_NAME_BYTES) return false;
		uint32_t slot = name_slot(t, p.name, p.name_length, e->code == ASYNC_EVENT, p.plugin_id);
		if (t->name_slots[slot] == 0) return false;
		add_payload(&t->streams[t->names[t->name_slots[slot] - 1].stream], e, &p, offset);
	} else if (e->code <= GENERIC_EXIT) {
		int32_t id = syscall_id(e, code, swap);
		if (id < 0) return false;
		t->syscalls[e->code][id]++;
	}
	t->counts[e->code]++;
	t->leading += leading;
	t->state_only += e->flags & STATE_ONLY;
	if (has_time(e)) {
		if (t->timed == 0 || e->ts < t->first) t->first = e->ts;
		if (t->timed == 0 || e->ts > t->last) t->last = e->ts;
		t->timed++;
		add_time(&t->histogram, e->ts);
	} else {
		t->untimed++;
	}
	pair(t, e, code, offset);
	return true;
}
