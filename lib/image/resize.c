/* resize.c - see resize.h.  The arithmetic is Pillow's (ImagingResample, 8 bits): weights are computed in
 * double and rounded to 22 fraction bits, and the horizontal pass of the upright image comes first and rounds
 * to 8 bits.  When an image is stored on its side, the horizontal pass is the one across stored rows. */
#include "lib/image/resize.h"

#include <string.h>

#define PRECISION 22
#define CHUNK 96 /* bytes of a row summed together; a fixed number lets the compiler use vectors */

static int max_taps(int in, int out)
{
    const double scale = (double)in / out, support = scale > 1 ? scale : 1;
    return (int)support * 2 + 3; /* at least ceil(support) * 2 + 1, as many as a window can hold */
}

/* Computes the weights of output i of an unflipped axis, a triangle around its centre that is as wide as the
 * scale: weight(x) = max(0, 1 - |x - centre + 0.5| / support), divided by their sum. Returns how many there
 * are, from input *first on. */
static int window_weights(const cpt_axis *axis, int i, int *first, uint32_t *weights)
{
    const double scale = (double)axis->in / axis->out, support = scale > 1 ? scale : 1, step = 1.0 / support;
    const double centre = (i + 0.5) * scale;
    const double low = centre - support + 0.5, high = centre + support + 0.5;
    const int start = low > 0 ? (int)low : 0, end = high < axis->in ? (int)high : axis->in;
    double sum = 0;
    for (int pass = 0; pass < 2; pass++) { /* the second pass divides by the sum that the first one found */
        for (int x = start; x < end; x++) {
            double w = (x - centre + 0.5) * step;
            if (w < 0) w = -w;
            w = w < 1 ? 1 - w : 0;
            if (pass == 0) {
                sum += w;
            } else {
                weights[x - start] = (uint32_t)(w / sum * (1 << PRECISION) + 0.5);
            }
        }
    }
    *first = start;
    return end - start;
}

static void reverse(uint32_t *weights, int count)
{
    for (int a = 0, b = count - 1; a < b; a++, b--) {
        const uint32_t w = weights[a];
        weights[a] = weights[b];
        weights[b] = w;
    }
}

/* A flipped axis is the unflipped one with its inputs counted from the other end, rounded alike. */
static void init_axis(cpt_axis *axis, cpt_arena *arena, int in, int out, bool flipped)
{
    axis->in = in;
    axis->out = out;
    axis->taps = in == out ? 1 : max_taps(in, out);
    axis->windows = cpt_arena_take(arena, (size_t)out, sizeof *axis->windows);
    axis->weights = cpt_arena_take(arena, (size_t)out * (size_t)axis->taps, sizeof *axis->weights);
    if (!axis->windows || !axis->weights) return;
    for (int k = 0; k < out; k++) {
        cpt_window *w = &axis->windows[k];
        uint32_t *weights = axis->weights + (size_t)k * (size_t)axis->taps;
        w->out = flipped ? out - 1 - k : k;
        if (in == out) { /* an axis whose size does not change is not filtered */
            w->first = w->out;
            w->count = 1;
            weights[0] = 1 << PRECISION;
        } else {
            w->count = window_weights(axis, w->out, &w->first, weights);
        }
        if (flipped) {
            w->first = in - w->first - w->count;
            reverse(weights, w->count);
        }
    }
}

void cpt_resizer_init(cpt_resizer *r, cpt_arena *arena, const int size[2], int orientation, int out_size,
                      uint8_t *out)
{
    const bool flip_along = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool flip_across = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    memset(r, 0, sizeof *r);
    r->transposed = orientation >= 5;
    r->row_bytes = (size_t)(r->transposed ? size[0] : out_size) * 3;
    r->out = out;
    init_axis(&r->along, arena, size[0], out_size, flip_along);
    init_axis(&r->across, arena, size[1], out_size, flip_across);
    r->ring = cpt_arena_take(arena, (size_t)r->across.taps, r->row_bytes);
    if (r->transposed) r->line = cpt_arena_take(arena, r->row_bytes, 1);
}

/* Weights are never negative.  Sums are unsigned, so that those of absurd sizes wrap and do not overflow. */
static uint8_t clamp8(uint32_t sum)
{
    const uint32_t value = sum >> PRECISION;
    return value > 255 ? 255 : (uint8_t)value;
}

/* The pass along a row: in [axis->in, 3] -> pixels `stride` bytes apart. */
static void filter_along(const cpt_axis *axis, const uint8_t *in, uint8_t *out, size_t stride)
{
    for (int k = 0; k < axis->out; k++) {
        const cpt_window *w = &axis->windows[k];
        const uint32_t *weights = axis->weights + (size_t)k * (size_t)axis->taps;
        const uint8_t *p = in + (size_t)w->first * 3;
        uint32_t r = 1u << (PRECISION - 1), g = r, b = r;
        uint8_t *to = out + (size_t)w->out * stride;
        for (int i = 0; i < w->count; i++, p += 3) {
            r += weights[i] * p[0];
            g += weights[i] * p[1];
            b += weights[i] * p[2];
        }
        to[0] = clamp8(r);
        to[1] = clamp8(g);
        to[2] = clamp8(b);
    }
}

static void add_row(uint32_t *restrict sums, const uint8_t *restrict row, uint32_t weight)
{
    for (int i = 0; i < CHUNK; i++) sums[i] += weight * row[i];
}

/* The pass over the rows in the ring, for one window. */
static void filter_across(const cpt_resizer *r, const cpt_window *w, const uint32_t *weights, uint8_t *out)
{
    const int taps = r->across.taps;
    for (size_t start = 0; start < r->row_bytes; start += CHUNK) {
        const size_t n = r->row_bytes - start < CHUNK ? r->row_bytes - start : CHUNK;
        uint32_t sums[CHUNK];
        for (size_t i = 0; i < CHUNK; i++) sums[i] = 1u << (PRECISION - 1);
        for (int k = 0; k < w->count; k++) {
            const uint8_t *row = r->ring + (size_t)((w->first + k) % taps) * r->row_bytes + start;
            if (n == CHUNK) {
                add_row(sums, row, weights[k]);
            } else {
                for (size_t i = 0; i < n; i++) sums[i] += weights[k] * row[i];
            }
        }
        for (size_t i = 0; i < n; i++) out[start + i] = clamp8(sums[i]);
    }
}

void cpt_resizer_push(cpt_resizer *r, const uint8_t *rgb)
{
    const cpt_axis *across = &r->across;
    const size_t out_row = (size_t)across->out * 3; /* the result is square */
    uint8_t *slot = r->ring + (size_t)(r->row % across->taps) * r->row_bytes;
    if (r->row >= across->in) return;
    if (r->transposed) {
        memcpy(slot, rgb, r->row_bytes);
    } else {
        filter_along(&r->along, rgb, slot, 3);
    }
    r->row++;
    for (; r->window < across->out; r->window++) {
        const cpt_window *w = &across->windows[r->window];
        const uint32_t *weights = across->weights + (size_t)r->window * (size_t)across->taps;
        if (w->first + w->count > r->row) break;
        if (r->transposed) {
            filter_across(r, w, weights, r->line);
            filter_along(&r->along, r->line, r->out + (size_t)w->out * 3, out_row);
        } else {
            filter_across(r, w, weights, r->out + (size_t)w->out * out_row);
        }
    }
}
