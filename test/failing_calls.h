/* Replaces calls of the system and of stdio in the program that includes this (glibc only): counts them, and
 * lets one fail, be interrupted, or do only a part of its work.  What stdio calls by itself is not replaced,
 * and neither is what goes to standard output and error.  stat() is left alone: where it fails, a program may
 * take it that nothing is there.
 *
 * Included behind failing_memory.h, which says whether the C library's functions can be replaced. */
#ifndef TEST_FAILING_CALLS_H
#define TEST_FAILING_CALLS_H

#include "test/failing_memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

enum { PART_OF_A_CALL = 509 }; /* the most bytes that a read or write takes, when they are made short */

static atomic_int calls;      /* since it was set to 0 */
static atomic_int fail_call;  /* the call that fails, with EIO; 0: none */
static atomic_bool interrupt; /* every other read and write fails with EINTR, and the rest are short */

/* Elsewhere the functions have other names, or their structures other sizes. */
#if REPLACED && defined(__LP64__)
#if __GLIBC_PREREQ(2, 33)
#define CALLS_REPLACED 1
#endif
#endif

#ifdef CALLS_REPLACED
static atomic_bool interrupted;
static atomic_ullong bad_file; /* the inode of the regular file whose call failed: its others fail, too */

/* The function behind the one that replaces it. */
#define BEHIND(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static bool call_fails(void)
{
    if (!atomic_load(&fail_call) || atomic_fetch_add(&calls, 1) + 1 != atomic_load(&fail_call)) return false;
    errno = EIO;
    return true;
}

/* As call_fails, for a call about the file at a path or, where that is NULL, of a descriptor. */
static bool file_fails(const char *path, int fd)
{
    struct stat info;
    if (!atomic_load(&fail_call)) return false;
    const bool regular =
        (path ? BEHIND(stat)(path, &info) : BEHIND(fstat)(fd, &info)) == 0 && S_ISREG(info.st_mode);
    if (call_fails()) {
        if (regular) atomic_store(&bad_file, info.st_ino);
        return true;
    }
    if (!regular || info.st_ino != atomic_load(&bad_file)) return false;
    errno = EIO;
    return true;
}

/* As file_fails, for a call that a signal can interrupt; also makes *size smaller. */
static bool transfer_fails(int fd, size_t *size)
{
    if (atomic_load(&interrupt)) {
        atomic_store(&interrupted, !atomic_load(&interrupted));
        if (atomic_load(&interrupted)) {
            errno = EINTR;
            return true;
        }
        if (*size > PART_OF_A_CALL) *size = PART_OF_A_CALL;
    }
    return file_fails(NULL, fd);
}

/* A stream whose call failed has its sign of error set, as the C library does it.  Streams in memory have no
 * descriptor. */
static bool stream_fails(FILE *stream)
{
    if (stream == stdout || stream == stderr || fileno(stream) < 0) return false;
    if (!file_fails(NULL, fileno(stream))) return false;
    stream->_flags |= 0x20; /* _IO_ERR_SEEN */
    return true;
}

#pragma GCC visibility push(default)
int open(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    const mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return file_fails(path, -1) ? -1 : BEHIND(open)(path, flags, mode);
}

ssize_t read(int fd, void *to, size_t size)
{
    return transfer_fails(fd, &size) ? -1 : BEHIND(read)(fd, to, size);
}

ssize_t pread(int fd, void *to, size_t size, off_t offset)
{
    return transfer_fails(fd, &size) ? -1 : BEHIND(pread)(fd, to, size, offset);
}

ssize_t write(int fd, const void *from, size_t size)
{
    return transfer_fails(fd, &size) ? -1 : BEHIND(write)(fd, from, size);
}

off_t lseek(int fd, off_t offset, int whence)
{
    return file_fails(NULL, fd) ? -1 : BEHIND(lseek)(fd, offset, whence);
}

int fstat(int fd, struct stat *info)
{
    return file_fails(NULL, fd) ? -1 : BEHIND(fstat)(fd, info);
}

int fsync(int fd)
{
    return file_fails(NULL, fd) ? -1 : BEHIND(fsync)(fd);
}

int ftruncate(int fd, off_t size)
{
    return file_fails(NULL, fd) ? -1 : BEHIND(ftruncate)(fd, size);
}

int rename(const char *from, const char *to)
{
    return call_fails() ? -1 : BEHIND(rename)(from, to);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    return call_fails() ? -1 : BEHIND(linkat)(from_fd, from, to_fd, to, flags);
}

int mkdir(const char *path, mode_t mode)
{
    return call_fails() ? -1 : BEHIND(mkdir)(path, mode);
}

char *realpath(const char *path, char *to)
{
    return call_fails() ? NULL : BEHIND(realpath)(path, to);
}

DIR *opendir(const char *path)
{
    return call_fails() ? NULL : BEHIND(opendir)(path);
}

struct dirent *readdir(DIR *folder)
{
    return call_fails() ? NULL : BEHIND(readdir)(folder);
}

FILE *fopen(const char *path, const char *mode)
{
    return file_fails(path, -1) ? NULL : BEHIND(fopen)(path, mode);
}

FILE *fdopen(int fd, const char *mode)
{
    return file_fails(NULL, fd) ? NULL : BEHIND(fdopen)(fd, mode);
}

size_t fread(void *to, size_t size, size_t count, FILE *stream)
{
    return stream_fails(stream) ? 0 : BEHIND(fread)(to, size, count, stream);
}

int fflush(FILE *stream)
{
    return stream && stream_fails(stream) ? EOF : BEHIND(fflush)(stream);
}

int fseeko(FILE *stream, off_t offset, int whence)
{
    return stream_fails(stream) ? -1 : BEHIND(fseeko)(stream, offset, whence);
}
#pragma GCC visibility pop
#endif

#endif
