/* Arguments into a list of images; see images.h.  Called by tools that take many images. */
#include "tools/common/images.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { MAX_DEPTH = 64 };

bool tool_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Takes over `name`, which may be NULL when its allocation failed. */
static bool append(tool_images *images, char *name, tool_error *err)
{
    if (name && images->count == images->room) {
        size_t room = images->room ? images->room * 2 : 64;
        char **grown = room <= SIZE_MAX / sizeof *grown ? realloc(images->names, room * sizeof *grown) : NULL;
        if (!grown) {
            free(name);
            name = NULL;
        } else {
            images->names = grown;
            images->room = room;
        }
    }
    if (!name) return tool_fail(err, "out of memory");
    images->names[images->count++] = name;
    return true;
}

static char *join(const char *folder, const char *name)
{
    size_t length = strlen(folder), size = length + strlen(name) + 2;
    const char *slash = length && folder[length - 1] == '/' ? "" : "/";
    char *path = malloc(size);
    if (path) (void)snprintf(path, size, "%s%s%s", folder, slash, name);
    return path;
}

static bool is_image_name(const char *name)
{
    static const char *const ends[] = {".jpg", ".jpeg", ".png"};
    size_t length = strlen(name), i;
    for (i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        size_t end = strlen(ends[i]);
        if (length > end && strcasecmp(name + length - end, ends[i]) == 0) return true;
    }
    return false;
}

static bool add_folder(tool_images *images, const char *folder, int depth, tool_error *err);

/* One entry of a folder; depth < 0: folders inside are left out. */
static bool add_entry(tool_images *images, const char *folder, const char *name, int depth, tool_error *err)
{
    char *path = join(folder, name);
    struct stat info;
    bool ok = true;
    if (!path) return tool_fail(err, "out of memory");
    if (lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        if (depth >= 0) ok = add_folder(images, path, depth + 1, err);
    } else if (is_image_name(name) && !tool_is_folder(path)) {
        return append(images, path, err);
    }
    free(path);
    return ok;
}

static bool add_folder(tool_images *images, const char *folder, int depth, tool_error *err)
{
    DIR *dir;
    struct dirent *entry;
    bool ok = true;
    if (depth > MAX_DEPTH) return tool_fail(err, "%s: more than %d folders deep", folder, MAX_DEPTH);
    dir = opendir(folder);
    if (!dir) return tool_fail_errno(err, folder, errno);
    while (ok && (errno = 0, entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            ok = add_entry(images, folder, entry->d_name, depth, err);
        }
    }
    if (ok && errno) ok = tool_fail_errno(err, folder, errno);
    (void)closedir(dir);
    return ok;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool tool_images_add(tool_images *images, const char *argument, bool recursive, tool_error *err)
{
    size_t first = images->count;
    bool ok;
    if (strcmp(argument, "-") == 0 || !tool_is_folder(argument)) {
        char *copy = malloc(strlen(argument) + 1);
        if (copy) strcpy(copy, argument);
        return append(images, copy, err);
    }
    ok = add_folder(images, argument, recursive ? 0 : -1, err);
    if (images->count > first) {
        qsort(images->names + first, images->count - first, sizeof *images->names, by_name);
    } else if (ok) {
        return tool_fail(err, "%s: a folder without .jpg, .jpeg or .png files", argument);
    }
    return ok;
}

void tool_images_free(tool_images *images)
{
    size_t i;
    for (i = 0; i < images->count; i++) free(images->names[i]);
    free(images->names);
    images->names = NULL;
    images->count = images->room = 0;
}

bool tool_image_read(tool_text *data, const char *name, tool_error *err)
{
    return tool_text_read(data, name, TOOL_IMAGE_BYTES, err);
}
