// SPDX-License-Identifier: Apache-2.0
// Frames from one growing buffer; what is left of one frame moves to the front before more is read.
#include "runner/extract/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner/host/control.h"
#include "runner/report/report.h"

enum {
	FK_FRAME_HEADER = 16,
	FK_EVENT_HEADER = 26,
	FK_ROOM = 1 << 18,
	FK_MAX_EVENT = 1 << 27,
	FK_LOOK_MS = 100, // how late a signal may be noticed
};

static int fk_fd = -1;
static char *fk_at;
static size_t fk_room, fk_begin, fk_end;

bool fk_input_open(void) {
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fk_fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
	if (fk_fd < 0 || null < 0 || dup2(null, 0) < 0) {
		fk_report_error("extract", NULL, SS_PLUGIN_FAILURE, "stdin cannot be read");
		return false;
	}
	close(null);
	fk_room = FK_ROOM;
	fk_at = fk_must_alloc(NULL, fk_room);
	return true;
}

void fk_input_close(void) {
	if (fk_fd >= 0) close(fk_fd);
	free(fk_at);
	fk_fd = -1;
	fk_at = NULL;
}

static bool fk_ready(int ms) {
	struct pollfd p = {.fd = fk_fd, .events = POLLIN};
	return poll(&p, 1, ms) > 0;
}

void fk_input_wait(void) {
	while (fk_control_stop() == FK_GO_ON && !fk_ready(FK_LOOK_MS)) continue;
}

static enum fk_input fk_wrong(const char *why) {
	fk_report_error("extract", NULL, SS_PLUGIN_FAILURE, why);
	return FK_INPUT_WRONG;
}

// Reads more until `needed` bytes of a frame are there.
static enum fk_input fk_fill(size_t needed) {
	if (fk_begin) memmove(fk_at, fk_at + fk_begin, fk_end - fk_begin);
	fk_end -= fk_begin;
	fk_begin = 0;
	if (needed > fk_room) {
		fk_at = fk_must_alloc(fk_at, needed);
		fk_room = needed;
	}
	while (fk_end < needed) {
		if (fk_control_stop() != FK_GO_ON) return FK_INPUT_END;
		if (!fk_ready(0)) return FK_INPUT_EMPTY;
		ssize_t n = read(fk_fd, fk_at + fk_end, fk_room - fk_end);
		if (n > 0)
			fk_end += (size_t)n;
		else if (n == 0)
			return fk_end ? fk_wrong("stdin ends within an event") : FK_INPUT_END;
		else if (errno != EINTR && errno != EAGAIN)
			return fk_wrong(strerror(errno));
	}
	return FK_INPUT_EVENT;
}

enum fk_input fk_input_next(struct fk_frame *frame) {
	uint32_t size, len;
	size_t have = fk_end - fk_begin;
	enum fk_input state = have < FK_FRAME_HEADER ? fk_fill(FK_FRAME_HEADER) : FK_INPUT_EVENT;
	if (state != FK_INPUT_EVENT) return state;
	memcpy(&size, fk_at + fk_begin, sizeof size);
	if (size < FK_EVENT_HEADER || size > FK_MAX_EVENT) return fk_wrong("stdin has no events");
	size_t needed = FK_FRAME_HEADER + ((size_t)size + 7) / 8 * 8;
	state = fk_end - fk_begin < needed ? fk_fill(needed) : FK_INPUT_EVENT;
	if (state != FK_INPUT_EVENT) return state;
	memcpy(&frame->number, fk_at + fk_begin + 8, sizeof frame->number);
	frame->evt = (ss_plugin_event *)(fk_at + fk_begin + FK_FRAME_HEADER);
	memcpy(&len, &frame->evt->len, sizeof len);
	fk_begin += needed;
	return len == size ? FK_INPUT_EVENT : fk_wrong("an event on stdin has another length");
}
