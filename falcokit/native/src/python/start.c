// SPDX-License-Identifier: Apache-2.0
// Starts Python once per process, isolated from the host: the host's PYTHON* variables are ignored, its
// working directory, signal handlers and standard streams are left alone, and a failure is a text,
// never an exit. Called in init, on any thread of the host.
#include "python/python.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

extern int fk_start_cffi(void); // from the code that cffi generates

static pthread_mutex_t start_lock = PTHREAD_MUTEX_INITIALIZER;
static bool started;
static bool broken; // Python itself failed half-way: this process cannot try again
static char broken_text[1024];

typedef struct start_job {
	const fk_metadata *meta;
	PyObject *(*make_module)(void);
	char err[1024];
	bool ok, done;
} start_job;
static pthread_mutex_t job_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t job_done = PTHREAD_COND_INITIALIZER;

// ---- is another Python here? ------------------------------------------------------------------------

static int find_other_libpython(struct dl_phdr_info *info, size_t size, void *found) {
	const char **other = found;
	const char *slash = strrchr(info->dlpi_name, '/');
	Dl_info mine;
	if (!slash || strncmp(slash + 1, "libpython3.", 11) != 0 ||
	    strcmp(slash + 1, "libpython3.so") == 0 ||
	    strchr(slash, '-')) // '-': the libpython of a packaged plugin
		return 0;
	if (dladdr((void *)Py_GetVersion, &mine) && (ElfW(Addr))mine.dli_fbase == info->dlpi_addr)
		return 0;
	*other = info->dlpi_name;
	return 1;
}

// Whether the program itself is a Python, with libpython linked into it, as those of distributions are.
// Whatever is loaded calls its functions, also where a libpython of the same version comes along.
static bool program_is_python(void) {
	Dl_info program, mine;
	return dladdr((void *)getauxval(AT_ENTRY), &program) && dladdr((void *)Py_GetVersion, &mine) &&
	       program.dli_fbase == mine.dli_fbase;
}

// Extension modules do not name libpython as a dependency, so its symbols must be global, which they
// are not under the host's RTLD_LOCAL. One libpython can be made global; two would call each other's
// functions and crash.
static bool promote_libpython(char *err, size_t errlen) {
	const char *other = NULL;
	Dl_info mine;
	if (strncmp(Py_GetVersion(), PY_VERSION, strlen("3.xx")) != 0 ||
	    (!program_is_python() && dl_iterate_phdr(find_other_libpython, &other))) {
		snprintf(err, errlen,
		         "this process already runs another Python (%s), and a development build is for %s "
		         "alone: build both plugins with one Python, or package them",
		         other ? other : Py_GetVersion(), PY_VERSION);
		return false;
	}
	if (!dladdr((void *)Py_GetVersion, &mine)) return true; // linked statically: global already
	dlopen(mine.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
	return true;
}

// ---- signals ----------------------------------------------------------------------------------------

// Python normally ignores these two signals when it starts, and Python code relies on it: a write to a
// pipe or socket whose other end is closed, or beyond the file size limit, is then an OSError. By
// default it ends the process. Here Python is told not to touch signals (install_signal_handlers
// would include SIGINT), so they are ignored one by one, unless the host has set a handler.
static void ignore_unless_handled(int number) {
	struct sigaction now;
	if (sigaction(number, NULL, &now) != 0 || now.sa_flags & SA_SIGINFO) return;
	if (now.sa_handler != SIG_DFL) return;
	now.sa_handler = SIG_IGN;
	sigaction(number, &now, NULL);
}

static void ignore_as_python_does(void) {
	ignore_unless_handled(SIGPIPE);
	ignore_unless_handled(SIGXFSZ);
}

static volatile sig_atomic_t interrupts;
static void count_interrupt(int number) { interrupts++; }

// The first import of `signal` on any thread (asyncio and subprocess import it) installs Python's
// handler for SIGINT if that has its default action, and Ctrl-C would no longer stop the host. So the
// import happens here, while SIGINT has another handler; a SIGINT that arrives meanwhile is sent again.
static void import_signal(void) {
	struct sigaction now, other = {.sa_handler = count_interrupt, .sa_flags = SA_RESTART};
	bool at_default = sigaction(SIGINT, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
	                  now.sa_handler == SIG_DFL && sigaction(SIGINT, &other, NULL) == 0;
	PyObject *module = PyImport_ImportModule("_signal");
	if (!module) PyErr_Clear(); // the next import of it raises again
	Py_XDECREF(module);
	if (!at_default) return;
	sigaction(SIGINT, &now, NULL);
	if (interrupts) kill(getpid(), SIGINT);
}

// ---- start ------------------------------------------------------------------------------------------

// Otherwise Python would search the host's PATH for itself.
static PyStatus set_home(PyConfig *config, const char *archive) {
	wchar_t **const fields[] = {
		&config->home,        &config->prefix,           &config->exec_prefix,
		&config->base_prefix, &config->base_exec_prefix, &config->stdlib_dir};
	PyStatus status = PyStatus_Ok();
	for (size_t i = 0; i < sizeof fields / sizeof *fields && !PyStatus_Exception(status); i++)
		status = PyConfig_SetBytesString(config, fields[i], archive);
	return status;
}

static PyStatus initialize(const fk_metadata *meta, const char *archive) {
	PyPreConfig early;
	PyConfig config;
	PyPreConfig_InitIsolatedConfig(&early);
	early.utf8_mode = 1; // a host that never called setlocale has the locale "C"
	PyStatus ready = Py_PreInitialize(&early);
	if (PyStatus_Exception(ready)) return ready;
	PyConfig_InitIsolatedConfig(&config);
	config.install_signal_handlers = 0;
	config.configure_c_stdio = 0;
	config.buffered_stdio = 0;
	config.site_import = 0;    // the search path was completed at build time
	config.write_bytecode = 0; // a root process leaves nothing in the author's folders
	config.module_search_paths_set = 1;
	config.use_frozen_modules = 1; // a packaged plugin has no other copy of these
	const char *archive_only[] = {archive, NULL};
	const char *const *paths = archive ? archive_only : meta->paths;
	PyStatus status = PyConfig_SetBytesString(&config, &config.executable, meta->executable);
	for (const char *const *p = paths; *p && !PyStatus_Exception(status); p++) {
		wchar_t *path = Py_DecodeLocale(*p, NULL);
		if (path) status = PyWideStringList_Append(&config.module_search_paths, path);
		PyMem_RawFree(path);
	}
	if (archive && !PyStatus_Exception(status)) status = set_home(&config, archive);
	if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	return status;
}

static void describe_exception(char *err, size_t errlen, const char *what) {
	PyObject *raised = fk_take_exception();
	PyObject *text = raised ? PyObject_Str(raised) : NULL;
	const char *why = text ? PyUnicode_AsUTF8(text) : NULL;
	if (!why || !*why) why = raised ? Py_TYPE(raised)->tp_name : "no reason given";
	snprintf(err, errlen, "%s: %s", what, why);
	Py_XDECREF(text);
	Py_XDECREF(raised);
	PyErr_Clear();
}

// `fresh`: Python is this library's own, not that of a program that has loaded it.
// With the GIL: makes the glue's module, then imports falcokit's runtime.
static bool import_runtime(const fk_metadata *meta, PyObject *(*make_module)(void), bool fresh,
                           char *err, size_t errlen) {
	PyObject *path = PySys_GetObject("path"); // borrowed
	for (const char *const *p = meta->paths; *p && path; p++) {
		PyObject *entry = PyUnicode_DecodeFSDefault(*p);
		if (entry && PySequence_Contains(path, entry) == 0) PyList_Append(path, entry);
		Py_XDECREF(entry);
	}
	PyErr_Clear();
	PyObject *module = make_module();
	if (module && PyModule_AddIntConstant(module, "STARTED_PYTHON", fresh) < 0) Py_CLEAR(module);
	PyObject *finder = NULL; // of extension modules, which falcokit.runtime may need
	if (module)
		finder = fk_is_packaged() ? PyImport_ImportModule("_falcokit_payload") : Py_NewRef(Py_None);
	PyObject *runtime = finder ? PyImport_ImportModule("falcokit.runtime.host.callbacks") : NULL;
	bool ok = runtime != NULL;
	if (!module)
		describe_exception(err, errlen, "this process's Python cannot be shared");
	else if (!runtime)
		describe_exception(
			err, errlen,
			fk_is_packaged() ? "cannot import falcokit.runtime out of the packaged plugin"
			                 : "cannot import falcokit.runtime (was the virtual environment moved "
			                   "or changed? run 'falcokit build' again)");
	Py_XDECREF(module);
	Py_XDECREF(finder);
	Py_XDECREF(runtime);
	return ok;
}

// True when this thread has become Python's main thread.
static bool start_here(start_job *job) {
	const char *archive = NULL;
	char landmark[4096];
	snprintf(landmark, sizeof landmark, "%s/encodings/__init__.py", job->meta->stdlib);
	bool fresh = !Py_IsInitialized();
	if (fresh && fk_is_packaged()) {
		archive = fk_payload_archive(job->err, sizeof job->err);
		if (!archive) return false;
	} else if (fresh && access(landmark, R_OK) != 0) {
		snprintf(job->err, sizeof job->err,
		         "Python's standard library is no longer at %s: was the Python or the virtual "
		         "environment moved? run 'falcokit build' again",
		         job->meta->stdlib);
		return false;
	}
	if (fresh) {
		PyStatus status = initialize(job->meta, archive);
		if (PyStatus_Exception(status)) {
			snprintf(job->err, sizeof job->err, "Python cannot start: %s",
			         status.err_msg ? status.err_msg : "no reason given");
			snprintf(broken_text, sizeof broken_text, "%s", job->err);
			broken = true;
			return false;
		}
		import_signal();
		job->ok = import_runtime(job->meta, job->make_module, fresh, job->err, sizeof job->err);
		PyEval_SaveThread();
	} else {
		PyGILState_STATE gil = PyGILState_Ensure();
		job->ok = import_runtime(job->meta, job->make_module, fresh, job->err, sizeof job->err);
		PyGILState_Release(gil);
	}
	if (job->ok && fk_start_cffi() != 0) {
		snprintf(job->err, sizeof job->err,
		         "cffi could not start in the embedded Python (its reason "
		         "is on the standard error)");
		job->ok = false;
	}
	return fresh;
}

// Python treats the thread that starts it as its main thread, the only one that may set signal
// handlers. This is a separate thread on which no code of a plugin runs, so Python refuses such
// attempts of plugins. It never ends: otherwise another thread could get its id.
static void *main_thread(void *arg) {
	start_job *job = arg;
	bool is_main = start_here(job);
	pthread_mutex_lock(&job_lock);
	job->done = true; // from here on only the caller uses the job
	pthread_cond_signal(&job_done);
	pthread_mutex_unlock(&job_lock);
	if (is_main)
		for (;;) pause();
	return NULL;
}

static void start_on_thread(start_job *job) {
	pthread_t thread;
	if (!fk_thread_start(&thread, "falcokit-main", main_thread, job)) {
		snprintf(job->err, sizeof job->err, "cannot start a thread for Python: no resources");
		return;
	}
	pthread_detach(thread);
	pthread_mutex_lock(&job_lock);
	while (!job->done) pthread_cond_wait(&job_done, &job_lock);
	pthread_mutex_unlock(&job_lock);
}

// A file that cannot be opened looks as if it were missing: says first when there are no descriptors.
static void explain_shortage(char *err, size_t errlen) {
	char shortage[1024];
	int fd = open("/", O_RDONLY | O_CLOEXEC);
	bool full = fd < 0 && (errno == EMFILE || errno == ENFILE);
	if (fd >= 0) close(fd);
	if (!full && !strstr(err, strerror(EMFILE)) && !strstr(err, strerror(ENFILE))) return;
	snprintf(
		shortage, sizeof shortage,
		"the process has no file descriptor left (its limit is %ld: ulimit -n, or LimitNOFILE= "
		"of its service): ",
		sysconf(_SC_OPEN_MAX));
	size_t n = strlen(shortage);
	snprintf(shortage + n, sizeof shortage - n, "%s", err);
	snprintf(err, errlen, "%s", shortage);
}

bool fk_start_python(const fk_metadata *meta, PyObject *(*make_module)(void), char *err,
                     size_t errlen) {
	pthread_mutex_lock(&start_lock);
	ignore_as_python_does(); // at each init: the host may have reset them since
	if (!started) {
		start_job job = {.meta = meta, .make_module = make_module};
		if (broken)
			snprintf(job.err, sizeof job.err, "%s", broken_text);
		else if (fk_is_packaged() || promote_libpython(job.err, sizeof job.err))
			start_on_thread(&job);
		started = job.ok;
		if (!started) {
			explain_shortage(job.err, sizeof job.err);
			snprintf(err, errlen, "%s", job.err);
		}
	}
	bool ok = started;
	pthread_mutex_unlock(&start_lock);
	return ok;
}
