/* Tests of tools/common: output files, text, progress.  Makes its own files in a temporary folder. */
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "tools/common/outfile.h"
#include "tools/common/progress.h"
#include "tools/common/text.h"

static char folder[64];
static char scratch[2][256];

static const char *in_folder(int i, const char *name)
{
    (void)snprintf(scratch[i], sizeof scratch[i], "%s/%s", folder, name);
    return scratch[i];
}

/* Entries in the test folder, without . and .. */
static int entries(void)
{
    DIR *dir = opendir(folder);
    int n = 0;

    assert_non_null(dir);
    while (readdir(dir)) n++;
    (void)closedir(dir);
    return n - 2;
}

static void put(const char *path, const char *data)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    (void)fputs(data, f);
    (void)fclose(f);
}

static void assert_content(const char *path, const char *expected)
{
    tool_text text;
    tool_error err = {{0}};

    assert_true(tool_text_read(&text, path, 1000, &err));
    assert_string_equal(text.data, expected);
    tool_text_free(&text);
}

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

static void commit_replaces(void **state)
{
    const char *path = in_folder(0, "a");
    tool_error err = {{0}};
    tool_outfile *out;
    struct stat info;
    mode_t mask = umask(027);

    (void)state;
    put(path, "old");
    out = tool_outfile_open(path, &err);
    assert_non_null(out);
    assert_true(tool_outfile_write(out, "....rest", 8, &err));
    assert_true(tool_outfile_seek(out, 0, &err));
    assert_true(tool_outfile_write(out, "head", 4, &err));
    assert_content(path, "old");
    assert_int_equal(entries(), 2);
    assert_true(tool_outfile_commit(&out, &err));
    (void)umask(mask);
    assert_null(out);
    assert_content(path, "headrest");
    assert_int_equal(entries(), 1);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

static void abort_removes(void **state)
{
    const char *path = in_folder(0, "a");
    tool_error err = {{0}};
    tool_outfile *out = tool_outfile_open(path, &err);

    (void)state;
    assert_non_null(out);
    assert_true(tool_outfile_write(out, "x", 1, &err));
    tool_outfile_abort(&out);
    tool_outfile_abort(&out);
    assert_int_equal(entries(), 0);
}

static void bad_targets(void **state)
{
    tool_error err = {{0}};

    (void)state;
    assert_null(tool_outfile_open(folder, &err));
    assert_non_null(strstr(err.message, "is a folder"));
    assert_non_null(strstr(err.message, folder));
    err.message[0] = '\0';
    assert_null(tool_outfile_open(in_folder(0, "none/a"), &err));
    assert_non_null(strstr(err.message, "none/a: cannot create a file in its folder: No such file"));
    err.message[0] = '\0';
    assert_null(tool_outfile_open("", &err));
    assert_true(err.message[0] != '\0');
}

static void link_stays(void **state)
{
    tool_error err = {{0}};
    tool_outfile *out;
    struct stat info;

    (void)state;
    put(in_folder(0, "a"), "old");
    assert_int_equal(symlink("a", in_folder(1, "b")), 0);
    out = tool_outfile_open(scratch[1], &err);
    assert_non_null(out);
    assert_true(tool_outfile_write(out, "new", 3, &err));
    assert_true(tool_outfile_commit(&out, &err));
    assert_int_equal(lstat(scratch[1], &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_content(scratch[0], "new");
}

static void device_written_directly(void **state)
{
    tool_error err = {{0}};
    tool_outfile *out = tool_outfile_open("/dev/null", &err);
    struct stat info;

    (void)state;
    assert_non_null(out);
    assert_true(tool_outfile_write(out, "x", 1, &err));
    assert_true(tool_outfile_commit(&out, &err));
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
}

static void full_disk(void **state)
{
    tool_error err = {{0}};
    tool_outfile *out = access("/dev/full", W_OK) == 0 ? tool_outfile_open("/dev/full", &err) : NULL;

    (void)state;
    if (!out) skip();
    (void)fputs("x", tool_outfile_stream(out));
    assert_false(tool_outfile_commit(&out, &err));
    assert_string_equal(err.message, "/dev/full: No space left on device");
}

static void signal_removes(void **state)
{
    int status = 0;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        tool_outfile *out = tool_outfile_open(in_folder(0, "a"), NULL);

        if (!out || entries() != 1) _exit(3);
        (void)raise(SIGTERM);
        _exit(4);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
    assert_int_equal(entries(), 0);
}

static void read_limits(void **state)
{
    const char *path = in_folder(0, "a");
    tool_error err = {{0}};
    tool_text text;

    (void)state;
    put(path, "12345");
    assert_true(tool_text_read(&text, path, 5, &err));
    assert_int_equal(text.size, 5);
    tool_text_free(&text);
    assert_false(tool_text_read(&text, path, 4, &err));
    assert_non_null(strstr(err.message, "larger than 4 bytes"));
    err.message[0] = '\0';
    assert_false(tool_text_read(&text, folder, 100, &err));
    assert_non_null(strstr(err.message, "Is a directory"));
    err.message[0] = '\0';
    assert_false(tool_text_read(&text, in_folder(0, "b"), 100, &err));
    assert_non_null(strstr(err.message, "/b: No such file"));
}

static void read_large(void **state)
{
    const char *path = in_folder(0, "a");
    enum { SIZE = 200001 };
    tool_error err = {{0}};
    tool_text text;
    FILE *f = fopen(path, "wb");
    int i;

    (void)state;
    assert_non_null(f);
    for (i = 0; i < SIZE; i++) (void)fputc('a' + i % 26, f);
    (void)fclose(f);
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
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(tool_utf8_check(cases[i].text, strlen(cases[i].text)), cases[i].bad);
    }
}

static void lines(void **state)
{
    static const char text[] = "\xEF\xBB\xBFone\r\n\ntwo\nthree";
    static const char *const expected[] = {"one", "", "two", "three"};
    tool_lines l;
    size_t n = 0;

    (void)state;
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

static void progress_text(void **state)
{
    tool_progress p;
    char text[160], tiny[8];

    (void)state;
    tool_progress_begin(&p, "images", 100, 400);
    /* 100 done earlier, 50 in 10 s: 5 a second, 250 left = 50 s; 150/400 of 24 cells = 9 */
    (void)tool_progress_format(&p, 150, 10, text, (int)sizeof text);
    assert_string_equal(text, "[#########...............] 150/400 images, 5 images/s, 0:50 left");
    (void)tool_progress_format(&p, 100, 0, text, (int)sizeof text);
    assert_string_equal(text, "[######..................] 100/400 images");
    (void)tool_progress_format(&p, 400, 60, text, (int)sizeof text);
    assert_string_equal(text, "[########################] 400/400 images, 5 images/s");
    assert_int_equal(tool_progress_format(&p, 150, 10, tiny, (int)sizeof tiny), 7);
    assert_int_equal(strlen(tiny), 7);
    tool_progress_begin(&p, "MiB", 0, 0);
    (void)tool_progress_format(&p, 3, 2, text, (int)sizeof text);
    assert_string_equal(text, "3 MiB, 1.5 MiB/s");
    p.total = 7303; /* 7300 left at 1.5 a second: 4866.7 s */
    (void)tool_progress_format(&p, 3, 2, text, (int)sizeof text);
    assert_non_null(strstr(text, "1:21:07 left"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(commit_replaces, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(abort_removes, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(bad_targets, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(link_stays, make_folder, remove_folder),
        cmocka_unit_test(device_written_directly),
        cmocka_unit_test(full_disk),
        cmocka_unit_test_setup_teardown(signal_removes, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(read_limits, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(read_large, make_folder, remove_folder),
        cmocka_unit_test(utf8),
        cmocka_unit_test(lines),
        cmocka_unit_test(progress_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
