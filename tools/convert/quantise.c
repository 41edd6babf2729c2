/* Products in int8; see quantise.h. */
#include "tools/convert/quantise.h"

#include <capw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the library takes (docs/format.md). */
#define LEAST_SCALE 0x1p-100
#define MOST_NUMBER 0x1p64

enum { EMBEDDING_MOST = 127, EMBEDDING_ZERO = 128, REST_STEPS = 254 };

bool convert_all_finite(const float *values, size_t count)
{
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        found |= (bits & 0x7F800000u) == 0x7F800000u;
    }
    return !found;
}

bool convert_scale_fits(float scale)
{
    return (double)scale >= LEAST_SCALE && (double)scale <= MOST_NUMBER;
}

/* ---- products ---- */

static bool check_input(const convert_product *p, tool_error *err)
{
    const convert_panels *w = &p->weights;
    const size_t stored = (w->rows + CAPW_PANEL - 1) / CAPW_PANEL * CAPW_PANEL * w->taps * w->columns;
    const size_t depth = (w->columns + CAPW_QUAD - 1) / CAPW_QUAD * CAPW_QUAD;
    if (!convert_all_finite(w->values, stored)) {
        return tool_fail(err, "%s: %s.weight: holds numbers that are not finite", p->file, p->name);
    }
    if (p->bias && !convert_all_finite(p->bias, w->rows)) {
        return tool_fail(err, "%s: %s.bias: holds numbers that are not finite", p->file, p->name);
    }
    if (depth > CAPW_QUADS_DEPTH / w->taps) {
        return tool_fail(err, "%s: %s.weight: %zu x %zu products of int8 may overflow", p->file, p->name,
                         w->taps, w->columns);
    }
    return true;
}

/* What a row's step is worth in steps of the output. */
static double scale_of(const convert_product *p, double step)
{
    return (double)p->in.scale * step / (double)p->out.scale;
}

/* Rows whose weights are so small that the library would refuse their scale become all zero.  What they add
 * to an output is less than 2^-69 of its step. */
static void drop_tiny_rows(const convert_product *p, double *steps)
{
    for (size_t row = 0; row < p->weights.rows; row++) {
        if (scale_of(p, steps[row]) < LEAST_SCALE) steps[row] = 1;
    }
}

/* The sum over taps and inputs of a row's integers, each times the byte that stands for 0 of its input. */
static double zero_sum(const convert_product *p, const int8_t *quads, size_t row)
{
    const convert_panels *w = &p->weights;
    const size_t per_tap = (w->columns + CAPW_QUAD - 1) / CAPW_QUAD, block = CAPW_PANEL * CAPW_QUAD;
    double sum = 0;
    for (size_t tap = 0; tap < w->taps; tap++) {
        const int8_t *q =
            quads + (row / CAPW_PANEL * w->taps + tap) * per_tap * block + row % CAPW_PANEL * CAPW_QUAD;
        for (size_t c = 0; c < w->columns; c++) {
            const double zero = p->zeros ? p->zeros[c] : p->in.zero_point;
            sum += zero * q[c / CAPW_QUAD * block + c % CAPW_QUAD];
        }
    }
    return sum;
}

/* How far the rounded weights of a row move its output on average. */
static double mean_error(const convert_product *p, const int8_t *quads, size_t row, double step)
{
    const convert_panels *w = &p->weights;
    const size_t per_tap = (w->columns + CAPW_QUAD - 1) / CAPW_QUAD, block = CAPW_PANEL * CAPW_QUAD;
    double sum = 0;
    for (size_t tap = 0; p->means && tap < w->taps; tap++) {
        const size_t panel_tap = row / CAPW_PANEL * w->taps + tap;
        const int8_t *q = quads + panel_tap * per_tap * block + row % CAPW_PANEL * CAPW_QUAD;
        const float *exact = w->values + panel_tap * w->columns * CAPW_PANEL + row % CAPW_PANEL;
        for (size_t c = 0; c < w->columns; c++) {
            const double rounded = step * q[c / CAPW_QUAD * block + c % CAPW_QUAD];
            sum += (rounded - (double)exact[c * CAPW_PANEL]) * p->means[c];
        }
    }
    return sum;
}

static bool fill_row(const convert_product *p, const convert_int8_out *out, size_t row, double step,
                     tool_error *err)
{
    const float scale = (float)scale_of(p, step);
    out->scale[row] = scale;
    if (!convert_scale_fits(scale)) {
        return tool_fail(err, "%s: %s.weight: output %zu would have the scale %g, must be 2^-100 to 2^64",
                         p->file, p->name, row, (double)scale);
    }
    if (!out->bias) return true;
    const double exact = (p->bias ? (double)p->bias[row] : 0) - mean_error(p, out->weight, row, step);
    double bias =
        exact / (double)p->out.scale + p->out.zero_point - (double)scale * zero_sum(p, out->weight, row);
    if (p->add.scale > 0) bias -= (double)(p->add.scale / p->out.scale) * p->add.zero_point;
    out->bias[row] = (float)bias;
    return fabs(bias) <= MOST_NUMBER ||
           tool_fail(err, "%s: %s.bias: output %zu would have the bias %g, must be -2^64 to 2^64", p->file,
                     p->name, row, bias);
}

bool convert_quantise(const convert_product *p, const convert_int8_out *out, tool_error *err)
{
    if (!check_input(p, err)) return false;
    double *steps = malloc(p->weights.rows * sizeof *steps);
    if (!steps) return tool_fail(err, "%s: %s: out of memory", p->file, p->name);
    convert_pack_steps(&p->weights, steps);
    drop_tiny_rows(p, steps);
    convert_pack_quads(&p->weights, steps, out->weight);
    bool ok = true;
    for (size_t row = 0; ok && row < p->weights.rows; row++) ok = fill_row(p, out, row, steps[row], err);
    free(steps);
    return ok;
}

/* ---- what is lacking ---- */

/* rest [ceil(rows/16), columns, 16] = what the integers of rows first..first+rows-1 lack; the scale of a
 * coarse row is its step times the input's. */
static void take_rest(const convert_product *p, const convert_int8_out *coarse, size_t first, size_t rows,
                      float *rest)
{
    const size_t columns = p->weights.columns, quads = (columns + CAPW_QUAD - 1) / CAPW_QUAD;
    for (size_t i = 0; i < rows; i++) {
        const size_t row = first + i, panel = row / CAPW_PANEL, place = row % CAPW_PANEL;
        const double step = (double)coarse->scale[row] / (double)p->in.scale;
        for (size_t c = 0; c < columns; c++) {
            const size_t quad = panel * quads + c / CAPW_QUAD;
            const int8_t q = coarse->weight[(quad * CAPW_PANEL + place) * CAPW_QUAD + c % CAPW_QUAD];
            const double exact = (double)p->weights.values[(panel * columns + c) * CAPW_PANEL + place];
            rest[(i / CAPW_PANEL * columns + c) * CAPW_PANEL + i % CAPW_PANEL] = (float)(exact - step * q);
        }
    }
}

bool convert_quantise_rest(const convert_product *p, const convert_int8_out *coarse, size_t first,
                           size_t rows, const convert_int8_out *out, tool_error *err)
{
    const size_t panels = (rows + CAPW_PANEL - 1) / CAPW_PANEL;
    float *rest = calloc(panels * CAPW_PANEL * p->weights.columns, sizeof *rest);
    if (!rest) return tool_fail(err, "%s: %s: out of memory", p->file, p->name);
    take_rest(p, coarse, first, rows, rest);
    convert_product product = *p;
    product.weights =
        (convert_panels){.values = rest, .rows = rows, .taps = 1, .columns = p->weights.columns};
    product.means = NULL;
    product.bias = NULL;
    const bool ok = convert_quantise(&product, out, err);
    free(rest);
    return ok;
}

/* ---- the finer part ---- */

/* Four bits more of a row's weights.  Returns the sum of their numbers, which are -8..7 each. */
static int fine_row(const convert_product *p, const int8_t *quads, size_t row, double step, uint8_t *halves)
{
    enum { HALVES = 2 * CAPW_QUAD, LEAST = -8, MOST = 7, PARTS = 16 };
    const convert_panels *w = &p->weights;
    const size_t lines = (w->columns + HALVES - 1) / HALVES,
                 per_row = (w->columns + CAPW_QUAD - 1) / CAPW_QUAD;
    int sum = 0;
    for (size_t c = 0; c < w->columns; c++) {
        const size_t quad = row / CAPW_PANEL * per_row + c / CAPW_QUAD;
        const size_t line = row / CAPW_PANEL * lines + c / HALVES,
                     place = row % CAPW_PANEL * CAPW_QUAD + c % CAPW_QUAD;
        const double value =
            (double)w->values[(row / CAPW_PANEL * w->columns + c) * CAPW_PANEL + row % CAPW_PANEL];
        const double left = rint(PARTS * (value / step - quads[quad * CAPW_PANEL * CAPW_QUAD + place]));
        const int n = left < LEAST ? LEAST : left > MOST ? MOST : (int)left;
        halves[line * CAPW_PANEL * CAPW_QUAD + place] |= (uint8_t)((n & 15) << (c / CAPW_QUAD % 2 * 4));
        sum += n;
    }
    return sum;
}

bool convert_quantise_fine(const convert_product *p, const convert_int8_out *coarse,
                           const convert_fine_out *out, tool_error *err)
{
    const convert_panels *w = &p->weights;
    const size_t lines = (w->columns + 2 * CAPW_QUAD - 1) / (2 * CAPW_QUAD);
    double *steps = malloc(w->rows * sizeof *steps);
    if (!steps) return tool_fail(err, "%s: %s: out of memory", p->file, p->name);
    convert_pack_steps(w, steps);
    drop_tiny_rows(p, steps);
    memset(out->halves, 0, (w->rows + CAPW_PANEL - 1) / CAPW_PANEL * lines * CAPW_PANEL * CAPW_QUAD);
    for (size_t row = 0; row < w->rows; row++) {
        const float scale = coarse->scale[row] / 16;
        const bool fits = convert_scale_fits(scale);
        const int sum = fits ? fine_row(p, coarse->weight, row, steps[row], out->halves) : 0;
        out->scale[row] = fits ? scale : 1;
        /* besides the zero point of the states, that of what their bytes lack */
        out->bias[row] = (float)(-(double)out->scale[row] * p->in.zero_point * sum -
                                 (double)coarse->scale[row] / REST_STEPS * zero_sum(p, coarse->weight, row));
    }
    free(steps);
    return true;
}

/* ---- an embedding ---- */

float convert_embedding_scale(const float *values, size_t count, float most)
{
    for (size_t i = 0; i < count; i++) {
        if (!(fabsf(values[i]) <= most)) most = fabsf(values[i]); /* NaN stays */
        if (isnan(most)) return most;
    }
    const double scale = (double)most / EMBEDDING_MOST;
    return scale < LEAST_SCALE ? 1 : (float)scale;
}

void convert_quantise_embedding(const float *values, size_t count, float scale, uint8_t *out)
{
    for (size_t i = 0; i < count; i++) {
        const double q = rint((double)values[i] / (double)scale);
        const double near = q > EMBEDDING_MOST ? EMBEDDING_MOST : q < -EMBEDDING_MOST ? -EMBEDDING_MOST : q;
        out[i] = (uint8_t)(near + EMBEDDING_ZERO);
    }
}
