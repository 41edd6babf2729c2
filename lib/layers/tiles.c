/* tiles.c - see tiles.h. */
#include "lib/layers/tiles.h"

#include "lib/layers/parts.h"

enum { LINE_BYTES = CPTK_PANEL * (int)sizeof(float) }; /* of weights: one k of a panel */

/* Sets what tile i of `count` fetches.  The kernel fetches soon_step bytes for each k and panel, in order
 * from `soon` on. */
static void look_ahead(cptk_tile *t, const cpt_tiles *w, int i, int count)
{
    const int k = t->taps * t->depth;
    if (w->ahead == CPT_AHEAD_WEIGHTS) {
        const size_t panels = (size_t)(t->n / CPTK_PANEL);
        t->soon_step = cpt_ceil_div(LINE_BYTES, count);
        t->soon = (uintptr_t)(t->b + panels * t->b_panel) + (size_t)i * panels * (size_t)(t->soon_step * k);
    } else if (w->ahead == CPT_AHEAD_ROWS) {
        /* the rows are k floats each */
        t->soon_step = cpt_ceil_div(t->rows * (int)sizeof(float), cpt_ceil_div(t->n, CPTK_PANEL));
        t->soon = (uintptr_t)t->a[0] + (size_t)t->rows * w->row_pitch * sizeof(float);
    }
}

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
        look_ahead(&t, w, i, count);
        kernels->tile_f32(&t);
    }
}
