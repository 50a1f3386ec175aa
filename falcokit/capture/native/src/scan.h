// SPDX-License-Identifier: Apache-2.0
// What Python and C share for walking over event blocks. scan.py gives it to cffi too, which has
// no preprocessor: apart from the lines that begin with # this is plain C.
#pragma once
#include <stdint.h>

enum {
	FK_CODES = 512,        // event codes that are counted here; others are left to Python
	FK_SYSCALLS = 1024,    // ids of system calls without an event code of their own
	FK_BLOCKS = 7,         // codes of event blocks
	FK_BINS = 512,         // of the histogram; a power of two
	FK_STREAMS = 1024,     // pairs of name and plugin id
	FK_NAMES = 2048,       // spellings of those
	FK_NAME_SLOTS = 8192,  // of the hash table of names; a power of two
	FK_NAME_BYTES = 64,    // longer names are left to Python
	FK_DATA_BYTES = 256,   // kept of a last payload
	FK_PAIR_SLOTS = 16384, // threads whose enter event is remembered: 2 to the (64 - shift)
	FK_PAIR_SHIFT = 50
};

// What the event table and the rules of the framework's converter say about a code.
struct fk_code {
	uint16_t enter; // the enter event that an exit takes parameters from; 0xffff for none
	uint8_t most;   // exits with more parameters than this need none
	uint8_t stored; // an enter event that is kept for its exit
	uint8_t state;  // consumed at the head of a section
	uint8_t known;  // the table knows the code
	uint8_t params; // count of parameters in the table
	uint8_t large;  // the lengths of its parameters have 32 bits
};

struct fk_name {
	uint32_t plugin_id;
	uint16_t stream;
	uint16_t length; // 0xffff for plugin events, which have no name
	uint8_t bytes[64];
};

struct fk_stream {
	uint64_t count, untimed, size;
	uint64_t first, last; // nanoseconds, of the events with a time
	uint64_t last_offset, last_size;
	uint8_t last_data[256];
};

struct fk_histogram {
	uint64_t total;
	uint64_t low, high; // first and last key: nanoseconds >> shift
	uint32_t shift;
	uint64_t bins[512]; // of a key: at its low bits
};

struct fk_tally {
	uint64_t counts[512];
	uint64_t syscalls[2][1024];
	uint64_t untimed, state_only, leading;
	uint64_t timed, first, last;
	struct fk_histogram histogram;
	uint64_t mismatches, mismatch_offset;
	uint32_t mismatch_exit, mismatch_enter;
	uint64_t *pair_tids;  // FK_PAIR_SLOTS of both; Python works on the same
	uint64_t *pair_marks; // generation << 16 | code of the stored enter event
	uint64_t generation;  // of the section; from 1
	uint32_t names_used;
	struct fk_stream streams[1024];
	struct fk_name names[2048];
	uint16_t name_slots[8192]; // index of a name + 1
};

// What a query says of a code, if not 0.
enum {
	FK_MAYBE = 1, // Python checks each event again
	FK_SURE       // events that pass the rest of the query match
};

struct fk_query {
	uint8_t codes[512]; // wanted ones, as below; unknown codes are left to Python
	uint64_t tid, ts_from, ts_to, first_number;
	uint8_t by_tid, by_time, by_name;
	uint8_t syscalls[1024]; // wanted ones, when names are
	const uint8_t *names;   // wanted names of async events, each with a NUL
	uint64_t names_size;
	const struct fk_condition *condition; // of FK_MAYBE ones; or NULL
};

struct fk_lines;
struct fk_condition;
struct fk_frames;

struct fk_scan {
	uint64_t number;     // events so far, malformed ones too
	uint32_t leading;    // still at the head of a section
	uint32_t big_endian; // the byte order of the section
	uint32_t seen;       // event blocks that may be taken: one bit for each code
	uint64_t blocks[7];  // taken, by code
	const struct fk_code *codes;
	struct fk_tally *tally;
	const struct fk_query *query; // with lines: of which events
	struct fk_lines *lines;       // of lines.h
	struct fk_frames *frames;     // of frames.h; then nothing else is done
};

// Takes whole event blocks from data[at..size) and returns where it stopped: at the end of the
// data, at a block that is not an event or in any way odd, at an event that the query wants, or
// at one that needs Python to count it. `base` is the offset of data[0] in the capture.
uint64_t fk_scan(struct fk_scan *scan, const uint8_t *data, uint64_t size, uint64_t at,
                 uint64_t base);

// Lets the events of a name and id count for `stream`; -1 when there is no room.
int fk_add_name(struct fk_tally *tally, const uint8_t *bytes, uint32_t length, uint32_t plugin_id,
                uint32_t stream);
