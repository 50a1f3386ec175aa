// SPDX-License-Identifier: Apache-2.0
// The line being written, with numbers, times, and foreign bytes as text that is safe to show, as
// text.py makes it. No text takes more than four times the bytes that it is made from; the caller has
// checked that there is room. Included by lines.c and lines_values.h.
#pragma once
#include "event.h"
#include "lines.h"

struct line {
	uint8_t *at;
	struct fk_lines *lines;
	uint8_t *blank_from, *blank_to; // white space at the end of the last text
	bool swap;
	bool failed;    // the event is left to Python, or a page is missing
	bool plain;     // to be compared, not shown: nothing is escaped, and buffers are whole
	uint8_t *named; // where the name of what a number stands for begins, with its parenthesis
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

// ---- texts --------------------------------------------------------------------------------------

enum {
	LONGEST_CHARACTER = 4,
	NOT_VALID = 0x110000
};

// The character at p and its size; NOT_VALID where UTF-8 has none.
INLINE uint32_t character(const uint8_t *p, const uint8_t *end, uint32_t *size) {
	uint32_t lead = p[0], code;
	*size = 1;
	if (lead < 0x80) return lead;
	uint32_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
	if (lead < 0xc2 || lead > 0xf4 || (uint64_t)(end - p) <= more) return NOT_VALID;
	code = lead & (0x3f >> more);
	for (uint32_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80) return NOT_VALID;
		code = code << 6 | (p[i] & 0x3f);
	}
	const uint32_t least = more == 3 ? 0x10000 : more == 2 ? 0x800 : 0x80;
	if (code < least || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return NOT_VALID;
	*size = more + 1;
	return code;
}

INLINE uint8_t traits(struct line *l, uint32_t code) {
	if (!l->lines->pages[code >> FK_PAGE_SHIFT]) {
		l->lines->stopped = FK_PAGE;
		l->lines->page = code >> FK_PAGE_SHIFT;
		l->failed = true;
	}
	return l->lines->characters[code];
}

INLINE void put_escaped(struct line *l, uint32_t code) {
	put_char(l, '\\');
	if (code == '\n' || code == '\r' || code == '\t') {
		put_char(l, code == '\n' ? 'n' : code == '\r' ? 'r' : 't');
	} else if (code <= 0xff) {
		put_char(l, 'x');
		put_byte(l, (uint8_t)code);
	} else {
		put_char(l, code <= 0xffff ? 'u' : 'U');
		if (code > 0xffff) {
			put_byte(l, 0);
			put_byte(l, (uint8_t)(code >> 16));
		}
		put_byte(l, (uint8_t)(code >> 8));
		put_byte(l, (uint8_t)code);
	}
}

// Writes the character at p and returns its size; `space` is set if it is white space.
INLINE uint32_t put_character(struct line *l, const uint8_t *p, const uint8_t *end, bool *space) {
	uint32_t size, code = character(p, end, &size);
	*space = false;
	if (code == NOT_VALID) {
		PUT(l, "\\x");
		put_byte(l, *p);
		return 1;
	}
	uint8_t is = traits(l, code);
	*space = is & FK_SPACE;
	if (is & FK_PRINTABLE) {
		put(l, p, size);
	} else {
		put_escaped(l, code);
	}
	return size;
}

// Writes UTF-8 as it is, and other bytes as escapes.
static void put_plain(struct line *l, const uint8_t *p, const uint8_t *end) {
	while (p < end) {
		uint32_t size;
		if (character(p, end, &size) == NOT_VALID) {
			PUT(l, "\\x");
			put_byte(l, *p);
		} else {
			put(l, p, size);
		}
		p += size;
	}
}

// Writes UTF-8, other bytes as escapes. White space at its end is noted: a line does not end in it.
INLINE void put_text(struct line *l, const uint8_t *p, uint32_t size) {
	const uint8_t *end = p + size;
	if (l->plain) {
		put_plain(l, p, end);
		return;
	}
	uint8_t *solid = l->at;
	while (p < end) {
		if (*p > ' ' && *p < 0x7f) {
			put_char(l, *p++);
			solid = l->at;
			continue;
		}
		bool space;
		p += put_character(l, p, end, &space);
		if (!space) solid = l->at;
	}
	l->blank_from = solid;
	l->blank_to = l->at;
}

// A string with the NUL that ends it; that of a null pointer was written as "(NULL)".
INLINE void put_string(struct line *l, const uint8_t *p, uint32_t size) {
	static const char null_string[] = "(NULL)";
	if (size == sizeof null_string && memcmp(p, null_string, size) == 0) {
		PUT(l, "<NA>");
		return;
	}
	put_text(l, p, size - (size > 0 && p[size - 1] == 0));
}

// Strings with a NUL after each, joined by dots.
INLINE void put_strings(struct line *l, const uint8_t *p, uint32_t size) {
	size -= size > 0 && p[size - 1] == 0;
	for (;;) {
		const uint8_t *nul = size ? memchr(p, 0, size) : NULL;
		if (nul == NULL) break;
		uint32_t here = (uint32_t)(nul - p);
		put_text(l, p, here);
		put_char(l, '.');
		p += here + 1;
		size -= here + 1;
	}
	put_text(l, p, size);
}

// A buffer: a dot for all but printable ASCII.
INLINE void put_dotted(struct line *l, const uint8_t *p, uint32_t size) {
	uint32_t shown = size > FK_SHOWN && !l->plain ? FK_SHOWN - 3 : size;
	for (uint32_t i = 0; i < shown; i++) put_char(l, p[i] >= ' ' && p[i] < 0x7f ? p[i] : '.');
	if (shown < size) PUT(l, "...");
}

// How many bytes from p on are whole characters, none of them a NUL.
INLINE uint32_t plain_bytes(const uint8_t *p, uint32_t size) {
	uint32_t at = 0, step;
	while (at < size && p[at] != 0 && character(p + at, p + size, &step) != NOT_VALID) at += step;
	return at;
}

// A payload: as text, or byte by byte, in at most FK_SHOWN characters.
INLINE void put_payload(struct line *l, const uint8_t *p, uint32_t size) {
	const uint32_t limit = FK_SHOWN, kept = limit - 3;
	uint32_t start = size < limit * LONGEST_CHARACTER ? size : limit * LONGEST_CHARACTER;
	bool cut = start < size;
	uint32_t text = start - (!cut && start > 0 && p[start - 1] == 0);
	uint32_t plain = plain_bytes(p, text);
	// At a cut the last character may be incomplete.
	bool is_text = plain == text || (cut && text - plain < LONGEST_CHARACTER &&
	                                 memchr(p + plain, 0, text - plain) == NULL);
	const uint8_t *end = p + (is_text ? plain : start);
	uint32_t shown = 0;
	uint8_t *mark = l->at;
	while (p < end && shown <= limit) {
		uint8_t *before = l->at;
		bool space;
		p += put_character(l, p, is_text || *p < 0x80 ? end : p + 1, &space);
		uint32_t more = *before < 0x80 ? (uint32_t)(l->at - before) : 1;
		if (shown < kept && shown + more >= kept) {
			mark = more > 1 ? before + (kept - shown) : l->at;
		}
		shown += more;
	}
	if (shown <= limit && !cut) return;
	if (shown >= kept) l->at = mark;
	PUT(l, "...");
}
