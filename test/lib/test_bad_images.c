/* test_bad_images.c - small files that claim to be huge, under the budget of the tools: each is refused
 * before it costs anything.  test/bad/make_bad.py makes them. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "test/fixture.h"

enum { BUDGET = 256 << 20, MOST_BYTES = 1 << 20, SECONDS = 5 };

static fixture fix;
static caption_session *session;

static const struct {
    const char *name;
    caption_status status;
    const char *reason;
} files[] = {
    {"wide.png", CAPTION_ERROR_LIMIT, "100000000 x 1 pixels, a side may have 65535"},
    {"tall.png", CAPTION_ERROR_LIMIT, "1 x 60000000 pixels, a side may have 65535"},
    {"pixels.png", CAPTION_ERROR_LIMIT, "60000 x 60000 pixels, more than the limit of 64000000"},
    {"interlaced.png", CAPTION_ERROR_LIMIT, "16000 x 12500 pixels, more than"},
    {"interlaced_within.png", CAPTION_ERROR_IMAGE, "66 bytes are too few for 8000 x 7500 pixels"},
    {"deep.png", CAPTION_ERROR_LIMIT, "rows of this PNG image have 384008000 bytes, the limit is 268435456"},
    {"streamed_within.png", CAPTION_ERROR_IMAGE, "66 bytes are too few for 8000 x 7500 pixels"},
    {"pixels.jpg", CAPTION_ERROR_LIMIT, "20000 x 9950 pixels, more than"},
    {"progressive.jpg", CAPTION_ERROR_LIMIT, "20000 x 9950 pixels, more than"},
    {"memory.jpg", CAPTION_ERROR_LIMIT, "bytes of decode_memory, there are 268435456"},
    {"separate.jpg", CAPTION_ERROR_LIMIT, "bytes of decode_memory, there are 268435456"},
    {"memory_within.jpg", CAPTION_ERROR_IMAGE, "153 bytes are too few for 8000 x 5000 pixels in 1 scan"},
    {"baseline_within.jpg", CAPTION_ERROR_IMAGE, "153 bytes are too few for 8000 x 8000 pixels in 1 scan"},
    {"scans.jpg", CAPTION_ERROR_IMAGE, "more than 100 scans"},
    {"scans_within.jpg", CAPTION_ERROR_IMAGE, "bytes are too few for 8000 x 7000 pixels in 100 scans"},
    {"behind.png", CAPTION_ERROR_IMAGE, "row 1 of 1: too many bytes behind the last row"},
    {"profile.png", CAPTION_OK, ""},
};
enum { FILES = sizeof files / sizeof *files };

static int set_up(void **state)
{
    (void)state;
    caption_session_options options;
    caption_session_options_init(&options);
    options.decode_memory = BUDGET;
    return fixture_open(&fix, NULL) &&
                   caption_session_create(&session, fix.model, &options, NULL) == CAPTION_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    caption_session_close(&session);
    fixture_close(&fix);
    return 0;
}

/* Loads a file of test/bad, and says so where it takes long. */
static caption_status load(const char *name, caption_error *error)
{
    static unsigned char data[MOST_BYTES];
    char path[128];
    (void)snprintf(path, sizeof path, "test/bad/%s", name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(data, 1, sizeof data, file);
    assert_true(size > 0 && size < sizeof data);
    (void)fclose(file);
    const clock_t start = clock();
    const caption_status status = caption_load_image(session, 0, data, size, error);
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    if (seconds > SECONDS) fail_msg("%s: took %.1f s", name, seconds);
    return status;
}

static void each_is_refused(void **state)
{
    (void)state;
    for (int i = 0; i < FILES; i++) {
        caption_error error;
        const caption_status status = load(files[i].name, &error);
        if (status != files[i].status || !strstr(error.message, files[i].reason)) {
            fail_msg("%s: %d, '%s' instead of %d, '%s'", files[i].name, status, error.message,
                     files[i].status, files[i].reason);
        }
    }
}

/* Bytes that say nothing don't buy time without end: the scans of scans_within.jpg behind comments. */
static void work_has_an_end(void **state)
{
    enum { COMMENTS = 100, COMMENT = 65537 };
    static unsigned char data[2 + COMMENTS * COMMENT + (1 << 16)];
    (void)state;
    FILE *file = fopen("test/bad/scans_within.jpg", "rb");
    assert_non_null(file);
    size_t size = 2 + COMMENTS * COMMENT;
    assert_int_equal(fread(data, 1, 2, file), 2);
    size += fread(data + size, 1, sizeof data - size, file);
    (void)fclose(file);
    for (int i = 0; i < COMMENTS; i++) memcpy(data + 2 + i * COMMENT, "\xFF\xFE\xFF\xFF", 4);
    caption_error error;
    assert_int_equal(caption_load_image(session, 0, data, size, &error), CAPTION_ERROR_LIMIT);
    assert_non_null(
        strstr(error.message, "visits 88375000 blocks of 8 x 8 pixels in 100 scans, the limit is 12582912"));
}

/* A file that somebody adds is in the table, too. */
static void all_are_tried(void **state)
{
    (void)state;
    DIR *dir = opendir("test/bad");
    assert_non_null(dir);
    int found = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        const char *end = strrchr(entry->d_name, '.');
        found += end && (strcmp(end, ".png") == 0 || strcmp(end, ".jpg") == 0);
    }
    (void)closedir(dir);
    assert_int_equal(found, FILES);
}

/* The probe says what an image would take, however much that is. */
static void the_probe_tells(void **state)
{
    static const unsigned char wide[] =
        "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x05\xF5\xE1\0\0\0\0\1\x08\2\0\0\0\0\0\0\0";
    (void)state;
    caption_image_info info;
    assert_int_equal(caption_image_probe(wide, sizeof wide - 1, &info, NULL), CAPTION_OK);
    assert_int_equal(info.width, 100000000);
    assert_true(info.decode_memory > 28 * (size_t)100000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_refused),
        cmocka_unit_test(work_has_an_end),
        cmocka_unit_test(all_are_tried),
        cmocka_unit_test(the_probe_tells),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
