// SPDX-License-Identifier: Apache-2.0
// The data of the plugin, as the glue takes it.
#include "entry/entry.h"
#include <stdlib.h>

const volatile fk_filled fk_slot __attribute__((used, aligned(16))) = {.mark = "\nfalcokit-slot\n"};

static fk_metadata *made;

static void take_texts(const char **to, uint32_t at, uint32_t count) {
	const uint32_t *places = fk_place(at);
	for (uint32_t i = 0; i < count; i++) to[i] = fk_text(places[i]);
}

static void take_fields(fk_field_metadata *to, const fk_plugin_data *data) {
	const fk_field_data *rows = fk_place(data->field_table);
	for (uint32_t i = 0; i < data->field_count; i++)
		to[i] = (fk_field_metadata){
			.name = fk_text(rows[i].name),
			.attribute = fk_text(rows[i].attribute),
			.program = fk_place(rows[i].program),
			.program_size = rows[i].program_size,
			.argument = (uint8_t)rows[i].argument,
			.required = (uint8_t)rows[i].required,
		};
}

const fk_metadata *fk_metadata_of_data(void) {
	if (made) return made;
	const fk_plugin_data *data = fk_data();
	// One piece: the struct, then its lists, each with an end of zeros.
	size_t paths = data->path_count + 1, events = data->event_name_count + 1;
	size_t texts = (paths + events) * sizeof(char *);
	char *block =
		calloc(1, sizeof *made + texts + (data->field_count + 1) * sizeof(fk_field_metadata));
	if (!block) return NULL;
	const char **path_list = (const char **)(block + sizeof *made),
			   **event_list = path_list + paths;
	fk_field_metadata *fields = (fk_field_metadata *)(event_list + events);
	take_texts(path_list, data->paths, data->path_count);
	take_texts(event_list, data->event_names, data->event_name_count);
	take_fields(fields, data);
	made = (fk_metadata *)block;
	*made = (fk_metadata){
		.name = fk_text(data->name),
		.target = fk_text(data->target),
		.build = fk_text(data->build),
		.source_dir = fk_text(data->source_dir),
		.executable = fk_text(data->executable),
		.stdlib = fk_text(data->stdlib),
		.paths = path_list,
		.event_names = event_list,
		.fields = data->field_table ? fields : NULL,
		.has_offsets = (int)data->has_offsets,
		.plugin_id = data->plugin_id,
		.event_source = data->plugin_id ? fk_text(data->event_source) : NULL,
		.has_source = (int)data->has_source,
		.has_metrics = (int)data->has_metrics,
		.has_async = (int)data->has_async,
		.imports_tables = (int)data->imports_tables,
		.has_log = (int)data->has_log,
	};
	return made;
}

__attribute__((destructor)) static void forget(void) { free(made); }
