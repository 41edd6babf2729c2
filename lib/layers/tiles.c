/* tiles.c - see tiles.h. */
#include "lib/layers/tiles.h"

#include "lib/layers/parts.h"

enum { LINE_BYTES = 64 }; /* of weights: one k of a panel of float32, or one quad of a panel of int8 */

/* What looking ahead depends on.  A line is what the kernel takes of a panel in one step. */
typedef struct ahead_of {
    uintptr_t weights_end;     /* behind the weights of these columns */
    uintptr_t rows;            /* the first row of this tile */
    size_t next_rows;          /* bytes from there to the first row of the next tile */
    size_t panels, all_panels; /* those that are full, and all */
    size_t lines;              /* of one panel */
    size_t tile_bytes;         /* what one line takes of the rows of a tile */
} ahead_of;

/* What the kernel is asked to fetch: soon_step bytes for each line, in order from `soon` on. */
typedef struct hint {
    uintptr_t soon;
    int soon_step;
} hint;

/* For tile i of `count`; not for CPT_AHEAD_AS_SET. */
static hint look_ahead(cpt_ahead ahead, const ahead_of *of, int i, int count)
{
    hint h;
    if (ahead == CPT_AHEAD_WEIGHTS) {
        h.soon_step = cpt_ceil_div(LINE_BYTES, count);
        h.soon = of->weights_end + (size_t)i * of->panels * (size_t)h.soon_step * of->lines;
    } else {
        h.soon_step = cpt_ceil_div((int)of->tile_bytes, (int)of->all_panels);
        h.soon = of->rows + of->next_rows;
    }
    return h;
}

/* Both loops are alike; only what a tile is made of differs. */

void cpt_tiles_run(const cpt_tiles *w, const cptk_kernels *kernels)
{
    const int count = cpt_ceil_div(w->rows, w->tile_rows);
    cptk_tile t = w->first;
    for (int i = 0; i < count; i++) {
        const int at = cpt_part(w->rows, count, i);
        t.rows = cpt_part(w->rows, count, i + 1) - at;
        t.a = w->first.a + (size_t)at * (size_t)t.taps;
        t.c = w->first.c + (size_t)at * t.c_stride;
        if (w->first.add) t.add = w->first.add + (size_t)at * t.add_stride;
        if (w->ahead != CPT_AHEAD_AS_SET) {
            const size_t panels = (size_t)(t.n / CPTK_PANEL);
            const ahead_of of = {.weights_end = (uintptr_t)(t.b + panels * t.b_panel),
                                 .rows = (uintptr_t)t.a[0],
                                 .next_rows = (size_t)t.rows * w->row_pitch * sizeof(float),
                                 .panels = panels,
                                 .all_panels = (size_t)cpt_ceil_div(t.n, CPTK_PANEL),
                                 .lines = (size_t)t.taps * (size_t)t.depth,
                                 .tile_bytes = (size_t)t.rows * sizeof(float)};
            const hint h = look_ahead(w->ahead, &of, i, count);
            t.soon = h.soon;
            t.soon_step = h.soon_step;
        }
        kernels->tile_f32(&t);
    }
}

void cpt_tiles_int8_run(const cpt_tiles_int8 *w, const cptk_kernels *kernels)
{
    const int count = cpt_ceil_div(w->rows, w->tile_rows);
    cptk_tile_int8 t = w->first;
    for (int i = 0; i < count; i++) {
        const int at = cpt_part(w->rows, count, i);
        t.rows = cpt_part(w->rows, count, i + 1) - at;
        t.a = w->first.a + (size_t)at * (size_t)t.taps;
        if (w->first.out.c_u8) t.out.c_u8 = w->first.out.c_u8 + (size_t)at * t.out.c_stride;
        if (w->first.out.c_u16) t.out.c_u16 = w->first.out.c_u16 + (size_t)at * t.out.c_stride;
        if (w->first.out.c_f32) t.out.c_f32 = w->first.out.c_f32 + (size_t)at * t.out.c_stride;
        if (w->first.out.add) t.out.add = w->first.out.add + (size_t)at * t.out.add_stride;
        if (w->ahead != CPT_AHEAD_AS_SET) {
            const size_t panels = (size_t)(t.n / CPTK_PANEL);
            const ahead_of of = {.weights_end = (uintptr_t)(t.b + panels * t.b_panel),
                                 .rows = (uintptr_t)t.a[0],
                                 .next_rows = (size_t)t.rows * w->row_pitch,
                                 .panels = panels,
                                 .all_panels = (size_t)cpt_ceil_div(t.n, CPTK_PANEL),
                                 .lines = (size_t)t.taps * (size_t)(t.depth / CPTK_QUAD),
                                 .tile_bytes = (size_t)t.rows * CPTK_QUAD};
            const hint h = look_ahead(w->ahead, &of, i, count);
            t.soon = h.soon;
            t.soon_step = h.soon_step;
        }
        kernels->tile_u8(&t);
    }
}
