/* Opens regular files only; see regular.h. */
#include "tools/common/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static bool check(const char *path, const struct stat *info, tool_error *err)
{
    if (S_ISDIR(info->st_mode)) return tool_fail(err, "%s: is a folder", path);
    return S_ISREG(info->st_mode) || tool_fail(err, "%s: is not a regular file", path);
}

int tool_regular_open(const char *path, tool_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        (void)tool_fail_errno(err, path, errno);
        return -1;
    }
    if (!check(path, &info, err)) return -1;
    /* O_NONBLOCK, O_NOCTTY: the name may have become a FIFO's or a terminal's since */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 || fstat(fd, &info) != 0) {
        (void)tool_fail_errno(err, path, errno);
    } else if (check(path, &info, err)) {
        return fd;
    }
    if (fd >= 0) (void)close(fd);
    return -1;
}

long tool_regular_start(const char *path, void *bytes, size_t size, tool_error *err)
{
    const int fd = tool_regular_open(path, err);
    if (fd < 0) return -1;
    size_t at = 0;
    ssize_t got = 1;
    while (at < size && got > 0) {
        got = read(fd, (char *)bytes + at, size - at);
        if (got > 0) at += (size_t)got;
        if (got < 0 && errno == EINTR) got = 1; /* once more */
    }
    if (got < 0) (void)tool_fail_errno(err, path, errno);
    (void)close(fd);
    return got < 0 ? -1 : (long)at;
}
