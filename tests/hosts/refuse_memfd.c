// SPDX-License-Identifier: Apache-2.0
// refuse_memfd: runs a program under a kernel that gives no memory files, or older ones.
//
//     refuse_memfd EPERM|EACCES|ENOSYS|old PROGRAM [ARGUMENT...]
//
// old: memfd_create is there and does not know the flag MFD_EXEC, as before Linux 6.3. A seccomp filter,
// which an ordinary user may set too.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MFD_EXEC_FLAG 0x10u

static const struct {
	const char *name;
	unsigned code;
} refusals[] = {{"EPERM", EPERM}, {"EACCES", EACCES}, {"ENOSYS", ENOSYS}, {"old", EINVAL}};

int main(int argc, char **argv) {
	unsigned code = 0, mask = 0;
	for (size_t i = 0; argc > 2 && i < sizeof refusals / sizeof *refusals; i++)
		if (strcmp(argv[1], refusals[i].name) == 0) code = refusals[i].code;
	if (code == EINVAL) mask = MFD_EXEC_FLAG;
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, mask, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | code),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {sizeof rules / sizeof *rules, rules};
	if (!code || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter)) {
		fputs("refuse_memfd: usage, or no seccomp here\n", stderr);
		return 2;
	}
	execv(argv[2], argv + 2);
	perror(argv[2]);
	return 2;
}
