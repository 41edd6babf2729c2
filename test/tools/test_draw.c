/* Tests of what is drawn: heat maps, text, PNG and JPEG files, and capdemo --pictures from the outside. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include <jansson.h>

#include <caption.h>

#include "test/run_tools.h"
#include "tools/draw/encode.h"
#include "tools/draw/font.h"
#include "tools/draw/glyphs.h"
#include "tools/draw/heatmap.h"
#include "tools/draw/panels.h"

static const char *program; /* argv[0] */

/* ---- heat maps ---- */

static void normalises(void **state)
{
    float even[3] = {2, 2, 2}, some[3] = {-1, 3, 1}, odd[2] = {1, NAN}, vast[2] = {-3e38f, 3e38f};
    (void)state;
    heatmap_normalise(even, 3);
    heatmap_normalise(some, 3);
    heatmap_normalise(odd, 2);
    heatmap_normalise(vast, 2);
    for (int i = 0; i < 3; i++) assert_true(even[i] == 0);
    assert_true(some[0] == 0 && some[1] == 1 && some[2] == 0.5f);
    assert_true(odd[0] == 0 && odd[1] == 0);
    assert_true(vast[0] == 0 && vast[1] == 0);
}

/* The expected values are PyTorch's: interpolate(map, size, mode="bilinear", align_corners=False). */
static void enlarges_as_pytorch(void **state)
{
    static const struct {
        int y, x;
        float value;
    } large[] = {{0, 0, 0},
                 {0, 223, 0.448979586f},
                 {223, 0, 0.0816326514f},
                 {223, 223, 0.53061223f},
                 {15, 16, 0.0117984693f},
                 {16, 15, 0.00286989799f},
                 {111, 112, 0.768494904f},
                 {100, 37, 0.306760192f},
                 {47, 48, 0.931760252f},
                 {200, 5, 0.277742326f},
                 {5, 201, 0.502869904f},
                 {180, 141, 0.712103367f}},
      small[] = {{0, 0, 0}, {3, 7, 0.156632721f}, {9, 9, 0.53061229f}, {5, 5, 0.746938825f}};
    float map[49];
    (void)state;
    for (int i = 0; i < 49; i++) map[i] = (float)(i * 37 % 50) / 49;
    float *large_map = malloc(sizeof *large_map * 224 * 224);
    assert_non_null(large_map);
    heatmap_enlarge(large_map, 224, map, 7);
    for (size_t i = 0; i < sizeof large / sizeof large[0]; i++) {
        assert_true(fabsf(large_map[large[i].y * 224 + large[i].x] - large[i].value) <= 1e-6f);
    }
    heatmap_enlarge(large_map, 10, map, 7);
    for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
        assert_true(fabsf(large_map[small[i].y * 10 + small[i].x] - small[i].value) <= 1e-6f);
    }
    const float one = 0.25f;
    heatmap_enlarge(large_map, 3, &one, 1);
    for (int i = 0; i < 9; i++) assert_true(large_map[i] == one);
    free(large_map);
}

static void assert_color(float value, heatmap_colors colors, int red, int green, int blue)
{
    uint8_t rgb[3];
    heatmap_color(rgb, value, colors);
    if (rgb[0] != red || rgb[1] != green || rgb[2] != blue) {
        fail_msg("%g is %d %d %d, expected %d %d %d", (double)value, rgb[0], rgb[1], rgb[2], red, green,
                 blue);
    }
}

static void colors(void **state)
{
    (void)state;
    assert_color(0, HEATMAP_VIRIDIS, 68, 1, 84);
    assert_color(-5, HEATMAP_VIRIDIS, 68, 1, 84);
    assert_color(NAN, HEATMAP_VIRIDIS, 68, 1, 84);
    assert_color(100.f / 255, HEATMAP_VIRIDIS, 42, 118, 142);
    assert_color(1, HEATMAP_VIRIDIS, 253, 231, 37);
    assert_color(7, HEATMAP_VIRIDIS, 253, 231, 37);
    assert_color(0, HEATMAP_JET, 0, 0, 128);
    assert_color(0.25f, HEATMAP_JET, 0, 128, 255);
    assert_color(0.5f, HEATMAP_JET, 128, 255, 128);
    assert_color(0.75f, HEATMAP_JET, 255, 128, 0);
    assert_color(1, HEATMAP_JET, 128, 0, 0);
}

static void blends(void **state)
{
    uint8_t rgb[9] = {0, 0, 0, 255, 255, 255, 10, 20, 30};
    static const float values[3] = {1, 1, 0};
    (void)state;
    heatmap_blend(rgb, values, 2, HEATMAP_JET, 0.5f);
    heatmap_blend(rgb + 6, values + 2, 1, HEATMAP_VIRIDIS, HEATMAP_WEIGHT);
    static const uint8_t expected[9] = {64,  0,  0,  191, 128,
                                        128, 42, 10, 60}; /* 0.55 x (68, 1, 84) + 0.45 x (10, 20, 30) */
    assert_memory_equal(rgb, expected, sizeof expected);
}

/* ---- text ---- */

static void every_character_has_a_shape(void **state)
{
    uint8_t box[FONT_HEIGHT], rows[FONT_HEIGHT], before[FONT_HEIGHT] = {0};
    (void)state;
    font_glyph(box, 0x3042);
    for (uint32_t c = 0x20; c <= 0xff; c++) {
        if (c > 0x7e && c < 0xa0) continue; /* control characters */
        font_glyph(rows, c);
        int ink = 0;
        for (int i = 0; i < FONT_HEIGHT; i++) ink += rows[i] != 0;
        assert_true((ink > 0) == (c != ' ' && c != 0xa0));
        assert_memory_not_equal(rows, box, sizeof box);
        if (c != 0x20 && c != 0xa0 && c != 0xad) assert_memory_not_equal(rows, before, sizeof before);
        for (int i = 0; i < FONT_HEIGHT; i++) assert_int_equal(rows[i] & 1, 0); /* letters don't touch */
        memcpy(before, rows, sizeof before);
    }
    font_glyph(rows, 0x9f);
    assert_memory_equal(rows, box, sizeof box);
}

static void counts_characters(void **state)
{
    (void)state;
    assert_int_equal(font_cells(""), 0);
    assert_int_equal(font_cells("h\xC3\xA9llo"), 5);
    assert_int_equal(font_cells("\xE3\x81\x82\xFFx\xC3"), 4);
    assert_int_equal(font_bytes("h\xC3\xA9llo", 2), 3);
    assert_int_equal(font_bytes("ab", 9), 2);
}

/* "i" has its column of ink where the cell begins, whole pixels wide, and the canvas ends nothing outside. */
static void draws_text(void **state)
{
    uint8_t rgb[8 * 10 * 3];
    const font_canvas canvas = {rgb, 10, 8};
    (void)state;
    memset(rgb, 255, sizeof rgb);
    font_draw(&canvas, "|", 1, (const int[2]){-2, -6}, 2); /* the bar's column is the third of five */
    for (int y = 0; y < 8; y++) {
        for (int x = 0; x < 10; x++) {
            const bool ink = x == 2 || x == 3;
            assert_int_equal(rgb[(y * 10 + x) * 3] == 0, ink);
        }
    }
    memset(rgb, 255, sizeof rgb);
    font_draw(&canvas, "WWWW", 4, (const int[2]){7, 5}, 3);
    font_draw(&canvas, "WWWW", 4, (const int[2]){-700, -90}, 3);
    for (int x = 0; x < 7; x++) assert_int_equal(rgb[x * 3], 255);
}

/* ---- files ---- */

enum { SIDE = 48 };
static uint8_t pixels[SIDE][SIDE][3];

static const uint8_t *row_of(void *user, int index)
{
    (void)user;
    return pixels[index][0];
}

static void fill_pixels(void)
{
    for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
            pixels[y][x][0] = (uint8_t)(5 * x);
            pixels[y][x][1] = (uint8_t)(5 * y);
            pixels[y][x][2] = (uint8_t)(x * y);
        }
    }
}

static void writes_png(void **state)
{
    const encode_picture picture = {SIDE, SIDE, row_of, NULL, "caf\xC3\xA9"};
    tool_error error = {{0}};
    char *data = NULL;
    size_t size = 0;
    (void)state;
    if (!encode_has_png()) skip();
    fill_pixels();
    FILE *stream = open_memstream(&data, &size);
    assert_non_null(stream);
    assert_true(encode_png(stream, &picture, &error));
    assert_int_equal(fclose(stream), 0);
    caption_image_info info;
    assert_int_equal(caption_image_probe(data, size, &info, NULL), CAPTION_OK);
    assert_int_equal(info.format, CAPTION_FORMAT_PNG);
    assert_true(info.width == SIDE && info.height == SIDE);
    assert_true(encode_is_ours(data, ENCODE_OURS_BYTES));
    assert_false(encode_is_ours(data, 40));
    assert_false(encode_is_ours("tEXtSoftware", 12));
    assert_false(encode_is_ours("tEXtSoftware\0libreoffice", 24));
    free(data);
}

static void writes_jpeg(void **state)
{
    const encode_picture picture = {SIDE, SIDE, row_of, NULL, NULL};
    tool_error error = {{0}};
    unsigned char *data = NULL, *worse = NULL;
    size_t size = 0, smaller = 0;
    (void)state;
    if (!encode_has_jpeg()) skip();
    fill_pixels();
    assert_true(encode_jpeg(&data, &size, &picture, 90, &error));
    assert_true(encode_jpeg(&worse, &smaller, &picture, 20, &error));
    assert_true(smaller < size);
    caption_image_info info;
    assert_int_equal(caption_image_probe(data, size, &info, NULL), CAPTION_OK);
    assert_int_equal(info.format, CAPTION_FORMAT_JPEG);
    assert_true(info.width == SIDE && info.height == SIDE);
    free(data);
    free(worse);
    const encode_picture giant = {70000, 1, row_of, NULL, NULL}; /* JPEG ends at 65500 */
    assert_false(encode_jpeg(&data, &size, &giant, 90, &error));
    assert_non_null(strstr(error.message, "65500"));
}

/* Sizes: as many strips as the words need, and a line more for a long caption. */
static void lays_out_panels(void **state)
{
    static const struct {
        int count;
        const char *caption;
        int width, height;
    } cases[] = {
        {1, "a", 12 + 2 * 204, 36 + 1 * (28 + 192 + 12)},
        {4, "a", 12 + 5 * 204, 36 + 1 * 232},
        {5, "a", 12 + 5 * 204, 36 + 2 * 232},
        {0, "eighteen cells is all", 12 + 204, 24 + 36 + 232},
        {0, "donaudampfschifffahrtsgesellschaft", 12 + 204, 48 + 36 + 232},
    };
    static const char *const words[] = {"a", "b\xC3\xA4r", "\xE3\x81\x82", "in",
                                        "bottleopenersinaverylongrow"};
    static const float maps[5][4] = {{0, 1, 2, 3}, {1, 1, 1, 1}, {0, 0, 0, 1}, {0.2f, 0.3f, 0.1f, 0.4f}};
    (void)state;
    if (!encode_has_png()) skip();
    fill_pixels();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const panels p = {.pixels = pixels[0][0],
                          .size = SIDE,
                          .caption = cases[i].caption,
                          .words = words,
                          .maps = maps[0],
                          .count = cases[i].count,
                          .side = 2};
        tool_error error = {{0}};
        char *data = NULL;
        size_t size = 0;
        FILE *stream = open_memstream(&data, &size);
        assert_non_null(stream);
        assert_true(panels_write(stream, &p, &error));
        assert_int_equal(fclose(stream), 0);
        caption_image_info info;
        assert_int_equal(caption_image_probe(data, size, &info, NULL), CAPTION_OK);
        assert_int_equal(info.width, cases[i].width);
        assert_int_equal(info.height, cases[i].height);
        free(data);
    }
}

/* ---- capdemo --pictures ---- */

static void demo_pictures(void **state)
{
    (void)state;
    if (!encode_has_png()) skip();
    assert_int_equal(run("capdemo -m $D/m.capw $D/pics/a.jpg"), 0);
    char alone[PATH];
    (void)snprintf(alone, sizeof alone, "%s", out);
    if (run("capdemo -m $D/m.capw --pictures $D/shown $D/pics/a.jpg") != 0) fail_msg("%s", err);
    assert_string_equal(out, alone);
    assert_int_equal(run("capdemo -m $D/m.capw --pictures $D/jet --colors jet $D/pics/a.jpg"), 0);
    assert_int_equal(run("! cmp -s $D/shown/a.png $D/jet/a.png"), 0);
    /* it is a picture, and made again it is the same */
    assert_int_equal(run("capdemo -m $D/m.capw $D/shown/a.png"), 0);
    assert_int_equal(run("cp $D/shown/a.png $D/before.png; capdemo -m $D/m.capw --pictures $D/shown "
                         "$D/pics/a.jpg && cmp $D/shown/a.png $D/before.png"),
                     0);
    /* images of the same name, and one that is broken */
    assert_int_equal(run("mkdir $D/more; cp $D/pics/a.jpg $D/more; capdemo -m $D/m.capw --pictures $D/two "
                         "$D/pics/a.jpg $D/more/a.jpg $D/text.jpg $D/pics/c.png"),
                     1);
    assert_int_equal(run("ls $D/two | tr '\\n' ' '"), 0);
    assert_string_equal(out, "a-2.png a.png c.png ");
    assert_int_equal(run("capdemo -m $D/m.capw --pictures $D/in - <$D/pics/a.jpg; ls $D/in"), 0);
    assert_non_null(strstr(out, "stdin.png"));
    assert_int_equal(run("cp $D/pics/a.jpg $D/more/a-2.gif; capdemo -m $D/m.capw --pictures $D/three "
                         "$D/pics/a.jpg $D/more/a.jpg $D/more/a-2.gif"),
                     1);
    assert_non_null(strstr(err, "two images would be written to a-2.png"));
}

/* What was not made by capdemo stays. */
static void demo_pictures_refused(void **state)
{
    (void)state;
    if (!encode_has_png()) skip();
    assert_refused(run("capdemo -m $D/m.capw --pictures $D/m.capw $D/pics/a.jpg"), 1, "Not a directory");
    assert_refused(run("capdemo -m $D/m.capw --pictures $D/no/way $D/pics/a.jpg"), 1, "No such file");
    assert_refused(run("capdemo --colors red $D/pics/a.jpg"), 2, "is not one of viridis, jet");
    assert_int_equal(run("mkdir $D/mine; cp $D/pics/c.png $D/mine/c.png; : >$D/mine/a.png"), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run("capdemo -m $D/m.capw --pictures $D/mine $D/pics/%s", i ? "c.png" : "a.jpg"), 1);
        assert_non_null(strstr(err, "is there already and was not made by capdemo"));
    }
    assert_int_equal(run("cmp $D/mine/c.png $D/pics/c.png && test ! -s $D/mine/a.png"), 0);
    assert_int_equal(run("ln -s c.png $D/mine/link.png; cp $D/pics/a.jpg $D/more/link.jpg; "
                         "capdemo -m $D/m.capw --pictures $D/mine $D/more/link.jpg"),
                     1);
    assert_int_equal(run("cmp $D/mine/c.png $D/pics/c.png"), 0);
    /* a full disk leaves nothing */
    assert_int_equal(run("mkdir $D/full; (ulimit -f 8; trap '' XFSZ; capdemo -m $D/m.capw --pictures $D/full "
                         "$D/pics/a.jpg); ls $D/full"),
                     0);
    assert_null(strstr(out, ".png"));
    assert_non_null(strstr(err, "a.png"));
}

/* ---- capdemo --map, --html ---- */

static void demo_maps(void **state)
{
    (void)state;
    if (!encode_has_png()) skip();
    assert_int_equal(run("capdemo -m $D/m.capw --pictures $D/a $D/pics/a.jpg"), 0);
    assert_int_equal(run("capdemo -m $D/m.capw --pictures $D/g --map gradcam $D/pics/a.jpg"), 0);
    assert_int_equal(run("capdemo -m $D/m.capw --pictures $D/o --map occlusion $D/pics/a.jpg"), 0);
    assert_int_equal(run("! cmp -s $D/a/a.png $D/g/a.png && ! cmp -s $D/g/a.png $D/o/a.png"), 0);
    /* without attention Grad-CAM is shown */
    assert_int_equal(run("capdemo -m $D/b.capw --pictures $D/b1 $D/pics/a.jpg"), 0);
    assert_int_equal(run("capdemo -m $D/b.capw --pictures $D/b2 --map gradcam $D/pics/a.jpg"), 0);
    assert_int_equal(run("cmp $D/b1/a.png $D/b2/a.png"), 0);
    assert_refused(run("capdemo -m $D/b.capw --pictures $D/b3 --map attention $D/pics/a.jpg"), 1,
                   "this model without attention has no maps 'attention'");
    assert_refused(run("capdemo -m $D/i.capw --pictures $D/i1 --map gradcam $D/pics/a.jpg"), 1,
                   "this int8 model has no maps 'gradcam'");
    assert_int_equal(run("capdemo -m $D/i.capw --pictures $D/i1 --map occlusion $D/pics/a.jpg"), 0);
    assert_refused(run("capdemo -m $D/m.capw --map heat $D/pics/a.jpg"), 2,
                   "'heat' is not one of attention, gradcam, occlusion");
}

/* The data of $D/name, a report, as JSON; also its size without pictures. */
static json_t *read_report(const char *name)
{
    assert_int_equal(run("cat $D/%s", name), 0);
    const char *data = strstr(out, "id=\"data\">");
    assert_non_null(data);
    data = strchr(data, '[');
    const char *end = strstr(data, "</script>");
    assert_non_null(end);
    json_error_t where;
    json_t *all = json_loadb(data, (size_t)(end - data), 0, &where);
    if (!all) fail_msg("%s", where.text);
    assert_true(strlen(out) - (size_t)(end - data) < 60000);
    assert_null(strstr(out, "http:"));
    assert_null(strstr(out, "https:"));
    return all;
}

static void demo_report(void **state)
{
    (void)state;
    if (!encode_has_jpeg()) skip();
    assert_int_equal(run("cd $D; cp pics/a.jpg '<b>&\"x.jpg'; capdemo -m m.capw --html r.html --nbest 3 "
                         "'<b>&\"x.jpg' pics/c.png text.jpg"),
                     1);
    char captions[PATH];
    (void)snprintf(captions, sizeof captions, "%s", out);
    json_t *all = read_report("r.html");
    assert_int_equal(json_array_size(all), 3);
    const json_t *first = json_array_get(all, 0), *bad = json_array_get(all, 2);
    assert_null(strstr(out, "<b>&"));
    assert_non_null(strstr(json_string_value(json_object_get(first, "image")), "<b>&\"x.jpg"));
    const json_t *found = json_object_get(first, "captions");
    assert_int_equal(json_array_size(found), 3);
    const char *text = json_string_value(json_object_get(json_array_get(found, 0), "text"));
    assert_non_null(strstr(captions, text));
    assert_true(json_number_value(json_object_get(json_array_get(found, 0), "confidence")) > 0);
    /* 4 positions for each word, in base64 */
    const size_t words = json_array_size(json_object_get(first, "words"));
    const json_t *maps = json_object_get(first, "maps");
    assert_int_equal(json_object_size(maps), 2);
    assert_int_equal(json_string_length(json_object_get(maps, "attention")), (words * 4 + 2) / 3 * 4);
    assert_int_equal(json_string_length(json_object_get(maps, "gradcam")), (words * 4 + 2) / 3 * 4);
    assert_memory_equal(json_string_value(json_object_get(first, "picture")), "data:image/jpeg;base64,/9j/",
                        27);
    assert_string_equal(json_string_value(json_object_get(first, "first")), "attention");
    assert_non_null(json_object_get(bad, "error"));
    json_decref(all);
}

/* What a model has no maps for is left out; a report may be written again, and nothing else is overwritten.
 */
static void demo_report_kinds(void **state)
{
    static const struct {
        const char *arguments, *first;
        size_t maps;
    } cases[] = {{"-m $D/b.capw", "gradcam", 1},
                 {"-m $D/i.capw", "attention", 1},
                 {"-m $D/m.capw --map occlusion", "occlusion", 3}};
    (void)state;
    if (!encode_has_jpeg()) skip();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(run("capdemo %s --html $D/k.html $D/pics/a.jpg", cases[i].arguments), 0);
        json_t *all = read_report("k.html");
        const json_t *one = json_array_get(all, 0);
        assert_int_equal(json_object_size(json_object_get(one, "maps")), cases[i].maps);
        assert_string_equal(json_string_value(json_object_get(one, "first")), cases[i].first);
        json_decref(all);
    }
    assert_refused(run("capdemo -m $D/m.capw --html - $D/pics/a.jpg"), 2, "--html: name a file");
    assert_int_equal(run("echo '<html>mine</html>' >$D/mine.html"), 0);
    assert_refused(run("capdemo -m $D/m.capw --html $D/mine.html $D/pics/a.jpg"), 1,
                   "is no report of capdemo");
    assert_int_equal(run("grep -q mine $D/mine.html"), 0);
    assert_int_equal(run("capdemo -m $D/m.capw --html $D/no/r.html $D/pics/a.jpg"), 1);
    assert_int_equal(run("capdemo -m $D/m.capw --html /dev/full $D/pics/a.jpg"), 1);
    assert_non_null(strstr(err, "/dev/full"));
}

static int set_up(void **state)
{
    (void)state;
    return run_tools_begin(program);
}

static int tear_down(void **state)
{
    (void)state;
    return run_tools_end();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normalises),
        cmocka_unit_test(enlarges_as_pytorch),
        cmocka_unit_test(colors),
        cmocka_unit_test(blends),
        cmocka_unit_test(every_character_has_a_shape),
        cmocka_unit_test(counts_characters),
        cmocka_unit_test(draws_text),
        cmocka_unit_test(writes_png),
        cmocka_unit_test(writes_jpeg),
        cmocka_unit_test(lays_out_panels),
        cmocka_unit_test(demo_pictures),
        cmocka_unit_test(demo_pictures_refused),
        cmocka_unit_test(demo_maps),
        cmocka_unit_test(demo_report),
        cmocka_unit_test(demo_report_kinds),
    };
    (void)argc;
    program = argv[0];
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
