// SPDX-License-Identifier: Apache-2.0
// Options that nobody may read from the process list: they come on stdin, before anything else
// does. A u32 with the number of bytes, in this machine's order; then each word, with a NUL behind
// it.
#pragma once

#include <stdbool.h>

bool fk_stdin_words(int *count, char ***words); // false: stdin ends too soon, or was read before
