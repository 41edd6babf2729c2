/* Where a tool writes its results; see output.h. */
#include "tools/common/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/clean.h"

bool tool_output_open(tool_output *output, const char *path, tool_error *err)
{
    *output = (tool_output){.stream = stdout, .name = "standard output"};
    if (path && strcmp(path, "-") != 0) {
        output->name = path;
        output->file = tool_outfile_open(path, err);
        if (!output->file) return false;
        output->stream = tool_outfile_stream(output->file);
    }
    output->terminal = isatty(fileno(output->stream)) == 1;
    return true;
}

void tool_output_text(const tool_output *output, const char *text)
{
    if (output->terminal) {
        tool_put_clean(output->stream, text);
    } else {
        tool_put_field(output->stream, text);
    }
}

void tool_output_json(tool_output *output, json_t *value, size_t flags)
{
    const char *reason = NULL;
    char *text = tool_json_print(value, flags, &reason);
    if (text) {
        (void)fputs(text, output->stream);
        (void)fputc('\n', output->stream);
    } else if (!output->lost) {
        output->lost = reason;
    }
    free(text);
}

void tool_output_lose(tool_output *output)
{
    if (!output->lost) output->lost = "out of memory";
}

bool tool_output_whole(const tool_output *output, tool_error *err)
{
    const char *lost = !output->lost && tool_json_lost() ? "out of memory" : output->lost;
    return !lost || tool_fail(err, "%s: %s", output->name, lost);
}

bool tool_output_flush(const tool_output *output, tool_error *err)
{
    if (!tool_output_whole(output, err)) return false;
    errno = 0;
    if (fflush(output->stream) == 0 && !ferror(output->stream)) return true;
    return tool_fail_errno(err, output->name, errno ? errno : EIO);
}

bool tool_output_close(tool_output *output, tool_error *err)
{
    if (!output->stream) return true;
    if (!tool_output_flush(output, err)) return false;
    return !output->file || tool_outfile_commit(&output->file, err);
}

void tool_output_abort(tool_output *output)
{
    tool_outfile_abort(&output->file);
}
