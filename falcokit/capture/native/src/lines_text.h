// SPDX-License-Identifier: Apache-2.0
// Foreign bytes as text that is safe to show, as text.py makes it. No text takes more than four
// times the bytes that it is made from. Included by lines.c and lines_values.h.
#pragma once
#include "lines_out.h"

enum {
	STRING_BYTES = 64 * 1024, // Python cuts longer strings
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

// Writes UTF-8, other bytes as escapes. White space at its end is noted: a line does not end in it.
INLINE void put_text(struct line *l, const uint8_t *p, uint32_t size) {
	const uint8_t *end = p + size;
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
	uint32_t shown = size > FK_SHOWN ? FK_SHOWN - 3 : size;
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
