/* file.c - see file.h.  A file is mapped, which needs no buffer, so that a session that may not allocate can
 * do it. */
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

/* Returns NULL, or why such a file isn't mapped. */
static const char *refusal(const struct stat *info)
{
    return S_ISDIR(info->st_mode) ? "is a folder" : S_ISREG(info->st_mode) ? NULL : "is not a regular file";
}

/* What an errno value means.  A lack of memory has the same words everywhere. */
static const char *reason_of(int code)
{
    return code == ENOMEM ? caption_status_string(CAPTION_ERROR_MEMORY) : strerror(code);
}

/* Returns NULL, or why the file can't be mapped. */
static const char *map_descriptor(cpt_file *file, int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return reason_of(errno);
    const char *reason = refusal(&info);
    if (reason) return reason;
    if ((uintmax_t)info.st_size > SIZE_MAX) return "is too large";
    if (info.st_size == 0) return NULL; /* an empty file can't be mapped, but it is no error to have one */
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) return reason_of(errno);
#if defined(MADV_HUGEPAGE)
    /* asks for large pages, which make the first use and all later ones cheaper */
    (void)madvise(data, (size_t)info.st_size, MADV_HUGEPAGE);
#endif
    file->data = data;
    file->size = (size_t)info.st_size;
    return NULL;
}

caption_status cpt_file_map(cpt_file *file, const char *path, caption_error *error)
{
    file->data = NULL;
    file->size = 0;
    /* opening a device may do something already, and a socket can't be opened */
    struct stat info;
    const char *reason = stat(path, &info) == 0 ? refusal(&info) : reason_of(errno);
    if (reason) return cpt_fail(error, CAPTION_ERROR_IO, "%s: %s", path, reason);
    /* O_NONBLOCK, O_NOCTTY: the name may have become a FIFO's or a terminal's since */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return cpt_fail(error, CAPTION_ERROR_IO, "%s: %s", path, reason_of(errno));
    reason = map_descriptor(file, fd);
    close(fd);
    return reason ? cpt_fail(error, CAPTION_ERROR_IO, "%s: %s", path, reason) : CAPTION_OK;
}

void cpt_file_unmap(cpt_file *file)
{
    if (file->data) munmap((void *)(uintptr_t)file->data, file->size);
    file->data = NULL;
    file->size = 0;
}

#endif
