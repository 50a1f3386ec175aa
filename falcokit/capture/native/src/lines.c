// SPDX-License-Identifier: Apache-2.0
// Events as lines, the same as cli/inspect/events.py writes where no terminal sets a width. What is
// not well formed or not usual is left to it.
#define _POSIX_C_SOURCE 200809L
#include "lines_values.h"
#include "parameters.h"

enum {
	LINE_BYTES = 512,  // at most before the parameters
	MOST_EXTRAS = 32,  // parameters beyond the event table's
	EXTRA_BYTES = 1024 // of the name and the text of such a one
};

// Whether there is room for this many bytes, and for names.
INLINE bool has_room(struct line *l, uint64_t bytes) {
	const struct fk_lines *lines = l->lines;
	uint64_t left = lines->room - (uint64_t)(l->at - lines->out);
	return bytes + FK_NAMES_ROOM <= left;
}

INLINE bool no_room(struct line *l) {
	l->lines->stopped = l->lines->used ? FK_FULL : 0; // too long at all: left to Python
	return false;
}

INLINE void put_nothing(struct line *l, const struct fk_param *param) {
	if (param->empty_null) {
		PUT(l, "NULL");
	} else {
		PUT(l, "<NA>");
	}
}

INLINE void put_empty(struct line *l, const struct fk_param *param) {
	put_word(l, param->prefix);
	put_nothing(l, param);
}

// A parameter whose name only the writer's newer event table knows.
INLINE void put_extra(struct line *l, uint32_t at, const uint8_t *p, uint32_t size) {
	PUT(l, "param");
	put_unsigned(l, at);
	put_char(l, '=');
	if (size > 0) {
		put_dotted(l, p, size);
	} else {
		PUT(l, "NULL");
	}
}

INLINE bool put_params(struct line *l, const struct parameters *cut, const struct fk_shape *shape) {
	if (cut->count > (uint32_t)shape->count + MOST_EXTRAS) return false;
	const uint8_t *p = cut->lengths + (size_t)cut->count * cut->width;
	for (uint32_t i = 0; i < cut->count; i++) {
		uint32_t size = length_of(cut, i, l->swap);
		if (!has_room(l, 4 * (uint64_t)size + EXTRA_BYTES)) return no_room(l);
		if (i > 0) put_char(l, ' ');
		if (i >= shape->count) {
			put_extra(l, i, p, size);
		} else if (size == 0) {
			put_empty(l, &shape->params[i]);
		} else {
			put_word(l, shape->params[i].prefix);
			put_value(l, &shape->params[i], p, size);
		}
		p += size;
	}
	return true;
}

INLINE bool put_plugin(struct line *l, const struct event *e, const struct payload *p) {
	uint64_t size = p->size < 4 * FK_SHOWN ? p->size : 4 * FK_SHOWN;
	if (!has_room(l, 4 * (size + p->name_length))) return no_room(l);
	PUT(l, "plugin_id=");
	put_unsigned(l, p->plugin_id);
	if (e->code == ASYNC_EVENT) {
		PUT(l, " name=");
		put_text(l, p->name, p->name_length);
		PUT(l, " data=");
	} else {
		PUT(l, " event_data=");
	}
	if (p->size > 0) {
		put_payload(l, p->data, p->size);
	} else {
		PUT(l, "NULL");
	}
	return true;
}

INLINE void put_head(struct line *l, const struct event *e, uint64_t number, uint32_t cpu) {
	static const char no_time[] = "-                            "; // as wide as a time
	uint8_t thread[MOST_DIGITS], *end = thread + sizeof thread, *first;
	put_right(l, number, 6);
	put_char(l, ' ');
	if (has_time(e)) {
		put_time(l, e->ts);
	} else {
		PUT(l, no_time);
	}
	put_char(l, ' ');
	put_right(l, cpu, 3);
	put_char(l, ' ');
	if (e->tid == NOT_SET) {
		*(first = end - 1) = '-';
	} else {
		first = digits(end, e->tid);
	}
	for (int64_t more = 9 - 2 - (end - first); more > 0; more--) put_char(l, ' ');
	put_char(l, '(');
	put(l, first, (size_t)(end - first));
	PUT(l, ") ");
}

// The name of a system call without a code of its own; false where Python must look.
INLINE bool put_syscall(struct line *l, const struct event *e, const struct fk_code *code,
                        const struct fk_shape *shape) {
	int32_t id = syscall_id(e, code, l->swap);
	if (id < 0) return false;
	struct fk_word name = l->lines->syscalls[id];
	put_word(l, name.size ? name : shape->name);
	return true;
}

INLINE bool put_line(struct line *l, const struct event *e, const struct fk_code *code,
                     uint64_t number, uint32_t cpu, bool leading) {
	enum {
		NAME_BYTES = 100 // longer ones of async events are left to Python
	};
	const struct fk_shape *shape = &l->lines->shapes[e->code];
	bool carries = e->code == PLUGIN_EVENT || e->code == ASYNC_EVENT,
		 async = e->code == ASYNC_EVENT;
	struct payload payload = {.name = NULL};
	if (carries && !read_payload(&payload, e, l->swap)) return false;
	if (async && (payload.name_length == 0 || payload.name_length > NAME_BYTES)) return false;
	if (!shape->usable) return false;
	if (!has_room(l, LINE_BYTES)) return no_room(l);
	put_head(l, e, number, cpu);
	put_char(l, shape->direction);
	put_char(l, ' ');
	if (async) {
		put_text(l, payload.name, payload.name_length);
	} else if (e->code > GENERIC_EXIT) {
		put_word(l, shape->name);
	} else if (!put_syscall(l, e, code, shape)) {
		return false;
	}
	put_char(l, ' ');
	if (leading) PUT(l, "state ");
	if (e->flags & STATE_ONLY) PUT(l, "state-only ");
	if (carries) return put_plugin(l, e, &payload);
	if (e->code <= GENERIC_EXIT) return true;
	struct parameters cut;
	return cut_parameters(&cut, e, code, l->swap) && put_params(l, &cut, shape);
}

int fk_line(struct fk_lines *lines, const struct event *e, const struct fk_code *code,
            uint64_t number, uint32_t cpu, int leading, int swap) {
	struct line line = {.at = lines->out + lines->used, .lines = lines, .swap = swap};
	if (lines->left == 0) {
		lines->stopped = FK_ENOUGH;
		return 0;
	}
	if (!put_line(&line, e, code, number, cpu, leading) || line.failed) return 0;
	if (line.at == line.blank_to) line.at = line.blank_from;
	while (line.at[-1] == ' ') line.at--;
	put_char(&line, '\n');
	lines->used = (uint64_t)(line.at - lines->out);
	lines->left--;
	return 1;
}

// ---- texts to be compared -----------------------------------------------------------------------

const uint8_t *fk_shown(struct fk_lines *shown, uint32_t code, uint32_t at, const uint8_t *p,
                        uint32_t p_size, uint64_t *size, int swap) {
	const struct fk_shape *shape = &shown->shapes[code];
	struct line l = {.at = shown->out, .lines = shown, .swap = swap, .plain = true};
	if (at >= shape->count || shape->params[at].kind == 0) return NULL;
	if (!has_room(&l, 4 * (uint64_t)p_size + EXTRA_BYTES)) return NULL;
	if (p_size == 0) {
		put_nothing(&l, &shape->params[at]);
	} else {
		put_value(&l, &shape->params[at], p, p_size);
	}
	if (l.failed) return NULL;
	if (l.named) { // between its parentheses
		*size = (uint64_t)(l.at - l.named) - 2;
		return l.named + 1;
	}
	*size = (uint64_t)(l.at - shown->out);
	return shown->out;
}

const uint8_t *fk_all_shown(struct fk_lines *shown, uint32_t code,
                            const struct parameters *parameters, uint64_t *size, int swap) {
	const struct fk_shape *shape = &shown->shapes[code];
	struct line l = {.at = shown->out, .lines = shown, .swap = swap, .plain = true};
	*size = 0;
	if (code <= GENERIC_EXIT) return shown->out;
	if (!shape->usable || !put_params(&l, parameters, shape) || l.failed) return NULL;
	*size = (uint64_t)(l.at - shown->out);
	return shown->out;
}

int fk_is_utf8(const uint8_t *p, uint64_t size) {
	const uint8_t *end = p + size;
	while (p < end) {
		uint32_t step;
		if (character(p, end, &step) == NOT_VALID) return 0;
		p += step;
	}
	return 1;
}
