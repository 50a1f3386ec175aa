// SPDX-License-Identifier: Apache-2.0
// What the host and other plugins call on an exported table. On the host's threads, without the
// GIL. A call that fails leaves its reason as the owner's last error, which the framework asks for
// at once.
#include "tables/store.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- errors -----------------------------------------------------------------------------------------

static void fail_text(fk_xtable *t, const char *text) {
	fk_xroot *root = t->schema->root;
	fk_xlock(root);
	if (root->error) {
		size_t len = strnlen(text, root->error_size - 1);
		memcpy(root->error, text, len);
		root->error[len] = 0;
	}
	fk_xunlock(root);
}

static void fail(fk_xtable *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(fk_xtable *t, const char *format, ...) {
	char text[1024], *end = text + snprintf(text, 512, "table '%s': ", t->schema->name);
	if (end > text + 511) end = text + 511;
	va_list args;
	va_start(args, format);
	vsnprintf(end, sizeof text - (size_t)(end - text), format, args);
	va_end(args);
	fail_text(t, text);
}

// Whether a table may be used at all.
static bool open_table(fk_xtable *t) {
	if (!t) return false;
	if (!t->schema->root->closed) return true;
	fail(t, "its plugin was destroyed");
	return false;
}

static bool open_entry(fk_xtable *t, fk_xentry *e) {
	if (!open_table(t)) return false;
	if (e && e->schema == t->schema) return true;
	fail(t, e ? "the entry is of another table" : "the entry is NULL");
	return false;
}

static bool open_field(fk_xtable *t, fk_xentry *e, const fk_xfield *f, const void *value) {
	if (!open_entry(t, e)) return false;
	if (f && value && f->schema == t->schema) return true;
	fail(t, f && value ? "the field is of another table" : "the field or the value is NULL");
	return false;
}

// ---- values -----------------------------------------------------------------------------------------

uint64_t fk_xtake(const ss_plugin_state_data *data, ss_plugin_state_type type) {
	switch (type) {
	case SS_PLUGIN_ST_INT8: return (uint64_t)(int64_t)data->s8;
	case SS_PLUGIN_ST_INT16: return (uint64_t)(int64_t)data->s16;
	case SS_PLUGIN_ST_INT32: return (uint64_t)(int64_t)data->s32;
	case SS_PLUGIN_ST_UINT8: return data->u8;
	case SS_PLUGIN_ST_UINT16: return data->u16;
	case SS_PLUGIN_ST_UINT32: return data->u32;
	case SS_PLUGIN_ST_BOOL: return data->b != 0;
	default: return data->u64;
	}
}

// Numbers lie in a slot with their sign extended: on either byte order the member has its bytes.
static void give(ss_plugin_state_data *out, ss_plugin_state_type type, uint64_t value) {
	switch (type) {
	case SS_PLUGIN_ST_INT8:
	case SS_PLUGIN_ST_UINT8: out->u8 = (uint8_t)value; break;
	case SS_PLUGIN_ST_INT16:
	case SS_PLUGIN_ST_UINT16: out->u16 = (uint16_t)value; break;
	case SS_PLUGIN_ST_INT32:
	case SS_PLUGIN_ST_UINT32:
	case SS_PLUGIN_ST_BOOL: out->u32 = (uint32_t)value; break;
	default: out->u64 = value;
	}
}

static bool take_key(fk_xtable *t, const ss_plugin_state_data *data, fk_xkey *key) {
	if (!open_table(t)) return false;
	bool text = t->schema->key == SS_PLUGIN_ST_STRING;
	if (!data || (text && !data->str)) {
		fail(t, "the key is NULL");
		return false;
	}
	*key = text ? fk_xkey_text(data->str) : fk_xkey_number(fk_xtake(data, t->schema->key));
	return true;
}

// ---- fields -----------------------------------------------------------------------------------------

static const ss_plugin_table_fieldinfo *list_fields(ss_plugin_table_t *t, uint32_t *n) {
	if (n) *n = 0;
	if (!open_table(t) || !n) return NULL;
	fk_xschema *s = ((fk_xtable *)t)->schema;
	*n = atomic_load_explicit(&s->count, memory_order_acquire);
	return s->infos;
}

static fk_xfield *of_type(fk_xtable *t, fk_xfield *f, ss_plugin_state_type type) {
	if (f->type == type) return f;
	const char *asked = fk_xtype_name(type);
	fail(t, "field '%s' is of type %s, not %s", t->schema->infos[f->index].name,
	     fk_xtype_name(f->type), asked ? asked : "an unknown one");
	return NULL;
}

static ss_plugin_table_field_t *get_field(ss_plugin_table_t *table, const char *name,
                                          ss_plugin_state_type type) {
	fk_xtable *t = table;
	if (!open_table(t)) return NULL;
	fk_xfield *f = name ? fk_xfield_find(t->schema, name) : NULL;
	if (f) return of_type(t, f, type);
	fail(t, "there is no field '%s'", name ? name : "NULL");
	return NULL;
}

static ss_plugin_table_field_t *add_field(ss_plugin_table_t *table, const char *name,
                                          ss_plugin_state_type type) {
	fk_xtable *t = table;
	if (!open_table(t)) return NULL;
	if (!name || !*name || type == SS_PLUGIN_ST_TABLE || !fk_xtype_name(type)) {
		if (name && *name)
			fail(t, "field '%s' cannot be added: its type is %s", name,
			     type == SS_PLUGIN_ST_TABLE ? "a table" : "unknown");
		else
			fail(t, "a field without a name cannot be added");
		return NULL;
	}
	fk_xlock(t->schema->root);
	fk_xfield *found = fk_xfield_find(t->schema, name);
	fk_xfield *f = found ? found : fk_xfield_new(t->schema, name, type, false);
	fk_xunlock(t->schema->root);
	if (f) return of_type(t, f, type);
	fail(t, "field '%s' cannot be added: there are %u, and room for %d", name, t->schema->count,
	     FK_X_FIELDS);
	return NULL;
}

// ---- reading ----------------------------------------------------------------------------------------

static const char *get_name(ss_plugin_table_t *t) {
	return open_table(t) ? ((fk_xtable *)t)->schema->name : NULL;
}

static uint64_t get_size(ss_plugin_table_t *t) {
	return open_table(t) ? ((fk_xtable *)t)->map.live : UINT64_MAX;
}

static ss_plugin_table_entry_t *get_entry(ss_plugin_table_t *t, const ss_plugin_state_data *data) {
	fk_xkey key;
	if (!take_key(t, data, &key)) return NULL;
	fk_xentry *e = fk_xget(t, &key, FK_X_HANDLE);
	if (!e) fail_text(t, ((fk_xtable *)t)->schema->no_entry);
	return e;
}

static ss_plugin_rc read_field(ss_plugin_table_t *t, ss_plugin_table_entry_t *entry,
                               const ss_plugin_table_field_t *field, ss_plugin_state_data *out) {
	const fk_xfield *f = field;
	fk_xentry *e = entry;
	if (!open_field(t, e, f, out)) return SS_PLUGIN_FAILURE;
	if (f->type == SS_PLUGIN_ST_STRING) {
		fk_xlock(e->schema->root);
		out->str = fk_xtext_locked(e, f, true);
		fk_xunlock(e->schema->root);
	} else if (f->type == SS_PLUGIN_ST_TABLE) {
		fk_xtable *nested = fk_xnested(e, f);
		if (!nested) {
			fail(t, "no memory");
			return SS_PLUGIN_FAILURE;
		}
		e->lent_table = true;
		out->table = &nested->input; // by which the framework finds the nested vtables
	} else
		give(out, f->type, fk_xread(e, f));
	return SS_PLUGIN_SUCCESS;
}

static void release_entry(ss_plugin_table_t *t, ss_plugin_table_entry_t *e) {
	(void)t; // may be closed meanwhile: the entry is still the caller's
	if (e) fk_xlet_go(e, FK_X_HANDLE);
}

static ss_plugin_bool iterate(ss_plugin_table_t *table, ss_plugin_table_iterator_func_t step,
                              ss_plugin_table_iterator_state_t *state) {
	fk_xtable *t = table;
	if (!open_table(t) || !step) return 0;
	// An entry that holds a nested table may be erased by a step.
	bool held = t->holder && fk_xtry_ref(t->holder);
	uint32_t position = 0, end = fk_xiterate_begin(t);
	bool more = true;
	while (more) {
		fk_xlock(t->schema->root);
		const fk_xitem *item = fk_xiterate_at(t, &position, end);
		fk_xentry *e = item ? item->entry : NULL;
		if (e) fk_xhold(e, FK_X_HANDLE);
		fk_xunlock(t->schema->root);
		if (!e) break;
		more = step(state, e);
		fk_xlet_go(e, FK_X_HANDLE);
	}
	fk_xiterate_end(t);
	if (held) fk_xlet_go(t->holder, FK_X_REF);
	return more;
}

// ---- writing ----------------------------------------------------------------------------------------

static ss_plugin_rc clear_table(ss_plugin_table_t *t) {
	if (!open_table(t)) return SS_PLUGIN_FAILURE;
	fk_xclear(t);
	return SS_PLUGIN_SUCCESS;
}

static ss_plugin_rc erase_entry(ss_plugin_table_t *t, const ss_plugin_state_data *data) {
	fk_xkey key;
	if (!take_key(t, data, &key)) return SS_PLUGIN_FAILURE;
	if (fk_xerase(t, &key)) return SS_PLUGIN_SUCCESS;
	fail_text(t, ((fk_xtable *)t)->schema->no_entry);
	return SS_PLUGIN_FAILURE;
}

static ss_plugin_table_entry_t *create_entry(ss_plugin_table_t *t) {
	if (!open_table(t)) return NULL;
	fk_xentry *e = fk_xentry_new(((fk_xtable *)t)->schema);
	if (e)
		fk_xhold(e, FK_X_HANDLE - FK_X_REF);
	else
		fail(t, "no memory");
	return e;
}

// The entry that was made and the one that is returned are one: so are the two calls that end them.
static ss_plugin_table_entry_t *add_entry(ss_plugin_table_t *t, const ss_plugin_state_data *data,
                                          ss_plugin_table_entry_t *e) {
	fk_xkey key;
	if (!take_key(t, data, &key) || !open_entry(t, e)) return NULL;
	if (fk_xput(t, &key, e, 0)) return e;
	fail(t, "the entry is in the table already, or there is no memory");
	return NULL;
}

static ss_plugin_rc write_field(ss_plugin_table_t *t, ss_plugin_table_entry_t *entry,
                                const ss_plugin_table_field_t *field,
                                const ss_plugin_state_data *in) {
	const fk_xfield *f = field;
	fk_xentry *e = entry;
	if (!open_field(t, e, f, in)) return SS_PLUGIN_FAILURE;
	// FAILURE: of NOT_SUPPORTED the framework would not ask for the reason.
	if (f->read_only || f->type == SS_PLUGIN_ST_TABLE) {
		fail(t, "field '%s' %s", f->schema->infos[f->index].name,
		     f->read_only ? "is read-only" : "is a table, which is written entry by entry");
		return SS_PLUGIN_FAILURE;
	}
	if (f->type == SS_PLUGIN_ST_STRING && !in->str) {
		fail(t, "the value of field '%s' is NULL", f->schema->infos[f->index].name);
		return SS_PLUGIN_FAILURE;
	}
	bool ok = f->type == SS_PLUGIN_ST_STRING ? fk_xwrite_text(e, f, in->str)
	                                         : fk_xwrite(e, f, fk_xtake(in, f->type));
	if (!ok) fail(t, "no memory");
	return ok ? SS_PLUGIN_SUCCESS : SS_PLUGIN_FAILURE;
}

// ---- the tables of them -----------------------------------------------------------------------------

static ss_plugin_table_fields_vtable_ext fields_ext = {list_fields, get_field, add_field};
static ss_plugin_table_reader_vtable_ext reader_ext = {get_name,   get_size,      get_entry,
                                                       read_field, release_entry, iterate};
static ss_plugin_table_writer_vtable_ext writer_ext = {clear_table,   erase_entry, create_entry,
                                                       release_entry, add_entry,   write_field};

// The framework refuses a table whose two generations of vtables differ.
void fk_xtable_init(fk_xtable *t, fk_xschema *schema, fk_xentry *holder) {
	t->schema = schema;
	t->holder = holder;
	t->input = (ss_plugin_table_input){
		.name = schema->name,
		.key_type = schema->key,
		.table = t,
		.reader = {get_name, get_size, get_entry, read_field},
		.writer = writer_ext,
		.fields = fields_ext,
		.reader_ext = &reader_ext,
		.writer_ext = &writer_ext,
		.fields_ext = &fields_ext,
	};
}
