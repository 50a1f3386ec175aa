// SPDX-License-Identifier: Apache-2.0
// plughost: a host for tests and benchmarks on the framework's own libraries. One JSON object on stdout;
// exit 0 ok, 1 host or plugin error, 2 usage, 3 hang.
#include "plughost.h"
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

static const char* USAGE = R"(plughost MODE [options]
modes
  info            load, print identity / capabilities / fields / schema, unload
  sinsp           pump sinsp::next() through a real inspector
  filters         as sinsp, and tell for each condition of --filters which events match
  raw             dlopen through plugin_loader.c, loop plugin_next_batch (no sinsp)
plugins (repeatable; --init/--init-file apply to the last --plugin)
  --plugin PATH   --init CFG   --init-file FILE
input (sinsp and filters mode; default: first plugin with a source)
  --source NAME   plugin NAME as event source     --open PARAMS   its open params
  --platform generic|hostinfo|full                (default hostinfo; full if id()==0)
  --nodriver      nodriver engine ("syscall" source, 100 ms/next)
  --pump USEC     built-in id-0 source plugin that only returns TIMEOUT after USEC us
                  ("syscall" source; for async-only plugins)
  --scap FILE     read a capture file
stop conditions
  --secs S (default 2)   --events N   (EOF of the source also stops)
  --drain-ms N        after --secs go on until no async event came for N ms (60 s at most)
checks
  --fields a,b[k],c   extract these fields from each event (also %-less filter fields)
  --repeat K          repeat the extraction K times per event
  --offsets           use extract_with_offsets and check the ranges
  --seq-field F       check the uint64 field F for gaps/dups (separately source / async)
  --latency-data      async data begins with a u64 wall clock ns: percentiles of the latency
  --seq-data          and goes on with u32 producer, u64 sequence: lost, dup, reordered of each
  --filter EXPR       set a sinsp filter
  --print N           print the first N events (default format, or --format FMT; --json-events)
  --write FILE        write all events with sinsp_dumper     --compress
  --metrics           print plugin_get_metrics at the end of each cycle
  --set-config CFG    call set_config after --set-config-after S seconds (default 0)
  --cycles N          open/close the same inspector N times
  --inspectors N      N inspectors with the same .so in N threads (as Falco: setup and
                      teardown one at a time, sinsp::next() concurrently)
  --reload R          destroy the inspector (dlclose) and make a new one R times
  --pause-ms MS       sleep between open and the first next()
filters mode: all events of the input, or the first of --events; "events" has the text of each
event by its number, "filters" for each condition the numbers of its events or its error
  --filters FILE      the conditions, each ended by a zero byte: they may have several lines
  --format FMT        of the text (default: the number)
raw mode
  --async             install an async handler and count events
  --extract           call extract_fields (1 field per call as sinsp does) on each event
  --extract-all       one extract_fields call with all --fields at once
  --noevents          only wait --secs (for async-only plugins)
misc
  --watchdog S        exit 3 when a phase/next() takes longer than S seconds (default 30)
  --log               collect the log messages of libs/plugins  (severity INFO; --debug: DEBUG)
  --pretty            indented JSON
)";

options o;
static Json::Value g_out;
static void emit() {
	Json::StreamWriterBuilder b;
	b["indentation"] = o.pretty ? "  " : "";
	b["precision"] = 6;
	b["precisionType"] = "decimal";
	std::cout << Json::writeString(b, g_out) << std::endl;
}

int main(int argc, char** argv) {
	if(argc < 2) { std::cerr << USAGE; return 2; }
	o.mode = argv[1];
	auto need = [&](int& i) -> std::string { if(i + 1 >= argc) { std::cerr << "missing value for " << argv[i] << "\n"; exit(2); } return argv[++i]; };
	for(int i = 2; i < argc; i++) {
		std::string a = argv[i];
		if(a == "--plugin") o.plugins.push_back({need(i), ""});
		else if(a == "--init") { auto v = need(i); o.plugins.back().init = v; }
		else if(a == "--init-file") { std::ifstream f(need(i)); std::stringstream s; s << f.rdbuf(); o.plugins.back().init = s.str(); }
		else if(a == "--source") o.source = need(i);
		else if(a == "--open") o.open_params = need(i);
		else if(a == "--platform") o.platform = need(i);
		else if(a == "--nodriver") o.nodriver = true;
		else if(a == "--pump") o.pump = atol(need(i).c_str());
		else if(a == "--scap") o.scap = need(i);
		else if(a == "--secs") o.secs = atof(need(i).c_str());
		else if(a == "--events") o.events = strtoull(need(i).c_str(), 0, 10);
		else if(a == "--fields") {
			std::string v = need(i), cur; int depth = 0;
			for(char ch : v) { if(ch == '[') depth++; if(ch == ']') depth--; if(ch == ',' && !depth) { o.fields.push_back(cur); cur.clear(); } else cur += ch; }
			if(!cur.empty()) o.fields.push_back(cur);
		}
		else if(a == "--repeat") o.repeat = atoi(need(i).c_str());
		else if(a == "--offsets") o.offsets = true;
		else if(a == "--seq-field") o.seq_field = need(i);
		else if(a == "--filter") o.filter = need(i);
		else if(a == "--filters") o.filters = need(i);
		else if(a == "--print") o.print = strtoull(need(i).c_str(), 0, 10);
		else if(a == "--format") o.format = need(i);
		else if(a == "--json-events") o.json_events = true;
		else if(a == "--write") o.write = need(i);
		else if(a == "--compress") o.compress = true;
		else if(a == "--metrics") o.metrics = true;
		else if(a == "--set-config") { o.set_config = need(i); o.has_set_config = true; }
		else if(a == "--set-config-after") o.set_config_after = atof(need(i).c_str());
		else if(a == "--cycles") o.cycles = atoi(need(i).c_str());
		else if(a == "--reload") o.reload = atoi(need(i).c_str());
		else if(a == "--inspectors") o.inspectors = atoi(need(i).c_str());
		else if(a == "--pause-ms") o.pause_ms = atoi(need(i).c_str());
		else if(a == "--async") o.raw_async = true;
		else if(a == "--extract") o.raw_extract = true;
		else if(a == "--extract-all") o.raw_extract_all = true;
		else if(a == "--noevents") o.noevents = true;
		else if(a == "--latency-data") o.latency_data = true;
		else if(a == "--seq-data") o.seq_data = true;
		else if(a == "--drain-ms") o.drain_ms = atof(need(i).c_str());
		else if(a == "--watchdog") o.watchdog = atof(need(i).c_str());
		else if(a == "--log") o.log = true;
		else if(a == "--debug") { o.log = true; o.debug = true; }
		else if(a == "--pretty") o.pretty = true;
		else { std::cerr << "unknown option " << a << "\n" << USAGE; return 2; }
	}
	if(o.plugins.empty() && o.scap.empty()) { std::cerr << USAGE; return 2; }
	if(o.log) { libsinsp_logger()->add_callback_log(log_cb); libsinsp_logger()->set_severity(o.debug ? sinsp_logger::SEV_DEBUG : sinsp_logger::SEV_INFO); }
	phase("start");
	std::thread(watchdog_main).detach();
	usleep(1000);
	g_out["mode"] = o.mode;
	g_out["before"] = proc_facts();
	int ret = 0;
	try {
		for(int r = 0; r < o.reload; r++) {
			Json::Value v;
			if(o.mode == "sinsp" && o.inspectors > 1) {
				std::vector<std::thread> th;
				std::vector<Json::Value> res(o.inspectors);
				for(int k = 0; k < o.inspectors; k++)
					th.emplace_back([&, k] {
						try { res[k] = one_inspector(r); }
						catch(const std::exception& e) { res[k]["error"] = e.what(); ret = 1; }
					});
				for(auto& t : th) t.join();
				for(auto& x : res) v["inspectors"].append(x);
				v["after_all"] = proc_facts();
			}
			else if(o.mode == "sinsp" || o.mode == "filters") v = one_inspector(r);
			else if(o.mode == "raw") v = raw_once(o.plugins.at(0));
			else if(o.mode == "info") v = info_once(o.plugins.at(0));
			else { std::cerr << USAGE; return 2; }
			if(o.reload == 1) for(auto& k : v.getMemberNames()) g_out[k] = v[k];
			else if(o.reload <= 20 || r < 3 || r >= o.reload - 3) g_out["reloads"].append(v);
		}
		if(o.reload > 1) g_out["final"] = proc_facts();
	} catch(const std::exception& e) {
		g_out["error"] = e.what();
		g_out["phase"] = g_phase.load();
		g_out["log"] = take_logs();
		ret = 1;
	}
	phase("exit");
	emit();
	return ret;
}
