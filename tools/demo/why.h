/* The maps of a caption's words that capdemo shows: where the model looked, and why it said so. */
#ifndef TOOLS_DEMO_WHY_H
#define TOOLS_DEMO_WHY_H

#include <stdbool.h>
#include <stddef.h>

#include <caption.h>

#include "tools/common/error.h"

typedef enum demo_map { DEMO_ATTENTION, DEMO_GRADCAM, DEMO_OCCLUSION, DEMO_MAPS } demo_map;

typedef struct demo_why {
    const caption_model *model;
    caption_session *session;   /* of the answer at hand; made with the option `explain` */
    bool wanted[DEMO_MAPS];     /* what demo_why_find is to find */
    bool has[DEMO_MAPS];        /* what it found */
    float *maps[DEMO_MAPS];     /* [words, side, side], owned */
    size_t capacity[DEMO_MAPS]; /* floats */
    int words;                  /* tokens of the caption, <end> not counted */
    int side;
} demo_why;

/* A map's name, as --map and JSON have it. */
const char *demo_map_name(demo_map map);

/* The map of that name; DEMO_MAPS for none. */
demo_map demo_map_of(const char *name);

/* Whether a model has such maps. */
bool demo_map_possible(demo_map map, const caption_model_info *info);

/* Finds the maps that are wanted, of an answer's best caption.  The image is in slot 0 of the session. */
bool demo_why_find(demo_why *why, const caption_text *caption, const char *image, tool_error *err);

/* Accepts one that is all zeros. */
void demo_why_free(demo_why *why);

#endif
