// SPDX-License-Identifier: Apache-2.0
// What Python and C share for conditions on events. scan.py gives it to cffi too, like scan.h.
// condition.py makes it from the description that a filter gives.
#pragma once
#include "lines.h"

// What a clause, or all of a condition, says of an event.
enum {
	FK_FALSE = 0,
	FK_TRUE,
	FK_UNSURE, // Python decides
	FK_READ    // of a code: its events differ, see what they have
};

// Where a clause finds its value.
enum {
	FK_FROM_CODE = 0, // nowhere: the code decides
	FK_FROM_NUMBER,   // of the event, from 1
	FK_FROM_CPU,
	FK_FROM_THREAD, // -1 for none
	FK_FROM_TIME,   // nanoseconds; none where the event has no time
	FK_FROM_SECONDS,
	FK_FROM_NANOSECONDS, // of the second
	FK_FROM_PLUGIN_ID,
	FK_FROM_RESULT, // the first parameter, a signed number
	FK_FROM_BITS,   // of a number in a parameter, those of `mask`
	FK_FROM_NAME,   // a system call's number, or the name of an async event
	FK_FROM_VALUE,  // of a parameter, see `kinds`
	FK_FROM_TEXT,   // of a parameter
	FK_FROM_BUFFER, // the bytes of a parameter, which may be none
	FK_FROM_ALL,    // parameters, as text
	FK_FROM_OUTSIDE // fk_condition.outside says it, in its column `mask`
};

// How the value of a parameter is stored.
enum {
	FK_SIGNED = 1,
	FK_UNSIGNED,
	FK_STRING,
	FK_BYTES,
	FK_SHOWN_TEXT // for FK_FROM_TEXT: whatever it is, see the event table
};

// How a text, or bytes, are compared with an operand.
enum {
	FK_EQUAL = 1,
	FK_LESS,
	FK_LESS_OR_EQUAL,
	FK_CONTAINS,
	FK_CONTAINS_CASELESS, // operands are in small letters
	FK_STARTS,
	FK_ENDS,
	FK_BELOW // a path at the operand, or below it
};

// For how many of the operands that must hold.
enum {
	FK_ANY = 0,
	FK_ALL,
	FK_ONE
};

// A test of texts or bytes. Without `how` to compare it is `constant`, whatever the value is.
struct fk_test {
	uint8_t compares; // one of the above; 0 for a constant
	uint8_t many;
	uint8_t inverted;
	uint8_t constant;
	uint8_t undotted; // operands are in a buffer's text where they are in its bytes
	uint32_t count;
	const struct fk_word *operands; // places in fk_condition.bytes; sorted where one may be EQUAL
};

// What is said of a number, from `bits` on up to the next step. In the order of the numbers, of
// which the first is the least of 64 bits with a sign.
struct fk_step {
	uint64_t bits;
	uint8_t negative, truth;
};

struct fk_clause {
	uint8_t codes[512]; // FK_CODES, what each says
	uint8_t at[512];    // the position of the parameter
	uint8_t kinds[512]; // and how it is stored
	uint8_t source;
	uint64_t mask;
	uint32_t steps_count;
	const struct fk_step *steps; // of a number
	struct fk_test text, bytes;
};

// What a node is.
enum {
	FK_CLAUSE = 0,
	FK_AND,
	FK_OR,
	FK_NOT
};

// Nodes are in the order of a condition as it is written with the operator first.
struct fk_node {
	uint32_t is;
	uint32_t clause;
	uint32_t next; // the node behind all that belong to this one
};

// What Python found of some events: for the events from number `first` on, a column after the other,
// '0', '1', or what else stands for unsure.
struct fk_outside {
	uint64_t first, count;
	const uint8_t *truths;
};

struct fk_condition {
	const struct fk_node *nodes;
	const struct fk_clause *clauses;
	const uint8_t *bytes;
	struct fk_lines *shown; // where texts are made
	struct fk_outside outside;
};

// What a condition says of an event: FK_FALSE, FK_TRUE or FK_UNSURE.
int fk_truth(const struct fk_condition *condition, const struct event *event,
             const struct fk_code *code, uint64_t number, uint32_t cpu, int swap);
