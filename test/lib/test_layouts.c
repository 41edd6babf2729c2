/* Tests that a model file's second copies of weights change speed only: files without Winograd copies, with
 * those that capconvert writes, and with F(4x4, 3x3) in every stage, as older files have, are the same model.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/fixture.h"

enum { FEATURES = 49 * 64 };

/* The features of one image [49, 64], and the layout of `tensor`, or "". */
static uint64_t encode(int winograd, const char *tensor, const char **layout, float features[FEATURES])
{
    const caption_pixel_view view = fixture_pixels(3);
    caption_session_options options;
    caption_session *session = NULL;
    caption_model_info info;
    caption_tensor_info found;
    make_model_options make;
    fixture fix;

    make_model_defaults(&make);
    make.winograd = winograd;
    assert_true(fixture_open(&fix, &make));
    caption_session_options_init(&options);
    options.conv = CAPTION_CONV_WINOGRAD;
    assert_int_equal(caption_session_create(&session, fix.model, &options, NULL), CAPTION_OK);
    assert_int_equal(caption_load_pixels(session, 0, &view, NULL), CAPTION_OK);
    assert_int_equal(caption_encode(session, 1, NULL, NULL), CAPTION_OK);
    memcpy(features, caption_slot_features(session, 0), FEATURES * sizeof *features);
    *layout = "";
    caption_model_get_info(fix.model, &info);
    for (int i = 0; i < info.tensor_count; i++) {
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_model)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
