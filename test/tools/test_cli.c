/* Tests of the tools' shared modules: numbers and names of options, lists of images, JSON texts, medians. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/common/images.h"
#include "tools/common/json.h"
#include "tools/common/options.h"

static void whole_numbers(void **state)
{
    static const char *const bad[] = {
        "", " 3", "3 ", "3x", "0x3", "1.5", "-", "+", "--3", "9", "-1", "1e1", "99999999999999999999"};
    int value = 7;
    size_t i;

    (void)state;
    assert_true(tool_parse_int(&value, "--n", "0", 0, 8, NULL) && value == 0);
    assert_true(tool_parse_int(&value, "--n", "+8", 0, 8, NULL) && value == 8);
    assert_true(tool_parse_int(&value, "--n", "-5", -5, 8, NULL) && value == -5);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tool_error err = {{0}};

        value = 7;
        assert_false(tool_parse_int(&value, "--n", bad[i], 0, 8, &err));
        assert_int_equal(value, 7);
        assert_non_null(strstr(err.message, "--n"));
    }
}

static void large_numbers(void **state)
{
    uint64_t value = 7;

    (void)state;
    assert_true(tool_parse_u64(&value, "-n", "18446744073709551615", 1, UINT64_MAX, NULL));
    assert_true(value == UINT64_MAX);
    assert_false(tool_parse_u64(&value, "-n", "18446744073709551616", 1, UINT64_MAX, NULL));
    assert_false(tool_parse_u64(&value, "-n", "0", 1, UINT64_MAX, NULL));
    assert_false(tool_parse_u64(&value, "-n", "-1", 0, UINT64_MAX, NULL));
}

static void real_numbers(void **state)
{
    static const char *const bad[] = {"",     "nan",  "inf",  "0x1p3", "1,5", "1.5 ",
                                      "10.1", "-0.1", "1e99", "e",     "."};
    float value = 7;
    size_t i;

    (void)state;
    assert_true(tool_parse_float(&value, "--x", "0.7", 0, 10, NULL) && value == 0.7f);
    assert_true(tool_parse_float(&value, "--x", "1e1", 0, 10, NULL) && value == 10.0f);
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        value = 7;
        assert_false(tool_parse_float(&value, "--x", bad[i], 0, 10, NULL));
        assert_true(value == 7.0f);
    }
}

static void names_from_a_list(void **state)
{
    static const char *const names[] = {"one", "two", NULL};
    tool_error err = {{0}};
    int index = 7;

    (void)state;
    assert_true(tool_parse_choice(&index, "--k", "two", names, NULL) && index == 1);
    assert_false(tool_parse_choice(&index, "--k", "tw", names, &err));
    assert_string_equal(err.message, "--k: 'tw' is not one of one, two");
}

static void shared_options(void **state)
{
    tool_options options;

    (void)state;
    tool_options_init(&options);
    assert_int_equal(options.session.cpu, CAPTION_CPU_ALL);
    assert_int_equal(tool_options_take(&options, TOOL_OPTION_CPU, "avx2", NULL), TOOL_TAKEN);
    assert_int_equal(options.session.cpu, CAPTION_CPU_AVX2);
    assert_int_equal(tool_options_take(&options, TOOL_OPTION_CPU, "c", NULL), TOOL_TAKEN);
    assert_int_equal(options.session.cpu, 0);
    assert_int_equal(tool_options_take(&options, TOOL_OPTION_CPU, "sse", NULL), TOOL_BAD_VALUE);
    assert_int_equal(tool_options_take(&options, TOOL_OPTION_CONV, "im2col", NULL), TOOL_TAKEN);
    assert_int_equal(options.session.conv, CAPTION_CONV_IM2COL);
    assert_int_equal(tool_options_take(&options, TOOL_OPTION_BEAMS, "65", NULL), TOOL_BAD_VALUE);
    assert_int_equal(tool_options_take(&options, TOOL_OPTION_PENALTY, "0.01", NULL), TOOL_TAKEN);
    assert_int_equal(tool_options_take(&options, TOOL_OPTION_CORRECTED, NULL, NULL), TOOL_TAKEN);
    assert_int_equal(options.form, CAPTION_PENALTY_CORRECTED);
    assert_int_equal(tool_options_take(&options, TOOL_OPTION_PENALTY_FORM, "published", NULL), TOOL_TAKEN);
    assert_int_equal(options.form, CAPTION_PENALTY_PUBLISHED);
    assert_int_equal(tool_options_take(&options, TOOL_OPTION_OWN, NULL, NULL), TOOL_NOT_MINE);
}

static void touch(const char *folder, const char *name)
{
    char path[256];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    (void)fclose(f);
}

static void lists_of_images(void **state)
{
    static const char *const files[] = {"b.JPG", "a.png", "c.jpeg", "d.txt", ".jpg", "e.jpg.bak"};
    char folder[] = "/tmp/test_cli_XXXXXX", inner[64], command[96];
    tool_images images = {NULL, 0, 0};
    tool_error err = {{0}};
    size_t i;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(inner, sizeof inner, "%s/z", folder);
    assert_false(tool_images_add(&images, folder, false, &err));
    assert_non_null(strstr(err.message, folder));
    for (i = 0; i < sizeof files / sizeof files[0]; i++) touch(folder, files[i]);
    assert_int_equal(mkdir(inner, 0777), 0);
    touch(inner, "f.jpg");
    assert_true(tool_images_add(&images, "-", false, NULL));
    assert_true(tool_images_add(&images, "no such file", false, NULL)); /* reading it will tell */
    assert_true(tool_images_add(&images, folder, false, NULL));
    assert_int_equal(images.count, 5);
    assert_string_equal(images.names[0], "-");
    assert_string_equal(images.names[1], "no such file");
    assert_string_equal(images.names[2] + strlen(folder), "/a.png");
    assert_string_equal(images.names[3] + strlen(folder), "/b.JPG");
    assert_string_equal(images.names[4] + strlen(folder), "/c.jpeg");
    assert_true(tool_images_add(&images, folder, true, NULL));
    assert_int_equal(images.count, 9);
    assert_string_equal(images.names[8] + strlen(folder), "/z/f.jpg");
    tool_images_free(&images);
    tool_images_free(&images);
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void json_texts(void **state)
{
    json_t *text = tool_json_text("caf\xC3\xA9"), *broken = tool_json_text("a\xFF\xC3z\xE9");
    const int values[] = {3, -1};
    json_t *ints = tool_json_ints(values, 2), *none = tool_json_ints(values, 0);

    (void)state;
    assert_string_equal(json_string_value(text), "caf\xC3\xA9");
    assert_string_equal(json_string_value(broken), "a\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD");
    assert_int_equal(json_integer_value(json_array_get(ints, 1)), -1);
    assert_int_equal(json_array_size(none), 0);
    json_decref(text);
    json_decref(broken);
    json_decref(ints);
    json_decref(none);
}

static void medians(void **state)
{
    double odd[] = {5, 1, 3}, even[] = {4, 1, 2, 9};

    (void)state;
    assert_true(tool_median(odd, 3) == 3.0);
    assert_true(tool_median(even, 4) == 3.0);
    assert_true(tool_median(odd, 0) == 0.0);
    assert_true(tool_now_ms() <= tool_now_ms());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),  cmocka_unit_test(large_numbers),
        cmocka_unit_test(real_numbers),   cmocka_unit_test(names_from_a_list),
        cmocka_unit_test(shared_options), cmocka_unit_test(lists_of_images),
        cmocka_unit_test(json_texts),     cmocka_unit_test(medians),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
