// SPDX-License-Identifier: Apache-2.0
// Owns what libsinsp's headers expect of a libc and an older one lacks. Given to the compiler for
// plughost, never to a plugin.
#pragma once

#include <cstring>

#if defined(__GLIBC__) && (__GLIBC__ < 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ < 38))
static inline size_t strlcpy(char *to, const char *from, size_t room) {
	size_t n = strlen(from);
	if (room) {
		size_t kept = n < room ? n : room - 1;
		memcpy(to, from, kept);
		to[kept] = 0;
	}
	return n;
}
#endif
