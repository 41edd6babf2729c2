/* Regular files read at offsets; see input.h. */
#include "tools/source/input.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/regular.h"

bool source_input_open(source_input *input, const char *path, tool_error *err)
{
    memset(input, 0, sizeof *input);
    input->path = path;
    input->file = tool_regular_open(path, err);
    struct stat info;
    if (input->file < 0) return false;
    if (fstat(input->file, &info) != 0) return tool_fail_errno(err, path, errno);
    input->size = (uint64_t)info.st_size;
    return input->size != 0 || tool_fail(err, "%s: checkpoint: the file is empty", path);
}

void source_input_close(source_input *input)
{
    if (input->path && input->file >= 0) (void)close(input->file);
    memset(input, 0, sizeof *input);
}

bool source_input_read(const source_input *input, uint64_t offset, void *buffer, size_t size, tool_error *err)
{
    unsigned char *to = buffer;
    if (offset > input->size || size > input->size - offset) {
        return tool_fail(err, "%s: byte %llu: a read past the end", input->path, (unsigned long long)offset);
    }
    while (size) {
        const ssize_t got = pread(input->file, to, size, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tool_fail_errno(err, input->path, errno);
        if (got == 0) {
            return tool_fail(err, "%s: byte %llu: the file became shorter while it was read", input->path,
                             (unsigned long long)offset);
        }
        to += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}
