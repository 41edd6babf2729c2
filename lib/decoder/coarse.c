/* coarse.c - logits from int16 weights and states.
 *
 * A step is as fast as memory: it reads 58 MB in the published model, 41 of them for fc.weight.  So the file
 * may hold these weights once more in int16, where each word's integers have a scale of their own.  The
 * coarse logits are computed from that copy: half the bytes, and integer products of states that are rounded
 * to int16 as well.
 *
 * Let w be a word's weights and h a state, w' and h' the rounded ones.  Then, by Cauchy and Schwarz,
 *
 *     |w' h' - w h| <= |w' - w| |h| + |w'| |h' - h|.
 *
 * Both sums are rounded in float32 as well.  That adds at most 2 (H + 4) 2^-24 |w| |h| (Higham, Accuracy and
 * Stability of Numerical Algorithms, section 3.1).  The file holds two maxima over all words: most_error, of
 * |w' - w| + 2 (H + 4) 2^-24 |w|, and most_length, of |w'|.  A row's error is therefore at most
 * most_error |h| + most_length |h' - h|, and |h' - h| is measured while rounding. */
#include "lib/decoder/coarse.h"

#include <math.h>

void cpt_coarse_plan(cpt_coarse *coarse, cpt_arena *arena, const cpt_decoder *decoder, int max_rows)
{
    const size_t rows = (size_t)max_rows, words = cpt_words_i16(decoder->hidden);
    coarse->states = cpt_arena_take(arena, rows * words, sizeof *coarse->states);
    coarse->scale = cpt_arena_take(arena, rows, sizeof *coarse->scale);
    coarse->error = cpt_arena_take(arena, rows, sizeof *coarse->error);
}

/* Rounds the hidden state h [H] of a row, and bounds how far the row's coarse logits are off. */
static void round_row(cpt_coarse *coarse, const cpt_coarse_args *args, int row)
{
    const cpt_decoder *d = args->decoder;
    const size_t words = cpt_words_i16(d->hidden);
    cptk_rounded rounded;
    args->kernels->round_i16(args->states[row], d->hidden, coarse->states + (size_t)row * words, &rounded);
    coarse->scale[row] = rounded.scale;
    coarse->error[row] = (double)d->coarse.most_error * (double)rounded.length;
    coarse->error[row] += (double)d->coarse.most_length * (double)rounded.moved;
    coarse->error[row] *= 1.001; /* the lengths themselves are rounded */
}

void cpt_coarse_run(cpt_coarse *coarse, const cpt_coarse_args *args)
{
    const cpt_rows_i16 states = {.pairs = coarse->states, .scale = coarse->scale, .rows = args->rows};
    for (int r = 0; r < args->rows; r++) round_row(coarse, args, r);
    cpt_linear_rows_i16(&args->decoder->coarse.matrix, &states, args->logits, args->kernels, args->pool);
}

double cpt_coarse_error(const cpt_coarse *coarse, int row, float lse)
{
    /* The bias is added, and logits are compared, in float.  Each of these may be off by 2^-24 of the logits'
     * size; 2^-20 leaves room for sixteen. */
    return coarse->error[row] + ldexp(1 + fabs((double)lse), -20);
}
