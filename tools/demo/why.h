/* The maps of a caption's words that capdemo shows: where the model looked, and why it said so. */
#ifndef TOOLS_DEMO_WHY_H
#define TOOLS_DEMO_WHY_H

#include <stdbool.h>
#include <stddef.h>

#include <caption.h>

#include "tools/common/error.h"
#include "tools/common/maps.h"

typedef struct demo_why {
    const caption_model *model;
    caption_session *session;   /* of the answer at hand; made with the option `explain` */
    bool wanted[TOOL_MAPS];     /* what demo_why_find is to find */
    bool has[TOOL_MAPS];        /* what it found */
    float *maps[TOOL_MAPS];     /* [words, side, side], owned */
    size_t capacity[TOOL_MAPS]; /* floats */
    int words;                  /* tokens of the caption, <end> not counted */
    int side;
} demo_why;

/* Finds the maps that are wanted, of an answer's best caption.  The image is in slot 0 of the session. */
bool demo_why_find(demo_why *why, const caption_text *caption, const char *image, tool_error *err);

/* Accepts one that is all zeros. */
void demo_why_free(demo_why *why);

#endif
