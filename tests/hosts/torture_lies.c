// SPDX-License-Identifier: Apache-2.0
// torture: events whose numbers do not add up, handed to extract_fields, parse_event and
// event_to_string directly: libsinsp would not deliver them. Each lies in memory of exactly the bytes that
// it may claim, so that AddressSanitizer sees who reads on. On the thread that the script asks for.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "torture.h"

enum {
	OPENAT = 307 // its exit event; lengths of parameters are u16 there
};

static const struct lie {
	const char *what;
	uint16_t type;
	uint32_t nparams, bytes; // of the block; it claims as many, unless:
	uint32_t lengths[3];
	uint32_t claims;
} lies[] = {
	{"nothing but a header", 322, 2, 26, {0}, 0},
	{"lengths cut off", 322, 2, 33, {4}, 0},
	{"no room for the id", 322, 2, 37, {4, 0}, 0},
	{"data longer than the event", 322, 2, 48, {4, 11}, 0},
	{"data of 4 GiB", 322, 2, 48, {4, UINT32_MAX}, 0},
	{"an id of 4 GiB", 322, 2, 48, {UINT32_MAX, 5}, 0},
	{"an id of no bytes", 322, 2, 48, {0, 14}, 0},
	{"no parameters", 322, 0, 48, {4, 10}, 0},
	{"one parameter", 322, 1, 48, {4, 10}, 0},
	{"three parameters", 322, 3, 48, {4, 5, 1}, 0},
	{"parameters without end", 322, UINT32_MAX, 48, {4, 10}, 0},
	{"async, nothing but a header", 402, 3, 26, {0}, 0},
	{"async, lengths cut off", 402, 3, 37, {4, 1}, 0},
	{"async, no room for the id", 402, 3, 41, {4, 0, 0}, 0},
	{"async, a name longer than the event", 402, 3, 52, {4, 11, 0}, 0},
	{"async, lengths that overflow", 402, 3, 52, {4, 0x80000000u, 0x80000000u}, 0},
	{"async, lengths that overflow to fit", 402, 3, 52, {4, UINT32_MAX, 11}, 0},
	{"async, two parameters", 402, 2, 52, {4, 5, 5}, 0},
	{"openat, parameters without end", OPENAT, UINT32_MAX, 48, {0}, 0},
	{"openat, lengths cut off", OPENAT, 7, 30, {0}, 0},
	{"openat, a name longer than the event", OPENAT, 7, 48, {0x40000008u, 0x40004, 0x80004}, 0},
	{"claims nothing", 322, 2, 26, {0}, UINT32_MAX},
	{"claims less than a header", 402, 3, 26, {0}, 25},
};

static ss_plugin_event *make(const struct lie *lie) {
	uint8_t *block = malloc(lie->bytes);
	uint32_t claims = lie->claims == UINT32_MAX ? 0 : lie->claims ? lie->claims : lie->bytes;
	ss_plugin_event head = {7, 7, claims, lie->type, lie->nparams};
	memset(block, 'x', lie->bytes);
	memcpy(block, &head, sizeof head);
	uint32_t room = lie->bytes - (uint32_t)sizeof head;
	memcpy(block + sizeof head, lie->lengths, room < 12 ? room : 12);
	return (ss_plugin_event *)block;
}

// 1: the answer was no failure, or came without a reason. `result`: of the call.
static int judge(struct slot *slot, const struct lie *lie, const char *call, int result) {
	const char *error = slot->api.get_last_error(slot->state);
	if (result == SS_PLUGIN_FAILURE && *error) return 0;
	fprintf(stderr, "lie: %s of %s answered %d, \"%s\"\n", call, lie->what, result, error);
	return 1;
}

static int extract(struct slot *slot, const struct lie *lie, const ss_plugin_event_input *in,
                   uint32_t first, uint32_t n) {
	ss_plugin_extract_field fields[8] = {0};
	ss_plugin_field_extract_input ask = {.owner = slot, .num_fields = n, .fields = fields};
	for (uint32_t i = 0; i < n; i++)
		fields[i].field_id = first + i, fields[i].res_len = 77, fields[i].field = "lie";
	int bad = judge(slot, lie, "extract_fields", slot->api.extract_fields(slot->state, in, &ask));
	for (uint32_t i = 0; i < n; i++) bad += fields[i].res_len != 0;
	return bad;
}

// Returns how many answers were wrong. The plugin has `nfields` fields, 8 at most.
int torture_lie(struct slot *slot, uint32_t nfields) {
	const ss_plugin_event_parse_input parse = {.owner = slot};
	int bad = 0;
	for (size_t k = 0; k < sizeof lies / sizeof *lies; k++) {
		ss_plugin_event *event = make(&lies[k]);
		// Numbered, so that what one call has kept might serve the next; and without a number.
		for (uint64_t number = 0; number <= 1; number++) {
			ss_plugin_event_input in = {event, number, "lies"};
			bool has_payload = lies[k].type != OPENAT;
			for (uint32_t i = 0; has_payload && i < nfields; i++)
				bad += extract(slot, &lies[k], &in, i, 1);
			if (has_payload) bad += extract(slot, &lies[k], &in, 0, nfields);
			bad += judge(slot, &lies[k], "parse_event",
			             slot->api.parse_event(slot->state, &in, &parse));
			if (!has_payload) continue;
			const char *text = slot->api.event_to_string(slot->state, &in);
			if (text) fprintf(stderr, "lie: %s is shown as %s\n", lies[k].what, text);
			bad += text != NULL;
		}
		free(event);
	}
	return bad;
}
