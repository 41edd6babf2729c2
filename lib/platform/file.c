/* file.c - see file.h.  Allocates nothing: mapping needs no buffer, so it is allowed inside a running
 * session. */
#define _DEFAULT_SOURCE /* madvise */
#include "lib/platform/file.h"

#ifdef CAPTION_NO_FILES

caption_status cpt_file_map(cpt_file *file, const char *path, caption_error *error)
{
    file->data = NULL;
    file->size = 0;
    return cpt_fail(error, CAPTION_ERROR_UNSUPPORTED, "%s: this build does not open files", path);
}

void cpt_file_unmap(cpt_file *file)
{
    (void)file;
}

#else

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Leaves errno to the caller; *reason is set instead where errno has nothing to say. */
static int map_descriptor(cpt_file *file, int fd, const char **reason)
{
    struct stat info;
    void *data;
    if (fstat(fd, &info) != 0) return -1;
    if (S_ISDIR(info.st_mode)) {
        *reason = "is a folder";
        return -1;
    }
    if (!S_ISREG(info.st_mode)) {
        *reason = "is not a regular file";
        return -1;
    }
    if ((uintmax_t)info.st_size > SIZE_MAX) {
        *reason = "is too large";
        return -1;
    }
    if (info.st_size == 0) return 0; /* an empty file can't be mapped, but it is no error to have one */
    data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) return -1;
#if defined(MADV_HUGEPAGE)
    /* What is not in memory yet is to come in large pages, which makes this and all later uses cheaper */
    (void)madvise(data, (size_t)info.st_size, MADV_HUGEPAGE);
#endif
    file->data = data;
    file->size = (size_t)info.st_size;
    return 0;
}

caption_status cpt_file_map(cpt_file *file, const char *path, caption_error *error)
{
    const char *reason = NULL;
    int fd, failed;
    file->data = NULL;
    file->size = 0;
    /* O_NONBLOCK: opening a FIFO must not wait for a writer */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return cpt_fail(error, CAPTION_ERROR_IO, "%s: %s", path, strerror(errno));
    failed = map_descriptor(file, fd, &reason);
    if (failed && !reason) reason = strerror(errno);
    close(fd);
    if (failed) return cpt_fail(error, CAPTION_ERROR_IO, "%s: %s", path, reason);
    return CAPTION_OK;
}

void cpt_file_unmap(cpt_file *file)
{
    if (file->data) munmap((void *)(uintptr_t)file->data, file->size);
    file->data = NULL;
    file->size = 0;
}

#endif
