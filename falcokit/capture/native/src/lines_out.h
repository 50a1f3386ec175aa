// SPDX-License-Identifier: Apache-2.0
// The line being written, and numbers in it. The caller has checked that there is room. Included by
// the other lines_*.h and lines.c.
#pragma once
#include "event.h"
#include "lines.h"

struct line {
	uint8_t *at;
	struct fk_lines *lines;
	uint8_t *blank_from, *blank_to; // white space at the end of the last text
	bool swap;
	bool failed; // the event is left to Python, or a page is missing
};

INLINE void put(struct line *l, const void *bytes, size_t size) {
	memcpy(l->at, bytes, size);
	l->at += size;
}

INLINE void put_char(struct line *l, uint8_t c) { *l->at++ = c; }

#define PUT(l, literal) put(l, literal, sizeof(literal) - 1)

INLINE void put_word(struct line *l, struct fk_word word) {
	put(l, l->lines->texts + word.at, word.size);
}

// Writes the digits before `end` and returns where they begin.
INLINE uint8_t *digits(uint8_t *end, uint64_t number) {
	do {
		*--end = (uint8_t)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return end;
}

enum {
	MOST_DIGITS = 22 // of 64 bits in base 8
};

INLINE void put_unsigned(struct line *l, uint64_t number) {
	uint8_t buffer[MOST_DIGITS], *end = buffer + sizeof buffer, *first = digits(end, number);
	put(l, first, (size_t)(end - first));
}

INLINE void put_signed(struct line *l, int64_t number) {
	if (number < 0) put_char(l, '-');
	put_unsigned(l, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

// Writes a number and what surrounds it, with spaces before it up to a width.
INLINE void put_right(struct line *l, uint64_t number, int width) {
	uint8_t buffer[MOST_DIGITS], *end = buffer + sizeof buffer, *first = digits(end, number);
	for (int64_t more = width - (end - first); more > 0; more--) put_char(l, ' ');
	put(l, first, (size_t)(end - first));
}

INLINE void put_padded(struct line *l, uint64_t number, int width) {
	for (int i = width - 1; i >= 0; i--) {
		l->at[i] = (uint8_t)('0' + number % 10);
		number /= 10;
	}
	l->at += width;
}

// Writes a number in base 8 or 16, of which `shift` is the logarithm.
INLINE void put_bits(struct line *l, uint64_t number, unsigned shift, const char *letters) {
	uint8_t buffer[MOST_DIGITS], *end = buffer + sizeof buffer, *first = end;
	do {
		*--first = (uint8_t)letters[number & ((1u << shift) - 1)];
		number >>= shift;
	} while (number > 0);
	put(l, first, (size_t)(end - first));
}

#define LOWER "0123456789abcdef"
#define UPPER "0123456789ABCDEF"

INLINE void put_octal(struct line *l, uint64_t number) {
	if (number) put_char(l, '0');
	put_bits(l, number, 3, LOWER);
}

INLINE void put_byte(struct line *l, uint8_t byte) {
	put_char(l, (uint8_t)LOWER[byte >> 4]);
	put_char(l, (uint8_t)LOWER[byte & 15]);
}

// Bytes that contradict their type.
INLINE void put_invalid(struct line *l, const uint8_t *bytes, uint32_t size) {
	enum {
		SHOWN = 32
	};
	PUT(l, "<invalid ");
	for (uint32_t i = 0; i < size && i < SHOWN; i++) put_byte(l, bytes[i]);
	if (size > SHOWN) PUT(l, "...");
	put_char(l, '>');
}

// ---- times --------------------------------------------------------------------------------------

#define NS_PER_SECOND UINT64_C(1000000000)

// The date of a day since 1970, by the lengths of 400 years, 4 years and months from March on.
INLINE void date_of(uint64_t days, uint64_t *year, unsigned *month, unsigned *day) {
	enum {
		TO_1970 = 719468, // days from March of year 0
		ERA = 146097      // days in 400 years
	};
	days += TO_1970;
	unsigned in_era = (unsigned)(days % ERA);
	unsigned years = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	unsigned in_year = in_era - (365 * years + years / 4 - years / 100);
	unsigned from_march = (5 * in_year + 2) / 153;
	*day = in_year - (153 * from_march + 2) / 5 + 1;
	*month = from_march < 10 ? from_march + 3 : from_march - 9;
	*year = days / ERA * 400 + years + (*month <= 2);
}

// Date and time of day; those of the last second are kept.
INLINE void put_time(struct line *l, uint64_t ts) {
	struct fk_lines *lines = l->lines;
	uint64_t second = ts / NS_PER_SECOND;
	if (lines->second == second + 1) {
		put(l, lines->second_text, sizeof lines->second_text);
	} else {
		uint8_t *start = l->at;
		uint64_t year;
		unsigned month, day, rest = (unsigned)(second % 86400);
		date_of(second / 86400, &year, &month, &day);
		put_padded(l, year, 4);
		put_char(l, '-');
		put_padded(l, month, 2);
		put_char(l, '-');
		put_padded(l, day, 2);
		put_char(l, ' ');
		put_padded(l, rest / 3600, 2);
		put_char(l, ':');
		put_padded(l, rest / 60 % 60, 2);
		put_char(l, ':');
		put_padded(l, rest % 60, 2);
		lines->second = second + 1;
		memcpy(lines->second_text, start, sizeof lines->second_text);
	}
	put_char(l, '.');
	put_padded(l, ts % NS_PER_SECOND, 9);
}
