// SPDX-License-Identifier: Apache-2.0
// The mode filters: the events that each of many filters matches, or why it does not compile.
// The main thread.
#include "plughost.h"
#include <libsinsp/eventformatter.h>
#include <libsinsp/filter.h>
#include <libsinsp/filter_check_list.h>
#include <fstream>

static Json::Value compile(const std::shared_ptr<sinsp_filter_factory>& factory, const std::string& text,
                           std::unique_ptr<sinsp_filter>& filter) {
	Json::Value r(Json::objectValue);
	sinsp_filter_compiler c(factory, text);
	try {
		filter = c.compile();
		r["events"] = Json::Value(Json::arrayValue);
		for(auto& w : c.get_warnings()) r["warnings"].append(w.msg);
	} catch(const std::exception& e) { r["error"] = e.what(); }
	return r;
}

Json::Value filters_once(sinsp& ins, filter_check_list& fl, const std::shared_ptr<sinsp_plugin>& src) {
	Json::Value r, said(Json::arrayValue);
	auto factory = std::make_shared<sinsp_filter_factory>(&ins, fl);
	std::vector<std::unique_ptr<sinsp_filter>> filters;
	std::ifstream file(o.filters, std::ios::binary);
	if(!file) throw sinsp_exception("cannot read --filters " + o.filters);
	for(std::string text; std::getline(file, text, '\0');) {
		phase("compile");
		filters.emplace_back();
		said.append(compile(factory, text, filters.back()));
	}
	phase("open");
	open_input(ins, src);
	ins.start_capture();
	sinsp_evt_formatter fmt(&ins, o.format.empty() ? "*%evt.num" : o.format, fl);
	for(uint64_t n = 0; !o.events || n < o.events;) {
		phase("next");
		sinsp_evt* evt = nullptr;
		int32_t rc = ins.next(&evt);
		if(rc == SCAP_EOF) break;
		if(rc == SCAP_TIMEOUT || rc == SCAP_FILTERED_EVENT) continue;
		if(rc != SCAP_SUCCESS) throw sinsp_exception(ins.getlasterr());
		n++;
		Json::UInt64 number = evt->get_num();
		std::string text;
		fmt.tostring(evt, text);
		r["events"][std::to_string(number)] = text;
		for(size_t i = 0; i < filters.size(); i++)
			if(filters[i] && filters[i]->run(evt)) said[(int)i]["events"].append(number);
	}
	r["filters"] = said;
	ins.stop_capture();
	filters.clear();
	phase("close");
	ins.close();
	return r;
}
