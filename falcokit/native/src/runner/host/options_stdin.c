// SPDX-License-Identifier: Apache-2.0
// Words from stdin. They stay where they are to the end of the process: options point into them.
#include "runner/host/options_stdin.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/report/text.h"

enum {
	FK_MAX_BYTES = 1 << 28,
};

// Reads exactly so many bytes: what comes after them belongs to someone else.
static bool fk_read(void *to, size_t size) {
	char *at = to;
	while (size) {
		ssize_t n = read(0, at, size);
		if (n > 0) {
			at += n;
			size -= (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			return false;
		}
	}
	return true;
}

bool fk_stdin_words(int *count, char ***words) {
	static char *text, **list;
	uint32_t size;
	if (text || !fk_read(&size, sizeof size) || size > FK_MAX_BYTES) return false;
	text = fk_must_alloc(NULL, (size_t)size + 1);
	if (!fk_read(text, size) || (size && text[size - 1])) return false;
	int n = 0;
	for (const char *at = text; at < text + size; at += strlen(at) + 1) n++;
	list = fk_must_alloc(NULL, ((size_t)n + 1) * sizeof *list);
	n = 0;
	for (char *at = text; at < text + size; at += strlen(at) + 1) list[n++] = at;
	*count = n;
	*words = list;
	return true;
}
