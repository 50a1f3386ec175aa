// SPDX-License-Identifier: Apache-2.0
// The built-in plugin of --pump: a "syscall" source (id 0) that only times out. Inspector's thread.
#include "plughost.h"

namespace pump {
static const char* api() { return "3.0.0"; }
static const char* ver() { return "0.0.1"; }
static const char* name() { return "plughost_pump"; }
static const char* str() { return "pump"; }
static const char* err(ss_plugin_t*) { return ""; }
static int st, in;
static ss_plugin_t* init(const ss_plugin_init_input*, ss_plugin_rc* rc) { *rc = SS_PLUGIN_SUCCESS; return &st; }
static void destroy(ss_plugin_t*) {}
static ss_instance_t* open(ss_plugin_t*, const char*, ss_plugin_rc* rc) { *rc = SS_PLUGIN_SUCCESS; return &in; }
static void close(ss_plugin_t*, ss_instance_t*) {}
static ss_plugin_rc next(ss_plugin_t*, ss_instance_t*, uint32_t* n, ss_plugin_event***) {
	*n = 0;
	if(o.pump > 0) usleep(o.pump);
	return SS_PLUGIN_TIMEOUT;
}
static plugin_api table() {
	plugin_api a{};
	a.get_required_api_version = api; a.get_version = ver; a.get_name = name; a.get_description = str; a.get_contact = str;
	a.init = init; a.destroy = destroy; a.get_last_error = err; a.open = open; a.close = close; a.next_batch = next;
	return a;
}
}

plugin_api pump_plugin() { return pump::table(); }
