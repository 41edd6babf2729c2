/* Tests of tools/common: text, names made harmless, the width of the terminal, progress, and of
 * the attention maps.  Makes its own files in a temporary folder. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "test/tools/scratch.h"
#include "tools/common/clean.h"
#include "tools/common/cli.h"
#include "tools/common/message.h"
#include "tools/common/outfile.h"
#include "tools/common/output.h"
#include "tools/common/progress.h"
#include "tools/common/terminal.h"
#include "tools/common/text.h"
#include "tools/demo/maps.h"

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_common_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(in_folder(0, "a"));
    (void)unlink(in_folder(0, "b"));
    return rmdir(folder);
}

static void read_limits(void **state)
{
    const char *path = in_folder(0, "a");
    tool_error err = {{0}};
    (void)state;
    put(path, "12345");
    tool_text text;
    assert_true(tool_text_read(&text, path, 5, &err));
    assert_int_equal(text.size, 5);
    tool_text_free(&text);
    assert_false(tool_text_read(&text, path, 4, &err));
    assert_non_null(strstr(err.message, "larger than 4 bytes"));
    err.message[0] = '\0';
    assert_false(tool_text_read(&text, folder, 100, &err));
    assert_non_null(strstr(err.message, "Is a directory"));
    err.message[0] = '\0';
    err.message[0] = '\0';
    assert_false(tool_text_read(&text, "/dev/zero", SIZE_MAX / 8, &err)); /* it has no end */
    assert_string_equal(err.message, "/dev/zero: larger than 1048576 bytes");
    assert_true(tool_text_read(&text, "/dev/null", SIZE_MAX / 8, NULL));
    tool_text_free(&text);
    err.message[0] = '\0';
    assert_false(tool_text_read(&text, in_folder(0, "b"), 100, &err));
    assert_non_null(strstr(err.message, "/b: No such file"));
}

static void read_large(void **state)
{
    const char *path = in_folder(0, "a");
    enum { SIZE = 200001 };
    tool_error err = {{0}};
    FILE *f = fopen(path, "wb");
    (void)state;
    assert_non_null(f);
    for (int i = 0; i < SIZE; i++) (void)fputc('a' + i % 26, f);
    (void)fclose(f);
    tool_text text;
    assert_true(tool_text_read(&text, path, SIZE, &err));
    assert_int_equal(text.size, SIZE);
    assert_int_equal(text.data[SIZE - 1], 'a' + (SIZE - 1) % 26);
    tool_text_free(&text);
    assert_false(tool_text_read(&text, path, SIZE - 1, &err));
}

static void utf8(void **state)
{
    static const struct {
        const char *text;
        size_t bad; /* offset of the first bad byte; the length where there is none */
    } cases[] = {
        {"", 0},
        {"abc", 3},
        {"\xC3\xA9", 2},         /* U+00E9 */
        {"a\xC0\x80", 1},        /* overlong zero */
        {"\xC1\xBF", 0},         /* overlong */
        {"\xE0\xA0\x80", 3},     /* U+0800, the first of three bytes */
        {"\xE0\x9F\xBF", 0},     /* overlong */
        {"\xED\x9F\xBF", 3},     /* U+D7FF */
        {"\xED\xA0\x80", 0},     /* surrogate */
        {"\xF0\x90\x80\x80", 4}, /* U+10000 */
        {"\xF0\x8F\xBF\xBF", 0}, /* overlong */
        {"\xF4\x8F\xBF\xBF", 4}, /* U+10FFFF */
        {"\xF4\x90\x80\x80", 0}, /* above */
        {"ab\xE2\x82", 2},       /* cut off */
        {"\x80", 0},             /* continuation alone */
        {"\xF5\x80\x80\x80", 0}, /* no such lead */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(tool_utf8_check(cases[i].text, strlen(cases[i].text)), cases[i].bad);
    }
}

static void lines(void **state)
{
    static const char text[] = "\xEF\xBB\xBFone\r\n\ntwo\nthree";
    static const char *const expected[] = {"one", "", "two", "three"};
    size_t n = 0;
    (void)state;
    tool_lines l;
    tool_lines_begin(&l, text, sizeof text - 1);
    while (tool_lines_next(&l)) {
        assert_true(n < 4);
        assert_int_equal(l.length, strlen(expected[n]));
        assert_memory_equal(l.line, expected[n], l.length);
        assert_int_equal(l.number, ++n);
    }
    assert_int_equal(n, 4);
    tool_lines_begin(&l, "x\n", 2);
    assert_true(tool_lines_next(&l));
    assert_false(tool_lines_next(&l));
    tool_lines_begin(&l, "\xEF\xBB\xBF", 3);
    assert_false(tool_lines_next(&l));
}

static void names_in_zero_bytes(void **state)
{
    (void)state;
    tool_lines l;
    tool_names_begin(&l, "a\nb\r\0\0c", 7);
    assert_true(tool_lines_next(&l));
    assert_int_equal(l.length, 4);
    assert_memory_equal(l.line, "a\nb\r", 4);
    assert_true(tool_lines_next(&l));
    assert_int_equal(l.length, 0);
    assert_true(tool_lines_next(&l));
    assert_int_equal(l.length, 1);
    assert_int_equal(l.number, 3);
    assert_false(tool_lines_next(&l));
}

/* ---- names made harmless ---- */

static void names_are_cleaned(void **state)
{
    static const struct {
        const char *text, *clean;
    } cases[] = {
        {"a b.jpg", "a b.jpg"},
        {"a\nb\tc\rd", "a\\nb\\tc\\rd"},
        {"\033[31mred\a\x7F", "\\x1b[31mred\\x07\\x7f"},
        {"caf\xC3\xA9", "caf\xC3\xA9"},
        {"\xC2\x9B"
         "31m",
         "\\xc2\\x9b31m"},                                 /* U+009B starts a command as ESC [ does */
        {"x\xFF\xC3z", "x\\xff\\xc3z"},                    /* no UTF-8 */
        {"gpj\xE2\x80\xAE.exe", "gpj\\xe2\\x80\\xae.exe"}, /* U+202E turns the line around */
        {"\xE2\x80\xA8\xE2\x81\xA6", "\\xe2\\x80\\xa8\\xe2\\x81\\xa6"}, /* U+2028, U+2066 */
        {"\xE2\x80\xA6\xE2\x81\xAA", "\xE2\x80\xA6\xE2\x81\xAA"},       /* U+2026, U+206A are none of those */
        {"\xF0\x9F\x90\x95", "\xF0\x9F\x90\x95"},
        {"a\\b", "a\\b"},
    };
    (void)state;
    char text[256];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        FILE *file = tmpfile();
        assert_non_null(file);
        tool_clean(text, sizeof text, cases[i].text);
        assert_string_equal(text, cases[i].clean);
        tool_put_clean(file, cases[i].text);
        rewind(file);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        (void)fclose(file);
        assert_string_equal(text, cases[i].clean);
    }
    tool_clean(text, 6, "abc\033");
    assert_string_equal(text, "abc"); /* an escape stands in full or not at all */
    tool_clean(text, 8, "abc\033");
    assert_string_equal(text, "abc\\x1b");
}

static void long_texts_lose_their_middle(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *shown;
    } cases[] = {
        {"0123456789", 11, "0123456789"},
        {"0123456789ab", 11, "01...789ab"}, /* 2 of the start, 5 of the end */
        {"0\n23456789", 11, "0...56789"},   /* neither an escape nor a character is torn apart */
        {"01234\xC3\xA9"
         "6789",
         11, "01...6789"},
        {"\n\n\n\n\n\n\n\n", 11, "\\n...\\n\\n"},
        {"0123456789", 4, ""}, /* no room for more than dots */
        {"0123", 1, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[32];
        memset(text, 'x', sizeof text);
        assert_int_equal(tool_shorten(text, cases[i].size, cases[i].text, strlen(cases[i].text)),
                         strlen(cases[i].shown));
        assert_string_equal(text, cases[i].shown);
        assert_int_equal(text[cases[i].size], 'x');
    }
}

/* ---- messages ---- */

/* Every conversion that messages use, beside the C library's. */
static void messages_have_numbers(void **state)
{
    static const char format[] =
        "%d %5d|%-4d|%u %x %02x %ld %lu %lld %llu %zu %.1f %g %6.2f %c %% %s %.*s %.2s";
    char text[512], wanted[512];
    (void)state;
    tool_format(text, sizeof text, format, -3, 42, 7, 8u, 0xABCu, 5u, -1L, 2UL, -9000000000LL,
                18000000000000000000ULL, (size_t)77, 2.25, 1e300, -3.14159, 'q', "whole", 3, "abcdef", "xyz");
    (void)snprintf(wanted, sizeof wanted, format, -3, 42, 7, 8u, 0xABCu, 5u, -1L, 2UL, -9000000000LL,
                   18000000000000000000ULL, (size_t)77, 2.25, 1e300, -3.14159, 'q', "whole", 3, "abcdef",
                   "xyz");
    assert_string_equal(text, wanted);
    tool_format(text, 4, "%s: %d", "abc", 5);
    assert_int_equal(strlen(text), 3); /* too small for anything */
}

static void messages_keep_their_reason(void **state)
{
    static char path[4001], word[100001], other[4001];
    tool_error err = {{0}};
    (void)state;
    memset(path, 'p', sizeof path - 1);
    memset(word, '\033', sizeof word - 1);
    memset(other, 'o', sizeof other - 1);
    memcpy(path + sizeof path - 10, "photo.jpg", 9);
    assert_false(tool_fail_errno(&err, path, ENOENT));
    assert_non_null(strstr(err.message, "photo.jpg: No such file or directory"));
    assert_int_equal(strncmp(err.message, "ppp", 3), 0);
    assert_non_null(strstr(err.message, "p...p"));
    err.message[0] = '\0';
    assert_false(tool_fail(&err, "%s: word %u (%s) is absurdly long; see %s, line %zu", path, 7u, word, other,
                           (size_t)12));
    assert_non_null(strstr(err.message, "photo.jpg: word 7 (\\x1b"));
    assert_non_null(strstr(err.message, "\\x1b) is absurdly long; see ooo"));
    assert_non_null(strstr(err.message, "ooo, line 12"));
    assert_null(strchr(err.message, '\033'));
    err.message[0] = '\0';
    assert_false(tool_fail(&err, "%s: a\n%s", "x\ny", "z\xFF"));
    assert_string_equal(err.message, "x\\ny: a\nz\\xff"); /* the format is ours */
}

/* The library's message names the file as well; it is said once. */
static void files_are_named_once(void **state)
{
    static char path[4001];
    tool_error err = {{0}};
    caption_error error = {.status = CAPTION_ERROR_IO, .message = ""};
    (void)state;
    (void)snprintf(error.message, sizeof error.message, "a?b: c: is a folder");
    assert_false(tool_fail_caption(&err, "a\nb: c", &error));
    assert_string_equal(err.message, "a\\nb: c: is a folder");
    memset(path, 'p', sizeof path - 1);
    memcpy(path + sizeof path - 13, ": photo.capw", 12);
    caption_model *model = NULL;
    assert_int_equal(caption_model_open_file(&model, path, NULL, &error), CAPTION_ERROR_IO);
    err.message[0] = '\0';
    assert_false(tool_fail_caption(&err, path, &error));
    const char *named = strstr(err.message, "photo.capw: ");
    assert_non_null(named);
    assert_null(strstr(named + 1, "photo.capw"));
    assert_non_null(strstr(named, strerror(ENAMETOOLONG)));
    (void)snprintf(error.message, sizeof error.message, "no such layer");
    err.message[0] = '\0';
    assert_false(tool_fail_caption(&err, "no", &error));
    assert_string_equal(err.message, "no: no such layer");
}

static void fields_keep_their_bytes(void **state)
{
    tool_error err = {{0}};
    (void)state;
    tool_output output;
    assert_true(tool_output_open(&output, in_folder(0, "a"), &err));
    assert_false(output.terminal);
    tool_output_text(&output, "x\ty\nz\r\033\xFF");
    assert_int_equal(access(scratch[0], F_OK), -1); /* not there before it is complete */
    assert_true(tool_output_close(&output, &err));
    tool_output_abort(&output);
    assert_content(scratch[0], "x\\ty\\nz\\r\033\xFF");
}

/* ---- the terminal ---- */

static void columns_of_the_terminal(void **state)
{
    FILE *no_terminal = tmpfile();
    (void)state;
    assert_non_null(no_terminal);
    const int fd = fileno(no_terminal);
    assert_int_equal(setenv("COLUMNS", "132", 1), 0);
    assert_int_equal(tool_terminal_columns(fd), 132);
    assert_int_equal(setenv("COLUMNS", "0", 1), 0);
    assert_int_equal(tool_terminal_columns(fd), 80);
    assert_int_equal(setenv("COLUMNS", "wide", 1), 0);
    assert_int_equal(tool_terminal_columns(fd), 80);
    assert_int_equal(unsetenv("COLUMNS"), 0);
    assert_int_equal(tool_terminal_columns(fd), 80);
    (void)fclose(no_terminal);
}

static void progress_text(void **state)
{
    (void)state;
    tool_progress p;
    tool_progress_begin(&p, "images", 100, 400);
    char text[160];
    /* 100 done earlier, 50 in 10 s: 5 a second, 250 left = 50 s; 150/400 of 24 cells = 9 */
    (void)tool_progress_format(&p, 150, 10, 80, text, (int)sizeof text);
    assert_string_equal(text, "[#########...............] 150/400 images, 5 images/s, 0:50 left");
    (void)tool_progress_format(&p, 100, 0, 80, text, (int)sizeof text);
    assert_string_equal(text, "[######..................] 100/400 images");
    (void)tool_progress_format(&p, 400, 60, 80, text, (int)sizeof text);
    assert_string_equal(text, "[########################] 400/400 images, 5 images/s");
    char tiny[8];
    assert_int_equal(tool_progress_format(&p, 150, 10, 80, tiny, (int)sizeof tiny), 7);
    assert_int_equal(strlen(tiny), 7);
    tool_progress_begin(&p, "MiB", 0, 0);
    (void)tool_progress_format(&p, 3, 2, 80, text, (int)sizeof text);
    assert_string_equal(text, "3 MiB, 1.5 MiB/s");
    p.total = 7303; /* 7300 left at 1.5 a second: 4866.7 s */
    (void)tool_progress_format(&p, 3, 2, 80, text, (int)sizeof text);
    assert_non_null(strstr(text, "1:21:07 left"));
}

static void progress_fits(void **state)
{
    static const struct {
        int columns;
        const char *text;
    } cases[] = {
        {180, "[#########...............] 150/400 images, 5 images/s, 0:50 left"},
        {60, "[#######............] 150/400 images, 5 images/s, 0:50 left"}, /* 59 - 37 - 3 = 19 cells, 7 of
                                                                               them full */
        {40, "[####.......] 150/400 images, 0:50 left"}, /* 39 - 25 - 3 = 11 cells, 4 full */
        {28, "[##....] 150/400, 0:50 left"},             /* 27 - 18 - 3 = 6 cells, 2 full */
        {20, "150/400, 0:50 left"},                      /* 18 of 19 */
        {10, "150/400"},
        {4, "150"},
    };
    (void)state;
    tool_progress p;
    tool_progress_begin(&p, "images", 100, 400);
    char text[160];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const int length = tool_progress_format(&p, 150, 10, cases[i].columns, text, (int)sizeof text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(length, strlen(text));
        assert_true(length < cases[i].columns);
    }
    for (int columns = 1; columns < 200; columns++) {
        (void)tool_progress_format(&p, 399, 12345, columns, text, (int)sizeof text);
        assert_true((int)strlen(text) < columns || columns == 1);
    }
}

/* ---- attention maps ---- */

enum { MAPS = 3, SIDE = 2 };

/* The words "a", "dog" and one that would move the cursor, drawn at this width; the caller frees the text. */
static char *draw(int columns, bool utf8)
{
    static const char *const words[MAPS] = {"a", "longword", "\033"};
    static const float alpha[MAPS][SIDE * SIDE] = {
        {1.0f, 0.0f, 0.0f, 0.0f}, {0.4f, 0.4f, 0.1f, 0.1f}, {0.05f, 0.2f, 0.25f, 0.5f}};
    const demo_maps maps = {.words = words,
                            .alpha = alpha[0],
                            .count = MAPS,
                            .positions = SIDE * SIDE,
                            .columns = columns,
                            .utf8 = utf8};
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    demo_draw_maps(file, &maps);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void assert_drawn(int columns, bool utf8, const char *expected)
{
    char *text = draw(columns, utf8);
    assert_string_equal(text, expected);
    free(text);
}

static void maps_are_drawn(void **state)
{
    (void)state;
    /* weights by their map's peak: 1 0 0 0; 1 1 .25 .25; .1 .4 .5 1 */
    assert_drawn(40, false,
                 "\n"
                 "a     long  \\x1b\n"
                 "##  | ####| ..::|\n"
                 "    | ....| ::##|\n"
                 "\n"
                 "more ink = more weight: . : + #\n");
    assert_drawn(40, true,
                 "\n"
                 "a     long  \\x1b\n"
                 "██  | ████| ░░▒▒|\n"
                 "    | ░░░░| ▒▒██|\n"
                 "\n"
                 "more ink = more weight: ░ ▒ ▓ █\n");
    /* 4 + 2 + 4 + 1 = 11 columns hold two maps, and too little for the long legend */
    assert_drawn(11, false,
                 "\n"
                 "a     long\n"
                 "##  | ####|\n"
                 "    | ....|\n"
                 "\n"
                 "\\x1b\n"
                 "..::|\n"
                 "::##|\n"
                 "\n"
                 "ink = weight\n");
    /* a map of 5 columns does not fit: cells of one character */
    assert_drawn(4, false,
                 "\n"
                 "a\n"
                 "# |\n"
                 "  |\n"
                 "\n"
                 "lo\n"
                 "##|\n"
                 "..|\n"
                 "\n"
                 "\\x\n"
                 ".:|\n"
                 ":#|\n"
                 "\n"
                 "ink = weight\n");
}

/* How many maps of 7 x 7 stand in the first row of maps, and that no line is too long. */
static int maps_per_row(int columns)
{
    enum { COUNT = 20, CELLS = 49 };
    static float alpha[COUNT * CELLS];
    const char *words[COUNT];
    char *text = NULL;
    size_t size = 0;
    for (int i = 0; i < COUNT; i++) words[i] = "word";
    for (int i = 0; i < COUNT * CELLS; i++) alpha[i] = 1.0f / CELLS;
    const demo_maps maps = {.words = words,
                            .alpha = alpha,
                            .count = COUNT,
                            .positions = CELLS,
                            .columns = columns,
                            .utf8 = false};
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    demo_draw_maps(file, &maps);
    assert_int_equal(fclose(file), 0);
    int count = 0;
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        const size_t length = strcspn(line, "\n");
        assert_true(length <= (size_t)columns);
        int bars = 0;
        for (size_t i = 0; i < length; i++) bars += line[i] == '|';
        if (bars > count) count = bars;
    }
    free(text);
    return count;
}

static void maps_fill_the_terminal(void **state)
{
    (void)state;
    /* n maps need 16 n - 1 columns */
    assert_int_equal(maps_per_row(20), 1);
    assert_int_equal(maps_per_row(30), 1);
    assert_int_equal(maps_per_row(31), 2);
    assert_int_equal(maps_per_row(40), 2);
    assert_int_equal(maps_per_row(79), 5);
    assert_int_equal(maps_per_row(80), 5);
    assert_int_equal(maps_per_row(180), 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(read_limits, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(read_large, make_folder, remove_folder),
        cmocka_unit_test(utf8),
        cmocka_unit_test(lines),
        cmocka_unit_test(names_in_zero_bytes),
        cmocka_unit_test(names_are_cleaned),
        cmocka_unit_test(long_texts_lose_their_middle),
        cmocka_unit_test(messages_have_numbers),
        cmocka_unit_test(messages_keep_their_reason),
        cmocka_unit_test(files_are_named_once),
        cmocka_unit_test_setup_teardown(fields_keep_their_bytes, make_folder, remove_folder),
        cmocka_unit_test(columns_of_the_terminal),
        cmocka_unit_test(progress_text),
        cmocka_unit_test(progress_fits),
        cmocka_unit_test(maps_are_drawn),
        cmocka_unit_test(maps_fill_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
