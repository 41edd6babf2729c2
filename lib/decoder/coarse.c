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

#include <float.h>
#include <math.h>
#include <string.h>

void cpt_coarse_plan(cpt_coarse *coarse, cpt_arena *arena, const cpt_decoder *decoder, int max_rows)
{
    const size_t rows = (size_t)max_rows, words = ((size_t)decoder->hidden + 1) / 2;
    coarse->states = cpt_arena_take(arena, rows * words, sizeof *coarse->states);
    coarse->scale = cpt_arena_take(arena, rows, sizeof *coarse->scale);
    coarse->error = cpt_arena_take(arena, rows, sizeof *coarse->error);
}

/* ---- rounding a state ---- */

/* Sums over a state are kept in CPTK_PANEL parts, so that compilers make vectors of them. */
static inline void measure_part(const float *x, int n, float *squares, float *most)
{
    for (int i = 0; i < n; i++) {
        const float size = fabsf(x[i]);
        squares[i] += size * size;
        most[i] = size > most[i] ? size : most[i];
    }
}

static inline void round_part(const float *x, int n, float unit, float inverse, uint32_t *to, float *squares)
{
    const float shift = 12582912; /* 1.5 * 2^23: what is added to it is rounded to an integer */
    int16_t rounded[CPTK_PANEL + 1] = {0};
    for (int i = 0; i < n; i++) {
        const float near = (x[i] * inverse + shift) - shift, off = near * unit - x[i];
        rounded[i] = (int16_t)near;
        squares[i] += off * off;
    }
    for (int i = 0; i < n; i += 2) {
        to[i / 2] = (uint16_t)rounded[i] | (uint32_t)(uint16_t)rounded[i + 1] << 16;
    }
}

static float length_of(const float *squares)
{
    float sum = 0;
    for (int i = 0; i < CPTK_PANEL; i++) sum += squares[i];
    return sqrtf(sum);
}

/* |x|, and the largest magnitude in it; NaN and infinities show in the length. */
static float measure(const float *x, int n, float *largest)
{
    float squares[CPTK_PANEL] = {0}, most[CPTK_PANEL] = {0};
    int k = 0;
    for (; k + CPTK_PANEL <= n; k += CPTK_PANEL) measure_part(x + k, CPTK_PANEL, squares, most);
    measure_part(x + k, n - k, squares, most);
    *largest = 0;
    for (int i = 0; i < CPTK_PANEL; i++) *largest = most[i] > *largest ? most[i] : *largest;
    return length_of(squares);
}

/* x [n] to the nearest multiples of `unit`, two in a word, and how far that is from x: |x' - x|. */
static float round_state(const float *x, int n, float unit, uint32_t *to)
{
    const float inverse = 1 / unit;
    float squares[CPTK_PANEL] = {0};
    int k = 0;
    for (; k + CPTK_PANEL <= n; k += CPTK_PANEL) {
        round_part(x + k, CPTK_PANEL, unit, inverse, to + k / 2, squares);
    }
    round_part(x + k, n - k, unit, inverse, to + k / 2, squares);
    return length_of(squares);
}

/* Rounds the hidden state h [H] of a row, and bounds how far the row's coarse logits are off. */
static void round_row(cpt_coarse *coarse, const cpt_decoder *d, int row, const float *h)
{
    const size_t words = ((size_t)d->hidden + 1) / 2;
    uint32_t *to = coarse->states + (size_t)row * words;
    float largest;
    const float length = measure(h, d->hidden, &largest);
    float unit = largest / CPTK_INT16_MOST, moved; /* moved: |h' - h| */
    if (isfinite(length) && unit >= FLT_MIN) {
        moved = round_state(h, d->hidden, unit, to);
    } else { /* too small to have multiples, or not finite: h' is 0 */
        memset(to, 0, words * sizeof *to);
        unit = 0;
        moved = length;
    }
    coarse->scale[row] = unit;
    coarse->error[row] = (double)d->coarse.most_error * (double)length;
    coarse->error[row] += (double)d->coarse.most_length * (double)moved;
    coarse->error[row] *= 1.001; /* the lengths themselves are rounded */
}

/* ---- the product ---- */

enum { CHUNK = 512 }; /* words of one job */

typedef struct coarse_job {
    const cpt_coarse *coarse;
    const cpt_coarse_args *args;
} coarse_job;

/* logits of CHUNK words for all rows */
static void run_chunk(void *user, int index, int thread)
{
    const coarse_job *job = user;
    const cpt_decoder *d = job->args->decoder;
    const int first = index * CHUNK, left = d->vocabulary - first;
    const size_t words = ((size_t)d->hidden + 1) / 2;
    const cptk_int16 product = {.a = job->coarse->states,
                                .b = d->coarse.pairs + (size_t)first * words,
                                .a_scale = job->coarse->scale,
                                .b_scale = d->coarse.scale + first,
                                .bias = d->fc.bias + first,
                                .c = job->args->logits + first,
                                .c_stride = (size_t)d->vocabulary,
                                .rows = job->args->rows,
                                .depth = d->hidden,
                                .n = left < CHUNK ? left : CHUNK};
    (void)thread;
    job->args->kernels->int16(&product);
}

void cpt_coarse_run(cpt_coarse *coarse, const cpt_coarse_args *args)
{
    coarse_job job = {coarse, args};
    for (int r = 0; r < args->rows; r++) round_row(coarse, args->decoder, r, args->states[r]);
    cpt_pool_run(args->pool, run_chunk, &job, (args->decoder->vocabulary + CHUNK - 1) / CHUNK);
}

double cpt_coarse_error(const cpt_coarse *coarse, int row, float lse)
{
    /* The bias is added, and logits are compared, in float.  Each of these may be off by 2^-24 of the logits'
     * size; 2^-20 leaves room for sixteen. */
    return coarse->error[row] + ldexp(1 + fabs((double)lse), -20);
}
