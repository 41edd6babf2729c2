/* vocabulary.c - the logits of all words for the beams of a step.  Called by search.c.
 *
 * fc.weight is most of what a step reads (41 of 58 MB in the published model), and a step is as fast as
 * memory. So the file may hold the same weights in int16, each row with its scale; a step reads those, rounds
 * its states to int16 as well, and multiplies integers.  That moves a logit w h + b by at most
 * |w' - w| |h| + |w'| |h' - h| + 2 (n + 4) 2^-24 |w| |h| (Cauchy and Schwarz; the last is order and rounding
 * of both sums: Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).  That tells which words
 * can be among a search's next (search.c, settle_logits).  Their logits are computed again from whole weights
 * and states, a panel of 16 words at a time, and are then the very numbers that the whole product has.  Only
 * the sum over all words, for log-probabilities, has rounded terms left, whose errors are unrelated and
 * mostly cancel (docs/numerics.md). */
#include <float.h>
#include <math.h>
#include <string.h>

#include "lib/decoder/decoder.h"

/* The last layer's states after the step. */
static const float *state_of(const cpt_decoder_run *run, int row)
{
    const cpt_decoder *d = run->decoder;
    return run->h_next + ((size_t)(d->layers - 1) * (size_t)run->max_rows + (size_t)row) * (size_t)d->hidden;
}

static int panel_count(const cpt_decoder *d)
{
    return (d->vocabulary + CPTK_PANEL - 1) / CPTK_PANEL;
}

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
    const float whole = 12582912; /* 1.5 * 2^23: what is added to it is rounded to an integer */
    int16_t rounded[CPTK_PANEL + 1] = {0};
    for (int i = 0; i < n; i++) {
        const float near = (x[i] * inverse + whole) - whole, off = near * unit - x[i];
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

/* The state of a row in int16, and how far that may move a logit. */
static void screen_state(cpt_decoder_run *run, int row)
{
    const cpt_decoder *d = run->decoder;
    const size_t words = ((size_t)d->hidden + 1) / 2;
    uint32_t *to = run->state + (size_t)row * words;
    const float *h = state_of(run, row);
    float largest, length = measure(h, d->hidden, &largest), unit = largest / CPTK_INT16_MOST, moved;
    if (isfinite(length) && unit >= FLT_MIN) {
        moved = round_state(h, d->hidden, unit, to);
    } else { /* nothing that has multiples */
        memset(to, 0, words * sizeof *to);
        unit = 0;
        moved = length;
    }
    run->state_scale[row] = unit;
    /* 1.001: the lengths themselves are rounded */
    run->error[row] =
        ((double)d->screen.error * (double)length + (double)d->screen.length * (double)moved) * 1.001;
}

enum { CHUNK = 512 }; /* words of one job */

static void screen_chunk(void *user, int index, int thread)
{
    const cpt_decoder_run *run = user;
    const cpt_decoder *d = run->decoder;
    const int first = index * CHUNK;
    const size_t words = ((size_t)d->hidden + 1) / 2;
    cptk_int16 args = {.a_scale = run->state_scale,
                       .b = d->screen.pairs + (size_t)first * words,
                       .b_scale = d->screen.scale + first,
                       .bias = d->fc.bias + first,
                       .c_stride = (size_t)d->vocabulary,
                       .depth = d->hidden};
    (void)thread;
    args.n = d->vocabulary - first < CHUNK ? d->vocabulary - first : CHUNK;
    args.rows = run->rows;
    args.a = run->state;
    args.c = run->logits + first;
    run->kernels->int16(&args);
}

void cpt_vocabulary_start(cpt_decoder_run *run, int rows, int whole)
{
    const cpt_decoder *d = run->decoder;
    const float *h[64]; /* the most rows there can be: max_beams */
    run->rows = rows;
    run->rounded = d->screen.pairs && !whole;
    if (run->rounded) {
        memset(run->doubtful, 0, (size_t)panel_count(d));
        for (int r = 0; r < rows; r++) screen_state(run, r);
        cpt_pool_run(run->pool, screen_chunk, run, (d->vocabulary + CHUNK - 1) / CHUNK);
    } else {
        for (int r = 0; r < rows; r++) h[r] = state_of(run, r);
        cpt_linear_rows(&d->fc, h, rows, run->logits, run->kernels, run->pool);
    }
}

void cpt_vocabulary_doubt_word(cpt_decoder_run *run, int word)
{
    run->doubtful[word / CPTK_PANEL] = 1;
}

/* Is any of n numbers not below the limit?  With NaN among them, nothing is certain. */
static int reaches(const float *x, int n, float limit)
{
    int found = 0;
    if (n == CPTK_PANEL) { /* a constant, so that compilers make vectors of it */
        for (int i = 0; i < CPTK_PANEL; i++) found |= !(x[i] < limit);
    } else {
        for (int i = 0; i < n; i++) found |= !(x[i] < limit);
    }
    return found;
}

double cpt_vocabulary_error(const cpt_decoder_run *run, int row, float lse)
{
    /* 2^-20: biases are added, and logits compared, in float; those that matter are not larger than that sum
     */
    return run->error[row] + ldexp(1 + fabs((double)lse), -20);
}

void cpt_vocabulary_doubt(cpt_decoder_run *run, int row, float limit)
{
    const cpt_decoder *d = run->decoder;
    const float *logits = run->logits + (size_t)row * (size_t)d->vocabulary;
    for (int p = 0; p < panel_count(d); p++) {
        const float *panel = logits + (size_t)p * CPTK_PANEL;
        const int left = d->vocabulary - p * CPTK_PANEL;
        run->doubtful[p] |= (unsigned char)reaches(panel, left < CPTK_PANEL ? left : CPTK_PANEL, limit);
    }
}

/* One doubtful panel of words, for all rows. */
static void whole_panel(void *user, int index, int thread)
{
    const cpt_decoder_run *run = user;
    const cpt_decoder *d = run->decoder;
    const int panel = run->panels[index], first = panel * CPTK_PANEL;
    const float *h[CPTK_MAX_ROWS];
    cptk_tile tile = {0};
    (void)thread;
    tile.a = h;
    tile.b_step = CPTK_PANEL;
    tile.b_panel = (size_t)d->hidden * CPTK_PANEL;
    tile.b = d->fc.weight + (size_t)panel * tile.b_panel;
    tile.bias = d->fc.bias + first;
    tile.c_stride = (size_t)d->vocabulary;
    tile.taps = 1;
    tile.depth = d->hidden;
    tile.n = d->vocabulary - first < CPTK_PANEL ? d->vocabulary - first : CPTK_PANEL;
    for (int r = 0; r < run->rows; r += CPTK_MAX_ROWS) {
        tile.rows = run->rows - r < CPTK_MAX_ROWS ? run->rows - r : CPTK_MAX_ROWS;
        for (int i = 0; i < tile.rows; i++) h[i] = state_of(run, r + i);
        tile.c = run->logits + (size_t)r * tile.c_stride + first;
        run->kernels->tile(&tile);
    }
}

void cpt_vocabulary_finish(cpt_decoder_run *run)
{
    int count = 0;
    for (int p = 0; p < panel_count(run->decoder); p++) {
        if (run->doubtful[p]) run->panels[count++] = p;
    }
    cpt_pool_run(run->pool, whole_panel, run, count);
}
