// SPDX-License-Identifier: Apache-2.0
// An inspector from its making to its end: plugins registered and initialised, its captures, unloading.
#include "plughost.h"
#include <libsinsp/filter_check_list.h>

// setup and teardown are serialised between inspectors, as in Falco
static std::mutex g_setup;

Json::Value one_inspector(int gen) {
	Json::Value r;
	r["generation"] = gen;
	auto ts = clk::now();
	std::unique_lock<std::mutex> lock(g_setup);
	{
		phase("register");
		auto ins = std::make_unique<sinsp>();
		auto fl = std::make_unique<sinsp_filter_check_list>();
		std::vector<std::shared_ptr<sinsp_plugin>> plugs;
		std::shared_ptr<sinsp_plugin> src;
		bool gen_added = false;
		for(auto& s : o.plugins) {
			phase("register");
			auto t = clk::now();
			auto p = ins->register_plugin(s.path);
			double load = since(t) * 1e3;
			phase("init");
			t = clk::now();
			std::string err;
			if(!p->init(s.init, err)) throw sinsp_exception("init of " + p->name() + ": " + err);
			if(gen == 0) {
				Json::Value v;
				v["name"] = p->name(); v["version"] = p->plugin_version().as_string(); v["caps"] = caps_str(p->caps());
				v["load_ms"] = load; v["init_ms"] = since(t) * 1e3;
				r["plugins"].append(v);
			}
			plugs.push_back(p);
			if(p->caps() & CAP_SOURCING && !gen_added) { fl->add_filter_check(sinsp::new_generic_filtercheck()); gen_added = true; }
			if(p->caps() & CAP_EXTRACTION) fl->add_filter_check(sinsp_plugin::new_filtercheck(p));
			if(p->caps() & CAP_SOURCING && ((o.source.empty() && !src) || o.source == p->name())) src = p;
		}
		if(o.pump >= 0) {
			auto a = pump_plugin();
			src = ins->register_plugin(&a);
			std::string err;
			src->init("", err);
			plugs.push_back(src);
		}
		if(!gen_added) fl->add_filter_check(sinsp::new_generic_filtercheck());
		if(!src && o.scap.empty() && !o.nodriver) throw sinsp_exception("no source plugin: use --nodriver, --pump or --scap");
		if(o.mode == "filters") r["capture"] = filters_once(*ins, *fl, src);
		else for(int c = 0; c < o.cycles; c++) r["cycles"].append(one_capture(*ins, *fl, plugs, src, c, lock));
		phase("destroy");
		src.reset();
		plugs.clear();
		fl.reset();
		ts = clk::now();
		ins.reset();
	}
	r["destroy_ms"] = since(ts) * 1e3;
	r["after_unload"] = proc_facts();
	if(o.log) r["log"] = take_logs();
	return r;
}
