// SPDX-License-Identifier: Apache-2.0
// The parameters of an event, cut as lengths.py does it where the lengths fill the event exactly.
// Included by condition.c and lines.c.
#pragma once
#include "event.h"

struct parameters {
	const uint8_t *lengths;
	uint32_t count, width;
};

// False where Python must look.
INLINE bool cut_parameters(struct parameters *p, const struct event *e, const struct fk_code *code,
                           bool swap) {
	*p = (struct parameters){.lengths = e->params, .count = e->count, .width = code->large ? 4 : 2};
	if (!e->first_version) return fills(e, p->count, p->width, swap);
	p->width = 2;
	p->count = code->params;
	while (p->count > 0 && !fills(e, p->count, 2, swap)) p->count--;
	return fills(e, p->count, 2, swap);
}

INLINE uint32_t length_of(const struct parameters *p, uint32_t at, bool swap) {
	return p->width == 2 ? u16(p->lengths + 2 * (size_t)at, swap)
	                     : u32(p->lengths + 4 * (size_t)at, swap);
}

// The parameter at a position, which must be below the count.
INLINE const uint8_t *parameter(const struct parameters *p, uint32_t at, uint32_t *size,
                                bool swap) {
	const uint8_t *found = p->lengths + (size_t)p->count * p->width;
	for (uint32_t i = 0; i < at; i++) found += length_of(p, i, swap);
	*size = length_of(p, at, swap);
	return found;
}

// The text of one parameter, what its number stands for or else the number, made in shown->out:
// not escaped, and valid until the next. NULL where it cannot be made here.
const uint8_t *fk_shown(struct fk_lines *shown, uint32_t code, uint32_t at, const uint8_t *p,
                        uint32_t p_size, uint64_t *size, int swap);

// The texts of all parameters in one line, in the same way.
const uint8_t *fk_all_shown(struct fk_lines *shown, uint32_t code,
                            const struct parameters *parameters, uint64_t *size, int swap);

// Whether bytes are UTF-8.
int fk_is_utf8(const uint8_t *p, uint64_t size);
