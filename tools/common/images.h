/* What a command line names, as a list of images: files, folders, "-" for standard input.
 *
 * Called by tools that take many images.  Opens folders but no image; never prints. */
#ifndef TOOLS_COMMON_IMAGES_H
#define TOOLS_COMMON_IMAGES_H

#include <stddef.h>

#include "tools/common/error.h"
#include "tools/common/text.h"

/* An encoded image larger than this is not read. */
#define TOOL_IMAGE_BYTES ((size_t)1 << 29)

typedef struct tool_images {
    char **names; /* [count], owned */
    size_t count, room;
} tool_images;

/* Adds one argument.  A folder stands for its .jpg, .jpeg and .png files in the order of their names, with
 * those of the folders inside it when `recursive`; links to folders are not followed inside.  Anything else
 * is taken as it is: reading it will tell.  Fails on a folder that can't be read or holds no image; what was
 * added before stays. */
bool tool_images_add(tool_images *images, const char *argument, bool recursive, tool_error *err);

/* Whether the argument is a folder. */
bool tool_is_folder(const char *path);

/* Frees the list; accepts an empty one. */
void tool_images_free(tool_images *images);

/* Reads a whole image, or standard input for "-". */
bool tool_image_read(tool_text *data, const char *name, tool_error *err);

#endif
