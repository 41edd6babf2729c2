/* The outputs of all parts joined into one; see merge.h. */
#include "tools/batch/merge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tools/batch/manifest.h"
#include "tools/common/output.h"
#include "tools/common/settings.h"

enum { COPY_BYTES = 1 << 16, VALUE_BYTES = 64 };

typedef struct part {
    const char *path;  /* of the output; borrowed */
    char *settings;    /* without the lines in which parts differ; owned */
    size_t index, all; /* which of how many it is */
    uint64_t tar_bytes;
    batch_totals totals;
    json_t *failures; /* owned */
} part;

typedef struct parts {
    part *list; /* [count] */
    size_t count;
} parts;

/* ---- reading ---- */

/* The settings in which all parts have to agree; NULL when memory ran out. */
static char *common_settings(const char *settings)
{
    char *text = malloc(strlen(settings) + 1), *end = text;
    if (!text) return NULL;
    for (const char *line = settings; *line;) {
        const size_t length = strcspn(line, "\n") + 1;
        if (strncmp(line, "part=", 5) != 0 && strncmp(line, "bytes=", 6) != 0) {
            memcpy(end, line, length);
            end += length;
        }
        line += length;
    }
    *end = '\0';
    return text;
}

static bool read_part(part *p, const char *path, tool_error *err)
{
    batch_manifest manifest;
    char value[VALUE_BYTES] = "";
    int used = 0;
    p->path = path;
    if (!batch_manifest_read(path, &manifest, &p->failures, err)) return false;
    p->totals = manifest.totals;
    p->settings = common_settings(manifest.settings);
    const bool known = batch_settings_find(manifest.settings, "part", value, sizeof value) &&
                       sscanf(value, "%zu/%zu%n", &p->index, &p->all, &used) == 2 && !value[used] &&
                       p->index >= 1 && p->index <= p->all;
    if (batch_settings_find(manifest.settings, "bytes", value, sizeof value)) {
        p->tar_bytes = strtoull(value, NULL, 10);
    }
    const bool tar =
        batch_settings_find(manifest.settings, "format", value, sizeof value) && strcmp(value, "tar") == 0;
    free(manifest.settings);
    if (!p->settings) return tool_fail(err, "%s: out of memory", path);
    if (!known) return tool_fail(err, "%s: its manifest doesn't say which part it is", path);
    return !tar || tool_fail(err, "%s: is a tar; tars stand for themselves and are not joined", path);
}

static int by_index(const void *a, const void *b)
{
    const size_t x = ((const part *)a)->index, y = ((const part *)b)->index;
    return (x > y) - (x < y);
}

/* Sorts the parts.  Each has to be there once, and all have to be made alike. */
static bool check_parts(const parts *all, tool_error *err)
{
    const part *list = all->list;
    for (size_t i = 0; i < all->count; i++) {
        if (list[i].all != list[0].all) {
            return tool_fail(err, "%s is one of %zu parts, %s one of %zu", list[0].path, list[0].all,
                             list[i].path, list[i].all);
        }
        tool_error differs = {{0}};
        if (!tool_settings_compare(list[i].path, list[i].settings, list[0].settings, &differs)) {
            return tool_fail(err, "%s and %s don't belong together: %s", list[0].path, list[i].path,
                             differs.message);
        }
    }
    qsort(all->list, all->count, sizeof *all->list, by_index);
    for (size_t i = 0; i < list[0].all; i++) {
        if (i < all->count && i && list[i].index == list[i - 1].index) {
            return tool_fail(err, "%s and %s are both part %zu of %zu", list[i - 1].path, list[i].path,
                             list[i].index, list[i].all);
        }
        if (i >= all->count || list[i].index != i + 1) {
            return tool_fail(err, "part %zu of %zu is missing", i + 1, list[0].all);
        }
    }
    return true;
}

/* ---- joining ---- */

static bool copy_part(const part *p, const tool_output *output, batch_totals *whole, tool_error *err)
{
    char bytes[COPY_BYTES];
    FILE *file = fopen(p->path, "rb");
    if (!file) return tool_fail_errno(err, p->path, errno);
    uint64_t size = 0;
    uLong crc = crc32(0, NULL, 0);
    for (size_t got; (got = fread(bytes, 1, sizeof bytes, file)) > 0; size += got) {
        crc = crc32_z(crc, (const Bytef *)bytes, got);
        whole->crc = (uint32_t)crc32_z(whole->crc, (const Bytef *)bytes, got);
        (void)fwrite(bytes, 1, got, output->stream);
    }
    const bool read = !ferror(file);
    (void)fclose(file);
    if (!read) return tool_fail_errno(err, p->path, EIO);
    if (size != p->totals.bytes || (uint32_t)crc != p->totals.crc) {
        return tool_fail(err, "%s: is not what its manifest says: it was changed or damaged", p->path);
    }
    whole->bytes += size;
    whole->items += p->totals.items;
    whole->captioned += p->totals.captioned;
    whole->failed += p->totals.failed;
    return tool_output_flush(output, err);
}

/* Steps through the failures of all parts. */
typedef struct failures {
    const parts *all;
    size_t part, index;
} failures;

static bool next_failure(void *user, char **line, size_t *room)
{
    failures *f = user;
    while (f->part < f->all->count && f->index >= json_array_size(f->all->list[f->part].failures)) {
        f->part++;
        f->index = 0;
    }
    if (f->part == f->all->count) return false;
    const json_t *failure = json_array_get(f->all->list[f->part].failures, f->index++);
    const char *image = json_string_value(json_object_get(failure, "image"));
    const char *error = json_string_value(json_object_get(failure, "error"));
    free(*line);
    *line = NULL;
    FILE *stream = open_memstream(line, room);
    if (!stream) return false;
    (void)fprintf(stream, "%s\t%s\n", image ? image : "", error ? error : "");
    return fclose(stream) == 0 && *line;
}

static bool write_manifest(const parts *all, const char *output, const batch_totals *totals, tool_error *err)
{
    const char *common = all->list[0].settings;
    const size_t size = strlen(common) + 2 * VALUE_BYTES;
    char *settings = malloc(size);
    if (!settings) return tool_fail(err, "%s: out of memory", output);
    uint64_t tar_bytes = 0;
    for (size_t i = 0; i < all->count; i++) tar_bytes += all->list[i].tar_bytes;
    (void)snprintf(settings, size, "%spart=1/1\nbytes=%" PRIu64 "\n", common, tar_bytes);
    const batch_manifest manifest = {.settings = settings, .totals = *totals};
    failures f = {.all = all};
    const bool ok = batch_manifest_write(output, &manifest, next_failure, &f, err);
    free(settings);
    return ok;
}

static bool join(const parts *all, const char *path, batch_totals *totals, tool_error *err)
{
    tool_output output = {.stream = NULL};
    bool ok = tool_output_open(&output, path, err);
    for (size_t i = 0; ok && i < all->count; i++) ok = copy_part(&all->list[i], &output, totals, err);
    const bool file = output.file != NULL;
    ok = ok && tool_output_close(&output, err);
    tool_output_abort(&output);
    return ok && (!file || write_manifest(all, path, totals, err));
}

static bool is_manifest(const char *path)
{
    static const char ending[] = ".manifest.json";
    const size_t length = strlen(path), end = sizeof ending - 1;
    return length > end && strcmp(path + length - end, ending) == 0;
}

bool batch_merge(char *const *paths, size_t count, const char *output, batch_totals *totals, size_t *joined,
                 tool_error *err)
{
    parts all = {.list = calloc(count, sizeof *all.list), .count = 0};
    bool ok = all.list != NULL || tool_fail(err, "out of memory");
    *totals = (batch_totals){0};
    for (size_t i = 0; ok && i < count; i++) {
        if (!is_manifest(paths[i])) ok = read_part(&all.list[all.count++], paths[i], err);
    }
    if (ok && !all.count) ok = tool_fail(err, "no part named");
    *joined = all.count;
    ok = ok && check_parts(&all, err) && join(&all, output, totals, err);
    for (size_t i = 0; all.list && i < count; i++) {
        free(all.list[i].settings);
        json_decref(all.list[i].failures);
    }
    free(all.list);
    return ok;
}
