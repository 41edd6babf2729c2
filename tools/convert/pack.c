/* Layouts of a model file; see pack.h. */
#include "tools/convert/pack.h"

#include <capw.h>
#include <math.h>
#include <string.h>

enum {
    PANEL = CAPW_PANEL,
    QUAD = CAPW_QUAD,
    MOST_INT8 = 127, /* not -128, so that a weight and its negative are equally far from 0 */
    MAX_SIDE = 6,    /* of a transformed filter: F(4x4, 3x3) */
    MAX_PLANES = MAX_SIDE * MAX_SIDE,
};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Writes one panel, out [taps, count, 16]; `from` is its first row. */
static void pack_panel(const convert_matrix *m, size_t from, float *out)
{
    const size_t lanes = smaller(PANEL, m->rows - from);
    if (lanes < PANEL) memset(out, 0, m->taps * m->count * PANEL * sizeof *out);
    for (size_t lane = 0; lane < lanes; lane++) {
        const float *row = m->values + ((from + lane) * m->columns + m->first) * m->taps;
        const double scale = m->scale ? m->scale[from + lane] : 1.0;
        float *to = out + lane;
        for (size_t column = 0; column < m->count; column++) {
            for (size_t tap = 0; tap < m->taps; tap++) {
                to[(tap * m->count + column) * PANEL] = (float)((double)row[column * m->taps + tap] * scale);
            }
        }
    }
}

void convert_pack_panels(const convert_matrix *m, float *out)
{
    for (size_t from = 0; from < m->rows; from += PANEL) {
        pack_panel(m, from, out);
        out += m->taps * m->count * PANEL;
    }
}

/* Row `row` of the wanted columns. */
static const float *row_of(const convert_matrix *m, size_t row)
{
    return m->values + row * m->columns + m->first;
}

/* What an integer is worth in a row w [count]. */
static float scale_of(const float *w, size_t count)
{
    float most = 0;
    for (size_t i = 0; i < count; i++) most = fabsf(w[i]) > most ? fabsf(w[i]) : most;
    return most / CAPW_PAIRS_MOST;
}

static int16_t quantised(float w, float scale)
{
    const double q = scale > 0 ? rint((double)w / (double)scale) : 0;
    return (int16_t)(q > CAPW_PAIRS_MOST ? CAPW_PAIRS_MOST : q < -CAPW_PAIRS_MOST ? -CAPW_PAIRS_MOST : q);
}

void convert_pack_scales(const convert_matrix *m, float *out)
{
    for (size_t row = 0; row < m->rows; row++) out[row] = scale_of(row_of(m, row), m->count);
}

void convert_pack_pairs(const convert_matrix *m, int16_t *out)
{
    const size_t pairs = (m->count + 1) / 2, panels = (m->rows + PANEL - 1) / PANEL;
    memset(out, 0, panels * pairs * PANEL * 2 * sizeof *out);
    for (size_t row = 0; row < m->rows; row++) {
        const float *w = row_of(m, row), scale = scale_of(w, m->count);
        int16_t *to = out + (row / PANEL * pairs * PANEL + row % PANEL) * 2;
        for (size_t column = 0; column < m->count; column++) {
            to[column / 2 * PANEL * 2 + column % 2] = quantised(w[column], scale);
        }
    }
}

void convert_pack_bounds(const convert_matrix *m, float *out)
{
    const double safety = 1.001; /* covers the rounding of these sums themselves and of the result to float */
    double error = 0, length = 0;
    for (size_t row = 0; row < m->rows; row++) {
        const float *w = row_of(m, row), scale = scale_of(w, m->count);
        double moved = 0, rounded = 0, exact = 0; /* squares of |w' - w|, |w'| and |w| */
        for (size_t column = 0; column < m->count; column++) {
            const double near = (double)quantised(w[column], scale) * (double)scale;
            const double off = near - (double)w[column];
            moved += off * off;
            rounded += near * near;
            exact += (double)w[column] * (double)w[column];
        }
        const double most = sqrt(moved) + 2 * (double)(m->count + 4) * ldexp(sqrt(exact), -24);
        if (!(most <= error)) error = most; /* NaN stays */
        if (!(sqrt(rounded) <= length)) length = sqrt(rounded);
    }
    out[0] = (float)(error * safety);
    out[1] = (float)(length * safety);
}

/* ---- int8 ---- */

static double weight_of(const convert_panels *p, size_t row, size_t tap, size_t column)
{
    const size_t at = ((row / PANEL * p->taps + tap) * p->columns + column) * PANEL + row % PANEL;
    return (double)p->values[at] * (p->factors ? p->factors[column] : 1.0);
}

void convert_pack_steps(const convert_panels *p, double *steps)
{
    for (size_t row = 0; row < p->rows; row++) {
        double most = 0;
        for (size_t tap = 0; tap < p->taps; tap++) {
            for (size_t column = 0; column < p->columns; column++) {
                const double w = fabs(weight_of(p, row, tap, column));
                if (w > most) most = w;
            }
        }
        steps[row] = most > 0 ? most / MOST_INT8 : 1;
    }
}

void convert_pack_quads(const convert_panels *p, const double *steps, int8_t *out)
{
    const size_t quads = (p->columns + QUAD - 1) / QUAD, panels = (p->rows + PANEL - 1) / PANEL;
    memset(out, 0, panels * p->taps * quads * PANEL * QUAD);
    for (size_t row = 0; row < p->rows; row++) {
        for (size_t tap = 0; tap < p->taps; tap++) {
            int8_t *to =
                out + ((row / PANEL * p->taps + tap) * quads * PANEL + row % PANEL) * QUAD; /* quad 0 */
            for (size_t column = 0; column < p->columns; column++) {
                const double q = rint(weight_of(p, row, tap, column) / steps[row]);
                const double near = q > MOST_INT8 ? MOST_INT8 : q < -MOST_INT8 ? -MOST_INT8 : q;
                to[column / QUAD * PANEL * QUAD + column % QUAD] = (int8_t)near;
            }
        }
    }
}

/* ---- Winograd ---- */

/* The matrices G of the two algorithms (Lavin and Gray 2016).  F(2x2, 3x3) interpolates at 0, 1, -1 and
 * infinity, F(4x4, 3x3) at 0, 1, -1, 2, -2 and infinity. */
static const double small_tile[4][3] = {
    {1, 0, 0}, {1.0 / 2, 1.0 / 2, 1.0 / 2}, {1.0 / 2, -1.0 / 2, 1.0 / 2}, {0, 0, 1}};
static const double large_tile[MAX_SIDE][3] = {
    {1.0 / 4, 0, 0},
    {-1.0 / 6, -1.0 / 6, -1.0 / 6},
    {-1.0 / 6, 1.0 / 6, -1.0 / 6},
    {1.0 / 24, 1.0 / 12, 1.0 / 6},
    {1.0 / 24, -1.0 / 12, 1.0 / 6},
    {0, 0, 1},
};

/* out[lane] = row . (a, b, c)[lane]; row is one of G */
static void combine(const double *row, const double *a, const double *b, const double *c, double *out)
{
    for (size_t lane = 0; lane < PANEL; lane++) {
        out[lane] = row[0] * a[lane] + row[1] * b[lane] + row[2] * c[lane];
    }
}

/* U = G g G^T for 16 filters at once: g [9, 16] -> u [side * side, 16] */
static void transform_filters(double g[9][PANEL], size_t side, double u[MAX_PLANES][PANEL])
{
    const double(*transform)[3] = side == 4 ? small_tile : large_tile;
    double half[MAX_SIDE * 3][PANEL]; /* G g: [side, 3] */
    for (size_t i = 0; i < side; i++) {
        for (size_t j = 0; j < 3; j++) combine(transform[i], g[j], g[3 + j], g[6 + j], half[i * 3 + j]);
    }
    for (size_t i = 0; i < side; i++) {
        for (size_t j = 0; j < side; j++) {
            combine(transform[j], half[i * 3], half[i * 3 + 1], half[i * 3 + 2], u[i * side + j]);
        }
    }
}

void convert_pack_winograd(const convert_matrix *m, size_t side, float *out)
{
    const size_t panels = (m->rows + PANEL - 1) / PANEL, plane = panels * m->columns * PANEL;
    for (size_t from = 0; from < m->rows; from += PANEL) {
        const size_t lanes = smaller(PANEL, m->rows - from);
        double g[9][PANEL];
        memset(g, 0, sizeof g);
        for (size_t column = 0; column < m->columns; column++) {
            for (size_t lane = 0; lane < lanes; lane++) {
                const float *filter = m->values + ((from + lane) * m->columns + column) * 9;
                const double scale = m->scale ? m->scale[from + lane] : 1.0;
                for (size_t i = 0; i < 9; i++) g[i][lane] = (double)filter[i] * scale;
            }
            double u[MAX_PLANES][PANEL];
            transform_filters(g, side, u);
            for (size_t i = 0; i < side * side; i++) {
                for (size_t lane = 0; lane < PANEL; lane++) out[i * plane + lane] = (float)u[i][lane];
            }
            out += PANEL;
        }
    }
}
