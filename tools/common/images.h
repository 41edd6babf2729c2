/* What a command line names, as a list of images: files, folders, lists of names, "-" for standard input.
 *
 * Folders are searched, and the first bytes of the files in them are read; never prints. */
#ifndef TOOLS_COMMON_IMAGES_H
#define TOOLS_COMMON_IMAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/common/error.h"
#include "tools/common/text.h"

/* As many names of files that were passed over are kept. */
enum { TOOL_IMAGES_NAMED = 5 };

typedef struct tool_images {
    char **names; /* [count], owned */
    size_t count, room;
    size_t passed_over;             /* files in folders that are no pictures */
    char *named[TOOL_IMAGES_NAMED]; /* the first of them, owned */
    bool (*also)(
        const char *name); /* regular files in folders that are taken by their names alone; may be NULL */
} tool_images;

/* Adds one argument.
 *
 * A folder stands for the pictures in it, and what `also` accepts, in the order of their names, with those of
 * the folders inside it when `recursive`.  A file's first bytes tell whether it is one (pictures.h), not its
 * name.  Names that begin with a dot are left out; links to folders are not followed; what is no regular file
 * is never opened. An argument that is no folder is added unseen: if it is no picture, captioning it fails.
 *
 * Fails on a folder that can't be read or holds no picture; what was added before stays. */
bool tool_images_add(tool_images *images, const char *argument, bool recursive, tool_error *err);

/* Adds what a file names, one argument a line, or with `zero` each ended by a zero byte; `path` "-" is
 * standard input.  Empty lines are skipped. */
bool tool_images_add_list(tool_images *images, const char *path, bool zero, bool recursive, tool_error *err);

/* Whether the argument is a folder. */
bool tool_is_folder(const char *path);

/* Whether a regular file starts as a picture does; false where it can't be read. */
bool tool_is_picture(const char *path);

/* Frees the list; accepts an empty one. */
void tool_images_free(tool_images *images);

/* Reads all bytes of an image file, which has to be a regular one, or of standard input for "-".  Fails where
 * there are too many for an encoded image. */
bool tool_image_read(tool_text *data, const char *name, tool_error *err);

#endif
