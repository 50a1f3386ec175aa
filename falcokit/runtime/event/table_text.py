# SPDX-License-Identifier: Apache-2.0
"""The event table as text, for `event_types`; written by tools/event_table_text.py.

For each code, from 0, up to a semicolon: the direction, "!" where lengths have 32 bits, "~" where
drivers no longer write it, the name, and each parameter with its type and the table of its flags.
Licensed as the table is: falcokit/capture/events/LICENSE.event-table.
"""

__all__ = ["TEXT"]

TEXT = """\
>~syscall ID:SYSCALLID nativeID:UINT16; <syscall ID:SYSCALLID nativeID:UINT16; >open name:FSPATH
flags:FLAGS32@file_flags mode:UINT32; <open fd:FD name:FSPATH flags:FLAGS32@file_flags mode:UINT32
dev:UINT32 ino:UINT64; >~close fd:FD; <close res:ERRNO fd:FD; >~read fd:FD size:UINT32; <read
res:ERRNO data:BYTEBUF fd:FD size:UINT32; >~write fd:FD size:UINT32; <write res:ERRNO data:BYTEBUF
fd:FD size:UINT32; >~brk size:UINT32; <~brk res:UINT64; >~execve; <~execve res:ERRNO exe:CHARBUF
args:BYTEBUF tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:UINT64; >~clone; <~clone res:PID
exe:CHARBUF args:BYTEBUF tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:INT64
flags:FLAGS32@clone_flags uid:UINT32 gid:UINT32; >~procexit; <NA; >~socket
domain:ENUMFLAGS32@socket_families type:UINT32 proto:UINT32; <socket fd:FD
domain:ENUMFLAGS32@socket_families type:UINT32 proto:UINT32 flags:FLAGS32@file_flags; >~bind fd:FD;
<bind res:ERRNO addr:SOCKADDR fd:FD; >connect fd:FD addr:SOCKADDR; <connect res:ERRNO
tuple:SOCKTUPLE fd:FD addr:SOCKADDR; >~listen fd:FD backlog:INT32; <listen res:ERRNO fd:FD
backlog:INT32; >~accept; <~accept fd:FD tuple:SOCKTUPLE queuepct:UINT8; >~send fd:FD size:UINT32;
<send res:ERRNO data:BYTEBUF fd:FD size:UINT32 tuple:SOCKTUPLE; >~sendto fd:FD size:UINT32
tuple:SOCKTUPLE; <sendto res:ERRNO data:BYTEBUF fd:FD size:UINT32 tuple:SOCKTUPLE; >~recv fd:FD
size:UINT32; <recv res:ERRNO data:BYTEBUF fd:FD size:UINT32 tuple:SOCKTUPLE; >~recvfrom fd:FD
size:UINT32; <recvfrom res:ERRNO data:BYTEBUF tuple:SOCKTUPLE fd:FD size:UINT32; >~shutdown fd:FD
how:ENUMFLAGS8@shutdown_how; <shutdown res:ERRNO fd:FD how:ENUMFLAGS8@shutdown_how; >~getsockname;
<getsockname; >~getpeername; <getpeername; >~socketpair domain:ENUMFLAGS32@socket_families
type:UINT32 proto:UINT32; <socketpair res:ERRNO fd1:FD fd2:FD source:UINT64 peer:UINT64
domain:ENUMFLAGS32@socket_families type:UINT32 proto:UINT32; >~setsockopt; <setsockopt res:ERRNO
fd:FD level:ENUMFLAGS8@sockopt_levels optname:ENUMFLAGS8@sockopt_options
val:DYN/BYTEBUF/ERRNO/UINT32/UINT64/RELTIME optlen:UINT32; >~getsockopt; <getsockopt res:ERRNO
fd:FD level:ENUMFLAGS8@sockopt_levels optname:ENUMFLAGS8@sockopt_options
val:DYN/BYTEBUF/ERRNO/UINT32/UINT64/RELTIME optlen:UINT32; >~sendmsg fd:FD size:UINT32
tuple:SOCKTUPLE; <sendmsg res:ERRNO data:BYTEBUF fd:FD size:UINT32 tuple:SOCKTUPLE; >~sendmmsg;
<sendmmsg res:ERRNO fd:FD size:UINT32 data:BYTEBUF tuple:SOCKTUPLE; >~recvmsg fd:FD; <recvmsg
res:ERRNO size:UINT32 data:BYTEBUF tuple:SOCKTUPLE msgcontrol:BYTEBUF fd:FD; >~recvmmsg; <recvmmsg
res:ERRNO fd:FD size:UINT32 data:BYTEBUF tuple:SOCKTUPLE msgcontrol:BYTEBUF; >~accept flags:INT32;
<~accept fd:FD tuple:SOCKTUPLE queuepct:UINT8; >creat name:FSPATH mode:UINT32; <creat fd:FD
name:FSPATH mode:UINT32 dev:UINT32 ino:UINT64 creat_flags:FLAGS16@creat_flags; >~pipe; <pipe
res:ERRNO fd1:FD fd2:FD ino:UINT64; >~eventfd initval:UINT64 flags:UINT32; <eventfd res:FD
initval:UINT64 flags:UINT32; >~futex addr:UINT64 op:FLAGS16@futex_operations val:UINT64; <futex
res:ERRNO addr:UINT64 op:FLAGS16@futex_operations val:UINT64; >~stat; <stat res:ERRNO path:FSPATH;
>~lstat; <lstat res:ERRNO path:FSPATH; >~fstat fd:FD; <fstat res:ERRNO fd:FD; >~stat64; <stat64
res:ERRNO path:FSPATH; >~lstat64; <lstat64 res:ERRNO path:FSPATH; >~fstat64 fd:FD; <fstat64
res:ERRNO; >~epoll_wait maxevents:ERRNO; <epoll_wait res:ERRNO maxevents:ERRNO; >~poll fds:FDLIST
timeout:INT64; <poll res:ERRNO fds:FDLIST timeout:INT64; >~select; <select res:ERRNO; >~select;
<~select res:ERRNO; >~lseek fd:FD offset:UINT64 whence:ENUMFLAGS8@lseek_whence; <lseek res:ERRNO
fd:FD offset:UINT64 whence:ENUMFLAGS8@lseek_whence; >~llseek fd:FD offset:UINT64
whence:ENUMFLAGS8@lseek_whence; <llseek res:ERRNO fd:FD offset:UINT64
whence:ENUMFLAGS8@lseek_whence; >~ioctl fd:FD request:UINT64; <~ioctl res:ERRNO; >~getcwd; <getcwd
res:ERRNO path:CHARBUF; >~chdir; <chdir res:ERRNO path:CHARBUF; >~fchdir fd:FD; <fchdir res:ERRNO
fd:FD; >~mkdir path:FSPATH mode:UINT32; <~mkdir res:ERRNO; >~rmdir path:FSPATH; <~rmdir res:ERRNO;
>~openat dirfd:FD name:CHARBUF flags:FLAGS32@file_flags mode:UINT32; <~openat fd:FD; >~link
oldpath:FSPATH newpath:FSPATH; <~link res:ERRNO; >~linkat olddir:FD oldpath:CHARBUF newdir:FD
newpath:CHARBUF; <~linkat res:ERRNO; >~unlink path:FSPATH; <~unlink res:ERRNO; >~unlinkat dirfd:FD
name:CHARBUF; <~unlinkat res:ERRNO; >~pread fd:FD size:UINT32 pos:UINT64; <pread res:ERRNO
data:BYTEBUF fd:FD size:UINT32 pos:UINT64; >~pwrite fd:FD size:UINT32 pos:UINT64; <pwrite res:ERRNO
data:BYTEBUF fd:FD size:UINT32 pos:UINT64; >~readv fd:FD; <readv res:ERRNO size:UINT32 data:BYTEBUF
fd:FD; >~writev fd:FD size:UINT32; <writev res:ERRNO data:BYTEBUF fd:FD size:UINT32; >~preadv fd:FD
pos:UINT64; <preadv res:ERRNO size:UINT32 data:BYTEBUF fd:FD pos:UINT64; >~pwritev fd:FD
size:UINT32 pos:UINT64; <pwritev res:ERRNO data:BYTEBUF fd:FD size:UINT32 pos:UINT64; >~dup fd:FD;
<~dup res:FD; >~signalfd fd:FD mask:UINT32 flags:UINT8; <signalfd res:FD fd:FD mask:UINT32
flags:UINT8; >~kill pid:PID sig:SIGTYPE; <kill res:ERRNO pid:PID sig:SIGTYPE; >~tkill tid:PID
sig:SIGTYPE; <tkill res:ERRNO tid:PID sig:SIGTYPE; >~tgkill pid:PID tid:PID sig:SIGTYPE; <tgkill
res:ERRNO pid:PID tid:PID sig:SIGTYPE; >~nanosleep interval:RELTIME; <nanosleep res:ERRNO
interval:RELTIME; >~timerfd_create clockid:UINT8 flags:UINT8; <timerfd_create res:FD clockid:UINT8
flags:UINT8; >~inotify_init flags:UINT8; <inotify_init res:FD flags:UINT8; >~getrlimit
resource:ENUMFLAGS8@rlimit_resources; <getrlimit res:ERRNO cur:INT64 max:INT64
resource:ENUMFLAGS8@rlimit_resources; >~setrlimit resource:ENUMFLAGS8@rlimit_resources; <setrlimit
res:ERRNO cur:INT64 max:INT64 resource:ENUMFLAGS8@rlimit_resources; >~prlimit pid:PID
resource:ENUMFLAGS8@rlimit_resources; <prlimit res:ERRNO newcur:INT64 newmax:INT64 oldcur:INT64
oldmax:INT64 pid:INT64 resource:ENUMFLAGS8@rlimit_resources; >~switch next:PID; <NA; >drop
ratio:UINT32; <drop ratio:UINT32; >~fcntl fd:FD cmd:ENUMFLAGS8@fcntl_commands; <fcntl res:FD fd:FD
cmd:ENUMFLAGS8@fcntl_commands arg:UINT64; >switch next:PID pgft_maj:UINT64 pgft_min:UINT64
vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32; <NA; >~execve; <~execve res:ERRNO exe:CHARBUF
args:BYTEBUF tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:UINT64 pgft_maj:UINT64 pgft_min:UINT64
vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32; >~clone; <~clone res:PID exe:CHARBUF args:BYTEBUF
tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:INT64 pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32
vm_rss:UINT32 vm_swap:UINT32 flags:FLAGS32@clone_flags uid:UINT32 gid:UINT32; >~brk addr:UINT64;
<brk res:UINT64 vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32 addr:UINT64; >~mmap addr:UINT64
length:UINT64 prot:FLAGS32@prot_flags flags:FLAGS32@mmap_flags fd:FD offset:UINT64; <mmap res:ERRNO
vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32 addr:UINT64 length:UINT64 prot:FLAGS32@prot_flags
flags:FLAGS32@mmap_flags fd:FD offset:UINT64; >~mmap2 addr:UINT64 length:UINT64
prot:FLAGS32@prot_flags flags:FLAGS32@mmap_flags fd:FD pgoffset:UINT64; <mmap2 res:ERRNO
vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32 addr:UINT64 length:UINT64 prot:FLAGS32@prot_flags
flags:FLAGS32@mmap_flags fd:FD pgoffset:UINT64; >~munmap addr:UINT64 length:UINT64; <munmap
res:ERRNO vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32 addr:UINT64 length:UINT64; >~splice fd_in:FD
fd_out:FD size:UINT64 flags:FLAGS32@splice_flags; <splice res:ERRNO fd_in:FD fd_out:FD size:UINT64
flags:FLAGS32@splice_flags; >~ptrace request:ENUMFLAGS16@ptrace_requests pid:PID; <ptrace res:ERRNO
addr:DYN/UINT64/SIGTYPE data:DYN/UINT64/SIGTYPE request:ENUMFLAGS16@ptrace_requests pid:PID;
>~ioctl fd:FD request:UINT64 argument:UINT64; <ioctl res:ERRNO fd:FD request:UINT64
argument:UINT64; >~execve; <~execve res:ERRNO exe:CHARBUF args:BYTEBUF tid:PID pid:PID ptid:PID
cwd:CHARBUF fdlimit:UINT64 pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32 vm_rss:UINT32
vm_swap:UINT32 env:BYTEBUF; >~rename; <rename res:ERRNO oldpath:FSPATH newpath:FSPATH; >~renameat;
<renameat res:ERRNO olddirfd:FD oldpath:FSRELPATH newdirfd:FD newpath:FSRELPATH; >~symlink;
<symlink res:ERRNO target:CHARBUF linkpath:FSPATH; >~symlinkat; <symlinkat res:ERRNO target:CHARBUF
linkdirfd:FD linkpath:FSRELPATH; >~fork; <~fork res:PID exe:CHARBUF args:BYTEBUF tid:PID pid:PID
ptid:PID cwd:CHARBUF fdlimit:INT64 pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32 vm_rss:UINT32
vm_swap:UINT32 flags:FLAGS32@clone_flags uid:UINT32 gid:UINT32; >~vfork; <~vfork res:PID
exe:CHARBUF args:BYTEBUF tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:INT64 pgft_maj:UINT64
pgft_min:UINT64 vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32 flags:FLAGS32@clone_flags uid:UINT32
gid:UINT32; >procexit status:ERRNO ret:ERRNO sig:SIGTYPE core:UINT8 reaper_tid:PID; <NA; >~sendfile
out_fd:FD in_fd:FD offset:UINT64 size:UINT64; <sendfile res:ERRNO offset:UINT64 out_fd:FD in_fd:FD
size:UINT64; >~quotactl cmd:FLAGS16@quotactl_cmds type:FLAGS8@quotactl_types id:UINT32
quota_fmt:FLAGS8@quotactl_quota_fmts; <quotactl res:ERRNO special:CHARBUF quotafilepath:CHARBUF
dqb_bhardlimit:UINT64 dqb_bsoftlimit:UINT64 dqb_curspace:UINT64 dqb_ihardlimit:UINT64
dqb_isoftlimit:UINT64 dqb_btime:RELTIME dqb_itime:RELTIME dqi_bgrace:RELTIME dqi_igrace:RELTIME
dqi_flags:FLAGS8@quotactl_dqi_flags quota_fmt_out:FLAGS8@quotactl_quota_fmts
cmd:FLAGS16@quotactl_cmds type:FLAGS8@quotactl_types id:UINT32
quota_fmt:FLAGS8@quotactl_quota_fmts; >~setresuid ruid:UID euid:UID suid:UID; <setresuid res:ERRNO
ruid:UID euid:UID suid:UID; >~setresgid rgid:GID egid:GID sgid:GID; <setresgid res:ERRNO rgid:GID
egid:GID sgid:GID; >scapevent event_type:UINT32 event_data:UINT64; <NA; >~setuid uid:UID; <setuid
res:ERRNO uid:UID; >~setgid gid:GID; <setgid res:ERRNO gid:GID; >~getuid; <getuid uid:UID;
>~geteuid; <geteuid euid:UID; >~getgid; <getgid gid:GID; >~getegid; <getegid egid:GID; >~getresuid;
<getresuid res:ERRNO ruid:UID euid:UID suid:UID; >~getresgid; <getresgid res:ERRNO rgid:GID
egid:GID sgid:GID; >~execve; <~execve res:ERRNO exe:CHARBUF args:BYTEBUF tid:PID pid:PID ptid:PID
cwd:CHARBUF fdlimit:UINT64 pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32 vm_rss:UINT32
vm_swap:UINT32 comm:CHARBUF env:BYTEBUF; >~clone; <~clone res:PID exe:CHARBUF args:BYTEBUF tid:PID
pid:PID ptid:PID cwd:CHARBUF fdlimit:INT64 pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32
vm_rss:UINT32 vm_swap:UINT32 comm:CHARBUF flags:FLAGS32@clone_flags uid:UINT32 gid:UINT32; >~fork;
<~fork res:PID exe:CHARBUF args:BYTEBUF tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:INT64
pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32 comm:CHARBUF
flags:FLAGS32@clone_flags uid:UINT32 gid:UINT32; >~vfork; <~vfork res:PID exe:CHARBUF args:BYTEBUF
tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:INT64 pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32
vm_rss:UINT32 vm_swap:UINT32 comm:CHARBUF flags:FLAGS32@clone_flags uid:UINT32 gid:UINT32; >~clone;
<clone res:PID exe:CHARBUF args:BYTEBUF tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:INT64
pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32 comm:CHARBUF
cgroups:BYTEBUF flags:FLAGS32@clone_flags uid:UINT32 gid:UINT32 vtid:PID vpid:PID
pidns_init_start_ts:UINT64; >~fork; <fork res:PID exe:CHARBUF args:BYTEBUF tid:PID pid:PID ptid:PID
cwd:CHARBUF fdlimit:INT64 pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32 vm_rss:UINT32
vm_swap:UINT32 comm:CHARBUF cgroups:BYTEBUF flags:FLAGS32@clone_flags uid:UINT32 gid:UINT32
vtid:PID vpid:PID pidns_init_start_ts:UINT64; >~vfork; <vfork res:PID exe:CHARBUF args:BYTEBUF
tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:INT64 pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32
vm_rss:UINT32 vm_swap:UINT32 comm:CHARBUF cgroups:BYTEBUF flags:FLAGS32@clone_flags uid:UINT32
gid:UINT32 vtid:PID vpid:PID pidns_init_start_ts:UINT64; >~container id:CHARBUF type:UINT32
name:CHARBUF image:CHARBUF; <NA; >~execve; <~execve res:ERRNO exe:CHARBUF args:BYTEBUF tid:PID
pid:PID ptid:PID cwd:CHARBUF fdlimit:UINT64 pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32
vm_rss:UINT32 vm_swap:UINT32 comm:CHARBUF cgroups:BYTEBUF env:BYTEBUF; >signaldeliver spid:PID
dpid:PID sig:SIGTYPE; <NA; >procinfo cpu_usr:UINT64 cpu_sys:UINT64; <NA; >~getdents fd:FD;
<getdents res:ERRNO fd:FD; >~getdents64 fd:FD; <getdents64 res:ERRNO fd:FD; >~setns fd:FD
nstype:FLAGS32@clone_flags; <setns res:ERRNO fd:FD nstype:FLAGS32@clone_flags; >~flock fd:FD
operation:FLAGS32@flock_flags; <flock res:ERRNO fd:FD operation:FLAGS32@flock_flags; >cpu_hotplug
cpu:UINT32 action:UINT32; <NA; >~accept; <accept fd:FD tuple:SOCKTUPLE queuepct:UINT8
queuelen:UINT32 queuemax:UINT32; >~accept flags:INT32; <~accept fd:FD tuple:SOCKTUPLE
queuepct:UINT8 queuelen:UINT32 queuemax:UINT32; >~semop semid:INT32; <semop res:ERRNO nsops:UINT32
sem_num_0:UINT16 sem_op_0:INT16 sem_flg_0:FLAGS16@semop_flags sem_num_1:UINT16 sem_op_1:INT16
sem_flg_1:FLAGS16@semop_flags semid:INT32; >~semctl semid:INT32 semnum:INT32
cmd:FLAGS16@semctl_commands val:INT32; <semctl res:ERRNO semid:INT32 semnum:INT32
cmd:FLAGS16@semctl_commands val:INT32; >~ppoll fds:FDLIST timeout:RELTIME sigmask:SIGSET; <ppoll
res:ERRNO fds:FDLIST timeout:RELTIME sigmask:SIGSET; >~mount flags:FLAGS32@mount_flags; <mount
res:ERRNO dev:CHARBUF dir:FSPATH type:CHARBUF flags:FLAGS32@mount_flags; >~umount
flags:FLAGS32@umount_flags; <~umount res:ERRNO name:FSPATH; >~k8s json:CHARBUF; <NA; >~semget
key:INT32 nsems:INT32 semflg:FLAGS32@semget_flags; <semget res:ERRNO key:INT32 nsems:INT32
semflg:FLAGS32@semget_flags; >~access mode:FLAGS32@access_flags; <access res:ERRNO name:FSPATH
mode:FLAGS32@access_flags; >~chroot; <chroot res:ERRNO path:FSPATH; >~tracer id:INT64
tags:CHARBUFARRAY args:CHARBUF_PAIR_ARRAY; <NA id:INT64 tags:CHARBUFARRAY args:CHARBUF_PAIR_ARRAY;
>~mesos json:CHARBUF; <NA; >~container json:CHARBUF; <NA; >~setsid; <setsid res:PID; >~mkdir
mode:UINT32; <mkdir res:ERRNO path:FSPATH mode:UINT32; >~rmdir; <rmdir res:ERRNO path:FSPATH;
>notification id:CHARBUF desc:CHARBUF; <NA; >~execve; <~execve res:ERRNO exe:CHARBUF args:BYTEBUF
tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:UINT64 pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32
vm_rss:UINT32 vm_swap:UINT32 comm:CHARBUF cgroups:BYTEBUF env:BYTEBUF tty:INT32; >~unshare
flags:FLAGS32@clone_flags; <unshare res:ERRNO flags:FLAGS32@clone_flags; >infra source:CHARBUF
name:CHARBUF description:CHARBUF scope:CHARBUF; <NA; >~execve filename:FSPATH; <~execve res:ERRNO
exe:CHARBUF args:BYTEBUF tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:UINT64 pgft_maj:UINT64
pgft_min:UINT64 vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32 comm:CHARBUF cgroups:BYTEBUF
env:BYTEBUF tty:INT32; >page_fault addr:UINT64 ip:UINT64 error:FLAGS32@pf_flags; <NA; >~execve
filename:FSPATH; <execve res:ERRNO exe:CHARBUF args:BYTEBUF tid:PID pid:PID ptid:PID cwd:CHARBUF
fdlimit:UINT64 pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32
comm:CHARBUF cgroups:BYTEBUF env:BYTEBUF tty:UINT32 vpgid:PID loginuid:UID
flags:FLAGS32@execve_flags cap_inheritable:UINT64 cap_permitted:UINT64 cap_effective:UINT64
exe_ino:UINT64 exe_ino_ctime:ABSTIME exe_ino_mtime:ABSTIME uid:UID trusted_exepath:FSPATH pgid:PID
gid:GID filename:FSPATH; >~setpgid pid:PID pgid:PID; <setpgid res:ERRNO pid:PID pgid:PID; >~bpf
cmd:INT64; <~bpf res_or_fd:DYN/FD/ERRNO; >~seccomp op:UINT64 flags:UINT64; <seccomp res:ERRNO
op:UINT64 flags:UINT64; >~unlink; <unlink res:ERRNO path:FSPATH; >~unlinkat; <unlinkat res:ERRNO
dirfd:FD name:FSRELPATH flags:FLAGS32@unlinkat_flags; >~mkdirat; <mkdirat res:ERRNO dirfd:FD
path:FSRELPATH mode:UINT32; >openat dirfd:FD name:FSRELPATH flags:FLAGS32@file_flags mode:UINT32;
<openat fd:FD dirfd:FD name:FSRELPATH flags:FLAGS32@file_flags mode:UINT32 dev:UINT32 ino:UINT64;
>~link; <link res:ERRNO oldpath:FSPATH newpath:FSPATH; >~linkat; <linkat res:ERRNO olddir:FD
oldpath:FSRELPATH newdir:FD newpath:FSRELPATH flags:FLAGS32@linkat_flags; >~fchmodat; <fchmodat
res:ERRNO dirfd:FD filename:FSRELPATH mode:MODE@chmod_mode; >~chmod; <chmod res:ERRNO
filename:FSPATH mode:MODE@chmod_mode; >~fchmod; <fchmod res:ERRNO fd:FD mode:MODE@chmod_mode;
>~renameat2; <renameat2 res:ERRNO olddirfd:FD oldpath:FSRELPATH newdirfd:FD newpath:FSRELPATH
flags:FLAGS32@renameat2_flags; >~userfaultfd; <userfaultfd res:ERRNO flags:FLAGS32@file_flags;
>!pluginevent plugin_id:UINT32 event_data:BYTEBUF; <NA; >!container json:CHARBUF; <NA; >openat2
dirfd:FD name:FSRELPATH flags:FLAGS32@file_flags mode:UINT32 resolve:FLAGS32@openat2_flags;
<openat2 fd:FD dirfd:FD name:FSRELPATH flags:FLAGS32@file_flags mode:UINT32
resolve:FLAGS32@openat2_flags dev:UINT32 ino:UINT64; >~mprotect addr:UINT64 length:UINT64
prot:FLAGS32@prot_flags; <mprotect res:ERRNO addr:UINT64 length:UINT64 prot:FLAGS32@prot_flags;
>~execveat dirfd:FD pathname:FSRELPATH flags:FLAGS32@execveat_flags; <execveat res:ERRNO
exe:CHARBUF args:BYTEBUF tid:PID pid:PID ptid:PID cwd:CHARBUF fdlimit:UINT64 pgft_maj:UINT64
pgft_min:UINT64 vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32 comm:CHARBUF cgroups:BYTEBUF
env:BYTEBUF tty:UINT32 vpgid:PID loginuid:UID flags:FLAGS32@execve_flags cap_inheritable:UINT64
cap_permitted:UINT64 cap_effective:UINT64 exe_ino:UINT64 exe_ino_ctime:ABSTIME
exe_ino_mtime:ABSTIME uid:UID trusted_exepath:FSPATH pgid:PID gid:GID; >~copy_file_range fdin:FD
offin:UINT64 len:UINT64; <copy_file_range res:ERRNO fdout:FD offout:UINT64 fdin:FD offin:UINT64
len:UINT64; >~clone3; <clone3 res:PID exe:CHARBUF args:BYTEBUF tid:PID pid:PID ptid:PID cwd:CHARBUF
fdlimit:INT64 pgft_maj:UINT64 pgft_min:UINT64 vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32
comm:CHARBUF cgroups:BYTEBUF flags:FLAGS32@clone_flags uid:UINT32 gid:UINT32 vtid:PID vpid:PID
pidns_init_start_ts:UINT64; >~open_by_handle_at; <open_by_handle_at fd:FD mountfd:FD
flags:FLAGS32@file_flags path:FSPATH dev:UINT32 ino:UINT64; >~io_uring_setup; <io_uring_setup
res:ERRNO entries:UINT32 sq_entries:UINT32 cq_entries:UINT32 flags:FLAGS32@io_uring_setup_flags
sq_thread_cpu:UINT32 sq_thread_idle:UINT32 features:FLAGS32@io_uring_setup_feats; >~io_uring_enter;
<io_uring_enter res:ERRNO fd:FD to_submit:UINT32 min_complete:UINT32
flags:FLAGS32@io_uring_enter_flags sig:SIGSET; >~io_uring_register; <io_uring_register res:ERRNO
fd:FD opcode:ENUMFLAGS16@io_uring_register_opcodes arg:UINT64 nr_args:UINT32; >~mlock; <mlock
res:ERRNO addr:UINT64 len:UINT64; >~munlock; <munlock res:ERRNO addr:UINT64 len:UINT64; >~mlockall;
<mlockall res:ERRNO flags:FLAGS32@mlockall_flags; >~munlockall; <munlockall res:ERRNO; >~capset;
<capset res:ERRNO cap_inheritable:UINT64 cap_permitted:UINT64 cap_effective:UINT64; >useradded
uid:UINT32 gid:UINT32 name:CHARBUF home:CHARBUF shell:CHARBUF container_id:CHARBUF; <NA;
>userdeleted uid:UINT32 gid:UINT32 name:CHARBUF home:CHARBUF shell:CHARBUF container_id:CHARBUF;
<NA; >groupadded gid:UINT32 name:CHARBUF container_id:CHARBUF; <NA; >groupdeleted gid:UINT32
name:CHARBUF container_id:CHARBUF; <NA; >~dup2 fd:FD; <dup2 res:FD oldfd:FD newfd:FD; >~dup3 fd:FD;
<dup3 res:FD oldfd:FD newfd:FD flags:FLAGS32@file_flags; >~dup fd:FD; <dup res:FD oldfd:FD; >~bpf
cmd:INT64; <bpf fd:FD cmd:ENUMFLAGS32@bpf_commands; >~mlock2; <mlock2 res:ERRNO addr:UINT64
len:UINT64 flags:FLAGS32@mlock2_flags; >~fsconfig; <fsconfig res:ERRNO fd:FD
cmd:ENUMFLAGS32@fsconfig_cmds key:CHARBUF value_bytebuf:BYTEBUF value_charbuf:CHARBUF aux:INT32;
>~epoll_create size:INT32; <epoll_create res:ERRNO size:INT32; >~epoll_create1
flags:FLAGS32@epoll_create1_flags; <epoll_create1 res:ERRNO flags:FLAGS32@epoll_create1_flags;
>~chown; <chown res:ERRNO path:FSPATH uid:UINT32 gid:UINT32; >~lchown; <lchown res:ERRNO
path:FSPATH uid:UINT32 gid:UINT32; >~fchown; <fchown res:ERRNO fd:FD uid:UINT32 gid:UINT32;
>~fchownat; <fchownat res:ERRNO dirfd:FD pathname:FSRELPATH uid:UINT32 gid:UINT32
flags:FLAGS32@fchownat_flags; >~umount; <umount res:ERRNO name:FSPATH; >~accept4 flags:INT32;
<accept4 fd:FD tuple:SOCKTUPLE queuepct:UINT8 queuelen:UINT32 queuemax:UINT32 flags:INT32;
>~umount2 flags:FLAGS32@umount_flags; <umount2 res:ERRNO name:FSPATH flags:FLAGS32@umount_flags;
>~pipe2; <pipe2 res:ERRNO fd1:FD fd2:FD ino:UINT64 flags:FLAGS32@file_flags; >~inotify_init1;
<inotify_init1 res:FD flags:FLAGS16@file_flags; >~eventfd2 initval:UINT64; <eventfd2 res:FD
flags:FLAGS16@file_flags initval:UINT64; >~signalfd4 fd:FD mask:UINT32; <signalfd4 res:FD
flags:FLAGS16@file_flags fd:FD mask:UINT32; >~prctl; <prctl res:ERRNO
option:ENUMFLAGS32@prctl_options arg2_str:CHARBUF arg2_int:INT64; >!asyncevent plugin_id:UINT32
name:CHARBUF data:BYTEBUF; <NA; >~memfd_create; <memfd_create fd:FD name:CHARBUF
flags:FLAGS32@memfd_create_flags; >~pidfd_getfd; <pidfd_getfd fd:FD pid_fd:FD target_fd:FD
flags:UINT32; >~pidfd_open; <pidfd_open fd:FD pid:PID flags:FLAGS32@pidfd_open_flags;
>~init_module; <init_module res:ERRNO img:BYTEBUF length:UINT64 uargs:CHARBUF; >~finit_module;
<finit_module res:ERRNO fd:FD uargs:CHARBUF flags:FLAGS32@finit_module_flags; >~mknod; <mknod
res:ERRNO path:FSPATH mode:MODE@mknod_mode dev:UINT32; >~mknodat; <mknodat res:ERRNO dirfd:FD
path:FSRELPATH mode:MODE@mknod_mode dev:UINT32; >~newfstatat; <newfstatat res:ERRNO dirfd:FD
path:FSRELPATH flags:FLAGS32@newfstatat_flags; >~process_vm_readv; <process_vm_readv res:INT64
pid:PID data:BYTEBUF; >~process_vm_writev; <process_vm_writev res:INT64 pid:PID data:BYTEBUF;
>~delete_module; <delete_module res:ERRNO name:CHARBUF flags:FLAGS32@delete_module_flags;
>~setreuid; <setreuid res:ERRNO ruid:UID euid:UID; >~setregid; <setregid res:ERRNO rgid:UID
egid:UID; >task ppid:PID32 pgid:PID32 vpgid:PID32 sid:PID32 comm:CHARBUF argv:CHARBUFARRAY
exepath:FSPATH flags:FLAGS32@execve_flags env:CHARBUFARRAY cwd:CHARBUF fdlimit:UINT64 euid:UID
egid:GID cap_permitted:UINT64 cap_effective:UINT64 cap_inheritable:UINT64 exe_ino_num:UINT64
exe_ino_ctime:ABSTIME exe_ino_mtime:ABSTIME vm_size:UINT32 vm_rss:UINT32 vm_swap:UINT32
pgft_maj:UINT64 pgft_min:UINT64 vtgid:PID32 vpid:PID32 pidns_init_start_ts:UINT64
cgroups:CHARBUFARRAY root:FSPATH start_time:ABSTIME tty:UINT32 loginuid:UID; <NA; >task_file_pipe
fd:FD32 path:FSPATH ino_num:UINT64; <NA; >task_file_memfd fd:FD32 path:FSPATH ino_num:UINT64; <NA;
>task_file_regular fd:FD32 path:FSPATH flags:FLAGS32@file_flags mnt_id:UINT32 ino_num:UINT64; <NA;
>task_file_directory fd:FD32 path:FSPATH ino_num:UINT64; <NA; >task_file_socket_inet fd:FD32
sk_type:UINT16 sk_proto:UINT16 local_ip:IPV4ADDR local_port:PORT remote_ip:IPV4ADDR
remote_port:PORT ino_num:UINT64; <NA; >task_file_socket_inet6 fd:FD32 sk_type:UINT16
sk_proto:UINT16 local_ip:IPV6ADDR local_port:PORT remote_ip:IPV6ADDR remote_port:PORT
ino_num:UINT64; <NA; >task_file_socket_unix fd:FD32 sk_type:UINT16 sk_proto:UINT16
sk_pointer:UINT64 sun_path:FSPATH ino_num:UINT64; <NA; >task_file_socket_netlink fd:FD32
sk_type:UINT16 sk_proto:UINT16 ino_num:UINT64; <NA; >task_file_anon_inode fd:FD32
fd_type:FLAGS8@anon_inode_fd_types path:FSPATH ino_num:UINT64; <NA; >NA; <close_range res:ERRNO
first:UINT32 last:UINT32 flags:FLAGS32@close_range_flags; >NA; <keyctl res:ERRNO
operation:ENUMFLAGS32@keyctl_operations arg2:DYN/INT64/CHARBUF arg3:DYN/INT64/CHARBUF
arg4:DYN/INT64/CHARBUF arg5:DYN/INT64/CHARBUF
"""
