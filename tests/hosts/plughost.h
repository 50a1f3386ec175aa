// SPDX-License-Identifier: Apache-2.0
// plughost, a host for tests and benchmarks on the framework's own libraries: what its files share.
// Owns the options, the clock, and the JSON that is printed at the end. The main thread runs captures,
// or with --inspectors one thread for each; a watchdog thread ends the process when a call hangs.
#pragma once

#include <libsinsp/sinsp.h>
#include <libsinsp/plugin.h>
#include <json/json.h>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>
#include <time.h>
#include <unistd.h>

using clk = std::chrono::steady_clock;
static inline double since(clk::time_point t) {
	return std::chrono::duration<double>(clk::now() - t).count();
}
static inline uint64_t coarse_ns() {
	timespec t;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}
static inline uint64_t real_ns() {
	timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + t.tv_nsec;
}

struct plug_spec {
	std::string path, init;
};
struct options {
	std::string mode;
	std::vector<plug_spec> plugins;
	std::string source, open_params, platform, scap, filter, filters, format, write, set_config,
		seq_field;
	std::vector<std::string> fields;
	bool nodriver = false, offsets = false, metrics = false, compress = false,
		 has_set_config = false, json_events = false, raw_async = false, raw_extract = false,
		 raw_extract_all = false, noevents = false, log = false, debug = false, pretty = false;
	bool latency_data = false, seq_data = false;
	long pump = -1;
	double secs = 2, set_config_after = 0, watchdog = 30, drain_ms = 0;
	uint64_t events = 0, print = 0;
	int cycles = 1, reload = 1, repeat = 1, pause_ms = 0, inspectors = 1;
};
extern options o;

// plughost_facts.cpp
extern std::atomic<uint64_t> g_beat;
extern std::atomic<const char *> g_phase;
static inline void phase(const char *p) {
	g_phase = p;
	g_beat = coarse_ns();
}
void watchdog_main();
int count_dir(const char *d);
Json::Value proc_facts();
void log_cb(std::string &&s, sinsp_logger::severity);
Json::Value take_logs();
Json::Value rate(uint64_t n, double s);
std::string caps_str(int caps);
Json::Value metrics_json(const sinsp_plugin &p);

// the modes
Json::Value one_inspector(int generation);    // plughost_inspector.cpp
Json::Value raw_once(const plug_spec &spec);  // plughost_raw.cpp
Json::Value info_once(const plug_spec &spec); // plughost_info.cpp

plugin_api pump_plugin(); // plughost_pump.cpp
Json::Value one_capture(sinsp &ins, filter_check_list &fl,
                        std::vector<std::shared_ptr<sinsp_plugin>> &plugs,
                        std::shared_ptr<sinsp_plugin> src, int cycle,
                        std::unique_lock<std::mutex> &setup); // plughost_capture.cpp
void open_input(sinsp &ins, const std::shared_ptr<sinsp_plugin> &src);
Json::Value filters_once(sinsp &ins, filter_check_list &fl,
                         const std::shared_ptr<sinsp_plugin> &src); // plughost_filters.cpp
