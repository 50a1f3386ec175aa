// SPDX-License-Identifier: Apache-2.0
// What Python and C share for writing events as lines. scan.py gives it to cffi too, like scan.h.
// lines.py makes the tables from the event table.
#pragma once
#include "scan.h"

enum {
	FK_ERRORS = 1024,        // numbers of errors that may have a name
	FK_SIGNALS = 256,        // and of signals
	FK_PAGE_SHIFT = 12,      // characters are described by the page
	FK_SHOWN = 512,          // characters of a buffer or a payload
	FK_STRING_BYTES = 65536, // Python cuts longer strings
	FK_NAMES_ROOM = 4096     // the names of one parameter take fewer bytes than this
};

// How a parameter is shown; 0: only Python can show it.
enum {
	FK_DECIMAL = 1,
	FK_HEX,
	FK_OCTAL,
	FK_FLAG_NAMES,
	FK_ENUM_NAME,
	FK_MODE,
	FK_ERROR,
	FK_FD,
	FK_ID,
	FK_SIGNAL,
	FK_SIGNAL_SET,
	FK_SPAN,
	FK_TIME,
	FK_TEXT,
	FK_TEXTS,
	FK_BUFFER,
	FK_ADDRESS,
	FK_SOCKETS,
	FK_IP,
	FK_FDS,
	FK_CHOICE
};

// Why no line was written; 0: the event is left to Python.
enum {
	FK_FULL = 1, // no room left for a line
	FK_PAGE,     // the page of a character is not described yet
	FK_ENOUGH    // no more lines are wanted
};

// What is known of a character.
enum {
	FK_PRINTABLE = 1,
	FK_SPACE = 2
};

// A piece of fk_lines.texts.
struct fk_word {
	uint32_t at, size;
};

struct fk_flag {
	struct fk_word name;
	uint64_t bits;
};

struct fk_param {
	struct fk_word prefix; // the name and "="
	uint8_t kind;
	uint8_t width;      // of an integer, in bytes
	uint8_t is_signed;  // an integer
	uint8_t empty_null; // an empty one is NULL, not <NA>
	uint32_t count;     // of flags, or of the choices for a dynamic parameter
	const struct fk_flag *flags;
	const struct fk_param *choices;
};

struct fk_shape {
	struct fk_word name; // of the event type
	uint8_t direction;
	uint8_t usable; // lines of this code may be written here
	uint16_t count;
	const struct fk_param *params;
};

struct fk_lines {
	uint8_t *out;
	uint64_t room, used;
	uint64_t left;    // lines that are wanted
	uint32_t stopped; // see above
	uint32_t page;    // that is missing
	const uint8_t *texts;
	const struct fk_shape *shapes;  // FK_CODES
	const struct fk_word *syscalls; // FK_SYSCALLS
	const struct fk_word *errors;   // FK_ERRORS
	const struct fk_word *signals;  // FK_SIGNALS
	uint64_t second;                // that second_text stands for, since 1970, plus 1
	uint8_t second_text[19];
	uint8_t pages[272]; // described ones
	uint8_t characters[1114112];
};

struct event;

// Writes the line of one event; 0, and nothing written, where it cannot be.
int fk_line(struct fk_lines *lines, const struct event *event, const struct fk_code *code,
            uint64_t number, uint32_t cpu, int leading, int swap);
