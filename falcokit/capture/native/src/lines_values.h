// SPDX-License-Identifier: Apache-2.0
// Parameters as text, by type, as numbers.py, state.py and types.py in capture/render make it
// without a resolver. Included by lines.c.
#pragma once
#include <arpa/inet.h>
#include <stdio.h>
#include "lines_text.h"

INLINE bool read_number(uint64_t *number, const struct fk_param *param, const uint8_t *p,
                        uint32_t size, bool swap) {
	switch (size) {
	case 1: *number = param->is_signed ? (uint64_t)(int8_t)*p : *p; return true;
	case 2:
		*number = param->is_signed ? (uint64_t)(int16_t)u16(p, swap) : u16(p, swap);
		return true;
	case 4:
		*number = param->is_signed ? (uint64_t)(int32_t)u32(p, swap) : u32(p, swap);
		return true;
	case 8: *number = u64(p, swap); return true;
	default: return false;
	}
}

// ---- names --------------------------------------------------------------------------------------

INLINE void begin_name(struct line *l) {
	l->named = l->at;
	put_char(l, '(');
}

INLINE void put_name(struct line *l, struct fk_word name) {
	if (name.size == 0) return;
	begin_name(l);
	put_word(l, name);
	put_char(l, ')');
}

INLINE void put_error(struct line *l, int64_t number) {
	if (number < 0 && number > -FK_ERRORS) put_name(l, l->lines->errors[-number]);
}

// The names of a value: of its bits, or for enumerations of the whole. An entry of a table that is
// the whole value ends it, for a mode even when its bits were named before.
static void put_names(struct line *l, const struct fk_param *param, uint64_t value) {
	uint64_t rest = value;
	char before = '(';
	for (uint32_t i = 0; i < param->count; i++) {
		const struct fk_flag *flag = &param->flags[i];
		uint64_t bits = flag->bits;
		bool whole = bits == value, named = bits ? (rest & bits) == bits : !value;
		if (param->kind == FK_ENUM_NAME) {
			named = whole;
		} else if (param->kind == FK_MODE) {
			named = named || whole;
		}
		if (!named) continue;
		if (before == '(') {
			begin_name(l);
		} else {
			put_char(l, '|');
		}
		put_word(l, flag->name);
		before = '|';
		rest &= ~bits;
		if (whole && param->kind != FK_ENUM_NAME) break;
	}
	if (before == '|') put_char(l, ')');
}

INLINE void put_signals(struct line *l, uint64_t set) {
	bool more = false;
	for (unsigned bit = 0; bit < 32; bit++) {
		struct fk_word name = l->lines->signals[bit + 1];
		if (!(set >> bit & 1) || name.size == 0) continue;
		if (more) put_char(l, ' ');
		put_word(l, name);
		more = true;
	}
}

// ---- numbers ------------------------------------------------------------------------------------

INLINE void put_id(struct line *l, uint64_t number) {
	if (number == UINT32_MAX) {
		PUT(l, "-1");
		begin_name(l);
		PUT(l, "<NONE>)");
	} else if (number > UINT32_MAX) {
		put_unsigned(l, number - (UINT64_C(1) << 32));
	} else {
		put_signed(l, (int32_t)number);
	}
}

INLINE void put_span(struct line *l, uint64_t span) {
	enum {
		ROOM = 32
	};
	if (span == UINT64_MAX) {
		PUT(l, "none");
		return;
	}
	if (span >> 53) l->failed = true; // as a double it is another number
	put_unsigned(l, span);
	char text[ROOM];
	begin_name(l);
	int size = snprintf(text, sizeof text, "%gs)", (double)span / 1e9);
	put(l, text, (size_t)size);
}

INLINE void put_number(struct line *l, const struct fk_param *param, uint64_t number) {
	struct fk_lines *lines = l->lines;
	switch (param->kind) {
	case FK_HEX:
	case FK_OCTAL:
		if (param->width < 8) number &= (UINT64_C(1) << 8 * param->width) - 1;
		if (param->kind == FK_OCTAL) {
			put_octal(l, number);
		} else {
			put_bits(l, number, 4, UPPER);
		}
		break;
	case FK_FLAG_NAMES:
	case FK_ENUM_NAME:
		put_unsigned(l, number);
		put_names(l, param, number);
		break;
	case FK_MODE:
		put_octal(l, number);
		put_names(l, param, number);
		break;
	case FK_ERROR:
		put_signed(l, (int64_t)number);
		put_error(l, (int64_t)number);
		break;
	case FK_FD:
		put_signed(l, (int64_t)number);
		if ((int64_t)number == -100) {
			begin_name(l);
			PUT(l, "AT_FDCWD)");
		} else {
			put_error(l, (int64_t)number);
		}
		break;
	case FK_ID: put_id(l, number); break;
	case FK_SIGNAL:
		put_unsigned(l, number);
		if (number < FK_SIGNALS) put_name(l, lines->signals[number]);
		break;
	case FK_SIGNAL_SET: put_signals(l, number); break;
	case FK_SPAN: put_span(l, number); break;
	case FK_TIME: put_time(l, number); break;
	default: put_signed(l, (int64_t)number);
	}
}

// ---- addresses ----------------------------------------------------------------------------------

enum {
	UNIX = 1,
	IPV4 = 2,
	IPV6 = 10,
	IPV4_BYTES = 4,
	IPV6_BYTES = 16,
	POINTERS_END = 1 + 8 + 8
};

INLINE void put_ip(struct line *l, const uint8_t *ip, uint32_t size) {
	if (size == IPV4_BYTES) {
		for (int i = 0; i < IPV4_BYTES; i++) {
			if (i > 0) put_char(l, '.');
			put_unsigned(l, ip[i]);
		}
		return;
	}
	char text[INET6_ADDRSTRLEN];
	if (inet_ntop(AF_INET6, ip, text, sizeof text) == NULL) {
		l->failed = true;
		return;
	}
	put(l, text, strlen(text));
}

INLINE void put_end(struct line *l, const uint8_t *end, uint32_t size) {
	put_ip(l, end, size);
	put_char(l, ':');
	put_unsigned(l, u16(end + size, l->swap));
}

// An IPv6 address that stands for an IPv4 one; all zeros may mean either.
INLINE bool holds_ipv4(const uint8_t *ip) {
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, none[IPV6_BYTES];
	return memcmp(ip, mapped, sizeof mapped) == 0 || memcmp(ip, none, sizeof none) == 0;
}

INLINE void put_family(struct line *l, uint8_t family) {
	PUT(l, "family ");
	put_unsigned(l, family);
}

static void put_address(struct line *l, const uint8_t *p, uint32_t size) {
	uint32_t ip = p[0] == IPV4 ? IPV4_BYTES : IPV6_BYTES;
	if (p[0] == UNIX) {
		put_text(l, p + 1, size - 1 - (size > 1 && p[size - 1] == 0));
	} else if (p[0] != IPV4 && p[0] != IPV6) {
		put_family(l, p[0]);
	} else if (size != 1 + ip + 2) {
		put_invalid(l, p, size);
	} else {
		put_end(l, p + 1, ip);
	}
}

static void put_sockets(struct line *l, const uint8_t *p, uint32_t size) {
	uint32_t ip = p[0] == IPV4 ? IPV4_BYTES : IPV6_BYTES;
	if (p[0] == UNIX && size >= POINTERS_END) {
		put_bits(l, u64(p + 1, l->swap), 4, LOWER);
		PUT(l, "->");
		put_bits(l, u64(p + 9, l->swap), 4, LOWER);
		put_char(l, ' ');
		bool ended = size > POINTERS_END && p[size - 1] == 0;
		put_text(l, p + POINTERS_END, size - POINTERS_END - ended);
	} else if (p[0] != UNIX && p[0] != IPV4 && p[0] != IPV6) {
		put_family(l, p[0]);
	} else if (p[0] == UNIX || size != 1 + 2 * (ip + 2)) {
		put_invalid(l, p, size);
	} else {
		const uint8_t *source = p + 1, *destination = p + 1 + ip + 2;
		if (ip == IPV6_BYTES && holds_ipv4(source) && holds_ipv4(destination)) {
			ip = IPV4_BYTES;
			source += IPV6_BYTES - IPV4_BYTES;
			destination += IPV6_BYTES - IPV4_BYTES;
		}
		put_end(l, source, ip);
		PUT(l, "->");
		put_end(l, destination, ip);
	}
}

// ---- lists of file descriptors ------------------------------------------------------------------

// As far as it goes: the count may promise more than is there.
static void put_fds(struct line *l, const uint8_t *p, uint32_t size) {
	enum {
		FD_BYTES = 8 + 2
	};
	uint32_t count = size < 2 ? 1 : u16(p, l->swap);
	if (size < 2 || (count > 0 && size < 2 + FD_BYTES)) {
		put_invalid(l, p, size);
		return;
	}
	const uint8_t *end = p + size;
	for (p += 2; count > 0 && end - p >= FD_BYTES; p += FD_BYTES, count--) {
		put_unsigned(l, u64(p, l->swap));
		PUT(l, ":?"); // the type of a descriptor is known to a resolver
		put_bits(l, (uint32_t)(int16_t)u16(p + 8, l->swap), 4, LOWER);
		if (count > 1 && end - p >= 2 * FD_BYTES) put_char(l, ' ');
	}
}

// ---- all ----------------------------------------------------------------------------------------

static void put_held(struct line *l, const struct fk_param *param, const uint8_t *p,
                     uint32_t size) {
	switch (param->kind) {
	case FK_TEXT:
		if (size > FK_STRING_BYTES) l->failed = true;
		put_string(l, p, size);
		return;
	case FK_TEXTS: put_strings(l, p, size); return;
	case FK_BUFFER: put_dotted(l, p, size); return;
	case FK_ADDRESS: put_address(l, p, size); return;
	case FK_SOCKETS: put_sockets(l, p, size); return;
	case FK_FDS: put_fds(l, p, size); return;
	case FK_IP:
		if (size == IPV4_BYTES || size == IPV6_BYTES) {
			put_ip(l, p, size);
		} else {
			put_invalid(l, p, size);
		}
		return;
	default: break;
	}
	uint64_t number;
	if (read_number(&number, param, p, size, l->swap)) {
		put_number(l, param, number);
	} else {
		put_invalid(l, p, size);
	}
}

// A parameter that is not empty.
INLINE void put_value(struct line *l, const struct fk_param *param, const uint8_t *p,
                      uint32_t size) {
	if (param->kind != FK_CHOICE) {
		put_held(l, param, p, size);
	} else if (p[0] >= param->count) {
		put_invalid(l, p, size);
	} else if (size > 1) {
		put_held(l, &param->choices[p[0]], p + 1, size - 1);
	} else if (param->choices[p[0]].kind != FK_BUFFER) {
		PUT(l, "<NA>");
	}
}
