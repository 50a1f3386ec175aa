// SPDX-License-Identifier: Apache-2.0
// Events as frames for the runner, as runner/extract_frames.py makes them: with today's header, in
// this machine's byte order.
#include "frames.h"
#include "parameters.h"

enum {
	EVENT_FRAME = 0,
	STATE_FRAME = 1,
	EVENT_HEADER = 26,
	FRAME_HEADER = 16,
	FRAME_ALIGNMENT = 8
};

struct writer {
	uint8_t *at;
};

INLINE void write_bytes(struct writer *w, const void *bytes, size_t size) {
	if (size > 0) memcpy(w->at, bytes, size);
	w->at += size;
}

INLINE void write_u16(struct writer *w, uint16_t value) { write_bytes(w, &value, sizeof value); }

INLINE void write_u32(struct writer *w, uint32_t value) { write_bytes(w, &value, sizeof value); }

INLINE void write_u64(struct writer *w, uint64_t value) { write_bytes(w, &value, sizeof value); }

// Begins a frame, if there is room for all of it; `size` counts from the lengths of parameters on.
INLINE bool begin_frame(struct fk_frames *f, struct writer *w, const struct event *e,
                        uint64_t number, uint32_t kind, uint32_t count, uint64_t size) {
	uint64_t whole = EVENT_HEADER + size;
	if (FRAME_HEADER + whole + FRAME_ALIGNMENT > f->room - f->used) return false;
	w->at = f->out + f->used;
	write_u32(w, (uint32_t)whole);
	write_u32(w, kind);
	write_u64(w, number);
	write_u64(w, has_time(e) ? e->ts : NOT_SET);
	write_u64(w, e->tid);
	write_u32(w, (uint32_t)whole);
	write_u16(w, e->code);
	write_u32(w, count);
	return true;
}

INLINE void end_frame(struct fk_frames *f, struct writer *w) {
	while ((uint64_t)(w->at - f->out) % FRAME_ALIGNMENT) *w->at++ = 0;
	f->used = (uint64_t)(w->at - f->out);
}

static bool wants_id(const struct fk_frames *f, uint32_t id) {
	if (f->any_id) return true;
	for (uint32_t i = 0; i < f->ids_count; i++) {
		if (f->ids[i] == id) return true;
	}
	return false;
}

// Adds a plugin or async event that the plugin wants; `added` says whether it does.
static bool add_payload(struct fk_frames *f, const struct event *e, uint64_t number, uint32_t kind,
                        bool swap, bool *added) {
	struct payload p;
	struct writer w;
	if (!read_payload(&p, e, swap)) return false;
	bool async = e->code == ASYNC_EVENT;
	uint32_t name = async ? u32(e->params + 4, swap) : 0, count = async ? 3 : 2;
	*added = wants_id(f, p.plugin_id);
	if (!*added) return true;
	if (async && (name == 0 || p.name[name - 1] != 0)) return false; // it is read up to its end
	uint64_t size = 4 * (uint64_t)count + 4 + name + p.size;
	if (!begin_frame(f, &w, e, number, kind, count, size)) return false;
	write_u32(&w, 4);
	if (async) write_u32(&w, name);
	write_u32(&w, p.size);
	write_u32(&w, p.plugin_id);
	write_bytes(&w, p.name, name);
	write_bytes(&w, p.data, p.size);
	end_frame(f, &w);
	return true;
}

// Adds any other event, whose parameters are as they were stored.
static bool add_other(struct fk_frames *f, const struct event *e, const struct fk_code *code,
                      uint64_t number, uint32_t kind, bool swap) {
	struct parameters cut;
	struct writer w;
	// Which bytes of a foreign machine's are numbers is unknown.
	if (swap || !cut_parameters(&cut, e, code, swap)) return false;
	if (cut.width != (code->large ? 4 : 2)) return false;
	if (!begin_frame(f, &w, e, number, kind, cut.count, e->size)) return false;
	write_bytes(&w, e->params, e->size);
	end_frame(f, &w);
	return true;
}

int fk_frame(struct fk_frames *f, const struct event *e, const struct fk_code *code,
             uint64_t number, uint32_t cpu, int swap) {
	bool asked = true, added = false;
	if (f->count == f->most) return 0;
	if (f->codes[e->code]) {
		asked = !f->condition || fk_truth(f->condition, e, code, number, cpu, swap) != FK_FALSE;
		uint32_t kind = asked ? EVENT_FRAME : STATE_FRAME;
		if (asked || f->parses) {
			added = true;
			bool carries = e->code == PLUGIN_EVENT || e->code == ASYNC_EVENT;
			bool fits = carries ? add_payload(f, e, number, kind, swap, &added)
			                    : add_other(f, e, code, number, kind, swap);
			if (!fits) return 0;
		}
	}
	f->sent[f->count++] = asked && added;
	return 1;
}
