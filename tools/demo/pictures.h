/* capdemo --pictures: for each image one PNG file in a folder, its words with their heat maps.
 *
 * A file is named after its image.  A file that is there already is replaced only if it was made here. */
#ifndef TOOLS_DEMO_PICTURES_H
#define TOOLS_DEMO_PICTURES_H

#include <stddef.h>

#include "tools/common/error.h"
#include "tools/demo/show.h"
#include "tools/demo/why.h"
#include "tools/draw/heatmap.h"

typedef struct demo_pictures {
    const char *folder; /* borrowed; NULL: no pictures are wanted */
    heatmap_colors colors;
    tool_map map; /* that is drawn */
    char **names; /* [count] of the files, in the order of the images; owned */
    size_t count;
} demo_pictures;

/* Makes the folder, which has been set, if it is not there, and names the files of images [count]: the last
 * part of an image's name without its ending, then ".png"; of images that would share a name, the second gets
 * "-2", and so on. */
bool demo_pictures_begin(demo_pictures *pictures, char *const *images, size_t count, tool_error *err);

/* Writes the file of image `index`, whose answer has a caption and pixels; `why` has the map. */
bool demo_pictures_write(const demo_pictures *pictures, size_t index, const demo_answer *answer,
                         const demo_why *why, tool_error *err);

/* Accepts one that is all zeros. */
void demo_pictures_end(demo_pictures *pictures);

#endif
