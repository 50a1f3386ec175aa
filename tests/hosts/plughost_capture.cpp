// SPDX-License-Identifier: Apache-2.0
// One capture: open, pump sinsp::next() and check every event, close. Inspector's thread.
#include "plughost.h"
#include "plughost_checks.h"
#include <libsinsp/dumper.h>
#include <libsinsp/eventformatter.h>
#include <libsinsp/filter.h>
#include <libsinsp/filter_check_list.h>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <set>

static const uint64_t DRAIN_MAX_NS = 60000000000ull;

void open_input(sinsp& ins, const std::shared_ptr<sinsp_plugin>& src) {
	if(!o.scap.empty()) ins.open_savefile(o.scap);
	else if(o.nodriver) ins.open_nodriver();
	else {
		auto pl = sinsp_plugin_platform::SINSP_PLATFORM_HOSTINFO;
		if(o.platform == "generic") pl = sinsp_plugin_platform::SINSP_PLATFORM_GENERIC;
		else if(o.platform == "full" || (o.platform.empty() && src->id() == 0 && src->name() != "plughost_pump"))
			pl = sinsp_plugin_platform::SINSP_PLATFORM_FULL;
		else if(src->name() == "plughost_pump" && o.platform.empty()) pl = sinsp_plugin_platform::SINSP_PLATFORM_GENERIC;
		ins.open_plugin(src->name(), o.open_params, pl);
	}
}

Json::Value one_capture(sinsp& ins, filter_check_list& fl, std::vector<std::shared_ptr<sinsp_plugin>>& plugs,
                        std::shared_ptr<sinsp_plugin> src, int cycle, std::unique_lock<std::mutex>& setup) {
	Json::Value r;
	auto factory = std::make_shared<sinsp_filter_factory>(&ins, fl);
	if(!o.filter.empty()) {
		sinsp_filter_compiler c(factory, o.filter);
		ins.set_filter(c.compile(), o.filter);
	}
	std::vector<field_stat> fs;
	std::unique_ptr<sinsp_filter_check> seqchk;
	auto mk = [&](const std::string& n) {
		auto chk = fl.new_filter_check_from_fldname(n, &ins, false);
		if(!chk) throw sinsp_exception("unknown field " + n);
		chk->set_inspector(&ins);
		chk->parse_field_name(n, true, false);
		return chk;
	};
	for(auto& n : o.fields) {
		field_stat f;
		f.name = n;
		f.chk = mk(n);
		f.type = std::to_string((int)f.chk->get_field_info()->m_type);
		fs.push_back(std::move(f));
	}
	if(!o.seq_field.empty()) seqchk = mk(o.seq_field);

	auto t0 = clk::now();
	phase("open");
	open_input(ins, src);
	r["open_ms"] = since(t0) * 1e3;
	ins.start_capture();

	sinsp_dumper dumper;
	if(!o.write.empty()) dumper.open(&ins, o.write, o.compress);
	std::unique_ptr<sinsp_evt_formatter> fmt;
	if(o.print) {
		fmt = std::make_unique<sinsp_evt_formatter>(
		        &ins, o.format.empty() ? "*%evt.num %evt.time %evt.source %evt.type %evt.asynctype %evt.pluginname %evt.plugininfo" : o.format, fl);
	}
	if(o.pause_ms) usleep(o.pause_ms * 1000);

	setup.unlock();
	bool conf_done = !o.has_set_config;
	auto do_conf = [&] {
		conf_done = true;
		phase("set_config");
		for(auto& p : plugs) {
			if(p->name() == "plughost_pump") continue;
			Json::Value c;
			try {
				c["ok"] = p->set_config(o.set_config);
				if(!c["ok"].asBool()) c["error"] = p->get_last_error();
			} catch(std::exception& e) { c["ok"] = false; c["error"] = e.what(); }
			r["set_config"][p->name()] = c;
		}
		phase("next");
	};

	uint64_t n = 0, timeouts = 0, filtered = 0, out_of_order = 0, last_ts = 0, bytes = 0, extracts = 0, fails = 0;
	std::vector<uint64_t> by_src(64), by_type(PPM_EVENT_MAX + 1);
	std::vector<std::pair<std::string, uint64_t>> asyncs;
	seq_check seq_src, seq_async;
	std::set<std::string> errors;
	std::vector<extract_value_t> vals;
	std::vector<extract_offset_t> offs;
	uint64_t async_lat_n = 0, async_lat_max = 0;
	double async_lat_sum = 0;
	std::string end = "time";

	phase("next");
	double cpu0 = (double)clock() / CLOCKS_PER_SEC;
	auto t = clk::now();
	uint64_t c0 = coarse_ns(), lastc = c0, maxgap = 0;
	uint64_t last_async = 0;
	const uint64_t drain_ns = (uint64_t)(o.drain_ms * 1e6);
	stamp_check stamps;
	std::map<uint32_t, uint64_t> by_plugin;
	uint64_t* id_count = nullptr;
	uint32_t id_counted = 0;
	const uint64_t limit_ns = (uint64_t)(o.secs * 1e9);
	for(;;) {
		sinsp_evt* evt = nullptr;
		int32_t rc = ins.next(&evt);
		uint64_t c = coarse_ns();
		g_beat.store(c, std::memory_order_relaxed);
		if(c - lastc > maxgap) maxgap = c - lastc;
		lastc = c;
		if(rc == SCAP_SUCCESS) {
			n++;
			uint16_t type = evt->get_type();
			size_t si = evt->get_source_idx();
			by_src[si < 63 ? si : 63]++;
			by_type[type < PPM_EVENT_MAX ? type : PPM_EVENT_MAX]++;
			auto* se = evt->get_scap_evt();
			bytes += se->len;
			if(se->ts < last_ts) out_of_order++;
			last_ts = se->ts;
			if(type == PPME_ASYNCEVENT_E) {
				const char* nm = evt->get_param(1)->data();
				bool hit = false;
				for(auto& a : asyncs) if(a.first == nm) { a.second++; hit = true; break; }
				if(!hit) asyncs.emplace_back(nm, 1);
				uint64_t now = real_ns();
				last_async = c;
				if(o.latency_data || o.seq_data) stamps.add(evt->get_param(2)->data(), evt->get_param(2)->len(), now);
				if(se->ts <= now) {
					uint64_t l = now - se->ts;
					async_lat_n++; async_lat_sum += l;
					if(l > async_lat_max) async_lat_max = l;
				}
			}
			else if(type == PPME_PLUGINEVENT_E) {
				uint32_t id; // read in place: decoding parameters would cost more than the event itself
				memcpy(&id, (const char*)se + sizeof(*se) + 8, 4);
				if(!id_count || id != id_counted) id_count = &by_plugin[id_counted = id];
				++*id_count;
			}
			for(auto& f : fs) {
				for(int k = 0; k < o.repeat; k++) {
					extracts++;
					vals.clear();
					bool ok;
					if(o.offsets) {
						offs.clear();
						ok = f.chk->extract_with_offsets(evt, vals, offs);
						for(auto& of : offs) {
							if(of.start == UINT32_MAX) continue;
							if(of.start || of.length) f.off_some++;
							if((uint64_t)of.start + of.length > se->len) f.off_bad++;
						}
					} else ok = f.chk->extract(evt, vals);
					if(ok) { f.present++; f.values += vals.size(); }
					else f.absent++;
					if(ok && f.samples.size() < 3 && k == 0) {
						char* s = f.chk->tostring(evt);
						f.samples.push_back(s ? s : "(null)");
					}
				}
			}
			if(seqchk) {
				vals.clear();
				if(seqchk->extract(evt, vals) && vals.size() == 1 && vals[0].len >= 8) {
					uint64_t q;
					memcpy(&q, vals[0].ptr, 8);
					(type == PPME_ASYNCEVENT_E ? seq_async : seq_src).add(q);
				}
			}
			if(fmt && n <= o.print) {
				std::string s;
				fmt->tostring_withformat(evt, s, o.json_events ? sinsp_evt_formatter::OF_JSON : sinsp_evt_formatter::OF_NORMAL);
				std::cerr << s << "\n";
			}
			if(dumper.is_open()) dumper.dump(evt);
			if(o.events && n >= o.events) { end = "events"; break; }
		} else if(rc == SCAP_TIMEOUT) timeouts++;
		else if(rc == SCAP_FILTERED_EVENT) filtered++;
		else if(rc == SCAP_EOF) { end = "eof"; break; }
		else {
			fails++;
			if(errors.size() < 10) errors.insert("rc=" + std::to_string(rc) + " " + ins.getlasterr());
			if(fails > 1000) { end = "errors"; break; }
		}
		if(c - c0 > limit_ns) {
			if(!drain_ns) break;
			// what was sent before the end is on its way: go on until it has come
			uint64_t quiet_since = std::max(last_async, c0 + limit_ns);
			if(c - quiet_since > drain_ns) { end = "drained"; break; }
			if(c - c0 > limit_ns + DRAIN_MAX_NS) { end = "still draining"; break; }
		}
		if(!conf_done && (c - c0) >= o.set_config_after * 1e9) do_conf();
	}
	double w = since(t), cpu = (double)clock() / CLOCKS_PER_SEC - cpu0;
	if(!conf_done) do_conf();
	r["end"] = end;
	r["wall_s"] = w;
	r["cpu_s"] = cpu;
	r["events"] = rate(n, w);
	r["bytes"] = rate(bytes, w);
	r["timeouts"] = (Json::UInt64)timeouts;
	if(filtered) r["filtered"] = (Json::UInt64)filtered;
	r["out_of_order"] = (Json::UInt64)out_of_order;
	r["max_gap_ms"] = maxgap / 1e6;
	for(size_t i = 0; i < 64; i++)
		if(by_src[i]) r["by_source"][i < ins.event_sources().size() ? ins.event_sources()[i] : "(none)"] = rate(by_src[i], w);
	for(size_t i = 0; i <= PPM_EVENT_MAX; i++)
		if(by_type[i]) r["by_type"][i == PPM_EVENT_MAX ? "?" : std::to_string(i) + ":" + scap_get_event_info_table()[i].name] = rate(by_type[i], w);
	for(auto& a : asyncs) r["async"][a.first] = rate(a.second, w);
	if(async_lat_n) {
		r["async_latency_us"]["avg"] = async_lat_sum / async_lat_n / 1e3;
		r["async_latency_us"]["max"] = async_lat_max / 1e3;
	}
	if(o.latency_data) r["async_stamp_latency_us"] = stamps.latency();
	if(o.seq_data) r["async_sequences"] = stamps.sequences();
	for(auto& p : plugs)
		if(by_plugin.count(p->id())) r["plugin_events"][p->name()] = rate(by_plugin[p->id()], w);
	if(!fs.empty()) {
		r["extract_calls"] = rate(extracts, w);
		for(auto& f : fs) {
			Json::Value v;
			v["ftype"] = f.type; v["present"] = (Json::UInt64)f.present; v["absent"] = (Json::UInt64)f.absent;
			v["values"] = (Json::UInt64)f.values;
			if(o.offsets) { v["offsets_set"] = (Json::UInt64)f.off_some; v["offsets_out_of_event"] = (Json::UInt64)f.off_bad; }
			for(auto& s : f.samples) v["samples"].append(s);
			r["fields"][f.name] = v;
		}
	}
	if(seq_src.any) r["seq"]["source"] = seq_src.json();
	if(seq_async.any) r["seq"]["async"] = seq_async.json();
	for(auto& e : errors) r["errors"].append(e);
	if(fails) r["failures"] = (Json::UInt64)fails;
	if(dumper.is_open()) {
		r["written"]["events"] = (Json::UInt64)dumper.written_events();
		dumper.close();
		std::ifstream f(o.write, std::ios::ate | std::ios::binary);
		r["written"]["bytes"] = (Json::UInt64)f.tellg();
	}
	if(src && o.scap.empty() && !o.nodriver && src->name() != "plughost_pump") {
		uint32_t pct = 0;
		std::string ps = src->get_progress(pct);
		r["progress"]["pct_x100"] = pct;
		if(!ps.empty()) r["progress"]["text"] = ps;
	}
	if(o.metrics) {
		phase("get_metrics");
		for(auto& p : plugs) if(p->name() != "plughost_pump") r["metrics"][p->name()] = metrics_json(*p);
	}
	setup.lock();
	ins.stop_capture();
	fmt.reset();
	seqchk.reset();
	fs.clear();
	phase("close");
	auto tc = clk::now();
	ins.close();
	r["close_ms"] = since(tc) * 1e3;
	r["threads_after_close"] = count_dir("/proc/self/task");
	r["cycle"] = cycle;
	return r;
}
