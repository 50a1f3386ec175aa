// libgolden.so, made of golden:P by a test: do not edit.
#include "abi/abi.h"

#define FK_GLUE "libglue.so"
#define FK_META_NAME "golden"
#define FK_META_VERSION "1.2.3"
#define FK_META_DESCRIPTION "Quotes \"\\ and \?\?/ trigraphs, a tab\011and h\303\2511, and so on and so on and so on and s" \
	"o on and so on and so on and so on and so on "
#define FK_META_CONTACT ""
#define FK_META_REQUIRED_API "3.5.0"
#define FK_META_REQUIRED_SCHEMA "4.0.0"
#define FK_META_PARSE_TYPES 322, 402
#define FK_META_PARSE_SOURCES "[\"a\",\"syscall\"]"
#define FK_META_ABOUT "{\"plugin\":\"golden\",\"version\":\"1.2.3\",\"description\":\"Quotes \\\"\\\\ and \?\?/ trigraph" \
	"s, a tab\\tand h\303\2511, and so on and so on and so on and so on and so on and so on " \
	"and so on and so on \",\"contact\":\"\",\"required_api\":\"3.5.0\",\"required_schema\":\"4.0" \
	".0\",\"capabilities\":[\"parse\",\"async\"],\"event_source\":null,\"plugin_id\":0,\"async_ev" \
	"ents\":[\"one\",\"quo\\\"te\"],\"async_event_sources\":[\"syscall\"],\"extract_event_sources" \
	"\":[],\"parse_event_sources\":[\"a\",\"syscall\"],\"init_schema\":{\"type\":\"object\",\"prope" \
	"rties\":{\"count\":{\"type\":\"integer\"}}},\"fields\":[]}"
#define FK_META_INIT_SCHEMA "{\"type\":\"object\",\"properties\":{\"count\":{\"type\":\"integer\"}}}"
#define FK_META_ASYNC_EVENTS "[\"one\",\"quo\\\"te\"]"
#define FK_META_ASYNC_SOURCES "[\"syscall\"]"
#define FK_HAS_ASYNC 1
#define FK_HAS_DUMP_STATE 1
#define FK_HAS_SET_CONFIG 1

static const char *const fk_metadata_paths[] = {
	"/lib/python",
	"/author's lib",
	NULL,
};
static const char *const fk_metadata_events[] = {
	"one",
	"quo\"te",
	NULL,
};
static const fk_metadata fk_plugin_metadata = {
	.name = FK_META_NAME,
	.target = "golden:P",
	.source_dir = "/src",
	.executable = "/bin/python",
	.stdlib = "/lib/python",
	.paths = fk_metadata_paths,
	.event_names = fk_metadata_events,
	.has_metrics = 0,
	.has_async = 1,
	.imports_tables = 1,
	.has_log = 1,
};

#include "entry/beside.c"
#include "entry/base.c"
#include "entry/async.c"
#include "entry/parse.c"
