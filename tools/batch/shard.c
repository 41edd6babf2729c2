/* Parts of an input; see shard.h. */
#include "tools/batch/shard.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/cli.h"

/* ---- which part ---- */

/* What a scheduler tells its tasks. */
typedef struct scheduler {
    const char *index, *count; /* variables; no count: it doesn't tell */
    const char *first, *step;  /* variables of the first index and of the steps between; NULL: 0 and 1 */
} scheduler;

static const scheduler schedulers[] = {
    {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP"},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", NULL, NULL},
    {"JOB_COMPLETION_INDEX", NULL, NULL, NULL},
};

/* The variable's number, or `otherwise` where it isn't set. */
static bool read_variable(int *value, const char *name, int otherwise, tool_error *err)
{
    const char *text = name ? getenv(name) : NULL;
    *value = otherwise;
    return !text || !text[0] || tool_parse_int(value, name, text, 0, INT32_MAX, err);
}

static bool from_scheduler(batch_shard *shard, const scheduler *s, int given, tool_error *err)
{
    int index = 0, count = 0, first = 0, step = 1;
    if (!read_variable(&index, s->index, 0, err) || !read_variable(&count, s->count, 0, err) ||
        !read_variable(&first, s->first, 0, err) || !read_variable(&step, s->step, 1, err)) {
        return false;
    }
    if (given) count = given;
    if (!count) return tool_fail(err, "--shard auto: %s doesn't say of how many; use auto/N", s->index);
    if (step < 1 || index < first || (index - first) % step != 0 || (index - first) / step >= count) {
        return tool_fail(err, "--shard auto: %s=%d is outside of %d tasks", s->index, index, count);
    }
    *shard = (batch_shard){(index - first) / step + 1, count};
    return true;
}

static bool find_scheduler(batch_shard *shard, int given, tool_error *err)
{
    for (size_t i = 0; i < sizeof schedulers / sizeof schedulers[0]; i++) {
        const char *text = getenv(schedulers[i].index);
        if (text && text[0]) return from_scheduler(shard, &schedulers[i], given, err);
    }
    return tool_fail(err, "--shard auto: no SLURM_ARRAY_TASK_ID, OMPI_COMM_WORLD_RANK or "
                          "JOB_COMPLETION_INDEX in the environment");
}

bool batch_shard_parse(batch_shard *shard, const char *text, tool_error *err)
{
    char index[16];
    const size_t length = strcspn(text, "/");
    int count = 0;
    if (length >= sizeof index || (text[length] && !text[length + 1])) {
        return tool_fail(err, "--shard: '%s' is none of I/N, auto and auto/N", text);
    }
    memcpy(index, text, length);
    index[length] = '\0';
    if (text[length] && !tool_parse_int(&count, "--shard", text + length + 1, 1, BATCH_MAX_SHARDS, err)) {
        return false;
    }
    if (strcmp(index, "auto") == 0) {
        if (!find_scheduler(shard, count, err)) return false;
        return shard->count <= BATCH_MAX_SHARDS ||
               tool_fail(err, "--shard auto: more than %d tasks", BATCH_MAX_SHARDS);
    }
    if (!count) return tool_fail(err, "--shard: '%s' is none of I/N, auto and auto/N", text);
    shard->count = count;
    return tool_parse_int(&shard->index, "--shard", index, 1, count, err);
}

/* ---- whose ---- */

bool batch_shard_has_tar(const batch_shard *shard, size_t tar, size_t tars)
{
    const uint64_t n = (uint64_t)shard->count, i = (uint64_t)shard->index;
    return tar >= tars * (i - 1) / n && tar < tars * i / n;
}

int batch_shard_of_image(int count, const char *name)
{
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 1099511628211u;
    hash ^= hash >> 32; /* the high bits depend on more of the name than the low ones */
    return (int)(hash % (uint64_t)count) + 1;
}

bool batch_shard_has_image(const batch_shard *shard, const char *name)
{
    return batch_shard_of_image(shard->count, name) == shard->index;
}
