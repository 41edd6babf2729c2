/* Tests of tools/batch: parts of an input, names, numbers of 16 bits, the journal, tars written. */
#include <math.h>
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

#include "tools/batch/format.h"
#include "tools/batch/inputs.h"
#include "tools/batch/journal.h"
#include "tools/batch/manifest.h"
#include "tools/batch/shard.h"
#include "tools/batch/tar_out.h"
#include "tools/common/progress.h"

enum { PATH = 256 };

static char dir[] = "/tmp/test_batch_XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[PATH];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const char *text, size_t size)
{
    FILE *f = fopen(in_dir(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* ---- shards ---- */

static void clear_schedulers(void)
{
    static const char *const names[] = {
        "SLURM_ARRAY_TASK_ID",  "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP",
        "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",   "JOB_COMPLETION_INDEX"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) assert_int_equal(unsetenv(names[i]), 0);
}

static void assert_shard(const char *text, int index, int count)
{
    batch_shard shard = {0, 0};
    tool_error err = {{0}};
    if (!batch_shard_parse(&shard, text, &err)) fail_msg("%s: %s", text, err.message);
    assert_int_equal(shard.index, index);
    assert_int_equal(shard.count, count);
}

static void assert_no_shard(const char *text, const char *reason)
{
    batch_shard shard;
    tool_error err = {{0}};
    assert_false(batch_shard_parse(&shard, text, &err));
    if (!strstr(err.message, reason)) fail_msg("%s: '%s' not in: %s", text, reason, err.message);
}

static void shards_are_read(void **state)
{
    (void)state;
    clear_schedulers();
    assert_shard("1/1", 1, 1);
    assert_shard("3/16", 3, 16);
    assert_shard("99999/99999", 99999, 99999);
    assert_no_shard("", "none of I/N");
    assert_no_shard("3", "none of I/N");
    assert_no_shard("3/", "none of I/N");
    assert_no_shard("/3", "not a whole number");
    assert_no_shard("0/3", "out of range");
    assert_no_shard("4/3", "out of range");
    assert_no_shard("1/100000", "out of range");
    assert_no_shard("a/3", "not a whole number");
    assert_no_shard("1/3/5", "not a whole number");
    assert_no_shard("auto", "no SLURM_ARRAY_TASK_ID");
}

static void schedulers_are_asked(void **state)
{
    (void)state;
    clear_schedulers();
    (void)setenv("JOB_COMPLETION_INDEX", "4", 1);
    assert_shard("auto/5", 5, 5);
    assert_no_shard("auto", "doesn't say of how many");
    assert_no_shard("auto/4", "outside of 4 tasks");
    (void)setenv("OMPI_COMM_WORLD_RANK", "0", 1);
    (void)setenv("OMPI_COMM_WORLD_SIZE", "3", 1);
    assert_shard("auto", 1, 3);
    (void)setenv("SLURM_ARRAY_TASK_ID", "7", 1);
    (void)setenv("SLURM_ARRAY_TASK_COUNT", "16", 1);
    assert_shard("auto", 8, 16);
    (void)setenv("SLURM_ARRAY_TASK_MIN", "1", 1); /* --array=1-16 */
    assert_shard("auto", 7, 16);
    (void)setenv("SLURM_ARRAY_TASK_STEP", "3", 1); /* --array=1-46:3 */
    assert_shard("auto", 3, 16);
    (void)setenv("SLURM_ARRAY_TASK_ID", "8", 1);
    assert_no_shard("auto", "SLURM_ARRAY_TASK_ID=8 is outside");
    (void)setenv("SLURM_ARRAY_TASK_ID", "x", 1);
    assert_no_shard("auto", "SLURM_ARRAY_TASK_ID: 'x' is not");
    clear_schedulers();
}

/* Every tar and every image has one part, the tars' parts are runs of neighbours, and no part is much larger.
 */
static void shards_are_a_partition(void **state)
{
    static const int counts[] = {1, 2, 7, 16, 100};
    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        int last = 1, images[100] = {0}, tars[100] = {0};
        for (size_t tar = 0; tar < 64; tar++) {
            int owners = 0, owner = 0;
            for (int i = 1; i <= counts[c]; i++) {
                const batch_shard shard = {i, counts[c]};
                if (!batch_shard_has_tar(&shard, tar, 64)) continue;
                owners++;
                owner = i;
                tars[i - 1]++;
            }
            assert_int_equal(owners, 1);
            assert_true(owner >= last);
            last = owner;
        }
        for (int n = 0; n < 5000; n++) {
            char name[64];
            int owners = 0;
            (void)snprintf(name, sizeof name, "photos/%05d.jpg", n);
            for (int i = 1; i <= counts[c]; i++) {
                const batch_shard shard = {i, counts[c]};
                if (!batch_shard_has_image(&shard, name)) continue;
                owners++;
                images[i - 1]++;
            }
            assert_int_equal(owners, 1);
        }
        for (int i = 0; i < counts[c]; i++) {
            assert_true(tars[i] <= 64 / counts[c] + 1);
            assert_in_range(images[i], 5000 / counts[c] / 2, 5000 / counts[c] * 3 / 2);
        }
    }
}

/* ---- names ---- */

static void tars_are_known_by_name(void **state)
{
    (void)state;
    assert_true(batch_is_tar("shard-0.tar") && batch_is_tar("a/b.tar.gz") && batch_is_tar("x.tgz"));
    assert_true(batch_is_tar("x.tar.zst") && batch_is_tar("x.tzst"));
    assert_false(batch_is_tar(".tar") || batch_is_tar("tar") || batch_is_tar("x.tar.jpg") ||
                 batch_is_tar(""));
}

static void names_in_order(void **state)
{
    static const char list[] = "b.jpg\0new\nline.jpg\0\0s.tar\0\xFFz.jpg"; /* the array adds the last zero */
    static const char *const wanted[] = {"a.jpg", "t.tar", "b.jpg", "new\nline.jpg", "s.tar", "\xFFz.jpg"};
    batch_inputs inputs = {.zero = false};
    (void)state;
    write_file("list", list, sizeof list);
    assert_true(batch_inputs_add(&inputs, "a.jpg", NULL) && batch_inputs_add(&inputs, "t.tar", NULL));
    assert_true(batch_inputs_read(&inputs, in_dir("list"), true, NULL));
    assert_true(batch_inputs_count(&inputs, (batch_shard){1, 1}, NULL));
    assert_int_equal(inputs.images, 4);
    assert_int_equal(inputs.tars, 2);
    batch_names names;
    batch_names_begin(&names, &inputs);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_true(batch_names_next(&names, NULL));
        assert_string_equal(names.name, wanted[i]);
    }
    assert_false(batch_names_next(&names, NULL));
    batch_names_end(&names);
    /* all parts together: the same images once */
    size_t images = 0;
    for (int i = 1; i <= 3; i++) {
        assert_true(batch_inputs_count(&inputs, (batch_shard){i, 3}, NULL));
        assert_int_equal(inputs.tars, 2); /* of all parts */
        images += inputs.images;
    }
    assert_int_equal(images, 4);
    batch_inputs_free(&inputs);
    tool_error err = {{0}};
    assert_false(batch_inputs_read(&inputs, in_dir("list"), false, &err));
    assert_non_null(strstr(err.message, "list:1: a zero byte"));
    batch_inputs_free(&inputs);
}

/* ---- features ---- */

static float float_of(unsigned half)
{
    const int exponent = half >> 10 & 31;
    const float fraction = (float)(half & 1023) / 1024;
    const float size = exponent ? ldexpf(1 + fraction, exponent - 15) : ldexpf(fraction, -14);
    return half & 0x8000 ? -size : size;
}

static void float16_is_nearest(void **state)
{
    (void)state;
    for (unsigned half = 0; half < 0x7C00; half++) { /* every finite number, and half way to the next */
        const float value = float_of(half);
        assert_int_equal(batch_float16(value), half);
        assert_int_equal(batch_float16(-value), half | 0x8000);
        if (half == 0x7BFF) break;
        const float middle = value + (float_of(half + 1) - value) / 2;
        assert_int_equal(batch_float16(middle), half + (half & 1));
        assert_int_equal(batch_float16(nextafterf(middle, 0)), half);
        assert_int_equal(batch_float16(nextafterf(middle, INFINITY)), half + 1);
    }
    assert_int_equal(batch_float16(65519.99f), 0x7BFF);
    assert_int_equal(batch_float16(65520.0f), 0x7C00);
    assert_int_equal(batch_float16(-INFINITY), 0xFC00);
    assert_int_equal(batch_float16(NAN) & 0x7E00, 0x7E00);
}

/* ---- the journal ---- */

static const char settings[] = "model=1\nbeams=5\n";

/* Opens the journal and checks it against the first `size` bytes of the output. */
static batch_totals open_and_check(batch_journal *journal, const char *output, size_t size)
{
    tool_error err = {{0}};
    batch_totals totals;
    if (!batch_journal_open(journal, in_dir("j"), settings, false, &err)) fail_msg("%s", err.message);
    write_file("part", output, size);
    FILE *part = fopen(in_dir("part"), "rb");
    assert_non_null(part);
    if (!batch_journal_check(journal, part, &totals, &err)) fail_msg("%s", err.message);
    (void)fclose(part);
    return totals;
}

static void put_groups(batch_journal *journal)
{
    /* CRC-32 of "abc" and "abcdef" by zlib.crc32 in Python */
    const batch_totals first = {.items = 2, .captioned = 1, .failed = 1, .bytes = 3, .crc = 0x352441c2};
    const batch_totals second = {.items = 4, .captioned = 3, .failed = 1, .bytes = 6, .crc = 0x4b8e39ef};
    assert_true(batch_journal_add(journal, &first, "x\tx: bad\n", 9, NULL));
    assert_true(batch_journal_add(journal, &second, "", 0, NULL));
}

static void journal_goes_on(void **state)
{
    static const struct {
        const char *output;
        uint64_t items;
    } cases[] = {
        {"abcdef", 4}, {"abcdefgh", 4}, {"abcde", 2},  {"abcxef", 2},
        {"abc", 2},    {"ab", 0},       {"xbcdef", 0}, {"", 0},
    };
    batch_journal journal;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)unlink(in_dir("j"));
        assert_int_equal(open_and_check(&journal, "", 0).items, 0);
        put_groups(&journal);
        batch_journal_close(&journal, false);
        batch_totals totals = open_and_check(&journal, cases[i].output, strlen(cases[i].output));
        assert_int_equal(totals.items, cases[i].items);
        assert_int_equal(totals.failed, cases[i].items ? 1 : 0);
        batch_journal_close(&journal, false);
        /* what was dropped stays dropped */
        assert_int_equal(open_and_check(&journal, "abcdef", 6).items, cases[i].items);
        batch_journal_rewind(&journal);
        char *line = NULL;
        size_t room = 0;
        assert_int_equal(batch_journal_failure(&journal, &line, &room), cases[i].items > 0);
        if (cases[i].items) assert_string_equal(line, "x\tx: bad\n");
        assert_false(batch_journal_failure(&journal, &line, &room));
        free(line);
        batch_journal_close(&journal, true);
        assert_int_equal(access(in_dir("j"), F_OK), -1);
    }
}

/* Cut at every byte, and with every byte changed: what is found is never more than is there. */
static void damaged_journals(void **state)
{
    char whole[1024], bytes[1024];
    batch_journal journal;
    (void)state;
    (void)unlink(in_dir("j"));
    (void)open_and_check(&journal, "", 0);
    const long head = journal.first;
    put_groups(&journal);
    batch_journal_close(&journal, false);
    FILE *f = fopen(in_dir("j"), "rb");
    assert_non_null(f);
    const size_t size = fread(whole, 1, sizeof whole, f);
    (void)fclose(f);
    uint64_t most = 0;
    for (size_t cut = 0; cut <= size; cut++) {
        write_file("j", whole, cut);
        const batch_totals totals = open_and_check(&journal, "abcdef", 6);
        assert_true(totals.items == 0 || totals.items == 2 || totals.items == 4);
        assert_true(totals.items >= most);
        most = totals.items;
        batch_journal_close(&journal, false);
    }
    assert_int_equal(most, 4);
    for (size_t at = (size_t)head; at < size; at++) {
        memcpy(bytes, whole, size);
        bytes[at] = (char)(bytes[at] ^ 1);
        write_file("j", bytes, size);
        const batch_totals totals = open_and_check(&journal, "abcdef", 6);
        assert_true(totals.items < 4);
        batch_journal_close(&journal, false);
    }
}

static void journals_of_others(void **state)
{
    batch_journal journal;
    tool_error err = {{0}};
    (void)state;
    (void)unlink(in_dir("j"));
    (void)open_and_check(&journal, "", 0);
    put_groups(&journal);
    batch_journal_close(&journal, false);
    assert_false(batch_journal_open(&journal, in_dir("j"), "model=1\nbeams=3\n", false, &err));
    assert_non_null(strstr(err.message, "was begun with beams=5, now beams=3"));
    assert_true(batch_journal_open(&journal, in_dir("j"), "model=1\nbeams=3\n", true, NULL));
    batch_journal_close(&journal, true);
    write_file("j", "some text\n", 10);
    err.message[0] = '\0';
    assert_false(batch_journal_open(&journal, in_dir("j"), settings, false, &err));
    assert_non_null(strstr(err.message, "j: not a journal of capbatch"));
    (void)unlink(in_dir("j"));
    assert_int_equal(mkdir(in_dir("j"), 0777), 0);
    assert_false(batch_journal_open(&journal, in_dir("j"), settings, false, NULL));
    assert_int_equal(rmdir(in_dir("j")), 0);
}

/* ---- tars ---- */

/* What tar itself finds in what we write. */
static void tars_are_read_by_tar(void **state)
{
    char name[300], command[1024], line[400] = "";
    (void)state;
    memset(name, 'n', sizeof name);
    memcpy(name, "a/", 2);
    name[sizeof name - 1] = '\0';
    FILE *f = fopen(in_dir("t.tar"), "wb");
    assert_non_null(f);
    batch_tar_put(
        f, &(batch_tar_entry){.name = "k.txt", .mode = 0644, .mtime = 86400, .data = "hello", .size = 5});
    batch_tar_put(f, &(batch_tar_entry){.name = name, .mode = 0600, .data = name, .size = 299});
    for (size_t n = 98; n <= 101; n++) { /* where the short form ends */
        name[n] = '\0';
        batch_tar_put(f, &(batch_tar_entry){.name = name, .mode = 0644, .mtime = -1, .data = "", .size = 0});
        name[n] = 'n';
    }
    batch_tar_put_end(f);
    assert_int_equal(fclose(f), 0);
    (void)snprintf(command, sizeof command,
                   "cd %s && tar tf t.tar | awk '{ print length($0) }' | tr '\\n' ' ' &&"
                   " tar xOf t.tar k.txt && TZ=UTC tar tvf t.tar k.txt | grep -c 'rw-r--r--.* 5 1970-01-02'",
                   dir);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    assert_non_null(fgets(line, sizeof line, p));
    assert_string_equal(line, "5 299 98 99 100 101 hello1\n");
    assert_int_equal(pclose(p), 0);
}

/* ---- the log ---- */

/* Standard error of what is called, into text [size]. */
static void capture(char *text, size_t size, tool_progress *p, uint64_t done)
{
    const int kept = dup(STDERR_FILENO);
    assert_non_null(freopen(in_dir("log"), "w", stderr));
    tool_progress_log(p, "capbatch", done);
    (void)fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    FILE *f = fopen(in_dir("log"), "r");
    assert_non_null(f);
    text[fread(text, 1, size - 1, f)] = '\0';
    (void)fclose(f);
}

static bool next_of_two(void *user, char **line, size_t *room)
{
    int *given = user;
    free(*line);
    *line = *given < 2 ? strdup("a.jpg\ta.jpg: damaged\n") : NULL;
    *room = 0;
    return (*given)++ < 2;
}

/* A manifest that would list fewer failures than there were, or more, isn't written. */
static void manifests_list_all(void **state)
{
    char output[PATH], model[] = "model=m\n";
    batch_manifest manifest = {.settings = model};
    tool_error err = {{0}};
    (void)state;
    (void)snprintf(output, sizeof output, "%s/listed", dir);
    char *path = batch_manifest_path(output);
    assert_non_null(path);
    for (manifest.totals.failed = 1; manifest.totals.failed <= 3; manifest.totals.failed++) {
        int given = 0;
        err.message[0] = '\0';
        const bool ok = batch_manifest_write(output, &manifest, next_of_two, &given, &err);
        assert_int_equal(ok, manifest.totals.failed == 2);
        assert_int_equal(access(path, F_OK) == 0, ok);
        if (!ok) assert_non_null(strstr(err.message, "failures can be read"));
        (void)unlink(path);
    }
    free(path);
}

static void a_line_a_minute(void **state)
{
    char text[256];
    tool_progress p;
    (void)state;
    tool_progress_begin(&p, "images", 100, 400);
    p.active = false;
    capture(text, sizeof text, &p, 200);
    assert_string_equal(text, "");
    p.start.tv_sec -= TOOL_PROGRESS_SECONDS + 40;
    p.last = p.start;
    capture(text, sizeof text, &p, 200); /* not wanted */
    assert_string_equal(text, "");
    p.log = true;
    capture(text, sizeof text, &p, 200); /* 100 images in 100 s, 200 are left */
    assert_string_equal(text, "capbatch: 200/400 images, 1 images/s, 3:20 left\n");
    capture(text, sizeof text, &p, 300);
    assert_string_equal(text, "");
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[PATH];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_are_read),        cmocka_unit_test(schedulers_are_asked),
        cmocka_unit_test(shards_are_a_partition), cmocka_unit_test(tars_are_known_by_name),
        cmocka_unit_test(names_in_order),         cmocka_unit_test(float16_is_nearest),
        cmocka_unit_test(journal_goes_on),        cmocka_unit_test(damaged_journals),
        cmocka_unit_test(journals_of_others),     cmocka_unit_test(tars_are_read_by_tar),
        cmocka_unit_test(manifests_list_all),     cmocka_unit_test(a_line_a_minute),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
