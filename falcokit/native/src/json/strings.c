// SPDX-License-Identifier: Apache-2.0
// The operators on text. Other values are converted first, as as_string() without arguments does.
#include "json/program.h"
#include "json/run.h"
#include <string.h>

#define TEXT_OR_RETURN(run, item)                                            \
	do { /* every operator here begins with it */                            \
		fk_joutcome outcome_ = fk_jto_text((run), (item), FK_JTEXT_DEFAULT); \
		if (outcome_ != FK_KEEP) return outcome_;                            \
		fk_jspend_bytes(&(run)->doc->work, (item)->len, FK_JREAD);           \
	} while (0)

// ---- parts ------------------------------------------------------------------------------------------

// The end of the part that begins at `at`, and whether it is the last one.
static const char *part_end(const char *at, const char *end, const fk_jspan *by, bool *last) {
	const char *found = memmem(at, (size_t)(end - at), by->text, by->len);
	*last = !found;
	return found ? found : end;
}

// a: which part, from the end when negative; b: how many there must be, 0 for any number.
fk_joutcome fk_jmap_part(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	TEXT_OR_RETURN(run, item);
	const fk_jspan *by = &node->texts[0];
	const char *end = item->text + item->len, *at = item->text;
	int64_t count = 1;
	bool last = false;
	for (const char *p = at; p = part_end(p, end, by, &last), !last; p += by->len) count++;
	int64_t wanted = node->a < 0 ? count + node->a : node->a;
	if (wanted < 0 || wanted >= count || (node->b && node->b != count)) return FK_DROP;
	while (wanted--) at = part_end(at, end, by, &last) + by->len;
	return fk_jcopy(run, item, at, (size_t)(part_end(at, end, by, &last) - at));
}

bool fk_jpush_parts(fk_jstate *run, const fk_jnode *node, const fk_jitem *of) {
	fk_jitem text = *of, part;
	fk_joutcome outcome = fk_jto_text(run, &text, FK_JTEXT_DEFAULT);
	if (outcome != FK_KEEP) return outcome == FK_DROP;
	fk_jspend_bytes(&run->doc->work, text.len, FK_JREAD);
	const fk_jspan *by = &node->texts[0];
	const char *at = text.text, *end = at + text.len;
	for (bool last = false; !last;) {
		const char *stop = part_end(at, end, by, &last);
		if (fk_jcopy(run, &part, at, (size_t)(stop - at)) == FK_FAIL || !fk_jpush(run, &part))
			return false;
		at = stop + by->len;
	}
	return true;
}

// flags 1: at the end; 2: a text without it is no value.
fk_joutcome fk_jmap_strip(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	TEXT_OR_RETURN(run, item);
	const fk_jspan *by = &node->texts[0];
	bool suffix = node->flags & 1;
	const char *at = item->text + (suffix && item->len >= by->len ? item->len - by->len : 0);
	if (item->len < by->len || memcmp(at, by->text, by->len) != 0)
		return node->flags & 2 ? FK_DROP : FK_KEEP;
	return fk_jcopy(run, item, item->text + (suffix ? 0 : by->len), item->len - by->len);
}

// flags 1: to upper case. ASCII letters only.
fk_joutcome fk_jmap_case(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	TEXT_OR_RETURN(run, item);
	char *text = fk_jnew_text(run, item->len), first = node->flags & 1 ? 'a' : 'A';
	if (!text) return FK_FAIL;
	for (uint32_t i = 0; i < item->len; i++) {
		char c = item->text[i];
		text[i] = (unsigned)(c - first) < 26 ? (char)(c ^ 0x20) : c;
	}
	return fk_jset_text(item, text, item->len);
}

// Where the character with this number begins; numbers below 0 count from the end.
static const char *place_of(const fk_jitem *item, int64_t number) {
	const char *begin = item->text, *end = begin + item->len, *at = number < 0 ? end : begin;
	for (; number > 0 && at < end; number--) at += fk_jchar_len((uint8_t)*at);
	for (; number < 0 && at > begin; number++) do
			at--;
		while (at > begin && ((uint8_t)*at & 0xc0) == 0x80);
	return at;
}

// a, b: characters, as in Python's text[a:b].
fk_joutcome fk_jmap_slice(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	TEXT_OR_RETURN(run, item);
	const char *from = place_of(item, node->a), *to = place_of(item, node->b);
	return fk_jcopy(run, item, from, to > from ? (size_t)(to - from) : 0);
}

// REGEX yields the part that matches, MATCHES whether one does.
fk_joutcome fk_jmap_regex(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	TEXT_OR_RETURN(run, item);
	if (item->len > FK_JREGEX_TEXT_MAX) return fk_jfail(run, "a text is too long for a pattern");
	size_t start, end;
	fk_jwork *work = &run->doc->work;
	bool found = fk_jregex_search(node->texts[0].text, item->text, item->len, &start, &end, work);
	if (fk_jis_spent(work)) return fk_jfail_spent(run);
	if (node->op == FK_JMATCHES) return fk_jset_bool(item, found);
	if (!found || start == SIZE_MAX) return FK_DROP;
	return fk_jcopy(run, item, item->text + start, end - start);
}

// ---- queries ----------------------------------------------------------------------------------------

static int hex_digit(char c) {
	if (c >= '0' && c <= '9') return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t percent_decode(const char *in, size_t len, char *out) {
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		char c = in[i] == '+' ? ' ' : in[i];
		if (c == '%' && i + 2 < len && hex_digit(in[i + 1]) >= 0 && hex_digit(in[i + 2]) >= 0) {
			c = (char)(hex_digit(in[i + 1]) << 4 | hex_digit(in[i + 2]));
			i += 2;
		}
		out[n++] = c;
	}
	return n;
}

// The value of the parameter that is named by texts[0], or by the argument.
fk_joutcome fk_jmap_url_query(fk_jstate *run, const fk_jnode *node, fk_jitem *item) {
	TEXT_OR_RETURN(run, item);
	fk_jspan name = {run->key, (uint32_t)run->key_len};
	if (node->texts_n) name = node->texts[0];
	const char *at = memchr(item->text, '?', item->len), *end = item->text + item->len;
	if (!at || !name.text) return FK_DROP;
	fk_jspend_bytes(&run->doc->work, 2 * (size_t)item->len, FK_JREAD);
	const char *fragment = memchr(at, '#', (size_t)(end - at));
	if (fragment) end = fragment;
	char *scratch = fk_arena_alloc(run->arena, item->len + 1u);
	if (!scratch) return fk_jfail(run, "there is no memory");
	while (at < end) {
		const char *from = ++at;
		while (at < end && *at != '&') at++;
		const char *equals = memchr(from, '=', (size_t)(at - from));
		size_t n = percent_decode(from, (size_t)((equals ? equals : at) - from), scratch);
		if (at == from || n != name.len || memcmp(scratch, name.text, n) != 0) continue;
		n = equals ? percent_decode(equals + 1, (size_t)(at - equals - 1), scratch) : 0;
		return fk_jconvert(run, item, (const uint8_t *)scratch, n, FK_JRAW);
	}
	return FK_DROP;
}
