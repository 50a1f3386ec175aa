// SPDX-License-Identifier: Apache-2.0
// Reads frames into one growing buffer; an incomplete frame moves to the front before more is read.
#include "runner/extract/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/host/host.h"
#include "runner/report/report.h"

enum {
	FKR_FRAME_HEADER = 16,
	FKR_EVENT_HEADER = 26,
	FKR_ROOM = 1 << 18,
	FKR_MAX_EVENT = 1 << 27,
	FKR_LOOK_MS = 100, // the longest delay before a signal is noticed
};

static int fkr_fd = -1;
static char *fkr_at;
static const char *fkr_phase;
static size_t fkr_room, fkr_begin, fkr_end;

bool fkr_input_open(const char *phase) {
	fkr_phase = phase;
	fkr_begin = fkr_end = 0;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fkr_fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
	if (fkr_fd < 0 || null < 0 || dup2(null, 0) < 0) {
		fkr_report_error(fkr_phase, NULL, SS_PLUGIN_FAILURE, "stdin cannot be read");
		return false;
	}
	close(null);
	fkr_room = FKR_ROOM;
	fkr_at = fkr_must_alloc(NULL, fkr_room);
	return true;
}

void fkr_input_close(void) {
	if (fkr_fd >= 0) close(fkr_fd);
	free(fkr_at);
	fkr_fd = -1;
	fkr_at = NULL;
}

static bool fkr_ready(int ms) {
	struct pollfd p = {.fd = fkr_fd, .events = POLLIN};
	return poll(&p, 1, ms) > 0;
}

void fkr_input_wait(void) {
	while (fkr_control_stop() == FKR_GO_ON && !fkr_ready(FKR_LOOK_MS)) continue;
}

static enum fkr_input fkr_wrong(const char *why) {
	fkr_report_error(fkr_phase, NULL, SS_PLUGIN_FAILURE, why);
	return FKR_INPUT_WRONG;
}

// Reads until the buffer holds `needed` bytes of a frame.
static enum fkr_input fkr_fill(size_t needed) {
	if (fkr_begin) memmove(fkr_at, fkr_at + fkr_begin, fkr_end - fkr_begin);
	fkr_end -= fkr_begin;
	fkr_begin = 0;
	if (needed > fkr_room) {
		fkr_at = fkr_must_alloc(fkr_at, needed);
		fkr_room = needed;
	}
	while (fkr_end < needed) {
		if (fkr_control_stop() != FKR_GO_ON) return FKR_INPUT_END;
		if (!fkr_ready(0)) return FKR_INPUT_EMPTY;
		ssize_t n = read(fkr_fd, fkr_at + fkr_end, fkr_room - fkr_end);
		if (n > 0)
			fkr_end += (size_t)n;
		else if (n == 0)
			return fkr_end ? fkr_wrong("stdin ends within an event") : FKR_INPUT_END;
		else if (errno != EINTR && errno != EAGAIN)
			return fkr_wrong(strerror(errno));
	}
	return FKR_INPUT_FRAME;
}

enum fkr_input fkr_input_next(struct fkr_frame *frame) {
	uint32_t head[2], len;
	size_t have = fkr_end - fkr_begin;
	enum fkr_input state = have < FKR_FRAME_HEADER ? fkr_fill(FKR_FRAME_HEADER) : FKR_INPUT_FRAME;
	if (state != FKR_INPUT_FRAME) return state;
	memcpy(head, fkr_at + fkr_begin, sizeof head);
	uint32_t size = head[0];
	bool event = head[1] == FKR_FRAME_EVENT || head[1] == FKR_FRAME_STATE;
	if (head[1] >= FKR_FRAME_KINDS || size > FKR_MAX_EVENT || (event && size < FKR_EVENT_HEADER))
		return fkr_wrong("stdin has no events");
	size_t needed = FKR_FRAME_HEADER + ((size_t)size + 7) / 8 * 8;
	state = fkr_end - fkr_begin < needed ? fkr_fill(needed) : FKR_INPUT_FRAME;
	if (state != FKR_INPUT_FRAME) return state;
	frame->kind = (enum fkr_frame_kind)head[1];
	memcpy(&frame->number, fkr_at + fkr_begin + 8, sizeof frame->number);
	frame->bytes = fkr_at + fkr_begin + FKR_FRAME_HEADER;
	frame->size = size;
	frame->evt = event ? (ss_plugin_event *)(fkr_at + fkr_begin + FKR_FRAME_HEADER) : NULL;
	fkr_begin += needed;
	if (!event) return FKR_INPUT_FRAME;
	memcpy(&len, &frame->evt->len, sizeof len);
	return len == size ? FKR_INPUT_FRAME : fkr_wrong("an event on stdin has another length");
}
