// SPDX-License-Identifier: Apache-2.0
// Conditions on events, as the functions of capture/filter read and compare them. What is not well
// formed or not usual is left to them.
#define _GNU_SOURCE // memmem
#include "condition.h"
#include "parameters.h"

struct subject {
	const struct fk_condition *condition;
	const struct event *event;
	const struct fk_code *code;
	uint64_t number;
	uint32_t cpu;
	bool swap;
	bool is_cut, is_odd; // the parameters were looked at, and are not as they should be
	struct parameters parameters;
};

struct piece {
	const uint8_t *at;
	uint64_t size;
};

// ---- numbers ------------------------------------------------------------------------------------

struct number {
	uint64_t bits;
	bool negative;
};

INLINE struct number unsigned_number(uint64_t bits) { return (struct number){bits, false}; }

INLINE struct number signed_number(int64_t value) {
	return (struct number){(uint64_t)value, value < 0};
}

// Whether a number is at a step or above it.
INLINE bool reaches(struct number n, const struct fk_step *step) {
	if (n.negative != !!step->negative) return !n.negative;
	return n.bits >= step->bits;
}

static int of_number(const struct fk_clause *clause, struct number number) {
	uint32_t low = 0, high = clause->steps_count;
	if (high == 0) return FK_UNSURE;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (reaches(number, &clause->steps[middle])) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return clause->steps[low].truth;
}

// An integer in any width that one was ever stored in; false where its bytes are none.
INLINE bool read_integer(struct number *n, struct piece p, bool is_signed, bool swap) {
	switch (p.size) {
	case 1: *n = is_signed ? signed_number((int8_t)*p.at) : unsigned_number(*p.at); return true;
	case 2: {
		uint16_t v = u16(p.at, swap);
		*n = is_signed ? signed_number((int16_t)v) : unsigned_number(v);
		return true;
	}
	case 4: {
		uint32_t v = u32(p.at, swap);
		*n = is_signed ? signed_number((int32_t)v) : unsigned_number(v);
		return true;
	}
	case 8: {
		uint64_t v = u64(p.at, swap);
		*n = is_signed ? signed_number((int64_t)v) : unsigned_number(v);
		return true;
	}
	default: return false;
	}
}

// ---- texts --------------------------------------------------------------------------------------

INLINE uint8_t small(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c; }

static bool contains_caseless(struct piece text, const uint8_t *needle, uint32_t size) {
	if (size == 0) return true;
	for (uint64_t at = 0; at + size <= text.size; at++) {
		uint32_t same = 0;
		while (same < size && small(text.at[at + same]) == needle[same]) same++;
		if (same == size) return true;
	}
	return false;
}

INLINE int order(struct piece text, const uint8_t *operand, uint32_t size) {
	uint64_t least = text.size < size ? text.size : size;
	int found = least ? memcmp(text.at, operand, least) : 0;
	return found ? found : (text.size > size) - (text.size < size);
}

// The next part of a path, which begins behind its slashes; empty at the end.
INLINE struct piece next_part(const uint8_t *from, const uint8_t *end) {
	while (from < end && *from == '/') from++;
	const uint8_t *slash = from < end ? memchr(from, '/', (size_t)(end - from)) : NULL;
	return (struct piece){from, (uint64_t)((slash ? slash : end) - from)};
}

static bool is_below(struct piece path, const uint8_t *operand, uint32_t size) {
	const uint8_t *end = operand + size, *path_end = path.at + path.size;
	struct piece wanted = next_part(operand, end), part = next_part(path.at, path_end);
	while (wanted.size > 0) {
		if (part.size != wanted.size || memcmp(part.at, wanted.at, wanted.size) != 0) return false;
		wanted = next_part(wanted.at + wanted.size, end);
		part = next_part(part.at + part.size, path_end);
	}
	return true;
}

static bool compares(const struct fk_test *test, struct piece text, const uint8_t *operand,
                     uint32_t size) {
	switch (test->compares) {
	case FK_EQUAL: return text.size == size && (size == 0 || memcmp(text.at, operand, size) == 0);
	case FK_LESS: return order(text, operand, size) < 0;
	case FK_LESS_OR_EQUAL: return order(text, operand, size) <= 0;
	case FK_CONTAINS: return size == 0 || memmem(text.at, text.size, operand, size) != NULL;
	case FK_CONTAINS_CASELESS: return contains_caseless(text, operand, size);
	case FK_STARTS: return text.size >= size && (size == 0 || !memcmp(text.at, operand, size));
	case FK_ENDS:
		return text.size >= size &&
		       (size == 0 || memcmp(text.at + text.size - size, operand, size) == 0);
	case FK_BELOW: return is_below(text, operand, size);
	default: return false;
	}
}

// Whether a text is one of the operands, which are sorted.
static bool is_one_of(const struct fk_test *test, struct piece text, const uint8_t *bytes) {
	uint32_t low = 0, high = test->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int found = order(text, bytes + test->operands[middle].at, test->operands[middle].size);
		if (found == 0) return true;
		if (found < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return false;
}

static int of_text(const struct fk_condition *condition, const struct fk_test *test,
                   struct piece text) {
	if (test->compares == 0) return test->constant;
	bool found;
	if (test->compares == FK_EQUAL && test->many == FK_ANY) {
		found = is_one_of(test, text, condition->bytes);
	} else {
		uint32_t wanted = test->many == FK_ALL ? test->count : 1, passed = 0;
		for (uint32_t i = 0; i < test->count; i++) {
			struct fk_word word = test->operands[i];
			passed += compares(test, text, condition->bytes + word.at, word.size);
			if (passed > 0 && test->many == FK_ANY) break;
		}
		found = passed == wanted && test->count > 0;
	}
	return found != !!test->inverted;
}

// ---- parameters ---------------------------------------------------------------------------------

INLINE bool cut(struct subject *s) {
	if (!s->is_cut) {
		s->is_cut = true;
		s->is_odd = !cut_parameters(&s->parameters, s->event, s->code, s->swap);
	}
	return !s->is_odd;
}

// Whether the text of a string is its bytes: they are UTF-8, with the NUL that ends it taken off.
INLINE bool is_text(struct piece *p) {
	if (p->size > 0 && p->at[p->size - 1] == 0) p->size--;
	for (uint64_t i = 0; i < p->size; i++) {
		if (p->at[i] >= 0x80) return fk_is_utf8(p->at + i, p->size - i);
	}
	return true;
}

INLINE bool is_null_string(struct piece p) {
	static const char null_string[] = "(NULL)";
	return p.size == sizeof null_string && memcmp(p.at, null_string, p.size) == 0;
}

static int of_value(struct subject *s, const struct fk_clause *clause, struct piece p) {
	struct number number;
	switch (clause->kinds[s->event->code]) {
	case FK_SIGNED:
	case FK_UNSIGNED:
		if (p.size == 0) return FK_FALSE;
		if (!read_integer(&number, p, clause->kinds[s->event->code] == FK_SIGNED, s->swap)) {
			return FK_UNSURE;
		}
		return of_number(clause, number);
	case FK_STRING:
		if (p.size == 0 || is_null_string(p)) return FK_FALSE;
		return is_text(&p) ? of_text(s->condition, &clause->text, p) : FK_UNSURE;
	case FK_BYTES: return p.size == 0 ? FK_FALSE : of_text(s->condition, &clause->bytes, p);
	default: return FK_UNSURE;
	}
}

static int of_shown(struct subject *s, const struct fk_clause *clause, uint32_t at,
                    struct piece p) {
	const struct fk_condition *c = s->condition;
	const struct fk_test *test = &clause->text;
	if (test->compares == 0) return test->constant;
	if (clause->kinds[s->event->code] == FK_STRING && p.size > 0 && !is_null_string(p)) {
		struct piece text = p;
		if (p.size <= FK_STRING_BYTES && is_text(&text)) return of_text(c, test, text);
	}
	if (clause->kinds[s->event->code] == FK_BYTES && test->undotted && p.size > 0) {
		return of_text(c, test, p);
	}
	struct piece text = {.size = 0};
	text.at = fk_shown(c->shown, s->event->code, at, p.at, (uint32_t)p.size, &text.size, s->swap);
	return text.at ? of_text(c, test, text) : FK_UNSURE;
}

static int of_parameter(struct subject *s, const struct fk_clause *clause) {
	uint32_t at = clause->at[s->event->code];
	struct number number = {.bits = 0};
	struct piece p;
	if (!cut(s)) return FK_UNSURE;
	bool is_there = at < s->parameters.count;
	if (is_there) {
		uint32_t size;
		p.at = parameter(&s->parameters, at, &size, s->swap);
		p.size = size;
	}
	switch (clause->source) {
	case FK_FROM_RESULT:
		if (!is_there) return FK_FALSE;
		// libsinsp takes a result of any other width for 0.
		if (p.size == 4 || p.size == 8) read_integer(&number, p, true, s->swap);
		return of_number(clause, number);
	case FK_FROM_BITS:
		if (is_there && p.size > 0 && !read_integer(&number, p, false, s->swap)) return FK_UNSURE;
		number.bits &= clause->mask;
		return of_number(clause, number);
	case FK_FROM_VALUE: return is_there ? of_value(s, clause, p) : FK_FALSE;
	case FK_FROM_BUFFER: return is_there ? of_text(s->condition, &clause->bytes, p) : FK_FALSE;
	default: return is_there ? of_shown(s, clause, at, p) : FK_FALSE;
	}
}

static int of_all(struct subject *s, const struct fk_clause *clause) {
	struct piece text = {.size = 0};
	if (!cut(s)) return FK_UNSURE; // of contradictory lengths nothing exists
	if (clause->text.compares == 0) return clause->text.constant;
	text.at =
		fk_all_shown(s->condition->shown, s->event->code, &s->parameters, &text.size, s->swap);
	return text.at ? of_text(s->condition, &clause->text, text) : FK_UNSURE;
}

// ---- events -------------------------------------------------------------------------------------

static int of_name(struct subject *s, const struct fk_clause *clause) {
	struct payload payload;
	if (s->event->code <= GENERIC_EXIT) {
		int32_t id = syscall_id(s->event, s->code, s->swap);
		return id < 0 ? FK_UNSURE : of_number(clause, unsigned_number((uint64_t)id));
	}
	if (!read_payload(&payload, s->event, s->swap) || payload.name_length == 0) return FK_UNSURE;
	struct piece name = {payload.name, payload.name_length};
	return is_text(&name) ? of_text(s->condition, &clause->text, name) : FK_UNSURE;
}

static int of_time(const struct fk_clause *clause, const struct event *e) {
	const uint64_t ns_per_second = UINT64_C(1000000000);
	uint64_t ts = e->ts;
	if (!has_time(e)) return FK_FALSE;
	if (clause->source == FK_FROM_SECONDS) ts /= ns_per_second;
	if (clause->source == FK_FROM_NANOSECONDS) ts %= ns_per_second;
	return of_number(clause, unsigned_number(ts));
}

static int of_outside(const struct subject *s, const struct fk_clause *clause) {
	const struct fk_outside *outside = &s->condition->outside;
	uint64_t at = s->number - outside->first;
	if (s->number < outside->first || at >= outside->count) return FK_UNSURE;
	uint8_t found = outside->truths[clause->mask * outside->count + at];
	return found == '1' ? FK_TRUE : found == '0' ? FK_FALSE : FK_UNSURE;
}

static int of_clause(struct subject *s, const struct fk_clause *clause) {
	const struct event *e = s->event;
	uint8_t of_code = clause->codes[e->code];
	struct payload payload;
	if (of_code != FK_READ) return of_code;
	switch (clause->source) {
	case FK_FROM_NUMBER: return of_number(clause, unsigned_number(s->number));
	case FK_FROM_CPU: return of_number(clause, unsigned_number(s->cpu));
	case FK_FROM_THREAD:
		return of_number(clause, e->tid == NOT_SET ? signed_number(-1) : unsigned_number(e->tid));
	case FK_FROM_TIME:
	case FK_FROM_SECONDS:
	case FK_FROM_NANOSECONDS: return of_time(clause, e);
	case FK_FROM_PLUGIN_ID:
		if (!read_payload(&payload, e, s->swap)) return FK_UNSURE;
		return of_number(clause, unsigned_number(payload.plugin_id));
	case FK_FROM_NAME: return of_name(s, clause);
	case FK_FROM_ALL: return of_all(s, clause);
	case FK_FROM_OUTSIDE: return of_outside(s, clause);
	case FK_FROM_CODE: return FK_UNSURE;
	default: return of_parameter(s, clause);
	}
}

// The depth is bounded by who makes the nodes.
static int of_node(struct subject *s, uint32_t at) {
	const struct fk_node *nodes = s->condition->nodes, *node = &nodes[at];
	int found;
	switch (node->is) {
	case FK_CLAUSE: return of_clause(s, &s->condition->clauses[node->clause]);
	case FK_NOT: found = of_node(s, at + 1); return found == FK_UNSURE ? found : !found;
	default: break;
	}
	int ends = node->is == FK_AND ? FK_FALSE : FK_TRUE, result = !ends;
	for (uint32_t child = at + 1; child < node->next; child = nodes[child].next) {
		found = of_node(s, child);
		if (found == ends) return ends;
		if (found == FK_UNSURE) result = FK_UNSURE;
	}
	return result;
}

int fk_truth(const struct fk_condition *condition, const struct event *event,
             const struct fk_code *code, uint64_t number, uint32_t cpu, int swap) {
	struct subject subject = {.condition = condition,
	                          .event = event,
	                          .code = code,
	                          .number = number,
	                          .cpu = cpu,
	                          .swap = swap};
	return of_node(&subject, 0);
}
