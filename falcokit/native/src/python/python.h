// SPDX-License-Identifier: Apache-2.0
// The state of a plugin behind ss_plugin_t, the threads on which its Python code runs, and the calls in
// both directions. Every room of the glue uses a state through this header, and keeps its own part of it
// behind a pointer here.
#pragma once
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include "abi/abi.h"
#include "event/event.h"

// ---- the calls into Python: one struct for all of them, repeated in falcokit/build/glue_library.py --
enum fk_op {
	FK_OP_INIT,
	FK_OP_DESTROY,
	FK_OP_SET_CONFIG,
	FK_OP_START,
	FK_OP_STOP,
	FK_OP_DUMP,
	FK_OP_OPEN_PARAMS,
	FK_OP_OPEN,
	FK_OP_CLOSE,
	FK_OP_CAPTURE_OPEN,
	FK_OP_CAPTURE_CLOSE
};

typedef struct fk_call {
	uint64_t plugin; // the fk_impl's address: the key of the Python side's table
	int op;
	const char *text; // config or open params, or NULL
	const char *name, *target, *build, *source_dir;
	const char *const *paths;
	char *err;
	size_t errlen;
	uint64_t channel; // the fk_channel of an open event source
} fk_call;

// Defined by the code that cffi generates.
extern int fk_call_python(fk_call *call);
extern int fk_python_where(uint64_t plugin, char *out, size_t len);
extern int fk_python_metrics(uint64_t plugin);
extern int fk_python_progress(uint64_t plugin, uint64_t channel, char *err, size_t len);
extern int fk_python_event_to_string(uint64_t plugin, const ss_plugin_event_input *event, char *err,
                                     size_t len);

// ---- a plugin ---------------------------------------------------------------------------------------
typedef struct fk_impl {
	_Atomic int refs;  // the host, the worker, each Python object that points here
	fk_plugin *plugin; // NULL after destroy
	char *name, *target, *build, *source_dir, **paths; // copies of the fk_metadata's
	bool has_async, imports_tables;
	atomic_bool has_metrics; // of Python: the author's, or of a tool that counts
	uint32_t plugin_id;      // of its event source, 0: it has none
	ss_plugin_owner_t *owner;
	ss_plugin_log_fn_t log_fn; // NULL after destroy
	pthread_mutex_t log_lock;
	pthread_mutex_t init_lock;
	const ss_plugin_init_input *init_in; // while the host waits for init
	bool capturing;                      // a handler is set and start_async has succeeded
	PyObject *event;                     // with which hooks were called last
	// The parts of the other rooms; `dispose`, of base/plugin.c, frees them.
	void (*dispose)(struct fk_impl *impl);
	struct fk_worker *worker;         // python/worker.c
	struct fk_async *async;           // async_event/capture.c
	struct fk_sourcing *sourcing;     // source/source.c
	struct fk_extraction *extraction; // extract/extract.c
	struct fk_parsing *parsing;       // parse/parse.c
	struct fk_tables *tables;         // tables/lent.c
	struct fk_listening *listening;   // listen/listen.c
	struct fk_xroot *exports;         // tables/exported.c
	struct fk_producers *producers;   // async_event/producers.c
} fk_impl;

void fk_impl_ref(fk_impl *impl);
void fk_impl_unref(fk_impl *impl);
// Sets the last error. Returns FAILURE.
ss_plugin_rc fk_fail(fk_plugin *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fk_log(fk_impl *impl, ss_plugin_log_severity sev, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void fk_log_text(fk_impl *impl, ss_plugin_log_severity sev, const char *component,
                 const char *text);

// The host waits for this thread: it is the host's own, inside a hook, or the worker. Nobody takes
// anything from a queue meanwhile, so the thread must not wait for room.
extern __thread bool fk_blocks_host;

// ---- clocks and waiting -----------------------------------------------------------------------------
static inline uint64_t fk_clock(clockid_t clock) {
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
static inline uint64_t fk_now(void) { return fk_clock(CLOCK_MONOTONIC); }
static inline uint64_t fk_time_of_day(void) { return fk_clock(CLOCK_REALTIME); }

// A condition for waits until a time of fk_now; ETIMEDOUT when that has come.
void fk_cond_init(pthread_cond_t *cond);
int fk_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t ns);

// ---- objects of Python: objects.c, with the GIL -----------------------------------------------------
// Reasons why an emission is refused, in the order of fk_reason_names.
enum fk_reason {
	FK_REFUSED_NAME,
	FK_REFUSED_CLOSED,
	FK_REFUSED_SIZE,
	FK_REFUSED_FUTURE,
	FK_REFUSED_DATA,
	FK_REFUSED_HOST,
	FK_REFUSED_FULL,
	FK_NREASONS
};
extern const char *const fk_reason_names[FK_NREASONS];

typedef struct fk_python_side {
	PyObject *error_of[FK_NREASONS]; // exception classes
	PyObject *encode_json;           // object -> bytes
	PyObject *expand_event;          // AsyncEvent -> (name, data, ts_ns, tid, plugin_id)
	PyObject *make_counters;         // numbers and a dict -> AsyncCounters
	PyObject *set_emitted;           // (exception, number of events emitted before it)
} fk_python_side;
extern fk_python_side fk_python;

// The bytes of a str that cannot be encoded as UTF-8, for which an exception is set: the bytes from
// which os.fsdecode made it. Other lone surrogates become "?", or, if `strict`, NULL with the
// exception.
PyObject *fk_non_utf8_text(PyObject *text, bool strict);

// The bytes of an object, valid until they are dropped.
typedef struct fk_bytes {
	const char *data;
	Py_ssize_t len;
	PyObject *owned; // owns `data`, unless `view` does
	Py_buffer view;
} fk_bytes;
// Of bytes, a str (`strict` as above), a buffer, or what JSON can represent. False: with an exception.
bool fk_bytes_of(PyObject *object, bool strict, fk_bytes *out);
void fk_bytes_drop(fk_bytes *bytes);

// The exception that is set, with its traceback, and no longer set; and the way back. NULL: none.
PyObject *fk_take_exception(void);
void fk_put_exception(PyObject *exception);
// A hook has failed: `text`, whose reference is taken, becomes the last error; NULL: an exception is set.
void fk_fail_by_python(fk_impl *impl, const char *hook, PyObject *text);

// A type of the glue's, with Py_TPFLAGS_DEFAULT and `flags`; `base` may be NULL.
PyTypeObject *fk_make_type(const char *name, size_t size, unsigned long flags, PyType_Slot *slots,
                           PyObject *base);
// For tp_dealloc of heap types, after everything else.
static inline void fk_free_object(PyObject *me) {
	PyTypeObject *type = Py_TYPE(me);
	type->tp_free(me);
	Py_DECREF(type);
}

// ---- limits -----------------------------------------------------------------------------------------
// How long the host may wait for the author's code; see docs/concepts.md. Tests build with shorter
// limits.
#ifndef FK_LONG_S
#define FK_LONG_S 30.0 // hooks that may do much work: init, open, start_async, ...
#endif
#define FK_SHORT_S 5.0 // hooks that end something
#ifndef INIT_LIMIT_S
#define INIT_LIMIT_S FK_LONG_S
#endif

#ifndef FK_LOOK_MS
#define FK_LOOK_MS 1000 // between two looks of the watch at the host's threads
#endif
#define FK_LIMIT_LOOKS 5 // then the author's code is interrupted, and again after as many
#define FK_GIL_LOOKS   7 // then the code cannot be interrupted, and only the log says so
#ifndef FK_YIELD_LOOKS
#define FK_YIELD_LOOKS 30 // then a source's generator that waits for room is interrupted
#endif
#define FK_LIMIT_S (FK_LIMIT_LOOKS * FK_LOOK_MS / 1000.0)

// ---- stacks: stack.c --------------------------------------------------------------------------------
// Starts a thread that may run Python, with a large enough stack whatever the host's default is.
bool fk_thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *arg);
// The stack size of falcokit's threads, and by default of a plugin's.
size_t fk_stack_bytes(void);
// With the GIL, once on each thread of the host: lowers Python's recursion limit on a small stack.
void fk_fit_recursion(void);
// bounded(function, argument): calls it with a fixed limit on recursion in C
PyObject *fk_call_bounded(PyObject *module, PyObject *const *args, Py_ssize_t n);

// ---- debugging: debugging.c -------------------------------------------------------------------------
// begin_debugging(join): from now on, for the life of the process, no hook is given up or interrupted,
// however long it takes; and `join`, which lets the current thread be traced if threads shall be, is
// called before each hook on a thread of the host.
PyObject *fk_debug_begin(PyObject *module, PyObject *join);
bool fk_debugging(void);
// With the GIL.
void fk_debug_join(void);

// ---- the worker: worker.c ---------------------------------------------------------------------------
typedef struct fk_worker {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	fk_call call; // the current or last job
	char *text;   // owned copy of call.text
	char err[FK_ERRLEN];
	int rc;
	bool busy, quit, started;
	bool given_up; // the host no longer waits for the current job
} fk_worker;

bool fk_worker_start(fk_impl *impl);
void fk_worker_end(fk_impl *impl);
void fk_worker_free(fk_worker *w);
ss_plugin_rc fk_worker_run(fk_impl *impl, fk_call *call, const char *hook, double limit_s);

// ---- the watch: held_up.c ---------------------------------------------------------------------------
// Detects calls of the author's code that hold up a thread of the host, and with it Falco's event loop.
// After some seconds it logs where the code is and raises an exception in it.

// The data of one thread of the host; part of its fk_thread (gil.c).
typedef struct fk_watched {
	struct fk_watched *next;
	_Atomic(fk_impl *) inside; // the state whose code runs; NULL: none
	_Atomic uint32_t round;    // changes with each call
	_Atomic bool waits;        // it waits for the GIL
	unsigned long ident;       // Python's id of the thread; 0: not registered yet
	uint32_t seen, looks;      // the round seen in the last look, and how often
	bool logged, interrupted;  // its place was logged; the exception was set
	bool reporting, others;    // a reporter waits for the GIL; another thread holds it
} fk_watched;

void fk_watch_join(fk_watched *me);
void fk_watch_settle(fk_watched *me);
// Whether a thread of the host has been in the author's code for `looks` looks; writes what it waits
// for.
bool fk_watch_held_up(uint32_t looks, char *what, size_t size);

// A hook on the worker for which the host's thread has waited long.
typedef struct fk_late_hook {
	struct fk_late_hook *next;
	const fk_impl *impl;
	const char *hook;
	double waited_s;
} fk_late_hook;
void fk_watch_late(fk_late_hook *hook);
void fk_watch_done(fk_late_hook *hook);

// From here on nothing is logged for this state.
void fk_watch_forget(fk_impl *impl);
// install_watch(exception class, place_of_thread)
PyObject *fk_watch_install(PyObject *module, PyObject *args);

// The thread has the GIL now.
static inline void fk_watch_enter(fk_watched *me) {
	uint32_t round = atomic_load_explicit(&me->round, memory_order_relaxed);
	atomic_store_explicit(&me->waits, false, memory_order_relaxed);
	atomic_store_explicit(&me->round, round + 1, memory_order_release);
}

// Before the thread takes the GIL: while it waits for it, its code is not to blame and is not
// interrupted. False: this call is made within one that is watched already.
static inline bool fk_watch_begin(fk_watched *me, fk_impl *impl) {
	if (atomic_load_explicit(&me->inside, memory_order_relaxed)) return false;
	if (__builtin_expect(!me->ident, 0)) fk_watch_join(me);
	fk_watch_enter(me);
	atomic_store_explicit(&me->waits, true, memory_order_relaxed);
	atomic_store_explicit(&me->inside, impl, memory_order_release);
	return true;
}

// With the GIL, so that the call cannot be interrupted at this moment.
static inline void fk_watch_end(fk_watched *me) {
	atomic_store_explicit(&me->inside, NULL, memory_order_release);
	if (__builtin_expect(me->interrupted, 0)) fk_watch_settle(me);
}

// ---- the GIL: gil.c ---------------------------------------------------------------------------------
// How a thread of the host gets it for frequent calls and releases it.

typedef enum fk_gil {
	FK_GIL_TAKEN,   // by this thread's own state
	FK_GIL_ENSURED, // by a state that Python or cffi made
	FK_GIL_HELD,    // it was held already
} fk_gil;

fk_gil fk_gil_enter(void);
void fk_gil_leave(fk_gil how);

// Runs the author's code of a state with the GIL, under the watch. The GIL is taken for the call, or is
// kept between calls.
void fk_gil_call(fk_impl *impl, void (*work)(void *), void *arg);
// The same for a hook that is called through cffi while the host waits: its answer.
int fk_hook_call(fk_impl *impl, int (*hook)(fk_impl *impl, void *arg), void *arg);

// ---- which thread holds it: holder.c ----------------------------------------------------------------
// Writes "the producer of a, in a call that does not release the GIL, at FILE:LINE in FUNCTION". Any
// thread, without the GIL. Returns Python's id of the thread; 0: nobody holds the GIL.
unsigned long fk_gil_holder(char *out, size_t len);
// install_holder(the standard library's folder)
PyObject *fk_holder_install(PyObject *module, PyObject *folder);
// name_thread(name | None): sets the name of this thread for the text above
PyObject *fk_name_thread(PyObject *module, PyObject *name);

// ---- starting Python: start.c -----------------------------------------------------------------------
// Starts Python once per process and imports falcokit.runtime, which finds the module that
// `make_module` makes (a new reference).
bool fk_start_python(const fk_metadata *meta, PyObject *(*make_module)(void), char *err,
                     size_t errlen);

// ---- the payload of a packaged plugin: carried.c ----------------------------------------------------
void fk_payload_adopt(fk_store *store);
bool fk_is_packaged(void);
const char *fk_payload_archive(char *err, size_t errlen);
PyObject *fk_payload_modules(PyObject *module, PyObject *none);
PyObject *fk_payload_place(PyObject *module, PyObject *item);
PyObject *fk_payload_displace(PyObject *module, PyObject *item);
