// SPDX-License-Identifier: Apache-2.0
// The module _falcokit_hot, for calls from Python that are too frequent for cffi, and its type Link: a
// plugin state as Python holds it. A Link has a reference to the state, so that a thread that logs
// after destroy finds a closed log, not freed memory. With the GIL.
#include "base/base.h"
#include "async_event/async_event.h"
#include "listen/listen.h"
#include "python/python.h"
#include "extract/extract.h"
#include "parse/parse.h"
#include "tables/tables.h"
#include "source/source.h"

typedef struct Link {
	PyObject_HEAD
	fk_impl *impl;
} Link;

// log(severity, component | None, text)
static PyObject *link_log(PyObject *me, PyObject *args) {
	int severity;
	const char *component, *text;
	if (!PyArg_ParseTuple(args, "izs", &severity, &component, &text)) return NULL;
	Py_BEGIN_ALLOW_THREADS
	fk_log_text(((Link *)me)->impl, (ss_plugin_log_severity)severity, component, text);
	Py_END_ALLOW_THREADS
	Py_RETURN_NONE;
}

// emitter(dump) -> the handler for the capture, or the dump, that is open now
static PyObject *link_emitter(PyObject *me, PyObject *dump) {
	return fk_new_emitter(((Link *)me)->impl, PyObject_IsTrue(dump) == 1);
}

// close(): drops the author's objects, on the worker, when no more hooks are called
static PyObject *link_close(PyObject *me, PyObject *none) {
	Py_CLEAR(((Link *)me)->impl->event);
	fk_parse_forget(((Link *)me)->impl);
	fk_extract_forget(((Link *)me)->impl);
	fk_producers_forget(((Link *)me)->impl);
	Py_RETURN_NONE;
}

// show_metrics(): from now on Python is asked for metrics, even if the author's class has none
static PyObject *link_show_metrics(PyObject *me, PyObject *none) {
	atomic_store(&((Link *)me)->impl->has_metrics, true);
	Py_RETURN_NONE;
}

// Methods that a room has: of one argument, whose form stands beside the function.
#define LINK_TO(name, function)                                 \
	static PyObject *link_##name(PyObject *me, PyObject *arg) { \
		return function(((Link *)me)->impl, arg);               \
	}
LINK_TO(export_table, fk_export_table)
LINK_TO(list_tables, fk_tables_list)
LINK_TO(import_table, fk_tables_import)
LINK_TO(set_parser, fk_parse_bind)
LINK_TO(set_producers, fk_producers_set)
LINK_TO(set_producer, fk_producer_set)
LINK_TO(bind, fk_extract_bind)
LINK_TO(subscribe, fk_listen_subscribe)
LINK_TO(unsubscribe, fk_listen_unsubscribe)
LINK_TO(interrupt, fk_listen_interrupt)
LINK_TO(drain, fk_listen_drain)

static void link_free(PyObject *me) {
	fk_impl_unref(((Link *)me)->impl);
	fk_free_object(me);
}

static PyMethodDef link_methods[] = {{"log", link_log, METH_VARARGS, NULL},
                                     {"emitter", link_emitter, METH_O, NULL},
                                     {"close", link_close, METH_NOARGS, NULL},
                                     {"export_table", link_export_table, METH_VARARGS, NULL},
                                     {"bind", link_bind, METH_VARARGS, NULL},
                                     {"list_tables", link_list_tables, METH_NOARGS, NULL},
                                     {"import_table", link_import_table, METH_VARARGS, NULL},
                                     {"set_parser", link_set_parser, METH_VARARGS, NULL},
                                     {"set_producers", link_set_producers, METH_VARARGS, NULL},
                                     {"set_producer", link_set_producer, METH_VARARGS, NULL},
                                     {"subscribe", link_subscribe, METH_O, NULL},
                                     {"unsubscribe", link_unsubscribe, METH_O, NULL},
                                     {"interrupt", link_interrupt, METH_VARARGS, NULL},
                                     {"drain", link_drain, METH_O, NULL},
                                     {"show_metrics", link_show_metrics, METH_NOARGS, NULL},
                                     {0}};
static PyType_Slot link_slots[] = {
	{Py_tp_dealloc, link_free}, {Py_tp_methods, link_methods}, {0, NULL}};
static PyTypeObject *link_type;

// link(plugin): called in init, when the state certainly exists
static PyObject *module_link(PyObject *module, PyObject *arg) {
	unsigned long long plugin = PyLong_AsUnsignedLongLong(arg);
	if (PyErr_Occurred()) return NULL;
	Link *self = PyObject_New(Link, link_type);
	if (!self) return NULL;
	self->impl = (fk_impl *)(uintptr_t)plugin;
	fk_impl_ref(self->impl);
	return (PyObject *)self;
}

// install(errors, encode_json, expand_event, make_counters, set_emitted, event_class, decode_json,
//         params_of)
static PyObject *module_install(PyObject *module, PyObject *args) {
	PyObject *errors, *event_class, *decode_json, *params_of;
	fk_python_side *p = &fk_python;
	if (!PyArg_ParseTuple(args, "O!OOOOOOO", &PyTuple_Type, &errors, &p->encode_json,
	                      &p->expand_event, &p->make_counters, &p->set_emitted, &event_class,
	                      &decode_json, &params_of) ||
	    !fk_event_ready(event_class, decode_json, params_of))
		return NULL;
	if (PyTuple_GET_SIZE(errors) != FK_NREASONS)
		return PyErr_Format(PyExc_ValueError, "%d exception classes are needed", FK_NREASONS);
	for (int i = 0; i < FK_NREASONS; i++) p->error_of[i] = Py_NewRef(PyTuple_GET_ITEM(errors, i));
	Py_INCREF(p->encode_json);
	Py_INCREF(p->expand_event);
	Py_INCREF(p->make_counters);
	Py_INCREF(p->set_emitted);
	Py_RETURN_NONE;
}

static PyMethodDef module_methods[] = {
	{"link", module_link, METH_O, NULL},
	{"install", module_install, METH_VARARGS, NULL},
	{"install_tables", fk_tables_install, METH_VARARGS, NULL},
	{"install_watch", fk_watch_install, METH_VARARGS, NULL},
	{"begin_debugging", fk_debug_begin, METH_O, NULL},
	{"install_holder", fk_holder_install, METH_O, NULL},
	{"name_thread", fk_name_thread, METH_O, NULL},
	{"bounded", (PyCFunction)(void (*)(void))fk_call_bounded, METH_FASTCALL, NULL},
	{"tables_ready", fk_tables_ready, METH_VARARGS, NULL},
	{"payload_modules", fk_payload_modules, METH_NOARGS, NULL},
	{"payload_place", fk_payload_place, METH_O, NULL},
	{"payload_displace", fk_payload_displace, METH_O, NULL},
	{"install_source", fk_queue_install, METH_VARARGS, NULL},
	{"keep_text", fk_source_keep_text, METH_VARARGS, NULL},
	{0}};
static struct PyModuleDef module_def = {PyModuleDef_HEAD_INIT, .m_name = "_falcokit_hot",
                                        .m_size = -1, .m_methods = module_methods};

// Makes the module and enters it in sys.modules, so that the runtime can import it. A new reference.
PyObject *fk_make_module(void) {
	static PyObject *module;
	PyObject *modules = PyImport_GetModuleDict();
	if (module) return Py_NewRef(module);
	if (PyDict_GetItemString(modules, "_falcokit_hot"))
		return PyErr_Format(PyExc_ImportError,
		                    "another version of falcokit is already loaded in this "
		                    "process: build both plugins with one version");
	link_type = fk_make_type("falcokit.Link", sizeof(Link), Py_TPFLAGS_DISALLOW_INSTANTIATION,
	                         link_slots, NULL);
	PyObject *made =
		link_type && fk_emitter_ready() && fk_queue_ready() ? PyModule_Create(&module_def) : NULL;
	if (!made || PyModule_AddObjectRef(made, "Emitter", (PyObject *)fk_emitter_type) < 0 ||
	    PyModule_AddObjectRef(made, "Channel", (PyObject *)fk_queue_type) < 0 ||
	    !fk_exports_ready() || PyModule_AddIntConstant(made, "ABI", FK_ABI) < 0 ||
	    PyModule_AddIntConstant(made, "STACK_BYTES", (long)fk_stack_bytes()) < 0 ||
	    PyDict_SetItemString(modules, "_falcokit_hot", made) < 0) {
		Py_XDECREF(made);
		return NULL;
	}
	module = made;
	return Py_NewRef(module);
}
