// SPDX-License-Identifier: Apache-2.0
// Facts that reports are made of: the process, its log, rates, capabilities, metrics; and the watchdog,
// a thread of its own.
#include "plughost.h"
#include <fstream>
#include <iostream>
#include <dirent.h>

std::atomic<uint64_t> g_beat{0};
std::atomic<const char*> g_phase{"start"};

void watchdog_main() {
	for(;;) {
		usleep(100000);
		uint64_t n = coarse_ns(), b = g_beat;
		if(b && n > b && (n - b) > o.watchdog * 1e9) {
			Json::Value v;
			v["error"] = std::string("watchdog: stuck in phase '") + g_phase.load() + "'";
			Json::StreamWriterBuilder w;
			w["indentation"] = "";
			std::cout << Json::writeString(w, v) << std::endl;
			_exit(3);
		}
	}
}

// ---- process facts ------------------------------------------------------------------------
int count_dir(const char* d) {
	int n = 0;
	if(DIR* p = opendir(d)) {
		while(dirent* e = readdir(p)) n += e->d_name[0] != '.';
		closedir(p);
	}
	return n;
}
static long rss_kb() {
	std::ifstream f("/proc/self/statm");
	long a = 0, b = 0;
	f >> a >> b;
	return b * sysconf(_SC_PAGESIZE) / 1024;
}
static bool mapped(const std::string& path) {
	char rp[4096];
	std::string p = realpath(path.c_str(), rp) ? rp : path;
	std::ifstream f("/proc/self/maps");
	std::string l;
	while(std::getline(f, l)) if(l.size() >= p.size() && l.compare(l.size() - p.size(), p.size(), p) == 0) return true;
	return false;
}
Json::Value proc_facts() {
	Json::Value v;
	v["threads"] = count_dir("/proc/self/task");
	v["fds"] = count_dir("/proc/self/fd");
	v["rss_kb"] = (Json::Int64)rss_kb();
	for(auto& p : o.plugins) if(mapped(p.path)) v["still_mapped"].append(p.path);
	return v;
}

// ---- log ----------------------------------------------------------------------------------
static std::mutex g_log_mtx;
static std::map<std::string, uint64_t> g_logs;
void log_cb(std::string&& s, sinsp_logger::severity) {
	std::lock_guard<std::mutex> l(g_log_mtx);
	while(!s.empty() && s.back() == '\n') s.pop_back();
	if(s.size() > 22 && s[2] == '-' && s[5] == ' ' && s[14] == '.') s.erase(0, 22);  // "MM-DD HH:MM:SS.uuuuuu "
	if(g_logs.size() < 50 || g_logs.count(s)) g_logs[s]++;
	else g_logs["(others)"]++;
}
Json::Value take_logs() {
	std::lock_guard<std::mutex> l(g_log_mtx);
	Json::Value v(Json::objectValue);
	for(auto& e : g_logs) v[e.first] = (Json::UInt64)e.second;
	g_logs.clear();
	return v;
}

Json::Value rate(uint64_t n, double s) {
	Json::Value v;
	v["count"] = (Json::UInt64)n;
	v["per_s"] = s > 0 ? (double)(uint64_t)(n / s) : 0.0;
	return v;
}
std::string caps_str(int c) {
	std::string s;
	auto a = [&](int b, const char* n) { if(c & b) s += (s.empty() ? "" : ",") + std::string(n); };
	a(CAP_SOURCING, "source"); a(CAP_EXTRACTION, "extract"); a(CAP_PARSING, "parse"); a(CAP_ASYNC, "async");
	a(CAP_CAPTURE_LISTENING, "listen"); a((int)CAP_BROKEN, "BROKEN");
	return s;
}
Json::Value metrics_json(const sinsp_plugin& p) {
	Json::Value v(Json::objectValue);
	for(auto& m : p.get_metrics()) {
		Json::Value x;
		switch(m.type) {
		case METRIC_VALUE_TYPE_U32: x = m.value.u32; break;
		case METRIC_VALUE_TYPE_S32: x = m.value.s32; break;
		case METRIC_VALUE_TYPE_U64: x = (Json::UInt64)m.value.u64; break;
		case METRIC_VALUE_TYPE_S64: x = (Json::Int64)m.value.s64; break;
		case METRIC_VALUE_TYPE_D: x = m.value.d; break;
		case METRIC_VALUE_TYPE_F: x = m.value.f; break;
		default: x = m.value.i;
		}
		v[m.name] = x;
	}
	return v;
}
