/* A folder of pictures with heat maps; see pictures.h. */
#include "tools/demo/pictures.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/common/outfile.h"
#include "tools/common/regular.h"
#include "tools/draw/encode.h"
#include "tools/draw/panels.h"

/* ---- names ---- */

static const char ending[] = ".png";

/* An image's name without folders and ending, as bytes of a longer text. */
typedef struct stem {
    const char *text;
    size_t length;
    size_t index; /* of the image */
} stem;

static stem find_stem(const char *image, size_t index)
{
    const char *slash = strrchr(image, '/');
    const char *text = slash ? slash + 1 : image;
    const char *dot = strrchr(text, '.');
    if (strcmp(image, "-") == 0) text = "stdin", dot = NULL;
    return (stem){text, dot && dot != text ? (size_t)(dot - text) : strlen(text), index};
}

static int compare_stems(const void *a, const void *b)
{
    const stem *x = a, *y = b;
    const size_t shorter = x->length < y->length ? x->length : y->length;
    const int order = memcmp(x->text, y->text, shorter);
    if (order != 0) return order;
    if (x->length != y->length) return x->length < y->length ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static bool same_stem(const stem *a, const stem *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

static char *make_name(const stem *s, size_t number)
{
    const size_t size = s->length + sizeof ending + 24;
    char *name = malloc(size);
    if (!name) return NULL;
    memcpy(name, s->text, s->length);
    if (number == 1) {
        (void)snprintf(name + s->length, size - s->length, "%s", ending);
    } else {
        (void)snprintf(name + s->length, size - s->length, "-%zu%s", number, ending);
    }
    return name;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A number may make two names equal after all: "a-2.jpg" beside "a.jpg" and "a.gif". */
static bool check_names(const demo_pictures *pictures, tool_error *err)
{
    char **sorted = malloc((pictures->count + 1) * sizeof *sorted);
    if (!sorted) return tool_fail(err, "out of memory");
    bool ok = true;
    for (size_t i = 0; i < pictures->count; i++) sorted[i] = pictures->names[i];
    qsort(sorted, pictures->count, sizeof *sorted, compare_names);
    for (size_t i = 1; ok && i < pictures->count; i++) {
        if (strcmp(sorted[i - 1], sorted[i]) != 0) continue;
        ok = tool_fail(err, "%s: two images would be written to %s", pictures->folder, sorted[i]);
    }
    free(sorted);
    return ok;
}

static bool name_files(demo_pictures *pictures, char *const *images, tool_error *err)
{
    const size_t count = pictures->count;
    stem *stems = malloc((count + 1) * sizeof *stems);
    pictures->names = calloc(count + 1, sizeof *pictures->names);
    bool ok = stems && pictures->names;
    for (size_t i = 0; ok && i < count; i++) stems[i] = find_stem(images[i], i);
    if (ok) qsort(stems, count, sizeof *stems, compare_stems);
    size_t number = 0;
    for (size_t i = 0; ok && i < count; i++) {
        number = i > 0 && same_stem(&stems[i - 1], &stems[i]) ? number + 1 : 1;
        char *name = make_name(&stems[i], number);
        pictures->names[stems[i].index] = name;
        ok = name != NULL;
    }
    free(stems);
    return ok ? check_names(pictures, err) : tool_fail(err, "out of memory");
}

/* ---- files ---- */

bool demo_pictures_begin(demo_pictures *pictures, char *const *images, size_t count, tool_error *err)
{
    struct stat is;
    const char *folder = pictures->folder;
    pictures->count = count;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) return tool_fail_errno(err, folder, errno);
    if (stat(folder, &is) != 0) return tool_fail_errno(err, folder, errno);
    if (!S_ISDIR(is.st_mode)) return tool_fail_errno(err, folder, ENOTDIR);
    return name_files(pictures, images, err);
}

/* Whether a file may be put there: nothing is, or a picture that was made here. */
static bool may_replace(const char *path, tool_error *err)
{
    unsigned char bytes[ENCODE_OURS_BYTES];
    struct stat is;
    if (lstat(path, &is) != 0) return errno == ENOENT || tool_fail_errno(err, path, errno);
    const long length = tool_regular_start(path, bytes, sizeof bytes, err);
    if (length < 0) return false;
    return encode_is_ours(bytes, (size_t)length) ||
           tool_fail(err, "%s: is there already and was not made by capdemo", path);
}

static char *path_of(const demo_pictures *pictures, size_t index)
{
    const char *name = pictures->names[index];
    const size_t size = strlen(pictures->folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path) (void)snprintf(path, size, "%s/%s", pictures->folder, name);
    return path;
}

static bool write_file(const char *path, const panels *content, tool_error *err)
{
    tool_error failure = {{0}};
    tool_outfile *file = may_replace(path, err) ? tool_outfile_open(path, err) : NULL;
    bool ok = file != NULL;
    if (ok && !panels_write(tool_outfile_stream(file), content, &failure)) {
        ok = tool_fail(err, "%s: %s", path, failure.message);
    }
    ok = ok && tool_outfile_commit(&file, err);
    tool_outfile_abort(&file);
    return ok;
}

bool demo_pictures_write(const demo_pictures *pictures, size_t index, const demo_answer *answer,
                         const demo_why *why, tool_error *err)
{
    const caption_text *best = &answer->result->captions[0];
    caption_model_info info;
    caption_model_get_info(answer->model, &info);
    const char **words = malloc(((size_t)why->words + 1) * sizeof *words);
    char *path = path_of(pictures, index);
    bool ok = words && path;
    if (!ok) (void)tool_fail(err, "%s: out of memory", pictures->names[index]);
    for (int i = 0; ok && i < why->words; i++) words[i] = caption_model_word(answer->model, best->ids[i]);
    const panels content = {.pixels = answer->pixels,
                            .size = info.input_size,
                            .caption = best->text,
                            .words = words,
                            .maps = why->maps[pictures->map],
                            .count = why->words,
                            .side = why->side,
                            .colors = pictures->colors};
    ok = ok && write_file(path, &content, err);
    free(words);
    free(path);
    return ok;
}

void demo_pictures_end(demo_pictures *pictures)
{
    for (size_t i = 0; pictures->names && i < pictures->count; i++) free(pictures->names[i]);
    free(pictures->names);
    pictures->names = NULL;
}
