// SPDX-License-Identifier: Apache-2.0
// Owns the fuzzing of programs and payloads together: a program's length (2 bytes, little-endian), the
// program of a field or the declaration of documents, a payload or document. For libFuzzer (clang -fsanitize=fuzzer,address,undefined with the evaluator's C),
// or with fuzz_main.c for compilers that have none. Whatever the bytes, answers are well formed, and do
// not hang on what was asked before, nor on a run that was ended because it did too much.
#include "json/check.h"
#include "json/doc.h"
#include "json/documents.h"
#include "json/text.h"
#include <stdlib.h>
#include <string.h>

#define PAYLOAD_AT 38

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct answer {
	ss_plugin_rc rc;
	uint64_t n, hash;
} answer;

static void expect(int holds) {
	if (!holds) abort();
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t n) {
	for (size_t i = 0; i < n; i++) hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
	return hash ^ n;
}

static answer ask(fk_jprogram *program, uint8_t ftype, fk_jdoc *doc, fk_arena *arena, size_t len,
                  int arg) {
	char err[64] = "";
	ss_plugin_extract_value_offsets offsets;
	ss_plugin_extract_field field = {.arg_present = arg != 0, .arg_index = (uint64_t)arg - 1};
	if (arg == 3) field.arg_key = "a/b";
	fk_arena_reset(arena);
	answer a = {.rc = fk_jprogram_run(program, doc, &field, arena, &offsets, err, sizeof err)};
	expect(a.rc == SS_PLUGIN_SUCCESS || (a.rc == SS_PLUGIN_FAILURE && err[0] && !field.res_len));
	a.n = field.res_len;
	for (uint64_t i = 0; i < a.n; i++) {
		uint32_t start = offsets.start[i], n = offsets.length[i];
		expect(start ? start >= PAYLOAD_AT && start - PAYLOAD_AT + (size_t)n <= len : !n);
		if (ftype == FTYPE_STRING)
			a.hash = mix(a.hash, field.res.str[i], strlen(field.res.str[i]));
		else if (ftype == FTYPE_BOOL)
			a.hash = mix(a.hash, &field.res.boolean[i], 4);
		else if (ftype == FTYPE_IPADDR || ftype == FTYPE_IPNET)
			a.hash = mix(a.hash, field.res.buf[i].ptr, field.res.buf[i].len);
		else
			a.hash = mix(a.hash, &field.res.u64[i], 8);
	}
	return a;
}

static void check(fk_jprogram *program, uint8_t ftype, const uint8_t *payload, size_t len) {
	uint8_t *copy = malloc(len + !len); // exactly as long: what reads further is caught
	fk_jdoc *doc = fk_jdoc_new();
	fk_arena arena = {0};
	expect(copy && doc);
	memcpy(copy, payload, len);
	fk_jevent event = {.payload = copy, .len = len, .source = "s", .payload_offset = PAYLOAD_AT};
	for (int arg = 0; arg < 4; arg++) {
		fk_jdoc_begin(doc, &event);
		answer first = ask(program, ftype, doc, &arena, len, arg);
		answer again = ask(program, ftype, doc, &arena, len, arg);
		expect(first.rc == again.rc && first.n == again.n && first.hash == again.hash);
		fk_jdoc_begin(doc, &event);
		fk_jdoc_limit(doc, (uint32_t)arg * 7);
		ask(program, ftype, doc, &arena, len, arg);
		fk_jdoc_limit(doc, FK_JWORK);
		again = ask(program, ftype, doc, &arena, len, arg);
		expect(first.rc == again.rc && first.n == again.n && first.hash == again.hash);
	}
	fk_jdoc_free(doc);
	fk_arena_free(&arena);
	free(copy);
}

// What is JSON throughout can be made into JSON, and nothing else can.
static void check_all(const uint8_t *text, size_t len) {
	fk_jdoc *doc = fk_jdoc_new();
	fk_jevent event = {.payload = text, .len = len};
	size_t wrong, end = 0, start = fk_jskip_space(text, len, 0);
	expect(doc != NULL);
	fk_jdoc_begin(doc, &event);
	int json =
		start < len && fk_jserialize(text, len, start, false, true, NULL, &end) != FK_JBROKEN;
	expect(fk_jcheck(&doc->scan, &wrong) == (json && fk_jskip_space(text, len, end) == len));
	expect(wrong <= len);
	fk_jdoc_free(doc);
}

static uint64_t events_of(const fk_jdocuments *documents, fk_jsplit *split, const uint8_t *text,
                          size_t len) {
	bool good = fk_jsplit_run(documents, split, text, len, 5, 7);
	uint64_t hash = mix(good, split->why, strlen(split->why));
	expect(good || (split->why[0] && !split->count && !split->invalid && !split->not_kept));
	expect(!split->invalid || split->why[0]);
	for (uint32_t i = 0; i < split->count; i++) {
		const fk_jfound *event = &split->events[i];
		hash = mix(mix(hash, event->data, event->len), &event->ts, 8);
	}
	return mix(hash, &split->not_kept, 4);
}

static void check_documents(const fk_jdocuments *documents, const uint8_t *document, size_t len) {
	uint8_t *copy = malloc(len + !len);
	fk_jsplit *split = fk_jsplit_new();
	expect(copy && split);
	memcpy(copy, document, len);
	uint64_t first = events_of(documents, split, copy, len);
	fk_jdoc_limit(split->doc, 7);
	events_of(documents, split, copy, len);
	fk_jdoc_limit(split->doc, FK_JWORK);
	expect(events_of(documents, split, copy, len) == first);
	check_all(copy, len);
	fk_jsplit_free(split);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	char err[64] = "";
	if (size < 2) return 0;
	size_t n = (size_t)(data[0] | data[1] << 8);
	if (n > size - 2) n = size - 2;
	fk_jprogram *program = fk_jprogram_load(data + 2, n, err, sizeof err);
	expect(program || err[0]);
	if (program) check(program, data[6], data + 2 + n, size - 2 - n);
	fk_jprogram_free(program);
	if (program) return 0;
	fk_jdocuments *documents = fk_jdocuments_load(data + 2, n, err, sizeof err);
	if (documents) check_documents(documents, data + 2 + n, size - 2 - n);
	fk_jdocuments_free(documents);
	return 0;
}
