// SPDX-License-Identifier: Apache-2.0
// The mode raw: next_batch, extract_fields and the async handler without libsinsp, the ceiling of every
// rate. Producers call the async handler on their own threads.
#include "plughost.h"
#include <plugin/plugin_loader.h>
#include <algorithm>

struct raw_async {
	std::atomic<uint64_t> n{0}, bytes{0}, bad{0};
	std::mutex m;
	std::map<std::string, uint64_t> names;
};
static raw_async g_ra;
static ss_plugin_rc raw_handler(ss_plugin_owner_t*, const ss_plugin_event* e, char* err) {
	if(e->type != 402 || e->nparams != 3) {
		g_ra.bad++;
		if(err) strcpy(err, "malformed async event");
		return SS_PLUGIN_FAILURE;
	}
	g_ra.n.fetch_add(1, std::memory_order_relaxed);
	g_ra.bytes.fetch_add(e->len, std::memory_order_relaxed);
	uint32_t l[3];
	memcpy(l, (const char*)e + sizeof(*e), 12);
	if(sizeof(*e) + 12ull + l[0] + l[1] + l[2] != e->len || l[0] != 4) g_ra.bad++;
	static thread_local std::map<std::string, uint64_t> tl;  // cheap enough; merged rarely
	static thread_local uint64_t since_merge = 0;
	tl[(const char*)e + sizeof(*e) + 16]++;
	if(++since_merge >= 256 || g_ra.n < 1000) {
		std::lock_guard<std::mutex> g(g_ra.m);
		for(auto& x : tl) g_ra.names[x.first] += x.second;
		tl.clear();
		since_merge = 0;
	}
	return SS_PLUGIN_SUCCESS;
}
static void raw_log(ss_plugin_owner_t*, const char* c, const char* m, ss_plugin_log_severity) {
	log_cb(std::string(c ? c : "plugin") + ": " + m, sinsp_logger::SEV_INFO);
}
static const char* raw_owner_err(ss_plugin_owner_t*) { return nullptr; }
static ss_plugin_table_info* raw_list_tables(ss_plugin_owner_t*, uint32_t* n) { *n = 0; return nullptr; }
static ss_plugin_table_t* raw_get_table(ss_plugin_owner_t*, const char*, ss_plugin_state_type) { return nullptr; }
static ss_plugin_rc raw_add_table(ss_plugin_owner_t*, const ss_plugin_table_input*) { return SS_PLUGIN_SUCCESS; }

struct raw_field { std::string full, name, key; bool has_arg = false; uint64_t index = 0; uint32_t id = 0, ftype = 0; bool list = false; std::string fname;
	uint64_t present = 0, absent = 0; std::string sample; };

static std::string raw_val(const ss_plugin_extract_field& f) {
	std::string s;
	for(uint64_t i = 0; i < f.res_len && i < 4; i++) {
		if(i) s += ",";
		switch(f.ftype) {
		case FTYPE_STRING: s += f.res.str[i]; break;
		case FTYPE_BOOL: s += f.res.boolean[i] ? "true" : "false"; break;
		case FTYPE_IPADDR: case FTYPE_IPNET: s += "<" + std::to_string(f.res.buf[i].len) + " bytes>"; break;
		default: s += std::to_string(f.res.u64[i]);
		}
	}
	return s;
}

Json::Value raw_once(const plug_spec& ps) {
	Json::Value r;
	char err[PLUGIN_MAX_ERRLEN] = "";
	phase("dlopen");
	auto t = clk::now();
	plugin_handle_t* h = plugin_load(ps.path.c_str(), err);
	if(!h) throw std::runtime_error(err);
	r["load_ms"] = since(t) * 1e3;
	if(!plugin_check_required_api_version(h, err) || !plugin_check_required_symbols(h, err)) throw std::runtime_error(err);
	int caps = plugin_get_capabilities(h, err);
	r["caps"] = caps_str(caps);
	if(*err) r["caps_error"] = err;
	auto& A = h->api;
	r["name"] = A.get_name();
	int owner_dummy = 0;
	void* owner = &owner_dummy;
	ss_plugin_init_tables_input ti{};
	ss_plugin_table_fields_vtable_ext fe{};
	ss_plugin_table_reader_vtable_ext re{};
	ss_plugin_table_writer_vtable_ext we{};
	ti.list_tables = raw_list_tables; ti.get_table = raw_get_table; ti.add_table = raw_add_table;
	ti.fields_ext = &fe; ti.reader_ext = &re; ti.writer_ext = &we;
	ss_plugin_init_input in{};
	std::string cfg = ps.init.empty() && A.get_init_schema ? "{}" : ps.init;
	in.config = cfg.c_str();
	in.owner = owner;
	in.get_owner_last_error = raw_owner_err;
	in.tables = caps & (CAP_PARSING | CAP_EXTRACTION) ? &ti : nullptr;
	in.log_fn = raw_log;
	ss_plugin_rc rc = SS_PLUGIN_FAILURE;
	phase("init");
	t = clk::now();
	ss_plugin_t* s = A.init(&in, &rc);
	r["init_ms"] = since(t) * 1e3;
	if(rc != SS_PLUGIN_SUCCESS) {
		std::string e = A.get_last_error(s);
		if(s) A.destroy(s);
		plugin_unload(h);
		throw std::runtime_error("init: " + e);
	}
	std::vector<raw_field> fs;
	if(caps & CAP_EXTRACTION && !o.fields.empty()) {
		Json::Value root;
		Json::Reader().parse(A.get_fields(), root);
		for(auto& spec : o.fields) {
			raw_field f;
			f.full = spec;
			f.name = spec.substr(0, spec.find('['));
			if(spec.find('[') != std::string::npos) { f.has_arg = true; f.key = spec.substr(spec.find('[') + 1); f.key.pop_back(); f.index = strtoull(f.key.c_str(), nullptr, 10); }
			bool ok = false;
			static const std::map<std::string, uint32_t> T = {{"uint64", 8}, {"string", 9}, {"reltime", 20}, {"abstime", 21}, {"bool", 25}, {"ipaddr", 40}, {"ipnet", 41}};
			for(unsigned i = 0; i < root.size(); i++) if(root[i]["name"].asString() == f.name) {
				f.id = i; f.ftype = T.at(root[i]["type"].asString()); f.list = root[i].get("isList", false).asBool(); ok = true;
			}
			if(!ok) throw std::runtime_error("unknown field " + spec);
			fs.push_back(f);
		}
	}
	for(int cyc = 0; cyc < o.cycles; cyc++) {
		Json::Value c;
		ss_instance_t* inst = nullptr;
		bool src = (caps & CAP_SOURCING) && !o.noevents;
		if(src) {
			phase("open");
			t = clk::now();
			inst = A.open(s, o.open_params.c_str(), &rc);
			c["open_ms"] = since(t) * 1e3;
			if(rc != SS_PLUGIN_SUCCESS) { c["open_error"] = A.get_last_error(s); if(A.close) A.close(s, inst); r["cycles"].append(c); continue; }
		}
		if(o.raw_async && caps & CAP_ASYNC) {
			phase("set_async_event_handler");
			g_ra.n = 0; g_ra.bytes = 0; g_ra.bad = 0; g_ra.names.clear();
			if(A.set_async_event_handler(s, owner, raw_handler) != SS_PLUGIN_SUCCESS) c["async_error"] = A.get_last_error(s);
		}
		if(caps & CAP_CAPTURE_LISTENING) {
			ss_plugin_capture_listen_input li{};
			ss_plugin_routine_vtable rv{};
			rv.subscribe = [](ss_plugin_owner_t*, ss_plugin_routine_fn_t, ss_plugin_routine_state_t*) -> ss_plugin_routine_t* { return nullptr; };
			rv.unsubscribe = [](ss_plugin_owner_t*, ss_plugin_routine_t*) { return SS_PLUGIN_FAILURE; };
			li.owner = owner; li.routine = &rv; li.table_reader_ext = &re; li.table_writer_ext = &we; li.get_owner_last_error = raw_owner_err;
			phase("capture_open");
			A.capture_open(s, &li);
		}
		uint64_t n = 0, batches = 0, timeouts = 0, empty = 0, bytes = 0, calls = 0, xfail = 0, malformed = 0;
		uint32_t maxb = 0;
		phase("next_batch");
		double cpu0 = (double)clock() / CLOCKS_PER_SEC;
		t = clk::now();
		uint64_t c0 = coarse_ns();
		std::string end = "time";
		std::string src_name = A.get_event_source ? A.get_event_source() : "syscall";
		uint32_t pid = A.get_id ? A.get_id() : 0;
		ss_plugin_field_extract_input fi{};
		fi.owner = owner; fi.get_owner_last_error = raw_owner_err; fi.table_reader_ext = &re;
		std::vector<ss_plugin_extract_field> xf(fs.size());
		while(src) {
			uint32_t k = 0;
			ss_plugin_event** ev = nullptr;
			rc = A.next_batch(s, inst, &k, &ev);
			uint64_t cc = coarse_ns();
			g_beat.store(cc, std::memory_order_relaxed);
			batches++;
			n += k;
			if(k > maxb) maxb = k;
			if(k == 0 && rc == SS_PLUGIN_SUCCESS) empty++;
			for(uint32_t i = 0; i < k; i++) {
				const ss_plugin_event* e = ev[i];
				bytes += e->len;
				uint32_t l[3];
				memcpy(l, (const char*)e + sizeof(*e), 12);
				if(pid && (e->type != 322 || e->nparams != 2 || l[0] != 4 || sizeof(*e) + 8ull + 4 + l[1] != e->len || (l[2] != 0 && l[2] != pid))) malformed++;
				if(o.raw_extract || o.raw_extract_all) {
					ss_plugin_event_input ei{e, n - k + i + 1, src_name.c_str()};
					for(size_t j = 0; j < fs.size(); j++) {
						auto& f = fs[j];
						auto& x = xf[j];
						memset(&x, 0, sizeof x);
						x.field_id = f.id; x.field = f.name.c_str(); x.arg_key = f.has_arg ? f.key.c_str() : nullptr;
						x.arg_index = f.index; x.arg_present = f.has_arg; x.ftype = f.ftype; x.flist = f.list;
						if(!o.raw_extract_all) {
							for(int q = 0; q < o.repeat; q++) {
								x.res_len = 0;
								fi.num_fields = 1; fi.fields = &x;
								if(A.extract_fields(s, &ei, &fi) != SS_PLUGIN_SUCCESS) xfail++;
								calls++;
							}
							if(x.res_len) { f.present++; if(f.sample.empty()) f.sample = raw_val(x); } else f.absent++;
						}
					}
					if(o.raw_extract_all && !fs.empty()) {
						for(int q = 0; q < o.repeat; q++) {
							fi.num_fields = xf.size(); fi.fields = xf.data();
							if(A.extract_fields(s, &ei, &fi) != SS_PLUGIN_SUCCESS) xfail++;
							calls++;
						}
						for(size_t j = 0; j < fs.size(); j++) if(xf[j].res_len) { fs[j].present++; if(fs[j].sample.empty()) fs[j].sample = raw_val(xf[j]); } else fs[j].absent++;
					}
				}
			}
			if(rc == SS_PLUGIN_TIMEOUT) timeouts++;
			else if(rc == SS_PLUGIN_EOF) { end = "eof"; break; }
			else if(rc != SS_PLUGIN_SUCCESS) { end = "failure"; c["next_error"] = A.get_last_error(s); break; }
			if(o.events && n >= o.events) { end = "events"; break; }
			if(cc - c0 > o.secs * 1e9) break;
		}
		if(!src) while(since(t) < o.secs) { usleep(10000); g_beat = coarse_ns(); }
		double w = since(t);
		c["cpu_s"] = (double)clock() / CLOCKS_PER_SEC - cpu0;
		c["wall_s"] = w;
		if(src) {
			c["end"] = end;
			c["events"] = rate(n, w); c["bytes"] = rate(bytes, w); c["batches"] = rate(batches, w);
			c["max_batch"] = maxb; c["timeouts"] = (Json::UInt64)timeouts; c["empty_success_batches"] = (Json::UInt64)empty;
			c["malformed"] = (Json::UInt64)malformed;
		}
		if(calls) {
			c["extract_calls"] = rate(calls, w);
			c["extract_failures"] = (Json::UInt64)xfail;
			for(auto& f : fs) { Json::Value v; v["present"] = (Json::UInt64)f.present; v["absent"] = (Json::UInt64)f.absent; v["sample"] = f.sample; c["fields"][f.full] = v; }
		}
		if(o.metrics && A.get_metrics) {
			uint32_t nm = 0;
			auto* m = A.get_metrics(s, &nm);
			for(uint32_t i = 0; i < nm; i++) c["metrics"][m[i].name] = m[i].value_type == SS_PLUGIN_METRIC_VALUE_TYPE_D ? Json::Value(m[i].value.d) : Json::Value((Json::UInt64)m[i].value.u64);
		}
		// same order as sinsp::close(): plugin_close, then the async handler, then capture_close
		phase("close");
		t = clk::now();
		if(src) A.close(s, inst);
		c["close_ms"] = since(t) * 1e3;
		if(o.raw_async && caps & CAP_ASYNC) {
			phase("unset_async_event_handler");
			t = clk::now();
			A.set_async_event_handler(s, owner, nullptr);
			c["async_stop_ms"] = since(t) * 1e3;
			uint64_t n1 = g_ra.n;
			c["async"]["total"] = rate(n1, w); c["async"]["bytes"] = rate(g_ra.bytes, w); c["async"]["malformed"] = (Json::UInt64)g_ra.bad;
			{
				std::lock_guard<std::mutex> g(g_ra.m);
				for(auto& x : g_ra.names) c["async"]["names"][x.first] = (Json::UInt64)x.second;
			}
			usleep(20000);
			c["async"]["after_stop"] = (Json::UInt64)(g_ra.n - n1);
		}
		if(caps & CAP_CAPTURE_LISTENING) {
			ss_plugin_capture_listen_input li{};
			ss_plugin_routine_vtable rv{};
			li.owner = owner; li.routine = &rv; li.table_reader_ext = &re; li.table_writer_ext = &we; li.get_owner_last_error = raw_owner_err;
			phase("capture_close");
			A.capture_close(s, &li);
		}
		r["cycles"].append(c);
	}
	phase("destroy");
	t = clk::now();
	A.destroy(s);
	r["destroy_ms"] = since(t) * 1e3;
	phase("dlclose");
	plugin_unload(h);
	r["after_unload"] = proc_facts();
	if(o.log) r["log"] = take_logs();
	return r;
}
