// SPDX-License-Identifier: Apache-2.0
// What a capture checks of the events it sees: a field that counts, and stamps in the data of async
// events (u64 wall clock ns, u32 producer, u64 sequence; little-endian). Inspector's thread.
#pragma once

#include "plughost.h"
#include <unordered_set>

struct seq_check {
	bool any = false;
	uint64_t last = 0, seen = 0, missing = 0, backwards = 0, dup = 0;
	void add(uint64_t q) {
		seen++;
		if (any) {
			if (q == last)
				dup++;
			else if (q < last)
				backwards++;
			else
				missing += q - last - 1;
		}
		any = true;
		last = q;
	}
	Json::Value json() const {
		Json::Value v;
		v["seen"] = (Json::UInt64)seen;
		v["missing"] = (Json::UInt64)missing;
		v["backwards"] = (Json::UInt64)backwards;
		v["dup"] = (Json::UInt64)dup;
		v["last"] = (Json::UInt64)last;
		return v;
	}
};
struct field_stat {
	std::string name, type;
	std::unique_ptr<sinsp_filter_check> chk;
	uint64_t present = 0, absent = 0, values = 0, off_bad = 0, off_some = 0;
	std::vector<std::string> samples;
};

class stamp_check {
   public:
	void add(const char *data, uint32_t len, uint64_t now);
	Json::Value latency() const;   // percentiles in us, exact to 2 %
	Json::Value sequences() const; // of each producer: what was lost, came twice, came late

   private:
	struct producer {
		uint64_t received = 0, next = 0, lost_for_good = 0, dup = 0, reordered = 0;
		std::unordered_set<uint64_t> missing;
	};
	std::vector<uint64_t> m_buckets;
	uint64_t m_count = 0, m_max = 0, m_unstamped = 0;
	std::map<uint32_t, producer> m_producers;
};
