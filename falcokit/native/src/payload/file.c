// SPDX-License-Identifier: Apache-2.0
// Copies an item of the payload into a file with a path, checking its hash. See payload/file.h.
#include "payload/file.h"
#include "abi/old_glibc.h"
#include "memory/sha256.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define IN_MEMORY "/proc/self/fd/%d"

#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC       1u
#define MFD_ALLOW_SEALING 2u
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x10u // kernel 6.3; older ones make every memfd executable, and refuse the flag
#endif
#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_SEAL_ALL  15 // seal, shrink, grow, write
#else
#define F_SEAL_ALL (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#endif

char *fk_joined(const char *first, const char *second) {
	size_t room = strlen(first) + strlen(second) + 1;
	char *both = malloc(room);
	if (both) snprintf(both, room, "%s%s", first, second);
	return both;
}

// ---- bytes ------------------------------------------------------------------------------------------

static bool write_all(int fd, const unsigned char *data, size_t n) {
	while (n) {
		ssize_t done = write(fd, data, n);
		if (done < 0 && errno == EINTR) continue;
		if (done < 0) return false;
		data += done;
		n -= (size_t)done;
	}
	return true;
}

static bool cannot_unpack(const fk_extent *from, char *err, size_t errlen) {
	snprintf(err, errlen, "cannot unpack %s of the packaged plugin: %s", from->name,
	         strerror(errno));
	return false;
}

bool fk_copy_checked(const fk_extent *from, int to, char *err, size_t errlen) {
	enum {
		STEP = 1 << 17 // fits into the processor's cache for the read, the hash and the write
	};
	unsigned char *buffer = malloc(STEP), digest[32];
	uint64_t at = 0;
	bool failed = !buffer;
	fk_sha256 hash;
	fk_sha256_start(&hash);
	while (!failed && at < from->size) {
		size_t want = from->size - at < STEP ? (size_t)(from->size - at) : STEP;
		ssize_t got = pread(from->fd, buffer, want, (off_t)(from->offset + at));
		if (got < 0 && errno == EINTR) continue;
		if (got == 0) break; // truncated: the hash will differ
		failed = got < 0;
		if (!failed) fk_sha256_add(&hash, buffer, (size_t)got);
		if (!failed && to >= 0) failed = !write_all(to, buffer, (size_t)got);
		at += (uint64_t)got;
	}
	if (failed) cannot_unpack(from, err, errlen);
	free(buffer);
	if (failed) return false;
	fk_sha256_end(&hash, digest);
	if (memcmp(digest, from->sha256, sizeof digest) == 0) return true;
	snprintf(
		err, errlen,
		"the packaged plugin was changed after it was built: %s does not have the SHA-256 that "
		"the library was made with; install the artifact again",
		from->name);
	return false;
}

bool fk_can_execute(int fd) {
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (page == MAP_FAILED) return false;
	munmap(page, 4096);
	return true;
}

// ---- in memory --------------------------------------------------------------------------------------

static int new_memfd(const char *name) {
	char label[200];
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	snprintf(label, sizeof label, "falcokit:%s", name);
	int fd = (int)syscall(SYS_memfd_create, label, flags | MFD_EXEC);
	return fd < 0 && errno == EINVAL ? (int)syscall(SYS_memfd_create, label, flags) : fd;
}

// Whether the path leads to this file, which it does not without /proc.
static bool names(const char *path, int fd) {
	struct stat named, meant;
	int opened = open(path, O_PATH | O_CLOEXEC);
	if (opened < 0) return false;
	bool same = fk_fstat(opened, &named) == 0 && fk_fstat(fd, &meant) == 0 &&
	            named.st_ino == meant.st_ino && named.st_dev == meant.st_dev;
	close(opened);
	errno = 0;
	return same;
}

// Running out of descriptors or memory is not a refusal: the cache folder would not help.
static bool is_shortage(int code) { return code == EMFILE || code == ENFILE || code == ENOMEM; }

// The descriptor stays open: the loader identifies a library by its path, and another library must not
// get the same one.
char *fk_place_in_memory(const fk_extent *from, bool *refused, char *err, size_t errlen) {
	char text[sizeof IN_MEMORY + 10];
	int fd = new_memfd(from->name);
	snprintf(text, sizeof text, IN_MEMORY, fd);
	char *path = fd < 0 ? NULL : fk_joined(text, "");
	if (!path || !names(path, fd)) {
		*refused = !is_shortage(errno);
		if (!*refused) cannot_unpack(from, err, errlen);
	} else if (fk_copy_checked(from, fd, err, errlen)) {
		fcntl(fd, F_ADD_SEALS, F_SEAL_ALL);
		if (fk_can_execute(fd)) return path;
		*refused = true;
	}
	if (fd >= 0) close(fd);
	free(path);
	return NULL;
}

void fk_displace(const char *path) {
	int fd;
	if (sscanf(path, IN_MEMORY, &fd) == 1) close(fd);
}

int fk_copy_section(const unsigned char *blob, uint64_t size, char *err, size_t errlen) {
	int fd = new_memfd("payload");
	if (fd >= 0 && write_all(fd, blob, size)) return fd;
	snprintf(
		err, errlen,
		"cannot read the packaged plugin's own file, nor copy it into memory: %s; load it by an "
		"absolute path",
		strerror(errno));
	if (fd >= 0) close(fd);
	return -1;
}

// ---- in the folder of the dir layout ----------------------------------------------------------------

char *fk_place_in_folder(const fk_extent *from, const char *folder, char *err, size_t errlen) {
	char name[NAME_MAX + 2];
	fk_extent file = *from;
	struct stat facts;
	snprintf(name, sizeof name, "/%s", from->name);
	char *path = fk_joined(folder, name);
	if (!path) return NULL;
	file.offset = 0;
	file.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file.fd >= 0 && fk_fstat(file.fd, &facts) == 0) file.size = (uint64_t)facts.st_size;
	if (file.fd < 0)
		snprintf(err, errlen,
		         "%s of the packaged plugin cannot be opened: %s; the folder must be next to the "
		         "library, as in the artifact",
		         path, strerror(errno));
	else if (fk_copy_checked(&file, -1, err, errlen)) {
		close(file.fd);
		return path;
	}
	if (file.fd >= 0) close(file.fd);
	free(path);
	return NULL;
}
