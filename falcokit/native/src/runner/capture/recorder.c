// SPDX-License-Identifier: Apache-2.0
// Writes .scap: a section header, the machine's facts, then one block for each event.
#include "runner/capture/recorder.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runner/capture/handler.h"
#include "runner/host/owner.h"
#include "runner/report/report.h"

enum {
	FK_BLOCK_SECTION = 0x0a0d0d0a,
	FK_BLOCK_MACHINE = 0x201,
	FK_BLOCK_EVENT = 0x216,
	FK_BLOCK_EVENT_LARGE = 0x221, // event codes whose parameter lengths have 32 bits
	FK_CODE_CONTAINER_JSON_2 = 324,
	FK_BUFFER = 1 << 18,
};

struct __attribute__((packed)) fk_section {
	uint32_t magic;
	uint16_t major, minor;
	uint64_t length;
};

struct __attribute__((packed)) fk_machine {
	uint32_t cpus;
	uint64_t memory, max_pid;
	char hostname[128];
	uint64_t boot_ts, flags, reserved[2];
};

static FILE *fk_file;
static const char *fk_path;
static atomic_bool fk_dumping;
static bool fk_failed;

static bool fk_put(const void *data, size_t n) {
	if (!n || fwrite(data, 1, n, fk_file) == n) return true;
	if (!fk_failed) {
		char why[512];
		snprintf(why, sizeof why, "cannot write %s: %s", fk_path, strerror(errno));
		fk_report_error("record", NULL, SS_PLUGIN_FAILURE, why);
	}
	fk_failed = true;
	return false;
}

// A block: type, total length, body with its prefix, padding to 4, total length again.
static bool fk_block(uint32_t type, const void *prefix, uint32_t prefix_size, const void *body,
                     uint32_t size) {
	static const char zeros[4];
	uint32_t padding = -(prefix_size + size) & 3, total = 12 + prefix_size + size + padding;
	return fk_put(&type, 4) && fk_put(&total, 4) && fk_put(prefix, prefix_size) &&
	       fk_put(body, size) && fk_put(zeros, padding) && fk_put(&total, 4);
}

static uint64_t fk_max_pid(void) {
	unsigned long long v = 0;
	FILE *f = fopen("/proc/sys/kernel/pid_max", "re");
	if (!f) return 0;
	if (fscanf(f, "%llu", &v) != 1) v = 0;
	fclose(f);
	return v;
}

bool fk_recorder_open(const char *path, bool more) {
	static char buffer[FK_BUFFER];
	const struct fk_section section = {0x1a2b3c4d, 1, 2, UINT64_MAX};
	struct fk_machine machine = {
		.cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN),
		.memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
		.max_pid = fk_max_pid(),
	};
	gethostname(machine.hostname, sizeof machine.hostname - 1);
	fk_path = path;
	fk_failed = false;
	fk_file = fopen(path, more ? "ae" : "we");
	if (!fk_file) {
		char why[512];
		snprintf(why, sizeof why, "cannot open %s: %s", path, strerror(errno));
		fk_report_error("record", NULL, SS_PLUGIN_FAILURE, why);
		return false;
	}
	setvbuf(fk_file, buffer, _IOFBF, sizeof buffer);
	return fk_block(FK_BLOCK_SECTION, NULL, 0, &section, sizeof section) &&
	       fk_block(FK_BLOCK_MACHINE, NULL, 0, &machine, sizeof machine);
}

bool fk_recorder_write(const ss_plugin_event *evt) {
	static const uint16_t cpu = 0;
	bool large = evt->type == FK_CODE_PLUGINEVENT || evt->type == FK_CODE_ASYNCEVENT ||
	             evt->type == FK_CODE_CONTAINER_JSON_2;
	return fk_block(large ? FK_BLOCK_EVENT_LARGE : FK_BLOCK_EVENT, &cpu, sizeof cpu, evt, evt->len);
}

static ss_plugin_rc fk_dump_handler(ss_plugin_owner_t *owner, const ss_plugin_event *evt,
                                    char *err) {
	const struct fk_owner *o = owner;
	ss_plugin_rc rc = SS_PLUGIN_FAILURE;
	if (!owner || !evt) return fk_refuse(err, "state event sent without owner or without event");
	fk_owner_lock();
	if (!o->guest || !atomic_load(&fk_dumping))
		fk_refuse(err, "state event sent while no state is being dumped");
	else if (!fk_async_well_formed(evt))
		fk_refuse(err, "malformed async event produced by plugin: %s", o->guest->name);
	else if (!fk_row_of(o->guest, (const char *)evt + FK_NAME))
		fk_refuse(err, "incompatible async event '%.64s' produced by plugin: %s",
		          (const char *)evt + FK_NAME, o->guest->name);
	else
		rc = fk_recorder_write(evt) ? SS_PLUGIN_SUCCESS
		                            : fk_refuse(err, "the capture file cannot be written");
	fk_owner_unlock();
	return rc;
}

void fk_recorder_dump(struct fk_guest *guests, unsigned count) {
	for (unsigned i = 0; i < count; i++) {
		struct fk_guest *guest = &guests[i];
		if (!(guest->caps & FK_CAP_ASYNC) || !guest->api.dump_state) continue;
		atomic_store(&fk_dumping, true);
		ss_plugin_rc rc = guest->api.dump_state(guest->state, guest->owner, fk_dump_handler);
		atomic_store(&fk_dumping, false);
		if (rc != SS_PLUGIN_SUCCESS) {
			fk_guest_error(guest, "dump_state", rc);
			fk_failed = true;
		}
	}
}

bool fk_recorder_close(void) {
	if (!fk_file) return true;
	bool ok = fflush(fk_file) == 0 && !fk_failed;
	if (!ok && !fk_failed) fk_report_error("record", NULL, SS_PLUGIN_FAILURE, strerror(errno));
	fclose(fk_file);
	fk_file = NULL;
	return ok;
}
