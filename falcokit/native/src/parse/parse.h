// SPDX-License-Identifier: Apache-2.0
// Event parsing.
#pragma once
#include "python/python.h"

ss_plugin_rc fk_parse(fk_impl *impl, const ss_plugin_event_input *in,
                      const ss_plugin_event_parse_input *tables);
uint16_t *fk_parse_types(fk_plugin *p, uint32_t *n);

// Link.set_parser(function, failed, codes, sources): with the GIL, within init.
PyObject *fk_parse_bind(fk_impl *impl, PyObject *args);
// At the end: drops the Python objects, with the GIL; then frees the memory, without it.
void fk_parse_forget(fk_impl *impl);
void fk_parse_close(fk_impl *impl);
