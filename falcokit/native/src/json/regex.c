// SPDX-License-Identifier: Apache-2.0
// Matches patterns. See json/program.h. A compiled pattern: two counts, then steps of three words each,
// then the ranges of its character classes, as pairs of first and last character.
#include "json/program.h"
#include "json/text.h"
#include <string.h>

enum {
	STEP_CHAR,  // x: the character
	STEP_ANY,   // any but a line feed
	STEP_CLASS, // x: its first range, y: how many
	STEP_OTHER, // the same: a character that is in none of them
	STEP_SPLIT, // x is tried before y
	STEP_JUMP,  // x
	STEP_SAVE,  // x: 0 for where the group begins, 1 for where it ends
	STEP_START,
	STEP_END,
	STEP_MATCH,
	STEP_KINDS,
};

typedef struct fk_jstep {
	uint32_t kind, x, y;
} fk_jstep;

typedef struct fk_jregex {
	uint32_t steps_n, ranges_n;
	fk_jstep steps[];
} fk_jregex;

typedef struct fk_jthread {
	uint32_t step;
	uint32_t at[2];
} fk_jthread;

typedef struct fk_jthreads {
	uint32_t n;
	fk_jthread list[FK_JREGEX_STEPS_MAX];
} fk_jthreads;

static const uint32_t *ranges_of(const fk_jregex *p) { return &p->steps[p->steps_n].kind; }

bool fk_jregex_check(const void *bytes, size_t len) {
	const fk_jregex *p = bytes;
	if (len < sizeof *p || !p->steps_n || p->steps_n > FK_JREGEX_STEPS_MAX) return false;
	if (p->ranges_n > 65536 ||
	    len != sizeof *p + p->steps_n * sizeof(fk_jstep) + 8u * (size_t)p->ranges_n)
		return false;
	for (uint32_t i = 0; i < p->steps_n; i++) {
		fk_jstep s = p->steps[i];
		bool good = s.kind < STEP_KINDS;
		if (s.kind == STEP_CLASS || s.kind == STEP_OTHER)
			good = s.x <= p->ranges_n && s.y <= p->ranges_n - s.x;
		if (s.kind == STEP_SPLIT) good = s.x < p->steps_n && s.y < p->steps_n;
		if (s.kind == STEP_JUMP) good = s.x < p->steps_n;
		if (s.kind == STEP_SAVE) good = s.x < 2;
		// A step that reads a character continues with the step after it.
		if (i + 1 == p->steps_n) good = good && s.kind == STEP_MATCH;
		if (!good) return false;
	}
	return true;
}

// Follows the steps that read no character, in the pattern's order of preference.
static void add(const fk_jregex *p, fk_jthreads *to, uint8_t *seen, fk_jthread from, uint32_t at,
                uint32_t len, fk_jwork *work) {
	fk_jthread stack[FK_JREGEX_STEPS_MAX + 1];
	uint32_t n = 0, steps = 0;
	stack[n++] = from;
	while (n) {
		fk_jthread t = stack[--n];
		steps++;
		if (seen[t.step]) continue;
		seen[t.step] = 1;
		fk_jstep s = p->steps[t.step];
		switch (s.kind) {
		case STEP_SPLIT:
			t.step = s.y;
			if (!seen[s.y]) stack[n++] = t;
			t.step = s.x;
			if (!seen[s.x]) stack[n++] = t;
			break;
		case STEP_JUMP:
			t.step = s.x;
			stack[n++] = t;
			break;
		case STEP_SAVE:
			t.at[s.x] = at;
			t.step++;
			stack[n++] = t;
			break;
		case STEP_START:
		case STEP_END:
			if (at != (s.kind == STEP_START ? 0 : len)) break;
			t.step++;
			stack[n++] = t;
			break;
		default: to->list[to->n++] = t;
		}
	}
	fk_jspend(work, steps);
}

static bool in_ranges(const fk_jregex *p, fk_jstep s, uint32_t c) {
	const uint32_t *pair = ranges_of(p) + 2 * (size_t)s.x;
	for (uint32_t i = 0; i < s.y; i++, pair += 2)
		if (c >= pair[0] && c <= pair[1]) return true;
	return false;
}

static bool takes(const fk_jregex *p, fk_jstep s, uint32_t c, fk_jwork *work) {
	if (s.kind == STEP_CHAR) return c == s.x;
	if (s.y >= 8) fk_jspend(work, s.y / 8); // ranges of a class
	switch (s.kind) {
	case STEP_ANY: return c != '\n';
	case STEP_CLASS: return in_ranges(p, s, c);
	case STEP_OTHER: return !in_ranges(p, s, c);
	default: return false;
	}
}

static uint32_t read_char(const char *text, unsigned n) {
	uint32_t c = (uint8_t)text[0];
	if (n == 1) return c;
	c &= 0x7fu >> n;
	for (unsigned i = 1; i < n; i++) c = c << 6 | ((uint8_t)text[i] & 0x3f);
	return c;
}

bool fk_jregex_search(const void *bytes, const char *text, size_t len, size_t *start, size_t *end,
                      fk_jwork *work) {
	const fk_jregex *p = bytes;
	fk_jthreads both[2], *now = &both[0], *then = &both[1];
	uint8_t seen[FK_JREGEX_STEPS_MAX];
	bool found = false;
	now->n = 0;
	memset(seen, 0, p->steps_n);
	for (uint32_t at = 0;;) {
		if (fk_jis_spent(work)) return false;
		fk_jthread first = {0, {UINT32_MAX, UINT32_MAX}};
		if (!found) add(p, now, seen, first, at, (uint32_t)len, work);
		if (!now->n && (found || at == len)) break;
		unsigned n = at < len ? fk_jchar_len((uint8_t)text[at]) : 0;
		uint32_t c = n ? read_char(text + at, n) : 0;
		then->n = 0;
		memset(seen, 0, p->steps_n);
		for (uint32_t i = 0; i < now->n; i++) {
			fk_jthread t = now->list[i];
			fk_jstep s = p->steps[t.step];
			if (s.kind == STEP_MATCH) {
				bool took_part = t.at[0] != UINT32_MAX && t.at[1] != UINT32_MAX;
				*start = took_part ? t.at[0] : SIZE_MAX;
				*end = took_part ? t.at[1] : SIZE_MAX;
				found = true;
				break; // the remaining threads are preferred less
			}
			if (!n || !takes(p, s, c, work)) continue;
			t.step++;
			add(p, then, seen, t, at + n, (uint32_t)len, work);
		}
		fk_jthreads *swap = now;
		now = then;
		then = swap;
		at += n;
		if (!n) break;
	}
	return found;
}
