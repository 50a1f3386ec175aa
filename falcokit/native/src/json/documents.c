// SPDX-License-Identifier: Apache-2.0
// Splits a document into events. A document is checked completely before anything in it is evaluated:
// what is cut off, or is not JSON, has no events, instead of some of them. All events of a document
// share one budget of work, which grows with its length.
//   "FKD1" timed:u8, then the trees of operators that split, keep and give the time
#include "json/documents.h"
#include "json/check.h"
#include "json/run.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_EVENTS 64u
#define KEPT_EVENTS  32768u // of 24 bytes each; more are freed when the next document begins

struct fk_jdocuments {
	bool timed;
	const fk_jnode *split, *keep, *time;
	fk_arena memory;
};

// ---- the declaration --------------------------------------------------------------------------------

static const char *load(fk_jdocuments *documents, const uint8_t *at, size_t len) {
	const fk_jnode *roots[3];
	const uint8_t *end = at + len;
	const char *wrong = NULL;
	if (len > FK_JPROGRAM_MAX) return "it is too large";
	if (len < 5 || memcmp(at, "FKD1", 4) != 0 || at[4] > 1) return "its first bytes are wrong";
	documents->timed = at[4];
	at += 5;
	if (!fk_jnodes_load(&at, end, &documents->memory, roots, 3, &wrong)) return wrong;
	documents->split = roots[0];
	documents->keep = roots[1];
	documents->time = roots[2];
	return at == end ? NULL : "there are bytes after its end";
}

fk_jdocuments *fk_jdocuments_load(const void *bytes, size_t len, char *err, size_t errlen) {
	fk_jdocuments *documents = calloc(1, sizeof *documents);
	const char *wrong = documents ? load(documents, bytes, len) : "there is no memory";
	if (!wrong) return documents;
	if (errlen) snprintf(err, errlen, "the declaration of documents cannot be used: %s", wrong);
	fk_jdocuments_free(documents);
	return NULL;
}

void fk_jdocuments_free(fk_jdocuments *documents) {
	if (!documents) return;
	fk_arena_free(&documents->memory);
	free(documents);
}

fk_jsplit *fk_jsplit_new(void) {
	fk_jsplit *split = calloc(1, sizeof *split);
	if (!split || (split->doc = fk_jdoc_new())) return split;
	free(split);
	return NULL;
}

void fk_jsplit_free(fk_jsplit *split) {
	if (!split) return;
	fk_jdoc_free(split->doc);
	fk_arena_free(&split->memory);
	free(split->room);
	free(split);
}

// ---- one event --------------------------------------------------------------------------------------

static bool add(fk_jstate *run, fk_jsplit *split, const fk_jfound *found) {
	if (split->count == split->room_count) {
		uint32_t room = split->room_count ? 2 * split->room_count : FIRST_EVENTS;
		fk_jfound *more = realloc(split->room, room * sizeof *more);
		if (!more) return fk_jfail(run, "there is no memory") == FK_KEEP;
		split->room = more;
		split->room_count = room;
	}
	split->room[split->count++] = *found;
	return true;
}

// The bytes of a value: as they are in the document, or a computed one as text.
static bool find_bytes(fk_jstate *run, fk_jitem item, fk_jfound *found) {
	const fk_jdoc *doc = run->doc;
	if (item.kind == FK_KVALUE) {
		size_t end = item.end ? item.end : fk_jcontainer_end(&run->doc->scan, item.start);
		if (end == FK_JBROKEN) return fk_jfail(run, "it is not JSON") == FK_KEEP;
		found->data = doc->text + item.start;
		found->len = (uint32_t)(end - item.start);
		return true;
	}
	fk_joutcome outcome = fk_jto_text(run, &item, FK_JTEXT_DEFAULT);
	if (outcome == FK_DROP) return fk_jfail(run, "an address is not an event") == FK_KEEP;
	found->data = (const uint8_t *)item.text;
	found->len = item.len;
	return outcome == FK_KEEP;
}

static bool find_time(fk_jstate *run, const fk_jnode *time, fk_jfound *found) {
	uint32_t base = run->top;
	if (!fk_jeval(run, time)) return false;
	if (run->top == base || run->doc->items[base].kind != FK_KUINT)
		return fk_jfail(run, "it has no valid time") == FK_KEEP;
	found->ts = run->doc->items[base].number;
	found->timed = true;
	return true;
}

// False when it is invalid, or the run has ended: see run->err.
static bool find_event(const fk_jdocuments *documents, fk_jstate *run, const fk_jitem *item,
                       fk_jfound *found, bool *kept) {
	run->contexts[run->depth = 1] = *item;
	return fk_jtruth(run, documents->keep, kept) &&
	       (!*kept || ((!documents->timed || find_time(run, documents->time, found)) &&
	                   find_bytes(run, *item, found)));
}

// ---- a document -------------------------------------------------------------------------------------

static bool find_events(const fk_jdocuments *documents, fk_jsplit *split, fk_jstate *run) {
	if (!fk_jeval(run, documents->split)) return false;
	uint32_t n = run->top;
	for (uint32_t i = 0; i < n; i++) {
		char why[sizeof split->why] = "";
		fk_jfound found = {0};
		bool kept = false;
		run->err = why;
		fk_jitem item = run->doc->items[i]; // the stack may move
		bool good = find_event(documents, run, &item, &found, &kept);
		run->err = split->why;
		run->top = run->values = n; // the limit is that of one evaluation
		run->depth = 0;
		if (fk_jis_spent(&run->doc->work)) return fk_jfail_spent(run) == FK_KEEP;
		if (!good && !split->invalid++) memcpy(split->why, why, sizeof why);
		if (good && !kept) split->not_kept++;
		if (good && kept && !add(run, split, &found)) return false;
	}
	return true;
}

static void begin(fk_jsplit *split) {
	fk_arena_reset(&split->memory);
	split->count = split->not_kept = split->invalid = 0;
	split->steps = 0;
	split->why[0] = 0;
	if (split->room_count <= KEPT_EVENTS) return;
	free(split->room);
	split->room = NULL;
	split->room_count = 0;
}

bool fk_jsplit_run(const fk_jdocuments *documents, fk_jsplit *split, const uint8_t *document,
                   size_t len, uint64_t ts, uint64_t number) {
	size_t wrong;
	fk_jstate run;
	fk_jevent event = {.payload = document, .len = len, .ts = ts, .number = number};
	begin(split);
	fk_jdoc_begin(split->doc, &event);
	if (!fk_jcheck(&split->doc->scan, &wrong)) {
		snprintf(split->why, sizeof split->why, "it is not JSON at byte %zu of %zu", wrong, len);
		return false;
	}
	fk_jrun_begin(&run, split->doc, &split->memory, split->why, sizeof split->why);
	bool good = find_events(documents, split, &run);
	fk_jrun_end(&run);
	split->steps = (uint64_t)(split->doc->work_most + (fk_jwork)len - split->doc->work);
	if (!good) split->count = split->not_kept = split->invalid = 0;
	split->events = split->room;
	return good;
}
