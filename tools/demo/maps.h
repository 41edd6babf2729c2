/* Draws where a model looked, word by word, as maps in a terminal: more ink stands for more weight. */
#ifndef TOOLS_DEMO_MAPS_H
#define TOOLS_DEMO_MAPS_H

#include <stdbool.h>
#include <stdio.h>

typedef struct demo_maps {
    const char *const *words; /* [count] */
    const float *alpha;       /* [count, positions], attention weights */
    int count, positions;
    int columns; /* of the terminal */
    bool utf8;   /* block characters; else ASCII */
} demo_maps;

/* As many maps side by side as the columns hold, at least one; then a line that says what the ink means. Each
 * map is drawn relative to its own largest weight.  Draws nothing where the positions are no square. */
void demo_draw_maps(FILE *stream, const demo_maps *maps);

#endif
