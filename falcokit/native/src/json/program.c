// SPDX-License-Identifier: Apache-2.0
// Loads programs. All numbers are little-endian:
//   "FKJ1" ftype:u8 list:u8 arg:u8 arg_required:u8 node
//   node = op:u8 flags:u8 kids:u8 texts:u16 a:i64 b:i64, the texts (length:u32, bytes, 0), the kids
#include "json/program.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX 4096u
#define MANY      255

typedef struct fk_jshape {
	uint8_t kids_min, kids_max, texts_min, texts_max; // MANY: no limit but that of the form
} fk_jshape;

static const fk_jshape shapes[FK_JOPS] = {
#define SHAPE_OF(name, kids_min, kids_max, texts_min, texts_max, function) \
	[FK_J##name] = {kids_min, kids_max, texts_min, texts_max},
	FK_JOPERATORS(SHAPE_OF)};

typedef struct fk_jloader {
	const uint8_t *at, *end;
	fk_arena *memory;
	uint32_t nodes;
	const char *wrong;
} fk_jloader;

static bool refuse(fk_jloader *from, const char *why) {
	if (!from->wrong) from->wrong = why;
	return false;
}

static bool read_number(fk_jloader *from, unsigned bytes, uint64_t *out) {
	if ((size_t)(from->end - from->at) < bytes) return refuse(from, "it ends too early");
	*out = 0;
	for (unsigned i = 0; i < bytes; i++) *out |= (uint64_t)from->at[i] << 8 * i;
	from->at += bytes;
	return true;
}

static void *keep(fk_jloader *from, size_t bytes) {
	void *found = fk_arena_alloc(from->memory, bytes);
	if (!found) refuse(from, "there is no memory");
	return found;
}

static bool read_text(fk_jloader *from, bool binary, fk_jspan *out) {
	uint64_t len;
	if (!read_number(from, 4, &len)) return false;
	if (len >= (size_t)(from->end - from->at) || from->at[len])
		return refuse(from, "a text ends too early");
	if (!binary && memchr(from->at, 0, len)) return refuse(from, "there is a NUL in a text");
	char *copy = keep(from, len + 1); // aligned, as compiled patterns must be
	if (!copy) return false;
	memcpy(copy, from->at, len + 1);
	from->at += len + 1;
	*out = (fk_jspan){copy, (uint32_t)len};
	return true;
}

// Checks what the shape does not cover.
static bool check_node(fk_jloader *from, const fk_jnode *node) {
	if (node->op == FK_JREGEX || node->op == FK_JMATCHES) {
		if (!fk_jregex_check(node->texts[0].text, node->texts[0].len))
			return refuse(from, "a pattern is invalid");
	}
	if (node->op == FK_JEQUALS || node->op == FK_JSWITCH)
		for (unsigned i = 0; i < node->texts_n; i++)
			if (!node->texts[i].len || !strchr("snbz", node->texts[i].text[0]))
				return refuse(from, "a constant has no type");
	if (node->op == FK_JSWITCH && node->kids_n != node->texts_n + 1 &&
	    node->kids_n != node->texts_n + 2)
		return refuse(from, "a switch needs one branch per constant");
	if (node->op == FK_JTEMPLATE && node->texts_n != node->kids_n + 1)
		return refuse(from, "a template needs one text around each of its parts");
	if ((node->op == FK_JPART || node->op == FK_JSPLIT) && !node->texts[0].len)
		return refuse(from, "a separator is empty");
	return true;
}

static const fk_jnode *read_node(fk_jloader *from, unsigned depth);

static bool read_inside(fk_jloader *from, fk_jnode *node, unsigned depth) {
	fk_jspan *texts = keep(from, node->texts_n * sizeof *texts + 1);
	const fk_jnode **kids = keep(from, node->kids_n * sizeof *kids + 1);
	if (!texts || !kids) return false;
	for (unsigned i = 0; i < node->texts_n; i++)
		if (!read_text(from, node->op == FK_JREGEX || node->op == FK_JMATCHES, &texts[i]))
			return false;
	for (unsigned i = 0; i < node->kids_n; i++)
		if (!(kids[i] = read_node(from, depth + 1))) return false;
	node->texts = texts;
	node->kids = kids;
	return check_node(from, node);
}

static const fk_jnode *read_node(fk_jloader *from, unsigned depth) {
	uint64_t op, flags, kids, texts, a, b;
	if (depth > FK_JPROGRAM_DEPTH_MAX || ++from->nodes > NODES_MAX)
		return refuse(from, "it is too large"), NULL;
	if (!read_number(from, 1, &op) || !read_number(from, 1, &flags) ||
	    !read_number(from, 1, &kids) || !read_number(from, 2, &texts) ||
	    !read_number(from, 8, &a) || !read_number(from, 8, &b))
		return NULL;
	if (!op || op >= FK_JOPS) return refuse(from, "an operator is unknown"), NULL;
	fk_jshape s = shapes[op];
	if (kids < s.kids_min || kids > s.kids_max || texts < s.texts_min ||
	    (texts > s.texts_max && s.texts_max != MANY))
		return refuse(from, "an operator has the wrong operands"), NULL;
	fk_jnode *node = keep(from, sizeof *node);
	if (!node) return NULL;
	*node = (fk_jnode){.op = (uint8_t)op, .flags = (uint8_t)flags, .kids_n = (uint8_t)kids};
	node->texts_n = (uint16_t)texts;
	node->a = (int64_t)a;
	node->b = (int64_t)b;
	return read_inside(from, node, depth) ? node : NULL;
}

bool fk_jnodes_load(const uint8_t **at, const uint8_t *end, fk_arena *memory,
                    const fk_jnode **roots, unsigned n, const char **wrong) {
	fk_jloader from = {.at = *at, .end = end, .memory = memory};
	for (unsigned i = 0; i < n && !from.wrong; i++) roots[i] = read_node(&from, 1);
	*at = from.at;
	*wrong = from.wrong;
	return !from.wrong;
}

static bool load(fk_jloader *from, fk_jprogram *program) {
	static const uint8_t types[] = {FTYPE_UINT64, FTYPE_STRING, FTYPE_RELTIME, FTYPE_ABSTIME,
	                                FTYPE_BOOL,   FTYPE_IPADDR, FTYPE_IPNET};
	uint64_t magic, type, list, arg, required;
	if (!read_number(from, 4, &magic) || !read_number(from, 1, &type) ||
	    !read_number(from, 1, &list) || !read_number(from, 1, &arg) ||
	    !read_number(from, 1, &required))
		return false;
	if (magic != 0x314a4b46) return refuse(from, "its first bytes are wrong");
	if (!memchr(types, (int)type, sizeof types) || list > 1 || arg > FK_JARG_IS_EITHER ||
	    required > 1)
		return refuse(from, "its head is wrong");
	program->ftype = (uint32_t)type;
	program->list = list;
	program->arg = (uint8_t)arg;
	program->arg_required = required;
	program->root = read_node(from, 1);
	return program->root &&
	       (from->at == from->end || refuse(from, "there are bytes after its end"));
}

fk_jprogram *fk_jprogram_load(const void *bytes, size_t len, char *err, size_t errlen) {
	fk_jprogram *program = calloc(1, sizeof *program);
	fk_jloader from = {.at = bytes, .wrong = program ? NULL : "there is no memory"};
	if (program) {
		from.end = from.at + len;
		from.memory = &program->memory;
		if (len > FK_JPROGRAM_MAX) refuse(&from, "it is too large");
		if (!from.wrong && load(&from, program)) return program;
	}
	if (errlen) snprintf(err, errlen, "the program of a JSON field cannot be used: %s", from.wrong);
	fk_jprogram_free(program);
	return NULL;
}

void fk_jprogram_free(fk_jprogram *program) {
	if (!program) return;
	fk_arena_free(&program->memory);
	free(program);
}
