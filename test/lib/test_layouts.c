/* Tests of the table of layouts against values worked out by hand, and that a model file's second copies of
 * weights change speed only: files without Winograd copies, with those that capconvert writes, and with
 * F(4x4, 3x3) in every stage, as older files have, are the same model. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/format/resnet50.h"
#include "lib/layers/matrix.h"
#include "test/fixture.h"

/* ---- the table ---- */

static void names(void **state)
{
    static const char *const layouts[] = {"rows", "panels", "winograd", "pairs", "winograd2", "quads"};
    static const char *const types[] = {"float32", "float16", "bfloat16", "int8", "int16", "uint8"};
    static const size_t bytes[] = {4, 2, 2, 1, 2, 1};
    (void)state;
    for (uint32_t i = 0; i < 6; i++) {
        assert_string_equal(cpt_layout_find(i)->name, layouts[i]);
        assert_string_equal(cpt_dtype_name(i), types[i]);
        assert_int_equal(cpt_dtype_bytes(i), bytes[i]);
    }
    for (uint32_t i = 6; i > 0; i *= 2) { /* up to 2^31 and its neighbours */
        assert_null(cpt_layout_find(i));
        assert_null(cpt_dtype_name(i));
        assert_int_equal(cpt_dtype_bytes(i), 0);
        assert_int_equal(cpt_layout_winograd_outputs(i), 0);
    }
    assert_null(cpt_layout_find(UINT32_MAX));
    assert_int_equal(cpt_layout_winograd_outputs(CAPW_WINOGRAD), 4);
    assert_int_equal(cpt_layout_winograd_outputs(CAPW_WINOGRAD2), 2);
    assert_int_equal(cpt_layout_winograd_outputs(CAPW_PANELS), 0);
}

static capw_tensor record_of(capw_dtype dtype, capw_layout layout, uint32_t rank, const uint32_t dims[4])
{
    capw_tensor t = {.dtype = (uint32_t)dtype, .layout = (uint32_t)layout, .rank = rank};
    memcpy(t.dims, dims, sizeof t.dims);
    return t;
}

static void stored_sizes(void **state)
{
    static const struct {
        capw_dtype dtype;
        capw_layout layout;
        uint32_t rank, dims[4];
        uint64_t bytes;
    } table[] = {
        {CAPW_FLOAT32, CAPW_ROWS, 1, {7}, 7 * 4},
        {CAPW_FLOAT32, CAPW_ROWS, 4, {2, 3, 5, 7}, 210 * 4},
        {CAPW_FLOAT32, CAPW_PANELS, 2, {16, 5}, 16 * 5 * 4},
        {CAPW_FLOAT32, CAPW_PANELS, 2, {17, 5}, 32 * 5 * 4},
        {CAPW_FLOAT32, CAPW_PANELS, 4, {1, 7, 7, 3}, 16 * 147 * 4},
        {CAPW_FLOAT32, CAPW_WINOGRAD, 4, {33, 3, 3, 10}, 36 * 48 * 10 * 4},
        {CAPW_FLOAT32, CAPW_WINOGRAD2, 4, {33, 3, 3, 10}, 16 * 48 * 10 * 4},
        {CAPW_INT16, CAPW_PAIRS, 2, {10111, 1024}, (uint64_t)10112 * 1024 * 2},
        {CAPW_INT16, CAPW_PAIRS, 2, {3, 7}, 16 * 8 * 2},
        {CAPW_INT8, CAPW_QUADS, 2, {17, 5}, 32 * 8},
        {CAPW_INT8, CAPW_QUADS, 4, {64, 7, 7, 3}, 64 * 49 * 4},
        {CAPW_UINT8, CAPW_ROWS, 2, {11, 7}, 77},
        {CAPW_FLOAT32, CAPW_ROWS, 2, {1u << 26, 1u << 26}, UINT64_C(1) << 54},
        /* the next would be 2^64 */
        {CAPW_FLOAT32, CAPW_ROWS, 3, {1u << 26, 1u << 26, 1u << 10}, 0},
        {CAPW_FLOAT32, CAPW_PANELS, 4, {1u << 26, 1u << 26, 1u << 26, 1u << 26}, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const capw_tensor t = record_of(table[i].dtype, table[i].layout, table[i].rank, table[i].dims);
        assert_null(cpt_layout_problem(&t));
        if (cpt_layout_bytes(&t) != table[i].bytes) {
            fail_msg("row %zu: %llu bytes", i, (unsigned long long)cpt_layout_bytes(&t));
        }
    }
}

/* Element type and layout are two things: of the 36 combinations just these exist. */
static bool goes_together(uint32_t dtype, uint32_t layout)
{
    switch (layout) {
    case CAPW_ROWS:
        return dtype == CAPW_FLOAT32 || dtype == CAPW_UINT8;
    case CAPW_PAIRS:
        return dtype == CAPW_INT16;
    case CAPW_QUADS:
        return dtype == CAPW_INT8 || dtype == CAPW_UINT8;
    default:
        return layout < CAPW_QUADS && dtype == CAPW_FLOAT32;
    }
}

static void combinations(void **state)
{
    static const uint32_t dims[4] = {16, 3, 3, 4};
    (void)state;
    for (uint32_t dtype = 0; dtype < 7; dtype++) {
        for (uint32_t layout = 0; layout < 7; layout++) {
            const bool exists = goes_together(dtype, layout);
            capw_tensor t = record_of((capw_dtype)dtype, (capw_layout)layout, 4, dims);
            if (layout == CAPW_PAIRS) {
                t.rank = 2;
                t.dims[2] = t.dims[3] = 0;
            }
            assert_int_equal(cpt_layout_problem(&t) == NULL, exists);
            assert_int_equal(cpt_layout_bytes(&t) != 0, exists);
        }
    }
}

static void bad_shapes(void **state)
{
    static const struct {
        capw_layout layout;
        uint32_t rank, dims[4];
    } table[] = {
        {CAPW_ROWS, 0, {0}},
        {CAPW_ROWS, 5, {1, 1, 1, 1}},
        {CAPW_ROWS, UINT32_MAX, {1, 1, 1, 1}},
        {CAPW_ROWS, 2, {3, 0}},
        {CAPW_ROWS, 2, {3, 4, 5}},
        {CAPW_ROWS, 1, {(1u << 26) + 1}},
        {CAPW_PANELS, 1, {16}},
        {CAPW_WINOGRAD, 2, {16, 3}},
        {CAPW_WINOGRAD, 4, {16, 3, 1, 4}},
        {CAPW_WINOGRAD, 4, {16, 1, 3, 4}},
        {CAPW_WINOGRAD2, 4, {16, 4, 4, 4}},
        {CAPW_PAIRS, 1, {16}},
        {CAPW_PAIRS, 3, {16, 3, 3}},
        {CAPW_QUADS, 1, {16}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const capw_dtype dtype = table[i].layout == CAPW_PAIRS   ? CAPW_INT16
                                 : table[i].layout == CAPW_QUADS ? CAPW_INT8
                                                                 : CAPW_FLOAT32;
        const capw_tensor t = record_of(dtype, table[i].layout, table[i].rank, table[i].dims);
        if (!cpt_layout_problem(&t)) fail_msg("row %zu passes", i);
        assert_int_equal(cpt_layout_bytes(&t), 0);
    }
}

/* ResNet-50: 16 blocks, 53 convolutions; strides 1, 2, 2, 2; the 13 3x3 of stride 1 have Winograd copies. */
static void network(void **state)
{
    static const int blocks[] = {3, 4, 6, 3};
    int copies[5] = {0};
    (void)state;
    for (int stage = 1; stage <= CPT_RESNET50_STAGES; stage++) {
        assert_int_equal(cpt_resnet50_stage_at(stage)->blocks, blocks[stage - 1]);
        for (int block = 0; block < blocks[stage - 1]; block++) {
            assert_int_equal(cpt_resnet50_stride(stage, block), stage > 1 && block == 0 ? 2 : 1);
            copies[cpt_resnet50_winograd(stage, block)]++;
        }
    }
    assert_int_equal(CPT_RESNET50_CONVOLUTIONS, 53);
    assert_int_equal(copies[CAPW_ROWS], 3); /* none */
    assert_int_equal(copies[CAPW_WINOGRAD], 11);
    assert_int_equal(copies[CAPW_WINOGRAD2], 2);
}

/* ---- binding ---- */

static void matrices(void **state)
{
    make_model_options make;
    make_model_defaults(&make);
    make.coarse = true;
    make.winograd = 1;
    size_t size;
    unsigned char *data = make_model(&make, &size);
    (void)state;
    assert_non_null(data);
    cpt_weights w;
    caption_error error;
    assert_int_equal(cpt_weights_open(&w, data, size, &error), CAPTION_OK);

    const cpt_matrix_spec fc = {.form = CPT_MATRIX_WEIGHT, .in = 12, .has_bias = true};
    cpt_matrix m;
    assert_int_equal(cpt_matrix_bind(&m, &w, "fc", &fc, &error), CAPTION_OK);
    assert_int_equal(m.dtype, CAPW_FLOAT32);
    assert_int_equal(m.layout, CAPW_PANELS);
    assert_int_equal(m.out, 37);
    assert_int_equal(m.taps, 1);
    assert_int_equal(m.in, 12);
    assert_ptr_equal(m.weight, data + make_model_find(data, "fc.weight")->offset);
    assert_ptr_equal(m.bias, data + make_model_find(data, "fc.bias")->offset);
    assert_null(m.scale);

    const cpt_matrix_spec pairs = {.form = CPT_MATRIX_PAIRS, .out = 37, .in = 12};
    assert_int_equal(cpt_matrix_bind(&m, &w, "fc", &pairs, &error), CAPTION_OK);
    assert_int_equal(m.dtype, CAPW_INT16);
    assert_int_equal(m.layout, CAPW_PAIRS);
    assert_ptr_equal(m.pairs, data + make_model_find(data, "fc.screen")->offset);
    assert_ptr_equal(m.scale, data + make_model_find(data, "fc.screen_scale")->offset);
    assert_null(m.bias);

    cpt_matrix_spec copy = {.form = CPT_MATRIX_WINOGRAD, .kernel = 3, .optional = true};
    assert_int_equal(cpt_matrix_bind(&m, &w, "encoder.layer1.0.conv2", &copy, &error), CAPTION_OK);
    assert_int_equal(m.layout, CAPW_WINOGRAD);
    assert_int_equal(m.taps, 9);
    assert_int_equal(m.in, 2);
    assert_int_equal(cpt_matrix_bind(&m, &w, "encoder.layer4.1.conv2", &copy, &error), CAPTION_OK);
    assert_int_equal(m.layout, CAPW_WINOGRAD2);
    assert_int_equal(cpt_matrix_bind(&m, &w, "encoder.layer2.0.conv2", &copy, &error), CAPTION_OK);
    assert_null(m.weight); /* stride 2: no copy, and none is needed */
    copy.optional = false;
    assert_int_equal(cpt_matrix_bind(&m, &w, "encoder.layer2.0.conv2", &copy, &error), CAPTION_ERROR_MODEL);
    assert_non_null(strstr(error.message, "encoder.layer2.0.conv2.winograd"));

    const cpt_matrix_spec wrong = {.form = CPT_MATRIX_WEIGHT, .in = 13};
    assert_int_equal(cpt_matrix_bind(&m, &w, "fc", &wrong, &error), CAPTION_ERROR_MODEL);
    assert_non_null(strstr(error.message, "fc.weight"));
    free(data);
}

/* What is asked for counts, not what the layout would suggest. */
static void element_types(void **state)
{
    make_model_options make;
    cpt_shape shape = {.rank = 2};
    make_model_defaults(&make);
    make.coarse = true;
    size_t size;
    unsigned char *data = make_model(&make, &size);
    (void)state;
    assert_non_null(data);
    cpt_weights w;
    caption_error error;
    assert_int_equal(cpt_weights_open(&w, data, size, &error), CAPTION_OK);
    assert_non_null(cpt_weights_bind(&w, "fc.screen", CAPW_INT16, CAPW_PAIRS, &shape, &error));
    assert_int_equal(shape.dims[0], 37);
    assert_int_equal(shape.dims[1], 12);
    assert_null(cpt_weights_bind(&w, "fc.screen", CAPW_FLOAT32, CAPW_PAIRS, &shape, &error));
    assert_non_null(strstr(error.message, "int16 pairs, not as float32 pairs"));
    assert_null(cpt_weights_bind(&w, "fc.weight", CAPW_INT8, CAPW_PANELS, &shape, &error));
    assert_non_null(strstr(error.message, "float32 panels, not as int8 panels"));
    free(data);
}

/* ---- second copies ---- */

enum { FEATURES = 49 * 64 };

/* The features of one image [49, 64], and the layout of `tensor`, or "". */
static uint64_t encode(int winograd, const char *tensor, const char **layout, float features[FEATURES])
{
    const caption_pixel_view view = fixture_pixels(3);
    caption_session *session = NULL;
    make_model_options make;
    make_model_defaults(&make);
    make.winograd = winograd;
    fixture fix;
    assert_true(fixture_open(&fix, &make));
    caption_session_options options;
    caption_session_options_init(&options);
    options.conv = CAPTION_CONV_WINOGRAD;
    assert_int_equal(caption_session_create(&session, fix.model, &options, NULL), CAPTION_OK);
    assert_int_equal(caption_load_pixels(session, 0, &view, NULL), CAPTION_OK);
    assert_int_equal(caption_encode(session, 1, NULL, NULL), CAPTION_OK);
    memcpy(features, caption_slot_features(session, 0), FEATURES * sizeof *features);
    *layout = "";
    caption_model_info info;
    caption_model_get_info(fix.model, &info);
    for (int i = 0; i < info.tensor_count; i++) {
        caption_tensor_info found;
        assert_int_equal(caption_model_tensor(fix.model, i, &found), CAPTION_OK);
        if (strcmp(found.name, tensor) == 0) *layout = found.layout;
    }
    caption_session_close(&session);
    fixture_close(&fix);
    return info.parameters;
}

static void same_model(void **state)
{
    static const char *const names[] = {"encoder.layer2.1.conv2.winograd", "encoder.layer3.1.conv2.winograd",
                                        "encoder.layer4.2.conv2.winograd"};
    static const char *const layouts[3][3] = {
        {"", "", ""}, {"winograd", "winograd", "winograd2"}, {"winograd", "winograd", "winograd"}};
    static float plain[FEATURES], other[FEATURES];
    double most = 0;
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        for (int n = 0; n < 3; n++) {
            const char *layout, *none;
            uint64_t parameters = encode(0, "", &none, plain);
            assert_true(encode(kind, names[n], &layout, other) == parameters);
            assert_string_equal(layout, layouts[kind][n]);
        }
        for (int i = 0; i < FEATURES; i++) most = fmax(most, fabs((double)plain[i]));
        assert_true(most > 0);
        for (int i = 0; i < FEATURES; i++) {
            assert_true(fabs((double)plain[i] - (double)other[i]) <= 1e-4 * most);
        }
        if (kind > 0) assert_memory_not_equal(plain, other, sizeof plain); /* it was used */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),         cmocka_unit_test(stored_sizes), cmocka_unit_test(combinations),
        cmocka_unit_test(bad_shapes),    cmocka_unit_test(network),      cmocka_unit_test(matrices),
        cmocka_unit_test(element_types), cmocka_unit_test(same_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
