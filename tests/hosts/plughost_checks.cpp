// SPDX-License-Identifier: Apache-2.0
// Stamps in the data of async events: a histogram of latencies, and the sequence of each producer.
#include "plughost_checks.h"

enum { SUB_BITS = 6, BUCKETS = 64 << SUB_BITS, MISSING_MAX = 1 << 20 };

// Buckets of equal width within each power of two.
static unsigned bucket_of(uint64_t v) {
	if(v < (1u << SUB_BITS)) return v;
	unsigned top = 63 - __builtin_clzll(v), shift = top - SUB_BITS;
	return ((shift + 1) << SUB_BITS) | ((v >> shift) & ((1u << SUB_BITS) - 1));
}
static uint64_t upper_of(unsigned bucket) {
	unsigned shift = bucket >> SUB_BITS, sub = bucket & ((1u << SUB_BITS) - 1);
	return shift == 0 ? sub : ((uint64_t)((1u << SUB_BITS) | sub) + 1) << (shift - 1);
}

void stamp_check::add(const char* data, uint32_t len, uint64_t now) {
	uint64_t stamp, seq;
	uint32_t number;
	if(len < (o.seq_data ? 20 : 8)) { m_unstamped++; return; }
	memcpy(&stamp, data, 8);
	if(o.latency_data) {
		if(m_buckets.empty()) m_buckets.resize(BUCKETS);
		uint64_t v = now > stamp ? now - stamp : 0;
		m_buckets[bucket_of(v)]++;
		m_count++;
		if(v > m_max) m_max = v;
	}
	if(!o.seq_data) return;
	memcpy(&number, data + 8, 4);
	memcpy(&seq, data + 12, 8);
	producer& p = m_producers[number];
	p.received++;
	if(seq >= p.next) {
		for(uint64_t q = p.next; q < seq; q++) {
			if(p.missing.size() < MISSING_MAX) p.missing.insert(q);
			else p.lost_for_good++;
		}
		p.next = seq + 1;
	}
	else if(p.missing.erase(seq)) p.reordered++;
	else p.dup++;
}

Json::Value stamp_check::latency() const {
	Json::Value v;
	v["count"] = (Json::UInt64)m_count;
	v["unstamped"] = (Json::UInt64)m_unstamped;
	if(!m_count) return v;
	const std::pair<const char*, double> wanted[] = {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p999", .999}};
	uint64_t sum = 0;
	unsigned k = 0;
	for(unsigned b = 0; b < m_buckets.size() && k < 4; b++) {
		sum += m_buckets[b];
		for(; k < 4 && sum >= wanted[k].second * m_count; k++) v[wanted[k].first] = std::min(upper_of(b), m_max) / 1e3;
	}
	v["max"] = m_max / 1e3;
	return v;
}

Json::Value stamp_check::sequences() const {
	Json::Value all;
	uint64_t received = 0, lost = 0, dup = 0, reordered = 0;
	for(auto& x : m_producers) {
		const producer& p = x.second;
		Json::Value v;
		uint64_t l = p.missing.size() + p.lost_for_good;
		v["received"] = (Json::UInt64)p.received; v["lost"] = (Json::UInt64)l; v["dup"] = (Json::UInt64)p.dup;
		v["reordered"] = (Json::UInt64)p.reordered; v["last"] = (Json::UInt64)(p.next - 1);
		all["producers"][std::to_string(x.first)] = v;
		received += p.received; lost += l; dup += p.dup; reordered += p.reordered;
	}
	all["received"] = (Json::UInt64)received; all["lost"] = (Json::UInt64)lost;
	all["dup"] = (Json::UInt64)dup; all["reordered"] = (Json::UInt64)reordered;
	all["unstamped"] = (Json::UInt64)m_unstamped;
	return all;
}
