// SPDX-License-Identifier: Apache-2.0
// Binds functions that moved or changed in newer glibcs to the version that every glibc has, so
// that a library made on a new distribution loads on an old one. Included before all of a library's
// C by its build, which also names libdl and libpthread as needed: before 2.34 that is where these
// live.
#pragma once
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define FK_OLD(name, version) __asm__(".symver " #name "," #name "@GLIBC_" version)
#elif defined __aarch64__ // whose first glibc is this
#define FK_OLD(name, version) __asm__(".symver " #name "," #name "@GLIBC_2.17")
#endif
#ifdef FK_OLD
FK_OLD(dlopen, "2.2.5");
FK_OLD(dlsym, "2.2.5");
FK_OLD(dlerror, "2.2.5");
FK_OLD(dlclose, "2.2.5");
FK_OLD(dladdr, "2.2.5");
FK_OLD(pthread_create, "2.2.5");
FK_OLD(pthread_detach, "2.2.5");
FK_OLD(pthread_join, "2.2.5");
FK_OLD(pthread_mutexattr_init, "2.2.5");
FK_OLD(pthread_mutexattr_settype, "2.2.5");
FK_OLD(pthread_condattr_setclock, "2.3.3");
FK_OLD(pthread_key_create, "2.2.5");
FK_OLD(pthread_setspecific, "2.2.5");
FK_OLD(pthread_once, "2.2.5");
FK_OLD(pthread_setname_np, "2.12");
FK_OLD(pthread_attr_setstacksize, "2.2.5");
FK_OLD(pthread_attr_getstacksize, "2.2.5");
FK_OLD(pthread_attr_getstack, "2.2.5");
FK_OLD(pthread_getattr_np, "2.2.5");
#endif

// fstat became a function of its own in 2.33; the kernel's structure is the C library's on 64 bits.
static inline int fk_fstat(int fd, struct stat *facts) {
	return (int)syscall(SYS_fstat, fd, facts);
}
