// SPDX-License-Identifier: Apache-2.0
// The capture listening capability of an entry library.
#include "entry/entry.h"

FK_EXPORT ss_plugin_rc plugin_capture_open(ss_plugin_t *s,
                                           const ss_plugin_capture_listen_input *in) {
	fk_plugin *p = fk_ready(s);
	return p && in ? fk_table->capture_open(p, in) : SS_PLUGIN_FAILURE;
}

FK_EXPORT ss_plugin_rc plugin_capture_close(ss_plugin_t *s,
                                            const ss_plugin_capture_listen_input *in) {
	fk_plugin *p = fk_ready(s);
	return p && in ? fk_table->capture_close(p, in) : SS_PLUGIN_FAILURE;
}
