/* Replaces the C library's allocator in the program that includes this (glibc only): counts allocations and
 * blocks, and lets one allocation fail.  Sanitizers and valgrind have allocators of their own, so a test
 * begins with need_watch().  Included first, because it defines _GNU_SOURCE. */
#ifndef TEST_FAILING_MEMORY_H
#define TEST_FAILING_MEMORY_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define REPLACED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define REPLACED 0
#endif
#endif
#ifndef REPLACED
#define REPLACED 1
#endif

static atomic_int counted; /* allocations since it was set to 0 */
static atomic_int fail_at; /* the allocation that fails; 0: none */
static atomic_int live;    /* blocks not freed yet */
static atomic_bool fail_on, no_blas;

/* Whether all allocations behind the one that fails, fail as well. */
static inline void fail_behind(bool on)
{
    atomic_store(&fail_on, on);
}

/* OpenBLAS is not used: callers need not be looked up, which takes time. */
static inline void without_blas(void)
{
    atomic_store(&no_blas, true);
}

#if REPLACED
#pragma GCC visibility push(default) /* so that libjpeg and libpng meet these functions too */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static bool allowed(void)
{
    const int n = atomic_fetch_add(&counted, 1) + 1;
    const int at = atomic_load(&fail_at);
    if (!at || n < at || (n > at && !atomic_load(&fail_on))) return true;
    errno = ENOMEM;
    return false;
}

static void *track(void *memory)
{
    if (memory) atomic_fetch_add(&live, 1);
    return memory;
}

/* On some processors OpenBLAS allocates memory for products of small matrices and frees it again.  That does
 * not count. */
static bool is_openblas(const void *caller)
{
    Dl_info info;
    if (atomic_load(&no_blas)) return false;
    return dladdr(caller, &info) && info.dli_fname && strstr(info.dli_fname, "openblas");
}

void *malloc(size_t size)
{
    return is_openblas(__builtin_return_address(0)) || allowed() ? track(__libc_malloc(size)) : NULL;
}

void *calloc(size_t count, size_t size)
{
    return allowed() ? track(__libc_calloc(count, size)) : NULL;
}

void *realloc(void *old, size_t size)
{
    void *memory;
    if (!allowed()) return NULL;
    memory = __libc_realloc(old, size);
    if (!old) (void)track(memory);
    return memory;
}

void *memalign(size_t alignment, size_t size);
void *memalign(size_t alignment, size_t size)
{
    return allowed() ? track(__libc_memalign(alignment, size)) : NULL;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    *memory = memalign(alignment, size);
    return *memory ? 0 : ENOMEM;
}

void free(void *memory)
{
    if (memory) atomic_fetch_sub(&live, 1);
    __libc_free(memory);
}

/* Mapping a file is how it is read; only memory without a file counts as an allocation. */
void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    if ((flags & MAP_ANONYMOUS) && !allowed()) return MAP_FAILED;
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}
#pragma GCC visibility pop
#endif

/* 1 when the replacement is really in use (valgrind puts its own in its place). */
static inline int watching(void)
{
    void *volatile probe;
    atomic_store(&counted, 0);
    probe = malloc(100);
    free(probe);
    return atomic_load(&counted) > 0;
}

static inline void need_watch(void)
{
    if (watching()) return;
    printf("skipped: the allocator can't be replaced here\n");
    skip();
}

#endif
