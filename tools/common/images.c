/* Arguments into a list of images; see images.h. */
#include "tools/common/images.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/common/grow.h"
#include "tools/common/pictures.h"
#include "tools/common/regular.h"

enum {
    MAX_DEPTH = 64,
    MAX_LIST = 1 << 28, /* bytes of a list of names */
    MAX_IMAGE = 1 << 29 /* bytes of an encoded image */
};

/* ---- files ---- */

bool tool_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool is_regular(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

typedef enum file_kind { FILE_PICTURE, FILE_OTHER, FILE_UNREADABLE } file_kind;

static file_kind kind_of(const char *path)
{
    if (!is_regular(path)) return FILE_OTHER;
    unsigned char bytes[PICTURE_MAGIC_BYTES];
    const long got = tool_regular_start(path, bytes, sizeof bytes, NULL);
    if (got < 0) return FILE_UNREADABLE;
    return picture_format(bytes, (size_t)got) ? FILE_PICTURE : FILE_OTHER;
}

bool tool_is_picture(const char *path)
{
    return kind_of(path) == FILE_PICTURE;
}

/* ---- the list ---- */

static char *copy_text(const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    if (!copy) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

/* Takes over `name`, which may be NULL when its allocation failed. */
static bool append(tool_images *images, char *name, tool_error *err)
{
    char **names = tool_grow(images->names, &images->room, images->count + 1, sizeof *names);
    if (names) images->names = names;
    if (!name || !names) {
        free(name);
        return tool_fail(err, "out of memory");
    }
    names[images->count++] = name;
    return true;
}

/* Counts a file that is no picture.  Of the names of such files the first ones by alphabet are kept, for a
 * folder lists its files in any order. */
static bool pass_over(tool_images *images, const char *name, tool_error *err)
{
    char *copy = copy_text(name, strlen(name));
    if (!copy) return tool_fail(err, "out of memory");
    for (int i = 0; i < TOOL_IMAGES_NAMED && copy; i++) {
        char *kept = images->named[i];
        if (kept && strcmp(kept, copy) <= 0) continue;
        images->named[i] = copy;
        copy = kept;
    }
    free(copy);
    images->passed_over++;
    return true;
}

/* ---- folders ---- */

static char *join(const char *folder, const char *name)
{
    const size_t length = strlen(folder), size = length + strlen(name) + 2;
    const char *slash = length && folder[length - 1] == '/' ? "" : "/";
    char *path = malloc(size);
    if (path) (void)snprintf(path, size, "%s%s%s", folder, slash, name);
    return path;
}

static bool add_folder(tool_images *images, const char *folder, int depth, tool_error *err);

/* One entry of a folder; depth < 0: folders inside are left out. */
static bool add_entry(tool_images *images, const char *folder, const char *name, int depth, tool_error *err)
{
    char *path = join(folder, name);
    if (!path) return tool_fail(err, "out of memory");
    struct stat info;
    bool ok = true;
    if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        if (depth >= 0) ok = add_folder(images, path, depth + 1, err);
    } else if (!tool_is_folder(path)) {
        /* a file that can't be read may be a picture; captioning it fails and says why */
        if (kind_of(path) != FILE_OTHER || (images->also && images->also(path) && is_regular(path))) {
            return append(images, path, err);
        }
        ok = pass_over(images, name, err);
    }
    free(path);
    return ok;
}

static bool add_folder(tool_images *images, const char *folder, int depth, tool_error *err)
{
    if (depth > MAX_DEPTH) return tool_fail(err, "%s: more than %d folders deep", folder, MAX_DEPTH);
    DIR *dir = opendir(folder);
    if (!dir) return tool_fail_errno(err, folder, errno);
    bool ok = true;
    const struct dirent *entry;
    while (ok && (errno = 0, entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') ok = add_entry(images, folder, entry->d_name, depth, err);
    }
    if (ok && errno) ok = tool_fail_errno(err, folder, errno);
    (void)closedir(dir);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* ---- arguments ---- */

bool tool_images_add(tool_images *images, const char *argument, bool recursive, tool_error *err)
{
    const size_t first = images->count;
    if (strcmp(argument, "-") == 0 || !tool_is_folder(argument)) {
        return append(images, copy_text(argument, strlen(argument)), err);
    }
    const bool ok = add_folder(images, argument, recursive ? 0 : -1, err);
    if (images->count > first) {
        qsort(images->names + first, images->count - first, sizeof *images->names, by_name);
    } else if (ok) {
        return tool_fail(err, "%s: a folder without pictures", argument);
    }
    return ok;
}

/* Adds the name that stands on the current line. */
static bool add_listed(tool_images *images, const tool_lines *lines, const char *list, bool recursive,
                       tool_error *err)
{
    if (memchr(lines->line, '\0', lines->length)) {
        return tool_fail(err, "%s:%zu: a zero byte: --null is for such lists", list, lines->number);
    }
    char *name = copy_text(lines->line, lines->length);
    if (!name) return tool_fail(err, "out of memory");
    const bool ok =
        strcmp(name, "-") == 0
            ? tool_fail(err, "%s:%zu: '-' (standard input) can't stand in a list", list, lines->number)
            : tool_images_add(images, name, recursive, err);
    free(name);
    return ok;
}

bool tool_images_add_list(tool_images *images, const char *path, bool zero, bool recursive, tool_error *err)
{
    tool_text text = {NULL, 0};
    if (!tool_text_read(&text, path, MAX_LIST, err)) return false;
    const char *list = strcmp(path, "-") == 0 ? "standard input" : path;
    tool_lines lines;
    if (zero) {
        tool_names_begin(&lines, text.data, text.size);
    } else {
        tool_lines_begin(&lines, text.data, text.size);
    }
    bool ok = true;
    while (tool_lines_next(&lines)) {
        if (lines.length && !add_listed(images, &lines, list, recursive, err)) ok = false;
    }
    tool_text_free(&text);
    return ok;
}

void tool_images_free(tool_images *images)
{
    for (size_t i = 0; i < images->count; i++) free(images->names[i]);
    for (int i = 0; i < TOOL_IMAGES_NAMED; i++) free(images->named[i]);
    free(images->names);
    *images = (tool_images){.names = NULL};
}

bool tool_image_read(tool_text *data, const char *name, tool_error *err)
{
    return (strcmp(name, "-") == 0 ? tool_text_read : tool_text_read_regular)(data, name, MAX_IMAGE, err);
}
