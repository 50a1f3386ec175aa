// SPDX-License-Identifier: Apache-2.0
// Reads numbers, times and addresses from text. See json/text.h.
#include "json/text.h"
#include "json/scan.h"
#include <arpa/inet.h>
#include <string.h>

#define EXPONENT_MAX 1000000 // beyond it every number except 0 is out of range, or becomes 0

static inline bool is_digit(char c) { return (unsigned)(c - '0') < 10; }

static bool append_digit(uint64_t *value, unsigned digit) {
	return !__builtin_mul_overflow(*value, 10u, value) &&
	       !__builtin_add_overflow(*value, digit, value);
}

static long read_exponent(const char *text, size_t len) {
	bool negative = len && text[0] == '-';
	size_t i = len && (text[0] == '-' || text[0] == '+');
	long value = 0;
	for (; i < len; i++)
		if (value < EXPONENT_MAX) value = value * 10 + (text[i] - '0');
	return negative ? -value : value;
}

static bool only_digits(const char *text, size_t len) {
	size_t n = 0;
	while (n < len && is_digit(text[n])) n++;
	return n && n == len;
}

bool fk_juint(const char *text, size_t len, unsigned scale, uint64_t *out) {
	if (!only_digits(text, len) && fk_jscalar_type((const uint8_t *)text, 0, len) != FK_JNUMBER)
		return false;
	size_t at = text[0] == '-', mantissa = at;
	while (mantissa < len && (text[mantissa] | 0x20) != 'e') mantissa++;
	long shift = mantissa < len ? read_exponent(text + mantissa + 1, len - mantissa - 1) : 0;
	const char *point = memchr(text, '.', mantissa);
	size_t whole = point ? (size_t)(point - text) : mantissa;
	long wanted = (long)(whole - at) + shift + (long)scale; // the number of digits before the point
	uint64_t value = 0;
	for (size_t i = at; i < mantissa && wanted > 0; i++) {
		if (text[i] == '.') continue;
		if (!append_digit(&value, (unsigned)(text[i] - '0'))) return false;
		wanted--;
	}
	while (value && wanted-- > 0)
		if (!append_digit(&value, 0)) return false;
	*out = value;
	return !value || text[0] != '-';
}

// ---- times ------------------------------------------------------------------------------------------

static bool read_digits(const char **at, const char *end, unsigned n, unsigned *out) {
	if ((size_t)(end - *at) < n) return false;
	*out = 0;
	for (; n; n--, ++*at) {
		if (!is_digit(**at)) return false;
		*out = *out * 10 + (unsigned)(**at - '0');
	}
	return true;
}

static bool read_char(const char **at, const char *end, const char *one_of) {
	return *at < end && **at && strchr(one_of, **at) && ++*at;
}

static bool days_since_epoch(unsigned year, unsigned month, unsigned day, int64_t *out) {
	static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	if (!month || month > 12 || !day) return false;
	if (day > lengths[month - 1] + (unsigned)(leap && month == 2)) return false;
	int64_t before = (int64_t)year - 1;
	int64_t days = before * 365 + (year ? before / 4 - before / 100 + before / 400 : -1);
	for (unsigned m = 1; m < month; m++) days += lengths[m - 1];
	*out = days + (leap && month > 2) + day - 1 - 719162; // of 1970-01-01
	return true;
}

static bool read_offset(const char **at, const char *end, int64_t *seconds) {
	*seconds = 0;
	if (read_char(at, end, "Zz")) return true;
	bool west = *at < end && **at == '-';
	unsigned hours, minutes;
	if (!read_char(at, end, "+-") || !read_digits(at, end, 2, &hours) || !read_char(at, end, ":") ||
	    !read_digits(at, end, 2, &minutes))
		return false;
	*seconds = (west ? -1 : 1) * (int64_t)(hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60;
}

bool fk_jrfc3339(const char *text, size_t len, uint64_t *ns) {
	const char *at = text, *end = text + len;
	unsigned year, month, day, hour, minute, second, fraction = 0;
	int64_t days, offset;
	if (!read_digits(&at, end, 4, &year) || !read_char(&at, end, "-") ||
	    !read_digits(&at, end, 2, &month) || !read_char(&at, end, "-") ||
	    !read_digits(&at, end, 2, &day) || !read_char(&at, end, "Tt ") ||
	    !read_digits(&at, end, 2, &hour) || !read_char(&at, end, ":") ||
	    !read_digits(&at, end, 2, &minute) || !read_char(&at, end, ":") ||
	    !read_digits(&at, end, 2, &second))
		return false;
	if (read_char(&at, end, ".")) {
		unsigned n = 0;
		for (; at < end && is_digit(*at); at++, n++)
			if (n < 9) fraction = fraction * 10 + (unsigned)(*at - '0');
		if (!n) return false;
		for (; n < 9; n++) fraction *= 10;
	}
	if (!read_offset(&at, end, &offset) || at != end) return false;
	if (hour > 23 || minute > 59 || second > 60 || !days_since_epoch(year, month, day, &days))
		return false;
	int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset;
	uint64_t product;
	return seconds >= 0 && !__builtin_mul_overflow((uint64_t)seconds, 1000000000u, &product) &&
	       !__builtin_add_overflow(product, fraction, ns);
}

// ---- addresses --------------------------------------------------------------------------------------

unsigned fk_jip(const char *text, size_t len, bool net, uint8_t out[16]) {
	char address[46]; // of the longest
	const char *slash = net ? memchr(text, '/', len) : NULL;
	size_t n = slash ? (size_t)(slash - text) : len;
	if (n >= sizeof address) return 0;
	memcpy(address, text, n);
	address[n] = 0;
	unsigned size = inet_pton(AF_INET, address, out) == 1    ? 4
	                : inet_pton(AF_INET6, address, out) == 1 ? 16
	                                                         : 0;
	if (!slash) return size;
	size_t digits = len - n - 1;
	uint64_t prefix;
	if (digits > 3 || !only_digits(slash + 1, digits) || !fk_juint(slash + 1, digits, 0, &prefix))
		return 0;
	return prefix <= 8u * size ? size : 0;
}
