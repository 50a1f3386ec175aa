// SPDX-License-Identifier: Apache-2.0
// The entry library: the symbols that Falco looks up. It is compiled once, as a blank that exports the
// functions of all capabilities and knows no plugin. `falcokit build` fills it, without a compiler
// (falcokit/build/filling.py): the data of the plugin is put behind the code, and the symbols that the
// plugin lacks are taken out. The host may call on any thread.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "abi/abi.h"

#define FK_EXPORT __attribute__((visibility("default")))

// ---- the data of the plugin -------------------------------------------------------------------------

// What falcokit/build/plugin_data.py writes, with the same names in the same order. A text, a list or a
// table is given by its place, in bytes from the beginning of this struct; 0 means that there is none.
typedef struct fk_plugin_data {
	uint32_t name, version, description, contact; // texts
	uint32_t required_api, required_schema;
	uint32_t init_schema;
	uint32_t async_events, async_sources; // JSON
	uint32_t plugin_id, event_source;
	uint32_t fields; // JSON
	uint32_t extract_types, extract_type_count, extract_sources;
	uint32_t parse_types, parse_type_count, parse_sources;
	uint32_t parse_types_at_init;           // the config decides: unknown without a state
	uint32_t target, build, source_dir;     // of fk_metadata, as all that follows up to has_log
	uint32_t executable, stdlib;            // texts
	uint32_t paths, path_count;             // places of texts
	uint32_t event_names, event_name_count; // places of texts
	uint32_t field_table, field_count;      // fk_field_data
	uint32_t has_offsets, has_source, has_metrics, has_async, imports_tables, has_log;
	uint32_t glue;              // the file name of the glue, which is its SONAME
	uint32_t libpython;         // the file that the glue is loaded with; 0: it is carried
	uint32_t items, item_count; // fk_item_data, if it carries a payload
	uint32_t glue_item, archive_item, folder;
} fk_plugin_data;

typedef struct fk_field_data {
	uint32_t name, attribute, program, program_size, argument, required;
} fk_field_data;

typedef struct fk_item_data {
	uint64_t offset, size;
	uint8_t sha256[32];
	uint32_t name, module;
	uint32_t needs; // int16_t, -1 at the end
	uint32_t unused;
} fk_item_data;

// Where both lie, in bytes from the beginning of this struct, which is found by its mark. `volatile`:
// the compiler must not take the zeros of the blank for the last word.
typedef struct fk_filled {
	char mark[16];
	uint64_t data, payload, payload_size;
} fk_filled;
extern const volatile fk_filled fk_slot;

// The address of the slot, of which the compiler does not know that the struct ends long before the data.
static inline const char *fk_slot_address(void) {
	const char *at = (const char *)&fk_slot;
	__asm__("" : "+r"(at));
	return at;
}

static inline const fk_plugin_data *fk_data(void) {
	return (const fk_plugin_data *)(fk_slot_address() + fk_slot.data);
}

static inline const void *fk_place(uint32_t at) { return at ? (const char *)fk_data() + at : NULL; }

static inline const char *fk_text(uint32_t at) { return fk_place(at); }

// For the glue; it stays until the library is unloaded. NULL without memory. Called under a lock.
const fk_metadata *fk_metadata_of_data(void);

// ---- the glue ---------------------------------------------------------------------------------------

extern const fk_glue *fk_table; // set once, before the first state works

// Load the glue, or return NULL with the reason. A development build has it in a file beside the
// library, with the Python of the author; a packaged one in its payload, with its own.
void *fk_load_beside(char *err, size_t errlen);
void *fk_load_from_payload(char *err, size_t errlen);
// The glue of a packaged library was found, loaded by it or by another.
void fk_payload_found(const fk_glue *table);

// The state of a call that needs a working plugin, or NULL with the reason as the last error.
static inline fk_plugin *fk_ready(ss_plugin_t *s) {
	fk_plugin *p = s;
	return p && p->impl ? p : NULL;
}
