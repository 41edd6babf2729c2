/* What capdemo prints for one image: a sentence, several with scores, a JSON line, attention maps.
 *
 * Writes to the output alone; warnings and times are capdemo's. */
#ifndef TOOLS_DEMO_SHOW_H
#define TOOLS_DEMO_SHOW_H

#include <stdbool.h>
#include <stdint.h>

#include <caption.h>

#include "tools/common/output.h"

typedef struct demo_times {
    double load, encoder, decoder; /* ms */
} demo_times;

typedef struct demo_answer {
    const char *image; /* as the user named it */
    const caption_model *model;
    const caption_result *result;
    int width, height;     /* of the image, upright; 0: not known */
    const uint8_t *pixels; /* [input_size, input_size, 3], as the model sees the image */
    demo_times times;
    bool named;     /* there are several images: say which one this is */
    bool several;   /* every caption with its score, not just the best */
    bool attention; /* maps of the best caption */
    bool timed;     /* JSON: the stages' times too */
} demo_answer;

/* What can't be written is found by tool_output_flush. */

/* The caption alone, or "IMAGE<TAB>CAPTION" where images are named; with scores, a line a caption. */
void demo_show_text(tool_output *output, const demo_answer *answer);

/* One line with one object. */
void demo_show_json(tool_output *output, const demo_answer *answer);

/* The line of an image that failed: {"image", "error"}. */
void demo_show_json_error(tool_output *output, const char *image, const char *message);

#endif
