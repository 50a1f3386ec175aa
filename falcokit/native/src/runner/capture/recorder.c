// SPDX-License-Identifier: Apache-2.0
// Writes .scap files: a section header, a block that describes the machine, then one block for each
// event.
#include "runner/capture/recorder.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/capture/handler.h"
#include "runner/host/host.h"
#include "runner/report/report.h"

enum {
	FKR_BLOCK_SECTION = 0x0a0d0d0a,
	FKR_BLOCK_MACHINE = 0x201,
	FKR_BLOCK_EVENT = 0x216,
	FKR_BLOCK_EVENT_LARGE = 0x221, // event codes whose parameter lengths have 32 bits
	FKR_CODE_CONTAINER_JSON_2 = 324,
	FKR_CODE_PROCINFO = 234,
	FKR_BUFFER = 1 << 18,
};

struct __attribute__((packed)) fkr_section {
	uint32_t magic;
	uint16_t major, minor;
	uint64_t length;
};

struct __attribute__((packed)) fkr_machine {
	uint32_t cpus;
	uint64_t memory, max_pid;
	char hostname[128];
	uint64_t boot_ts, flags, reserved[2];
};

static FILE *fkr_file;
static const char *fkr_path;
static atomic_bool fkr_dumping;
static bool fkr_failed;
static bool fkr_begun; // an event of the stream was written, after the state that plugins dump

static bool fkr_put(const void *data, size_t n) {
	if (!n || fwrite(data, 1, n, fkr_file) == n) return true;
	if (!fkr_failed) {
		char why[512];
		snprintf(why, sizeof why, "cannot write %s: %s", fkr_path, strerror(errno));
		fkr_report_error("record", NULL, SS_PLUGIN_FAILURE, why);
	}
	fkr_failed = true;
	return false;
}

// A block: type, total length, body with its prefix, padding to 4, total length again.
static bool fkr_block(uint32_t type, const void *prefix, uint32_t prefix_size, const void *body,
                      uint32_t size) {
	static const char zeros[4];
	uint32_t padding = -(prefix_size + size) & 3, total = 12 + prefix_size + size + padding;
	return fkr_put(&type, 4) && fkr_put(&total, 4) && fkr_put(prefix, prefix_size) &&
	       fkr_put(body, size) && fkr_put(zeros, padding) && fkr_put(&total, 4);
}

static uint64_t fkr_max_pid(void) {
	unsigned long long v = 0;
	FILE *f = fopen("/proc/sys/kernel/pid_max", "re");
	if (!f) return 0;
	if (fscanf(f, "%llu", &v) != 1) v = 0;
	fclose(f);
	return v;
}

bool fkr_recorder_open(const char *path, bool more) {
	static char buffer[FKR_BUFFER];
	const struct fkr_section section = {0x1a2b3c4d, 1, 2, UINT64_MAX};
	struct fkr_machine machine = {
		.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
		.memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
		.max_pid = fkr_max_pid(),
	};
	gethostname(machine.hostname, sizeof machine.hostname - 1);
	fkr_path = path;
	fkr_failed = fkr_begun = false;
	fkr_file = fopen(path, more ? "ae" : "we");
	if (!fkr_file) {
		char why[512];
		snprintf(why, sizeof why, "cannot open %s: %s", path, strerror(errno));
		fkr_report_error("record", NULL, SS_PLUGIN_FAILURE, why);
		return false;
	}
	setvbuf(fkr_file, buffer, _IOFBF, sizeof buffer);
	return fkr_block(FKR_BLOCK_SECTION, NULL, 0, &section, sizeof section) &&
	       fkr_block(FKR_BLOCK_MACHINE, NULL, 0, &machine, sizeof machine);
}

static bool fkr_write(const ss_plugin_event *evt) {
	static const uint16_t cpu = 0;
	bool large = evt->type == FK_CODE_PLUGINEVENT || evt->type == FK_CODE_ASYNCEVENT ||
	             evt->type == FKR_CODE_CONTAINER_JSON_2;
	return fkr_block(large ? FKR_BLOCK_EVENT_LARGE : FKR_BLOCK_EVENT, &cpu, sizeof cpu, evt,
	                 evt->len);
}

// The framework takes async events at the head of a capture for state: it hands them to the parsers
// and shows none of them. An event about the usage of processors, all of it zero, ends the head.
static bool fkr_end_head(uint64_t ts) {
	const struct __attribute__((packed)) {
		ss_plugin_event header;
		uint16_t lengths[2];
		uint64_t user, system;
	} neutral = {
		.header = {.ts = ts,
		           .tid = FK_NOT_SET,
		           .len = sizeof neutral,
		           .type = FKR_CODE_PROCINFO,
		           .nparams = 2},
		.lengths = {sizeof neutral.user, sizeof neutral.system},
	};
	return fkr_write(&neutral.header);
}

bool fkr_recorder_write(const ss_plugin_event *evt) {
	bool first = !fkr_begun;
	fkr_begun = true;
	if (first && evt->type == FK_CODE_ASYNCEVENT && !fkr_end_head(evt->ts)) return false;
	return fkr_write(evt);
}

static ss_plugin_rc fkr_dump_handler(ss_plugin_owner_t *owner, const ss_plugin_event *evt,
                                     char *err) {
	const struct fkr_owner *o = owner;
	ss_plugin_rc rc = SS_PLUGIN_FAILURE;
	if (!owner || !evt) return fkr_refuse(err, "state event sent without owner or without event");
	fkr_owner_lock();
	if (!o->guest || !atomic_load(&fkr_dumping))
		fkr_refuse(err, "state event sent while no state is being dumped");
	else if (!fkr_async_well_formed(evt))
		fkr_refuse(err, "malformed async event produced by plugin: %s", o->guest->name);
	else if (!fkr_row_of(o->guest, (const char *)evt + FKR_NAME))
		fkr_refuse(err, "incompatible async event '%.64s' produced by plugin: %s",
		           (const char *)evt + FKR_NAME, o->guest->name);
	else
		rc = fkr_write(evt) ? SS_PLUGIN_SUCCESS
		                    : fkr_refuse(err, "the capture file cannot be written");
	fkr_owner_unlock();
	return rc;
}

void fkr_recorder_dump(struct fkr_guest *guests, unsigned count) {
	for (unsigned i = 0; i < count; i++) {
		struct fkr_guest *guest = &guests[i];
		if (!(guest->caps & FKR_CAP_ASYNC) || !guest->api.dump_state) continue;
		atomic_store(&fkr_dumping, true);
		ss_plugin_rc rc = guest->api.dump_state(guest->state, guest->owner, fkr_dump_handler);
		atomic_store(&fkr_dumping, false);
		if (rc != SS_PLUGIN_SUCCESS) {
			fkr_guest_error(guest, "dump_state", rc);
			fkr_failed = true;
		}
	}
}

bool fkr_recorder_close(void) {
	if (!fkr_file) return true;
	bool ok = fflush(fkr_file) == 0 && !fkr_failed;
	if (!ok && !fkr_failed) fkr_report_error("record", NULL, SS_PLUGIN_FAILURE, strerror(errno));
	fclose(fkr_file);
	fkr_file = NULL;
	return ok;
}
