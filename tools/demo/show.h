/* What capdemo prints for one image: a sentence, several with scores, a JSON line, attention maps.
 *
 * Called by capdemo; writes to standard output only (warnings and timings are capdemo's). */
#ifndef TOOLS_DEMO_SHOW_H
#define TOOLS_DEMO_SHOW_H

#include <stdbool.h>

#include <caption.h>

typedef struct demo_times {
    double load, encoder, decoder; /* ms */
} demo_times;

typedef struct demo_answer {
    const char *image; /* as the user named it */
    const caption_model *model;
    const caption_result *result;
    demo_times times;
    bool named;     /* several images: say which one this is */
    bool several;   /* every caption with its score, not just the best */
    bool attention; /* maps of the best caption */
    bool timed;     /* JSON: the stages' times too */
} demo_answer;

void demo_show_text(const demo_answer *answer);

/* One line.  False when memory ran out. */
bool demo_show_json(const demo_answer *answer);

#endif
