// SPDX-License-Identifier: Apache-2.0
// The mode info: what the framework sees of a plugin before and right after init.
#include "plughost.h"

Json::Value info_once(const plug_spec& ps) {
	Json::Value r;
	sinsp ins;
	phase("register");
	auto p = ins.register_plugin(ps.path);
	r["name"] = p->name(); r["description"] = p->description(); r["contact"] = p->contact();
	r["version"] = p->plugin_version().as_string(); r["required_api"] = p->required_api_version().as_string();
	r["caps"] = caps_str(p->caps()); r["id"] = p->id(); r["source"] = p->event_source();
	ss_plugin_schema_type st;
	std::string sch = p->get_init_schema(st);
	if(!sch.empty()) { Json::Value j; Json::Reader().parse(sch, j); r["init_schema"] = j; r["init_schema_type"] = (int)st; }
	for(auto& x : p->extract_event_sources()) r["extract_sources"].append(x);
	for(auto& x : p->parse_event_sources()) r["parse_sources"].append(x);
	for(auto& x : p->async_event_sources()) r["async_sources"].append(x);
	for(auto& x : p->async_event_names()) r["async_names"].append(x);
	if(p->caps() & CAP_EXTRACTION)
		for(auto& f : p->fields()) {
			Json::Value v;
			v["name"] = f.m_name; v["type"] = (int)f.m_type; v["desc"] = f.m_description;
			v["list"] = f.is_list(); v["arg_required"] = f.is_arg_required(); v["arg_key"] = (f.m_flags & EPF_ARG_KEY) != 0; v["arg_index"] = (f.m_flags & EPF_ARG_INDEX) != 0; v["add_output"] = f.is_format_suggested();
			r["fields"].append(v);
		}
	phase("init");
	std::string err;
	r["init_ok"] = p->init(ps.init, err);
	if(!err.empty()) r["init_error"] = err;
	else {
		if(p->caps() & CAP_EXTRACTION && p->extract_event_codes().size() < 20) for(auto c : p->extract_event_codes()) r["extract_event_codes"].append((int)c);
		if(p->caps() & CAP_PARSING && p->parse_event_codes().size() < 20) for(auto c : p->parse_event_codes()) r["parse_event_codes"].append((int)c);
		if(p->caps() & CAP_SOURCING) for(auto& x : p->list_open_params()) { Json::Value v; v["value"] = x.value; v["desc"] = x.desc; r["open_params"].append(v); }
		r["metrics"] = metrics_json(*p);
	}
	return r;
}
