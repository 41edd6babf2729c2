/* Layouts of a model file; see pack.h.  Called by convert.c. */
#include "tools/convert/pack.h"

#include <capw.h>
#include <math.h>
#include <string.h>

enum { PANEL = CAPW_PANEL, MOST_PLANES = 36 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One panel; `from` is its first row. */
static void pack_panel(const convert_matrix *m, size_t from, float *out)
{
    const size_t lanes = smaller(PANEL, m->rows - from);
    size_t lane, column, tap;
    if (lanes < PANEL) memset(out, 0, m->taps * m->count * PANEL * sizeof *out);
    for (lane = 0; lane < lanes; lane++) {
        const float *row = m->values + ((from + lane) * m->columns + m->first) * m->taps;
        const double scale = m->scale ? m->scale[from + lane] : 1.0;
        float *to = out + lane;
        for (column = 0; column < m->count; column++) {
            for (tap = 0; tap < m->taps; tap++) {
                to[(tap * m->count + column) * PANEL] = (float)((double)row[column * m->taps + tap] * scale);
            }
        }
    }
}

void convert_pack_panels(const convert_matrix *m, float *out)
{
    size_t from;
    for (from = 0; from < m->rows; from += PANEL) {
        pack_panel(m, from, out);
        out += m->taps * m->count * PANEL;
    }
}

/* Row `row` of the wanted columns. */
static const float *row_of(const convert_matrix *m, size_t row)
{
    return m->values + row * m->columns + m->first;
}

static float scale_of(const float *w, size_t count)
{
    float most = 0;
    size_t i;
    for (i = 0; i < count; i++) most = fabsf(w[i]) > most ? fabsf(w[i]) : most;
    return most / CAPW_PAIRS_MOST;
}

static int16_t quantised(float w, float scale)
{
    const double q = scale > 0 ? rint((double)w / (double)scale) : 0;
    return (int16_t)(q > CAPW_PAIRS_MOST ? CAPW_PAIRS_MOST : q < -CAPW_PAIRS_MOST ? -CAPW_PAIRS_MOST : q);
}

void convert_pack_scales(const convert_matrix *m, float *out)
{
    size_t row;
    for (row = 0; row < m->rows; row++) out[row] = scale_of(row_of(m, row), m->count);
}

void convert_pack_pairs(const convert_matrix *m, int16_t *out)
{
    const size_t pairs = (m->count + 1) / 2, panels = (m->rows + PANEL - 1) / PANEL;
    size_t row, column;
    memset(out, 0, panels * pairs * PANEL * 2 * sizeof *out);
    for (row = 0; row < m->rows; row++) {
        const float *w = row_of(m, row), scale = scale_of(w, m->count);
        int16_t *to = out + (row / PANEL * pairs * PANEL + row % PANEL) * 2;
        for (column = 0; column < m->count; column++) {
            to[column / 2 * PANEL * 2 + column % 2] = quantised(w[column], scale);
        }
    }
}

void convert_pack_bounds(const convert_matrix *m, float *out)
{
    double error = 0, length = 0;
    size_t row, column;
    for (row = 0; row < m->rows; row++) {
        const float *w = row_of(m, row), scale = scale_of(w, m->count);
        double moved = 0, size = 0, whole = 0, most;
        for (column = 0; column < m->count; column++) {
            const double rounded = (double)quantised(w[column], scale) * (double)scale;
            const double rounding = rounded - (double)w[column];
            moved += rounding * rounding;
            size += rounded * rounded;
            whole += (double)w[column] * (double)w[column];
        }
        most = sqrt(moved) + 2 * (double)(m->count + 4) * ldexp(sqrt(whole), -24);
        if (!(most <= error)) error = most;
        if (!(sqrt(size) <= length)) length = sqrt(size);
    }
    out[0] = (float)(error * 1.001); /* never rounded down */
    out[1] = (float)(length * 1.001);
}

/* The rows of G: interpolation points 0, 1, -1 and infinity; 0, 1, -1, 2, -2 and infinity. */
static const double small_tile[4][3] = {
    {1, 0, 0}, {1.0 / 2, 1.0 / 2, 1.0 / 2}, {1.0 / 2, -1.0 / 2, 1.0 / 2}, {0, 0, 1}};
static const double large_tile[6][3] = {
    {1.0 / 4, 0, 0},
    {-1.0 / 6, -1.0 / 6, -1.0 / 6},
    {-1.0 / 6, 1.0 / 6, -1.0 / 6},
    {1.0 / 24, 1.0 / 12, 1.0 / 6},
    {1.0 / 24, -1.0 / 12, 1.0 / 6},
    {0, 0, 1},
};

/* out[lane] = G row . (a, b, c)[lane] */
static void combine(const double *row, const double *a, const double *b, const double *c, double *out)
{
    size_t lane;
    for (lane = 0; lane < PANEL; lane++) out[lane] = row[0] * a[lane] + row[1] * b[lane] + row[2] * c[lane];
}

/* g: [9, 16] -> U: [side * side, 16] */
static void transform_filters(double g[9][PANEL], size_t side, double u[MOST_PLANES][PANEL])
{
    const double(*transform)[3] = side == 4 ? small_tile : large_tile;
    double half[18][PANEL]; /* G g: [side, 3] */
    size_t i, j;
    for (i = 0; i < side; i++) {
        for (j = 0; j < 3; j++) combine(transform[i], g[j], g[3 + j], g[6 + j], half[i * 3 + j]);
    }
    for (i = 0; i < side; i++) {
        for (j = 0; j < side; j++) {
            combine(transform[j], half[i * 3], half[i * 3 + 1], half[i * 3 + 2], u[i * side + j]);
        }
    }
}

void convert_pack_winograd(const convert_matrix *m, size_t side, float *out)
{
    const size_t panels = (m->rows + PANEL - 1) / PANEL, plane = panels * m->columns * PANEL;
    double g[9][PANEL], u[MOST_PLANES][PANEL];
    size_t from, column, lane, i;
    for (from = 0; from < m->rows; from += PANEL) {
        const size_t lanes = smaller(PANEL, m->rows - from);
        memset(g, 0, sizeof g);
        for (column = 0; column < m->columns; column++) {
            for (lane = 0; lane < lanes; lane++) {
                const float *filter = m->values + ((from + lane) * m->columns + column) * 9;
                const double scale = m->scale ? m->scale[from + lane] : 1.0;
                for (i = 0; i < 9; i++) g[i][lane] = (double)filter[i] * scale;
            }
            transform_filters(g, side, u);
            for (i = 0; i < side * side; i++) {
                for (lane = 0; lane < PANEL; lane++) out[i * plane + lane] = (float)u[i][lane];
            }
            out += PANEL;
        }
    }
}
