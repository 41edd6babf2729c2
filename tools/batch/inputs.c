/* The names that a run was told to caption; see inputs.h. */
#include "tools/batch/inputs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "tools/batch/braces.h"
#include "tools/common/grow.h"

/* without libarchive a tar in a folder is passed over as other files are; one that is named fails in words */
enum { READS_TARS = TOOL_WITH_ARCHIVE };

/* bytes of a list of names: as much as memory holds */
#define MAX_LIST (SIZE_MAX / 8)

bool batch_is_tar(const char *name)
{
    static const char *const endings[] = {".tar", ".tgz", ".tzst", ".tar.gz", ".tar.zst"};
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const size_t n = strlen(endings[i]);
        if (length > n && strcmp(name + length - n, endings[i]) == 0) return true;
    }
    return false;
}

/* Adds the names that a name with braces stands for. */
static bool add_braces(batch_inputs *inputs, const batch_braces *braces, tool_error *err)
{
    char *name = malloc(braces->room);
    bool ok = name || tool_fail(err, "out of memory");
    for (uint64_t i = 0; ok && i < braces->names; i++) {
        batch_braces_name(braces, i, name);
        ok = tool_images_add(&inputs->named, name, true, err);
    }
    free(name);
    return ok;
}

bool batch_inputs_add(batch_inputs *inputs, const char *operand, tool_error *err)
{
    struct stat info;
    batch_braces braces;
    if (strcmp(operand, "-") == 0) {
        return tool_fail(err, "-: an image on standard input is for capdemo; --files-from - reads a list");
    }
    inputs->named.also = READS_TARS ? batch_is_tar : NULL;
    if (lstat(operand, &info) == 0) return tool_images_add(&inputs->named, operand, true, err);
    return batch_braces_read(&braces, operand, err) && add_braces(inputs, &braces, err);
}

bool batch_inputs_read(batch_inputs *inputs, const char *path, bool zero, tool_error *err)
{
    if (!tool_text_read(&inputs->list, path, MAX_LIST, err)) return false;
    inputs->zero = zero;
    const char *list = strcmp(path, "-") == 0 ? "standard input" : path;
    const char *end = zero || !inputs->list.size ? NULL : memchr(inputs->list.data, '\0', inputs->list.size);
    if (!end) return true;
    size_t line = 1;
    for (const char *p = inputs->list.data; p < end; p++) line += *p == '\n';
    return tool_fail(err, "%s:%zu: a zero byte: --null is for such lists", list, line);
}

void batch_inputs_free(batch_inputs *inputs)
{
    tool_images_free(&inputs->named);
    tool_text_free(&inputs->list);
}

/* ---- steps ---- */

void batch_names_begin(batch_names *names, const batch_inputs *inputs)
{
    *names = (batch_names){.inputs = inputs};
    if (inputs->zero) {
        tool_names_begin(&names->lines, inputs->list.data, inputs->list.size);
    } else if (inputs->list.data) {
        tool_lines_begin(&names->lines, inputs->list.data, inputs->list.size);
    }
}

static bool keep(batch_names *names, const char *name, size_t length, tool_error *err)
{
    char *grown = tool_grow(names->name, &names->room, length + 1, 1);
    if (!grown) return tool_fail(err, "out of memory");
    names->name = grown;
    memcpy(grown, name, length);
    grown[length] = '\0';
    return true;
}

/* The next name of any shard. */
static bool next_of_all(batch_names *names, tool_error *err)
{
    const tool_images *named = &names->inputs->named;
    if (names->next < named->count) {
        const char *name = named->names[names->next++];
        return keep(names, name, strlen(name), err);
    }
    while (tool_lines_next(&names->lines)) {
        if (names->lines.length) return keep(names, names->lines.line, names->lines.length, err);
    }
    return false;
}

bool batch_names_next(batch_names *names, tool_error *err)
{
    const batch_inputs *inputs = names->inputs;
    while (next_of_all(names, err)) {
        const bool mine = batch_is_tar(names->name)
                              ? batch_shard_has_tar(&inputs->shard, names->tars++, inputs->tars)
                              : batch_shard_has_image(&inputs->shard, names->name);
        if (mine) return true;
    }
    return false;
}

void batch_names_end(batch_names *names)
{
    free(names->name);
    names->name = NULL;
}

bool batch_inputs_count(batch_inputs *inputs, batch_shard shard, tool_error *err)
{
    batch_names names;
    uLong crc = crc32(0, NULL, 0);
    tool_error own = {{0}};
    inputs->shard = shard;
    inputs->images = inputs->tars = 0;
    batch_names_begin(&names, inputs);
    while (next_of_all(&names, &own)) {
        if (batch_is_tar(names.name)) {
            inputs->tars++;
        } else if (batch_shard_has_image(&shard, names.name)) {
            inputs->images++;
        }
        /* with the zero byte, so that "ab", "c" differs from "a", "bc" */
        crc = crc32_z(crc, (const Bytef *)names.name, strlen(names.name) + 1);
    }
    batch_names_end(&names);
    inputs->crc = (uint32_t)crc;
    return !own.message[0] || tool_fail(err, "%s", own.message);
}
