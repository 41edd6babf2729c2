/* The files that capdump writes; see arrays.h. */
#include "tools/dump/arrays.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/grow.h"
#include "tools/common/outfile.h"

bool dump_begin(dump_target *target, tool_error *err)
{
    target->made_folder = mkdir(target->folder, 0777) == 0;
    return target->made_folder || errno == EEXIST || tool_fail_errno(err, target->folder, errno);
}

void dump_undo(dump_target *target)
{
    for (size_t i = 0; i < target->count; i++) (void)unlink(target->written[i]);
    if (target->made_folder) (void)rmdir(target->folder);
}

void dump_free(dump_target *target)
{
    for (size_t i = 0; i < target->count; i++) free(target->written[i]);
    free(target->written);
    *target = (dump_target){.folder = NULL};
}

static bool no_memory(const dump_target *target, const char *ending, tool_error *err)
{
    return tool_fail(err, "%s/%s.%s: out of memory", target->folder, target->name, ending);
}

/* The path of a file, which the target keeps from now on; NULL without memory. */
static char *keep_path(dump_target *target, const char *ending)
{
    char **written = tool_grow(target->written, &target->room, target->count + 1, sizeof *written);
    if (!written) return NULL;
    target->written = written;
    const size_t size = strlen(target->folder) + strlen(target->name) + strlen(ending) + 3;
    char *path = malloc(size);
    if (!path) return NULL;
    (void)snprintf(path, size, "%s/%s.%s", target->folder, target->name, ending);
    written[target->count++] = path;
    return path;
}

bool dump_file(dump_target *target, const char *ending, const void *data, size_t size, tool_error *err)
{
    char *path = keep_path(target, ending);
    if (!path) return no_memory(target, ending, err);
    tool_outfile *out = tool_outfile_open(path, err);
    const bool ok = out && tool_outfile_write(out, data, size, err) && tool_outfile_commit(&out, err);
    tool_outfile_abort(&out);
    if (!ok) free(target->written[--target->count]); /* what stood there before stays */
    return ok;
}

/* The bytes of a float32 in the file's order, whatever the machine's. */
static void put_float(unsigned char *bytes, float value)
{
    uint32_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; i++) bytes[i] = (unsigned char)(bits >> (8 * i));
}

bool dump_floats(dump_target *target, const char *ending, const float *values, size_t count, tool_error *err)
{
    unsigned char *bytes = count <= SIZE_MAX / 4 ? malloc(count ? count * 4 : 1) : NULL;
    if (!bytes) return no_memory(target, ending, err);
    for (size_t i = 0; i < count; i++) put_float(bytes + 4 * i, values[i]);
    const bool ok = dump_file(target, ending, bytes, count * 4, err);
    free(bytes);
    return ok;
}

/* The types that a map's elements may have. */
typedef enum map_form { MAP_FLOATS, MAP_BYTES, MAP_WIDE } map_form;

static const struct {
    const char *ending;
    size_t size;
} map_forms[] = {[MAP_FLOATS] = {"f32", 4}, [MAP_BYTES] = {"u8", 1}, [MAP_WIDE] = {"u16", 2}};

static void put_element(unsigned char *to, const caption_map *map, map_form form, size_t at)
{
    if (form == MAP_FLOATS) {
        put_float(to, map->values[at]);
    } else if (form == MAP_BYTES) {
        *to = map->bytes[at];
    } else {
        to[0] = (unsigned char)map->wide[at];
        to[1] = (unsigned char)(map->wide[at] >> 8);
    }
}

static bool dump_form(dump_target *target, const caption_map *map, map_form form, tool_error *err)
{
    const size_t channels = (size_t)map->channels, positions = (size_t)map->height * (size_t)map->width;
    const size_t element = map_forms[form].size;
    char ending[64];
    (void)snprintf(ending, sizeof ending, "%s.%s", map->layer, map_forms[form].ending);
    unsigned char *out = malloc(positions * channels * element), *at = out;
    if (!out) return no_memory(target, ending, err);
    for (size_t p = 0; p < positions; p++) {
        for (size_t c = 0; c < channels; c++, at += element) put_element(at, map, form, p * map->pitch + c);
    }
    const bool ok = dump_file(target, ending, out, positions * channels * element, err);
    free(out);
    return ok;
}

bool dump_map(dump_target *target, const caption_map *map, tool_error *err)
{
    return (!map->values || dump_form(target, map, MAP_FLOATS, err)) &&
           (!map->bytes || dump_form(target, map, MAP_BYTES, err)) &&
           (!map->wide || dump_form(target, map, MAP_WIDE, err));
}

/* Three numbers from the model's metadata, separated by anything that isn't part of a number. */
static bool read_three(float values[3], const caption_model *model, const char *key, tool_error *err)
{
    const char *text = caption_model_find_metadata(model, key);
    int i = 0;
    for (; text && i < 3; i++) {
        char *stop = NULL;
        text += strcspn(text, "+-.0123456789");
        values[i] = strtof(text, &stop);
        if (stop == text) break;
        text = stop;
    }
    return (text && i == 3) || tool_fail(err, "the model's metadata lack a proper %s", key);
}

bool dump_input(dump_target *target, const caption_model *model, const uint8_t *pixels, size_t side,
                tool_error *err)
{
    const size_t area = side * side;
    float mean[3], deviation[3];
    if (!read_three(mean, model, "input.mean", err) || !read_three(deviation, model, "input.std", err)) {
        return false;
    }
    float *input = malloc(area * 3 * sizeof *input); /* [3, side, side] */
    if (!input) return no_memory(target, "input.f32", err);
    for (size_t c = 0; c < 3; c++) {
        for (size_t i = 0; i < area; i++) {
            input[c * area + i] = ((float)pixels[3 * i + c] / 255.0f - mean[c]) / deviation[c];
        }
    }
    const bool ok = dump_floats(target, "input.f32", input, area * 3, err);
    free(input);
    return ok;
}
