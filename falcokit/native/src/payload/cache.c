// SPDX-License-Identifier: Apache-2.0
// The cache folder, used where executable memory files are unavailable. Libraries that Falco's user
// loads must not lie where another user can replace them. See payload/file.h.
#include "payload/file.h"
#include "abi/old_glibc.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_FOLDER "/var/cache/falcokit"

static bool is_ours(int fd, mode_t kind) {
	struct stat facts;
	return fk_fstat(fd, &facts) == 0 && (facts.st_mode & S_IFMT) == kind &&
	       (facts.st_uid == geteuid() || facts.st_uid == 0) && !(facts.st_mode & 022);
}

static bool make_cache(const char *name) {
	static const char *const parents[] = {"/var", "/var/cache"}; // an image may have none of them
	bool own = strcmp(name, CACHE_FOLDER) == 0;
	for (size_t i = 0; own && i < sizeof parents / sizeof *parents; i++)
		if (mkdir(parents[i], 0755) != 0 && errno != EEXIST) return false;
	return mkdir(name, 0700) == 0 || errno == EEXIST;
}

// Whether nobody else can replace an entry of the folder `path`: whoever may write to a folder can
// rename its entries, unless it is sticky, like /tmp.
static bool is_guarded(const char *path) {
	struct stat facts;
	int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool ok = fd >= 0 && fk_fstat(fd, &facts) == 0 &&
	          (facts.st_uid == geteuid() || facts.st_uid == 0) &&
	          (!(facts.st_mode & 022) || facts.st_mode & S_ISVTX);
	if (fd >= 0) close(fd);
	return ok;
}

// Checks all folders above `real`, a path without links, from the root down: a second look finds the
// same folder only if those above it are guarded. Leaves the first unguarded folder in `parent`.
static bool all_guarded(const char *real, char *parent) {
	for (const char *end = real; end; end = strchr(end + 1, '/')) {
		int length = end == real ? 1 : (int)(end - real); // the root keeps its slash
		snprintf(parent, PATH_MAX, "%.*s", length, real);
		if (!is_guarded(parent)) return false;
	}
	return true;
}

static void say_unusable(const char *name, const char *why, char *err, size_t errlen) {
	char target;
	if (readlink(name, &target, 1) >= 0) why = "it is a symbolic link";
	if (*name != '/') why = "it is not an absolute path";
	snprintf(
		err, errlen,
		"this system gives no executable memory file (no /proc? vm.memfd_noexec?), and the cache "
		"folder %s cannot be used: %s; set FALCOKIT_CACHE to a folder of mode 0700",
		name, why);
}

// Opens the folder and writes its path without links to `real`, because another user may be able to
// change a link in the path.
static int open_cache(const char *name, char *real, char *err, size_t errlen) {
	// Absolute, because extension modules are placed later, when the working directory may be another.
	bool made = *name == '/' && make_cache(name);
	int fd = made ? open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	if (fd >= 0) close(fd);
	if (fd < 0 || !realpath(name, real)) {
		say_unusable(name, strerror(errno), err, errlen);
		return -1;
	}
	char parent[PATH_MAX];
	bool guarded = all_guarded(real, parent);
	fd = guarded ? open(real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	if (fd >= 0 && is_ours(fd, S_IFDIR)) return fd;
	struct stat facts;
	bool shared = fd >= 0 && fk_fstat(fd, &facts) == 0 && (facts.st_mode & 022);
	const char *why = shared ? "can be written by others" : "belongs to another user";
	char above[PATH_MAX + 80];
	if (!guarded) {
		snprintf(above, sizeof above,
		         "can be replaced by others: %s belongs to them, or they can write to it", parent);
		why = above;
	}
	if (fd >= 0) close(fd);
	snprintf(err, errlen,
	         "this system gives no executable memory file, and the cache folder %s %s: set "
	         "FALCOKIT_CACHE to a folder of mode 0700%s",
	         name, why, guarded ? "" : " below folders that only root can write to");
	return -1;
}

// Whether the file exists with the right content; otherwise it is replaced.
static bool is_there(int folder, const char *file, const fk_extent *from) {
	char ignored[256];
	int fd = openat(folder, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) return false;
	fk_extent cached = *from;
	struct stat facts;
	cached.fd = fd;
	cached.offset = 0;
	bool ok = is_ours(fd, S_IFREG) && fk_fstat(fd, &facts) == 0 &&
	          (uint64_t)facts.st_size == from->size &&
	          fk_copy_checked(&cached, -1, ignored, sizeof ignored);
	close(fd);
	return ok;
}

static bool write_cached(int folder, const char *file, const fk_extent *from, char *err,
                         size_t errlen) {
	char draft[64];
	snprintf(draft, sizeof draft, ".%ld.%p", (long)getpid(), (void *)&draft);
	unlinkat(folder, draft, 0);
	int fd = openat(folder, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0500);
	if (fd < 0) {
		snprintf(err, errlen, "cannot write into the cache folder of packaged plugins: %s",
		         strerror(errno));
		return false;
	}
	bool ok = fk_copy_checked(from, fd, err, errlen);
	close(fd);
	if (ok && renameat(folder, draft, folder, file) == 0) return true;
	if (ok)
		snprintf(err, errlen, "cannot write %s into the cache folder of packaged plugins: %s", file,
		         strerror(errno));
	unlinkat(folder, draft, 0);
	return false;
}

static bool is_executable(int folder, const char *file) {
	int fd = openat(folder, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool ok = fd >= 0 && fk_can_execute(fd);
	if (fd >= 0) close(fd);
	return ok;
}

char *fk_place_in_cache(const fk_extent *from, char *err, size_t errlen) {
	char file[66] = "/", *hash = file + 1, *path = NULL;
	const char *given = secure_getenv("FALCOKIT_CACHE");
	const char *name = given && *given ? given : CACHE_FOLDER;
	char real[PATH_MAX];
	int folder = open_cache(name, real, err, errlen);
	if (folder < 0) return NULL;
	for (int i = 0; i < 32; i++) snprintf(hash + 2 * i, 3, "%02x", from->sha256[i]);
	if (is_there(folder, hash, from) || write_cached(folder, hash, from, err, errlen)) {
		if (!is_executable(folder, hash))
			snprintf(err, errlen,
			         "this system gives no executable memory file, and the cache folder %s is "
			         "mounted noexec: set FALCOKIT_CACHE to a folder on another file system",
			         name);
		else
			path = fk_joined(real, file);
	}
	close(folder);
	return path;
}
