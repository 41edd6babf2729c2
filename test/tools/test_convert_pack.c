/* Tests of tools/convert/pack: where every weight goes, and that the Winograd copies compute a convolution.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/convert/pack.h"

/* A weight whose value tells where it came from: row, column, tap. */
static float tag(size_t row, size_t column, size_t tap)
{
    return (float)(row * 10000 + column * 100 + tap + 1);
}

static void panels(void **state)
{
    enum { ROWS = 21, COLUMNS = 7, TAPS = 9, FIRST = 2, COUNT = 4 };
    static float in[ROWS * COLUMNS * TAPS], out[2 * TAPS * COUNT * 16];
    double scale[ROWS];
    const convert_matrix m = {.values = in,
                              .rows = ROWS,
                              .columns = COLUMNS,
                              .taps = TAPS,
                              .first = FIRST,
                              .count = COUNT,
                              .scale = scale};
    (void)state;
    for (size_t row = 0; row < ROWS; row++) {
        scale[row] = row == 20 ? -0.5 : 2.0;
        for (size_t column = 0; column < COLUMNS; column++) {
            for (size_t tap = 0; tap < TAPS; tap++) {
                in[(row * COLUMNS + column) * TAPS + tap] = tag(row, column, tap);
            }
        }
    }
    memset(out, 0xFF, sizeof out);
    convert_pack_panels(&m, out);
    for (size_t row = 0; row < 32; row++) {
        for (size_t column = 0; column < COUNT; column++) {
            for (size_t tap = 0; tap < TAPS; tap++) {
                const float got = out[((row / 16 * TAPS + tap) * COUNT + column) * 16 + row % 16];
                const float wanted =
                    row >= ROWS ? 0 : tag(row, column + FIRST, tap) * (row == 20 ? -0.5f : 2.0f);
                assert_true(got == wanted);
            }
        }
    }
}

static void panels_unscaled(void **state)
{
    static float in[16 * 3], out[16 * 3];
    const convert_matrix m = {.values = in, .rows = 16, .columns = 3, .taps = 1, .count = 3};
    (void)state;
    for (size_t i = 0; i < 48; i++) in[i] = 1.0f / (float)(i + 3);
    convert_pack_panels(&m, out);
    for (size_t i = 0; i < 48; i++) assert_true(out[i % 3 * 16 + i / 3] == in[i]);
}

/* Rows of known largest weights; an odd number of columns; error bounds worked out by hand. */
static void pairs(void **state)
{
    enum { ROWS = 18, COLUMNS = 6, FIRST = 1, COUNT = 5 };
    static float in[ROWS * COLUMNS], scales[ROWS], bounds[2];
    static int16_t out[2 * 3 * 16 * 2];
    const convert_matrix m = {
        .values = in, .rows = ROWS, .columns = COLUMNS, .taps = 1, .first = FIRST, .count = COUNT};
    (void)state;
    for (size_t row = 0; row < ROWS; row++) {
        in[row * COLUMNS] = 99.0f; /* not wanted */
        for (size_t column = 0; column < COUNT; column++) {
            in[row * COLUMNS + FIRST + column] = (float)((int)(row * 7 + column * 3) % 11 - 5) * 0.25f;
        }
        in[row * COLUMNS + FIRST + row % COUNT] = row % 2 ? -16383.0f / 16 : 16383.0f / 16;
    }
    for (size_t column = 0; column < COLUMNS; column++) in[17 * COLUMNS + column] = 0; /* a row of nothing */
    memset(out, 0x55, sizeof out);
    convert_pack_scales(&m, scales);
    convert_pack_pairs(&m, out);
    for (size_t row = 0; row < 32; row++) {
        for (size_t column = 0; column < 6; column++) {
            const int16_t got = out[((row / 16 * 3 + column / 2) * 16 + row % 16) * 2 + column % 2];
            const bool exists = row < 17 && column < COUNT;
            /* every weight is a multiple of 1/16 */
            assert_int_equal(got, exists ? (int)(in[row * COLUMNS + FIRST + column] * 16) : 0);
        }
    }
    for (size_t row = 0; row < ROWS; row++) assert_true(scales[row] == (row == 17 ? 0 : 0.0625f));
    /* Nothing was rounded.  What is left is 2 x (5 + 4) x 2^-24 of the longest row, whose length is a little
     * more than 1023.9. */
    convert_pack_bounds(&m, bounds);
    assert_true(bounds[0] > 18 * 0x1p-24f * 1023.9f && bounds[0] < 18 * 0x1p-24f * 1030.0f);
    assert_true(bounds[1] > 1023.9f && bounds[1] < 1030.0f);
    in[3 * COLUMNS + FIRST] += 0.03125f; /* half a scale */
    convert_pack_bounds(&m, bounds);
    assert_true(bounds[0] > 0.03125f && bounds[0] < 0.0326f);
}

/* The two other matrices of F(2x2, 3x3), points 0, 1, -1, infinity, and of F(4x4, 3x3), also 2 and -2. */
static const double to_tile2[4 * 4] = {1, 0, -1, 0, 0, 1, 1, 0, 0, -1, 1, 0, 0, 1, 0, -1};
static const double to_output2[2 * 4] = {1, 1, 1, 0, 0, 1, -1, -1};
static const double to_tile4[6 * 6] = {4, 0,  -5, 0, 1, 0, 0, -4, -4, 1,  1, 0, 0, 4, -4, -1, 1, 0,
                                       0, -2, -1, 2, 1, 0, 0, 2,  -1, -2, 1, 0, 0, 4, 0,  -5, 0, 1};
static const double to_output4[4 * 6] = {1, 1, 1, 1, 1, 0, 0, 1, -1, 2, -2, 0,
                                         0, 1, 1, 4, 4, 0, 0, 1, -1, 8, -8, 1};

/* Output r, c of the filter whose transform is u [side, side], at the tile x [side, side]: the sum of the
 * products of the transformed tile and filter. */
static double winograd_output(size_t side, const double *x, const float *u, size_t r, size_t c)
{
    const double *to_tile = side == 4 ? to_tile2 : to_tile4, *to_output = side == 4 ? to_output2 : to_output4;
    double y = 0;
    for (size_t i = 0; i < side; i++) {
        for (size_t j = 0; j < side; j++) {
            double v = 0;
            for (size_t a = 0; a < side; a++) {
                for (size_t b = 0; b < side; b++) {
                    v += to_tile[i * side + a] * x[a * side + b] * to_tile[j * side + b];
                }
            }
            y += to_output[r * side + i] * v * (double)u[i * side + j] * to_output[c * side + j];
        }
    }
    return y;
}

static void check_winograd(size_t side)
{
    enum { ROWS = 18, COLUMNS = 2 };
    static float in[ROWS * COLUMNS * 9], out[36 * 2 * COLUMNS * 16];
    double scale[ROWS];
    const convert_matrix m = {
        .values = in, .rows = ROWS, .columns = COLUMNS, .taps = 9, .count = COLUMNS, .scale = scale};
    srand(5);
    for (size_t i = 0; i < ROWS * COLUMNS * 9; i++) in[i] = (float)rand() / (float)RAND_MAX - 0.5f;
    for (size_t i = 0; i < ROWS; i++) scale[i] = 0.5 + (double)i / 7;
    double x[36];
    for (size_t i = 0; i < 36; i++) x[i] = (double)rand() / RAND_MAX - 0.5;
    convert_pack_winograd(&m, side, out);
    for (size_t row = 0; row < 32; row++) {
        for (size_t column = 0; column < COLUMNS; column++) {
            const float *g = row < ROWS ? in + (row * COLUMNS + column) * 9 : NULL;
            float u[36];
            for (size_t i = 0; i < side * side; i++) {
                u[i] = out[((i * 2 + row / 16) * COLUMNS + column) * 16 + row % 16];
                if (row >= ROWS) assert_true(u[i] == 0);
            }
            for (size_t i = 0; i < (side - 2) * (side - 2) && row < ROWS; i++) {
                const size_t r = i / (side - 2), c = i % (side - 2);
                double direct = 0;
                for (size_t k = 0; k < 9; k++) {
                    direct += (double)g[k] * scale[row] * x[(r + k / 3) * side + c + k % 3];
                }
                assert_true(fabs(direct - winograd_output(side, x, u, r, c)) < 1e-5);
            }
        }
    }
}

static void winograd_convolves(void **state)
{
    (void)state;
    check_winograd(4);
    check_winograd(6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panels),
        cmocka_unit_test(panels_unscaled),
        cmocka_unit_test(pairs),
        cmocka_unit_test(winograd_convolves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
