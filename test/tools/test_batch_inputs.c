/* Tests of what capbatch takes for an input: names with braces, and folders with tars in them. */
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

#include "test/tools/scratch.h"
#include "tools/batch/braces.h"
#include "tools/batch/inputs.h"

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/test_batch_inputs_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* ---- braces ---- */

static void assert_names(const char *pattern, const char *wanted)
{
    batch_braces braces;
    tool_error err = {{0}};
    char all[512] = "", name[256];
    if (!batch_braces_read(&braces, pattern, &err)) fail_msg("%s: %s", pattern, err.message);
    assert_true(braces.room <= sizeof name);
    for (uint64_t i = 0; i < braces.names; i++) {
        batch_braces_name(&braces, i, name);
        assert_true(strlen(name) < braces.room && strlen(all) + strlen(name) + 2 < sizeof all);
        if (i) strcat(all, " ");
        strcat(all, name);
    }
    assert_string_equal(all, wanted);
}

/* The names that bash makes of the same patterns. */
static void braces_expand(void **state)
{
    (void)state;
    assert_names("a.tar", "a.tar");
    assert_names("", "");
    assert_names("s-{00..03}.tar", "s-00.tar s-01.tar s-02.tar s-03.tar");
    assert_names("{8..11}", "8 9 10 11");
    assert_names("{08..11}", "08 09 10 11");
    assert_names("{8..011}", "008 009 010 011");
    assert_names("{0..2}", "0 1 2");
    assert_names("{00..0}", "00");
    assert_names("{3..1}", "3 2 1");
    assert_names("{0..10..4}", "0 4 8");
    assert_names("{10..0..4}", "10 6 2");
    assert_names("{train,val}-{0..1}.tar", "train-0.tar train-1.tar val-0.tar val-1.tar");
    assert_names("{a,}b{,c}{1..2}", "ab1 ab2 abc1 abc2 b1 b2 bc1 bc2");
    assert_names("{999999999999999998..999999999999999999}", "999999999999999998 999999999999999999");
}

/* What is none stands for itself. */
static void other_braces(void **state)
{
    static const char *const patterns[] = {
        "a{b}c",     "{}",       "{",      "}",      "a{0..}",
        "{..3}",     "{0...3}",  "{1.3}",  "{a..c}", "{-1..3}",
        "{0..3..0}", "{0..3..}", "x{0..3", "0..3}",  "{0..1000000000000000000}"};
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) assert_names(patterns[i], patterns[i]);
    assert_names("{a,{1..2}}", "{a,1} {a,2}");
    assert_names("{x}{1..2}", "{x}1 {x}2");
}

static void too_many_names(void **state)
{
    static const char *const patterns[] = {"{0..1000000}", "{0..999}{0..999}{0..1}",
                                           "{0..999999999999999999}{0..999999999999999999}"};
    batch_braces braces;
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        tool_error err = {{0}};
        assert_false(batch_braces_read(&braces, patterns[i], &err));
        assert_non_null(strstr(err.message, "more names than 1000000"));
    }
    assert_true(batch_braces_read(&braces, "{0..999}{0..999}", NULL));
    assert_int_equal(braces.names, 1000000);
    assert_false(batch_braces_read(&braces, "{0,1}{0,1}{0,1}{0,1}{0,1}{0,1}{0,1}{0,1}{0,1}", NULL));
    /* few names, but long ones */
    static char pattern[100000];
    memset(pattern, 'x', sizeof pattern - 1);
    memcpy(pattern, "{0..9999}", 9);
    assert_false(batch_braces_read(&braces, pattern, NULL));
}

/* ---- names ---- */

static void assert_inputs(batch_inputs *inputs, const char *wanted)
{
    batch_names names;
    char all[2048] = "";
    assert_true(batch_inputs_count(inputs, (batch_shard){1, 1}, NULL));
    batch_names_begin(&names, inputs);
    while (batch_names_next(&names, NULL)) {
        const char *name = names.name;
        const size_t length = strlen(folder);
        if (strncmp(name, folder, length) == 0) name += length + 1;
        assert_true(strlen(all) + strlen(name) + 2 < sizeof all);
        (void)strcat(strcat(all, name), " ");
    }
    batch_names_end(&names);
    assert_string_equal(all, wanted);
    batch_inputs_free(inputs);
}

/* A name with braces stands for others, in their order; a file that is called so is itself. */
static void operands_with_braces(void **state)
{
    batch_inputs inputs = {.zero = false};
    (void)state;
    assert_true(batch_inputs_add(&inputs, "s-{2..0}.tar", NULL) && batch_inputs_add(&inputs, "b", NULL));
    assert_inputs(&inputs, "s-2.tar s-1.tar s-0.tar b ");
    put(in_folder(0, "p-{0..1}.tar"), "");
    assert_true(batch_inputs_add(&inputs, in_folder(0, "p-{0..1}.tar"), NULL));
    assert_int_equal(inputs.named.count, 1);
    assert_inputs(&inputs, "p-{0..1}.tar ");
    tool_error err = {{0}};
    assert_false(batch_inputs_add(&inputs, "s-{0..9999999}.tar", &err));
    assert_int_equal(inputs.named.count, 0);
    batch_inputs_free(&inputs);
}

/* Tars in folders are taken, those without a byte in them too: they fail later, and are listed. */
static void folders_with_tars(void **state)
{
    batch_inputs inputs = {.zero = false};
    (void)state;
    assert_int_equal(mkdir(in_folder(0, "f"), 0700), 0);
    assert_int_equal(mkdir(in_folder(0, "f/in"), 0700), 0);
    assert_int_equal(mkdir(in_folder(0, "f/folder.tar"), 0700), 0);
    put(in_folder(0, "f/b.jpg"), "\xFF\xD8\xFF\xE0        ");
    put(in_folder(0, "f/a.tar"), "");
    put(in_folder(0, "f/c.json"), "{}");
    put(in_folder(0, "f/in/d.tar.gz"), "x");
    put(in_folder(0, "f/.hidden.tar"), "x");
    assert_int_equal(mkfifo(in_folder(0, "f/fifo.tar"), 0600), 0);
    assert_true(batch_inputs_add(&inputs, in_folder(0, "f"), NULL));
#if TOOL_WITH_ARCHIVE
    assert_int_equal(inputs.named.passed_over, 2);
    assert_inputs(&inputs, "f/a.tar f/b.jpg f/in/d.tar.gz ");
#else
    assert_inputs(&inputs, "f/b.jpg ");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(braces_expand),     cmocka_unit_test(other_braces),
        cmocka_unit_test(too_many_names),    cmocka_unit_test(operands_with_braces),
        cmocka_unit_test(folders_with_tars),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
