// SPDX-License-Identifier: Apache-2.0
// Owns the extraction of a plugin's fields from stored events: the events come from stdin
// (runner/extract/input.h), the values go to the reports.
//
//     {"report":"extracting","columns":[{"name":"x.f[3]","field":0}],"codes":[…],"plugin_ids":[…],
//      "threads":null}
//         once, after init; see runner/extract/stored.h. field: its place among the "fields" of the "loaded" report
//     {"report":"values","rows":[[3,"text"],null,…]}
//         one row for each event in the order of stdin; null: the plugin does not want the event.
//         None for an event that only parsers see; the columns are those that a frame asked for
//     {"report":"extract_failed","event":7,"rc":1,"message":"…"}
//         only for the first event that lacks a value because the plugin failed
//
// Each event goes to parse_event, where the plugin has one, and then to extract_fields: as on a
// replay.
#pragma once

#include "runner/host/host.h"

bool fkr_extract_begin(const struct fkr_options *o); // before anything is loaded
bool fkr_extract(struct fkr_options *o); // after init, until stdin ends. False: reported
