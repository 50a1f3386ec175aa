// SPDX-License-Identifier: Apache-2.0
// One run of a program: its argument, its evaluation, its results.
//
// Theory of operation
//
// json_field() in the author's class makes a tree of operators; Python writes it as bytes into the
// library (falcokit/runtime/json/expressions.py), and extract_fields runs it here without Python.
//
// - The program (program.c) is loaded and checked once, and is immutable afterwards. So no operator
//   checks the form of its node again.
// - The document (doc.c) belongs to the plugin state and describes the payload of one event.
//   fk_jdoc_begin does almost nothing; everything is found when a run needs it, and kept for further
//   fields of the same event. The payload is never parsed as a whole: the ends of strings and
//   containers are found in bit masks (blocks.c), and a member that is passed is remembered with its
//   position. A part that no field reads is not validated. Results depend on the bytes alone, never on
//   earlier runs.
// - Evaluation (eval.c). An operator takes the results of its operands from the stack `items` and
//   leaves its own there; it can yield none, one or many. An operator that maps one item to one is a
//   function in the table of program.h, which returns FK_KEEP, FK_DROP (no value) or FK_FAIL (the run fails, its
//   error is set). each() and where() evaluate a subtree with another context, the value they are at.
// - Memory. Texts and results lie in the arena of the call; the host reads them until its next call.
// - Limits. The payload comes from outside, and Falco's event loop waits. Each run has a budget of work
//   (field.h), a maximum of values and a maximum of text. Loops over values check the budget; when it
//   is spent, the run fails, whatever it has found.
#include "json/run.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_ITEMS 32768u // of 40 bytes each; a larger stack is freed after the run

bool fk_jdoc_spent(const fk_jdoc *doc) { return fk_jis_spent(&doc->work); }

void fk_jdoc_limit(fk_jdoc *doc, uint32_t steps) { doc->work_most = steps; }

// ---- the argument -----------------------------------------------------------------------------------

// For a field that takes either, the host passes both: a key, and an index if the key is a number.
static bool take_argument(fk_jstate *run, const ss_plugin_extract_field *field) {
	unsigned kind = run->program->arg;
	bool by_key = kind == FK_JARG_IS_KEY || (kind == FK_JARG_IS_EITHER && field->arg_key);
	if (!field->arg_present)
		return !run->program->arg_required ||
		       fk_jfail(run, "the field needs an argument") == FK_KEEP;
	if (kind == FK_JARG_NONE) return fk_jfail(run, "the field takes no argument") == FK_KEEP;
	if (by_key && !field->arg_key) return fk_jfail(run, "the field's argument is a key") == FK_KEEP;
	if (!by_key && field->arg_key && kind == FK_JARG_IS_INDEX)
		return fk_jfail(run, "the field's argument is an index") == FK_KEEP;
	run->arg_given = true;
	run->key = by_key ? field->arg_key : NULL;
	run->key_len = by_key ? strlen(field->arg_key) : 0;
	run->index = field->arg_index;
	run->has_index = !by_key;
	if (kind == FK_JARG_IS_EITHER && by_key)
		run->has_index = fk_jread_index(run->key, run->key_len, &run->index);
	return true;
}

// ---- results ----------------------------------------------------------------------------------------

static fk_jkind kind_of(uint32_t ftype) {
	switch (ftype) {
	case FTYPE_STRING: return FK_KTEXT;
	case FTYPE_BOOL: return FK_KBOOL;
	case FTYPE_IPADDR:
	case FTYPE_IPNET: return FK_KIP;
	default: return FK_KUINT;
	}
}

static bool give_one(fk_jstate *run, ss_plugin_extract_field *field, uint32_t i) {
	fk_jitem *item = &run->doc->items[i];
	switch (kind_of(run->program->ftype)) {
	case FK_KTEXT: field->res.str[i] = item->text; return true;
	case FK_KBOOL: field->res.boolean[i] = item->number != 0; return true;
	case FK_KIP: {
		void *address = fk_arena_alloc(run->arena, 16);
		if (!address) return fk_jfail(run, "there is no memory") == FK_KEEP;
		memcpy(address, item->ip, item->len);
		field->res.buf[i] = (ss_plugin_byte_buffer){item->len, address};
		return true;
	}
	default: field->res.u64[i] = item->number; return true;
	}
}

static bool give_results(fk_jstate *run, ss_plugin_extract_field *field) {
	uint32_t n = run->top;
	fk_jkind kind = kind_of(run->program->ftype);
	if (!n) return true;
	if (n > 1 && !run->program->list)
		return fk_jfail(run, "there are several values, and the field is not a list") == FK_KEEP;
	field->res.u64 = fk_arena_alloc(run->arena, n * sizeof(ss_plugin_byte_buffer));
	if (!field->res.u64) return fk_jfail(run, "there is no memory") == FK_KEEP;
	for (uint32_t i = 0; i < n; i++) {
		if (run->doc->items[i].kind != kind)
			return fk_jfail(run, "its value has another type than the field") == FK_KEEP;
		if (!give_one(run, field, i)) return false;
	}
	field->res_len = n;
	return true;
}

static bool give_offsets(fk_jstate *run, ss_plugin_extract_value_offsets *offsets) {
	uint32_t n = run->top ? run->top : 1, base = run->doc->event.payload_offset;
	offsets->start = fk_arena_alloc(run->arena, n * sizeof(uint32_t));
	offsets->length = fk_arena_alloc(run->arena, n * sizeof(uint32_t));
	if (!offsets->start || !offsets->length) return fk_jfail(run, "there is no memory") == FK_KEEP;
	offsets->start[0] = offsets->length[0] = 0;
	for (uint32_t i = 0; i < run->top; i++) {
		const fk_jitem *item = &run->doc->items[i];
		offsets->start[i] = item->end ? base + item->start : 0;
		offsets->length[i] = item->end - item->start;
	}
	return true;
}

void fk_jrun_begin(fk_jstate *run, fk_jdoc *doc, fk_arena *arena, char *err, size_t errlen) {
	run->program = NULL;
	run->doc = doc;
	run->arena = arena;
	run->arg_given = run->has_index = false;
	run->key = NULL;
	run->top = run->values = run->depth = 0;
	run->text_left = 2 * doc->len + FK_JTEXT_EXTRA;
	run->err = err;
	run->errlen = errlen;
	doc->work = doc->work_most + (fk_jwork)doc->len;
}

void fk_jrun_end(fk_jstate *run) {
	fk_jdoc *doc = run->doc;
	if (doc->items_room <= KEPT_ITEMS) return;
	free(doc->items);
	doc->items = NULL;
	doc->items_room = 0;
}

ss_plugin_rc fk_jprogram_run(const fk_jprogram *program, fk_jdoc *doc,
                             ss_plugin_extract_field *field, fk_arena *arena,
                             ss_plugin_extract_value_offsets *offsets, char *err, size_t errlen) {
	fk_jstate run;
	fk_jrun_begin(&run, doc, arena, err, errlen);
	run.program = program;
	field->res_len = 0;
	field->res.u64 = NULL;
	bool good = take_argument(&run, field) && fk_jeval(&run, program->root);
	if (fk_jis_spent(&doc->work)) good = fk_jfail_spent(&run) == FK_KEEP;
	good = good && give_results(&run, field) && (!offsets || give_offsets(&run, offsets));
	if (!good) field->res_len = 0;
	fk_jrun_end(&run);
	return good ? SS_PLUGIN_SUCCESS : SS_PLUGIN_FAILURE;
}
