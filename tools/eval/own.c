/* Which files capeval may replace; see own.h. */
#include "tools/eval/own.h"

#include <string.h>
#include <sys/stat.h>

#include "tools/common/regular.h"

enum { START_BYTES = 64 };

const eval_own eval_own_metrics = {"{\n  \"checkpoint\": ", "metrics file"};
const eval_own eval_own_scores = {"image\tBLEU-1\tBLEU-2\t", "table of scores"};
const eval_own eval_own_pairs = {"image\tequal\tscore A\tscore B\t", "table of compared captions"};

bool eval_own_check(const eval_own *kind, const char *path, tool_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0) return true;
    char start[START_BYTES];
    const size_t size = strlen(kind->start);
    const long got = tool_regular_start(path, start, size, err);
    if (got < 0) return false;
    return ((size_t)got == size && memcmp(start, kind->start, size) == 0) ||
           tool_fail(err, "%s: exists, and is no %s of capeval: it is kept, name another file", path,
                     kind->name);
}

bool eval_own_output(const eval_own *kind, tool_output *output, const char *path, tool_error *err)
{
    return eval_own_check(kind, path, err) && tool_output_open(output, path, err);
}
