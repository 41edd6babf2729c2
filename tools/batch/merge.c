/* The outputs of all parts joined into one; see merge.h. */
#include "tools/batch/merge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "tools/batch/manifest.h"
#include "tools/batch/order.h"
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

/* ---- in the order of a list ---- */

/* The list has to be the one that the parts were made of. */
static bool read_list(batch_inputs *inputs, const parts *all, const batch_merging *merging, tool_error *err)
{
    char wanted[VALUE_BYTES], value[VALUE_BYTES] = "";
    if (!batch_inputs_read(inputs, merging->list, merging->zero, err) ||
        !batch_inputs_count(inputs, (batch_shard){1, 1}, err)) {
        return false;
    }
    if (inputs->tars) {
        return tool_fail(err, "%s: names tars; parts of tars have their order without --files-from",
                         merging->list);
    }
    (void)batch_settings_find(all->list[0].settings, "input", value, sizeof value);
    (void)snprintf(wanted, sizeof wanted, "%08" PRIx32, inputs->crc);
    return strcmp(value, wanted) == 0 ||
           tool_fail(err, "%s: is not what the parts were made of, or not all of it", merging->list);
}

static bool find_kind(const parts *all, batch_kind *kind)
{
    char value[VALUE_BYTES] = "";
    (void)batch_settings_find(all->list[0].settings, "format", value, sizeof value);
    for (int i = 0; batch_kinds[i]; i++) {
        *kind = (batch_kind)i;
        if (strcmp(value, batch_kinds[i]) == 0) return true;
    }
    return false;
}

typedef struct writing {
    const tool_output *output;
    batch_totals *whole;
} writing;

static void put_record(void *user, const char *bytes, size_t size)
{
    const writing *w = user;
    w->whole->crc = (uint32_t)crc32_z(w->whole->crc, (const Bytef *)bytes, size);
    w->whole->bytes += size;
    (void)fwrite(bytes, 1, size, w->output->stream);
}

static bool open_parts(batch_order *order, const parts *all, tool_error *err)
{
    order->parts = calloc(all->count, sizeof *order->parts);
    if (!order->parts) return tool_fail(err, "out of memory");
    for (; order->count < all->count; order->count++) {
        const part *from = &all->list[order->count];
        batch_order_part *p = &order->parts[order->count];
        *p = (batch_order_part){fopen(from->path, "rb"), from->path, from->failures, 0};
        if (!p->file) return tool_fail_errno(err, from->path, errno);
    }
    return true;
}

/* Each part is read once for its checksum, and then record by record. */
static bool join_ordered(const parts *all, batch_order *order, const tool_output *output, batch_totals *whole,
                         tool_error *err)
{
    batch_totals counted = {0};
    const tool_output nothing = {.stream = fopen("/dev/null", "w")};
    bool ok = nothing.stream || tool_fail_errno(err, "/dev/null", errno);
    for (size_t i = 0; ok && i < all->count; i++) ok = copy_part(&all->list[i], &nothing, &counted, err);
    if (nothing.stream) (void)fclose(nothing.stream);
    writing w = {output, whole};
    ok = ok && open_parts(order, all, err) && batch_order_join(order, put_record, &w, err);
    whole->items = counted.items;
    whole->captioned = counted.captioned;
    whole->failed = counted.failed;
    for (size_t i = 0; i < order->count; i++) (void)fclose(order->parts[i].file);
    return ok && tool_output_flush(output, err);
}

/* ---- the whole ---- */

/* Steps through the failures of all parts; each part's are in order. */
typedef struct failures {
    const parts *all;
    const batch_order *order; /* its failures say which part is next, where there is a list */
    size_t part, index;       /* index: in `order` with a list, else in the part */
} failures;

static const json_t *step_in_order(failures *f)
{
    if (f->index >= f->order->failed) return NULL;
    const size_t number = f->order->failures[f->index++];
    return json_array_get(f->all->list[number].failures, f->order->parts[number].failed++);
}

static const json_t *step(failures *f)
{
    while (f->part < f->all->count && f->index >= json_array_size(f->all->list[f->part].failures)) {
        f->part++;
        f->index = 0;
    }
    if (f->part == f->all->count) return NULL;
    return json_array_get(f->all->list[f->part].failures, f->index++);
}

static bool next_failure(void *user, char **line, size_t *room)
{
    failures *f = user;
    const json_t *failure = f->order->parts ? step_in_order(f) : step(f);
    if (!failure) return false;
    const char *image = json_string_value(json_object_get(failure, "image"));
    const char *error = json_string_value(json_object_get(failure, "error"));
    free(*line);
    *line = NULL;
    FILE *stream = open_memstream(line, room);
    if (!stream) return false;
    (void)fprintf(stream, "%s\t%s\n", image ? image : "", error ? error : "");
    return fclose(stream) == 0 && *line;
}

static bool write_manifest(const parts *all, const batch_order *order, const char *output,
                           const batch_totals *totals, tool_error *err)
{
    const char *common = all->list[0].settings;
    const size_t size = strlen(common) + 2 * VALUE_BYTES;
    char *settings = malloc(size);
    if (!settings) return tool_fail(err, "%s: out of memory", output);
    uint64_t tar_bytes = 0;
    for (size_t i = 0; i < all->count; i++) tar_bytes += all->list[i].tar_bytes;
    (void)snprintf(settings, size, "%spart=1/1\nbytes=%" PRIu64 "\n", common, tar_bytes);
    const batch_manifest manifest = {.settings = settings, .totals = *totals};
    failures f = {.all = all, .order = order};
    for (size_t i = 0; i < order->count; i++) order->parts[i].failed = 0;
    const bool ok = batch_manifest_write(output, &manifest, next_failure, &f, err);
    free(settings);
    return ok;
}

static bool join(const parts *all, const batch_merging *merging, batch_totals *totals, tool_error *err)
{
    tool_output output = {.stream = NULL};
    batch_inputs inputs = {.zero = false};
    batch_order order = {.inputs = &inputs};
    bool ok = true;
    if (merging->list) {
        ok = read_list(&inputs, all, merging, err) &&
             (find_kind(all, &order.kind) || tool_fail(err, "%s: of an unknown form", all->list[0].path));
    }
    ok = ok && tool_output_open(&output, merging->output, err);
    if (ok && merging->list) ok = join_ordered(all, &order, &output, totals, err);
    for (size_t i = 0; ok && !merging->list && i < all->count; i++) {
        ok = copy_part(&all->list[i], &output, totals, err);
    }
    const bool file = output.file != NULL;
    ok = ok && tool_output_close(&output, err);
    tool_output_abort(&output);
    ok = ok && (!file || write_manifest(all, &order, merging->output, totals, err));
    free(order.parts);
    free(order.failures);
    batch_inputs_free(&inputs);
    return ok;
}

static bool is_manifest(const char *path)
{
    static const char ending[] = ".manifest.json";
    const size_t length = strlen(path), end = sizeof ending - 1;
    return length > end && strcmp(path + length - end, ending) == 0;
}

bool batch_merge(const batch_merging *merging, batch_totals *totals, size_t *joined, tool_error *err)
{
    char *const *paths = merging->parts;
    const size_t count = merging->count;
    parts all = {.list = calloc(count, sizeof *all.list), .count = 0};
    bool ok = all.list != NULL || tool_fail(err, "out of memory");
    *totals = (batch_totals){0};
    for (size_t i = 0; ok && i < count; i++) {
        if (!is_manifest(paths[i])) ok = read_part(&all.list[all.count++], paths[i], err);
    }
    if (ok && !all.count) ok = tool_fail(err, "no part named");
    *joined = all.count;
    ok = ok && check_parts(&all, err) && join(&all, merging, totals, err);
    for (size_t i = 0; all.list && i < count; i++) {
        free(all.list[i].settings);
        json_decref(all.list[i].failures);
    }
    free(all.list);
    return ok;
}
