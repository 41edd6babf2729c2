/* The manner that all tools share, from the outside: help, defaults, -q, -o, lists of names, the bundled
 * model, names with control characters, terminals of several widths, and writes that get lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <jansson.h>

#define put put_bytes /* run_tools.h has another */
#include "test/tools/net_maker.h"
#undef put
#include "test/make_model.h"
#include "test/run_tools.h"
#include "tools/common/bundled.h"
#include "tools/common/text.h"

/* every command line with a --help of its own */
static const char *const commands[] = {"capdemo",    "capbatch", "capbatch merge", "capinfo",       "capdump",
                                       "capconvert", "capeval",  "capeval run",    "capeval score",
#if TOOL_WITH_HTTP
                                       "capserve"
#endif
};
enum { COMMANDS = sizeof commands / sizeof commands[0], SCREEN = 80 };

static const char *program; /* argv[0] */

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

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("'%s' not in: %s", part, text);
}

/* Characters of the longest line; a UTF-8 sequence is one. */
static int longest_line(const char *text)
{
    int longest = 0, length = 0;
    for (; *text; text++) {
        length = *text == '\n' ? 0 : length + (((unsigned char)*text & 0xC0) != 0x80);
        if (length > longest) longest = length;
    }
    return longest;
}

/* ---- help ---- */

/* A line of an option: two spaces, perhaps "-x, ", "--name", perhaps an argument in capitals, then text,
 * which begins below where that is long. */
static void assert_option_line(const char *line)
{
    const char *p = line + 2;
    if (p[0] == '-' && p[1] != '-') {
        assert_true(p[1] != '\0' && p[2] == ',' && p[3] == ' ');
        p += 4;
    }
    assert_memory_equal(p, "--", 2);
    p += 2 + strspn(p + 2, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (p[0] == ' ' && p[1] != ' ') p += 1 + strspn(p + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (*p == '\n') {
        assert_true(p - line > 22);
        assert_int_equal(strspn(p + 1, " "), 24);
    } else {
        assert_memory_equal(p, "  ", 2);
    }
}

static void every_help_has_one_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMANDS; i++) {
        assert_int_equal(run("%s --help", commands[i]), 0);
        assert_memory_equal(out, "Usage: ", 7);
        assert_memory_equal(out + 7, commands[i], strlen(commands[i]));
        assert_has(out, "[options]");
        assert_has(out, "\nExit code: 0, or 1 when something failed, or 2 for wrong usage.\n");
        assert_true(longest_line(out) <= SCREEN);
        int options = 0;
        for (const char *line = out; *line; line += strcspn(line, "\n") + 1) {
            if (strncmp(line, "  -", 3) != 0) continue;
            assert_option_line(line);
            options++;
        }
        assert_true(options >= 2);
        assert_int_equal(
            run("%s --help >$D/long; %s -h >$D/short; cmp $D/long $D/short", commands[i], commands[i]), 0);
        assert_int_equal(run("%s --help >/dev/full", commands[i]), 1);
        assert_has(err, "standard output: ");
        assert_int_equal(run("%s --version >/dev/full", commands[i]), 1);
        assert_int_equal(run("%s --version >&-", commands[i]), 1);
        assert_has(err, "standard output: ");
    }
}

/* The words of every option's help, for an option that has a value, end in its default. */
static void every_value_has_a_default(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMANDS; i++) {
        assert_int_equal(run("%s --help", commands[i]), 0);
        for (const char *line = strstr(out, "\n  -"); line; line = strstr(line + 1, "\n  -")) {
            const char *name = strstr(line, "--");
            const char *end = name + strcspn(name, " \n");
            const char *next = strstr(line + 1, "\n  -"), *blank = strstr(line, "\n\n");
            if (end[0] != ' ' || end[1] == ' ') continue; /* no value */
            if (!next || (blank && blank < next)) next = blank;
            const char *initial = strstr(line, "(default:");
            if (!initial || (next && initial > next)) {
                fail_msg("%s: no default: %.40s", commands[i], name);
            }
        }
    }
}

/* Every option of the help is in the man page, whose macros write "--beams" as "Fl -beams". */
static void every_option_is_in_the_man_page(void **state)
{
    (void)state;
    for (size_t i = 0; i < COMMANDS; i++) {
        char path[PATH];
        (void)snprintf(path, sizeof path, "docs/man/%.*s.1", (int)strcspn(commands[i], " "), commands[i]);
        tool_text page;
        assert_true(tool_text_read(&page, path, LIMIT, NULL));
        assert_int_equal(run("%s --help", commands[i]), 0);
        for (const char *line = strstr(out, "\n  -"); line; line = strstr(line + 1, "\n  -")) {
            const char *name = strstr(line, "--") + 2;
            const int length = (int)strcspn(name, " \n");
            bool found = false;
            for (int end = 0; end < 2 && !found; end++) { /* with a value behind it, or without */
                char entry[64];
                (void)snprintf(entry, sizeof entry, " -%.*s%c", length, name, end ? '\n' : ' ');
                found = strstr(page.data, entry) != NULL;
            }
            if (!found) fail_msg("%s: no --%.*s", path, length, name);
        }
        tool_text_free(&page);
    }
}

static void shared_defaults_are_the_same(void **state)
{
    static const char *const with_model[] = {"capdemo", "capbatch", "capinfo", "capdump", "capeval run"};
    static const char *const with_threads[] = {"capdemo", "capbatch",    "capinfo",
                                               "capdump", "capeval run", "capconvert"};
    (void)state;
    for (size_t i = 0; i < sizeof with_model / sizeof with_model[0]; i++) {
        assert_int_equal(run("%s --help | tr -s ' \\n' ' '", with_model[i]), 0);
        assert_has(out, " -m, --model FILE the model file (default: $CAPTION_MODEL, then the bundled model)");
    }
    for (size_t i = 0; i < sizeof with_threads / sizeof with_threads[0]; i++) {
        assert_int_equal(run("%s --help | tr -s ' \\n' ' '", with_threads[i]), 0);
        const char *threads = strstr(out, "--threads N");
        assert_non_null(threads);
        assert_has(threads, "the same for any number (default: one a processor)");
    }
}

/* ---- which model ---- */

static void models_of_every_tool(void **state)
{
    size_t size = 0;
    (void)state;
    assert_int_equal(run("printf 'image,caption\\na.jpg,a dog\\n' >$D/r.txt"), 0);
    static const char *const wrong[] = {"capdemo test/vectors/a.jpg", "capbatch test/vectors/a.jpg",
                                        "capinfo", "capdump test/vectors/a.jpg $D/x",
                                        "capeval run --images test/vectors --refs $D/r.txt -o $D/x.tsv"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_refused(run("CAPTION_MODEL=$D/missing.capw %s", wrong[i]), 1, "missing.capw: ");
        /* the option is stronger; an empty name is no name, and does not stand for the bundled model */
        assert_refused(run("CAPTION_MODEL=$D/m.capw %s -m $D/gone.capw", wrong[i]), 1, "gone.capw: ");
        assert_int_equal(run("%s -m ''", wrong[i]), 1);
    }
    assert_int_equal(run("CAPTION_MODEL=$D/m.capw capinfo"), 0);
    assert_has(out, "/m.capw\n");
    if (!tool_bundled_data(&size)) skip();
    assert_int_equal(run("CAPTION_MODEL= capinfo"), 0);
    assert_has(out, "bundled model\n");
    assert_has(out, "vocabulary  98 words");
    assert_int_equal(run("unset CAPTION_MODEL; capdump -q test/vectors/a.jpg $D/bundled"), 0);
    assert_int_equal(
        run("unset CAPTION_MODEL; capeval run -q --images test/vectors --refs $D/r.txt -o $D/b.tsv"
            " --wordnet none"),
        0);
    assert_string_equal(err, "");
}

static void bundled_model_is_explained(void **state)
{
    size_t size = 0;
    (void)state;
    if (!tool_bundled_data(&size)) skip();
    assert_int_equal(run("unset CAPTION_MODEL; capdemo test/vectors/a.jpg test/vectors/c.png"), 0);
    assert_int_equal(count_lines(err), 1);
    assert_has(err, "drawn scenes, not photographs");
    assert_has(err, "make weights");
    assert_int_equal(run("unset CAPTION_MODEL; capdemo --quiet test/vectors/a.jpg"), 0);
    assert_string_equal(err, "");
    assert_int_equal(run("capdemo -m $D/m.capw test/vectors/a.jpg"), 0);
    assert_string_equal(err, "");
    /* in the folder of drawn scenes it is silent, however the folder is named */
    assert_int_equal(
        run("mkdir -p $D/scenes/demo && cp test/vectors/a.jpg $D/scenes/demo/; unset CAPTION_MODEL;"
            " capdemo $D/scenes/demo/a.jpg && capdemo $D/scenes/demo && cd $D/scenes/demo &&"
            " capdemo a.jpg && capdemo ./a.jpg . && capdemo ../demo//a.jpg"),
        0);
    assert_string_equal(err, "");
    assert_int_equal(
        run("mkdir -p $D/myscenes/demo && cp test/vectors/a.jpg $D/myscenes/demo/; unset CAPTION_MODEL;"
            " capdemo $D/myscenes/demo/a.jpg $D/scenes/demo/a.jpg"),
        0);
    assert_int_equal(count_lines(err), 1);
}

/* ---- output, lists, folders ---- */

static void outputs(void **state)
{
    (void)state;
    assert_int_equal(run("capdemo -m $D/m.capw -o $D/c.txt test/vectors/a.jpg"), 0);
    assert_string_equal(out, "");
    assert_int_equal(run("capdemo -m $D/m.capw -o - test/vectors/a.jpg | cmp - $D/c.txt"), 0);
    assert_int_equal(run("capinfo -o $D/i.txt $D/m.capw; capinfo -m $D/m.capw -o - | cmp - $D/i.txt"), 0);
    /* some failed: the rest is written, and the exit code tells */
    assert_int_equal(run("capdemo -m $D/m.capw -o $D/c.txt $D/gone.jpg test/vectors/a.jpg"), 1);
    assert_int_equal(run("wc -l <$D/c.txt | grep -qx ' *1'"), 0);
    /* nothing can be written: the old file stays */
    assert_refused(run("capdemo -m $D/m.capw -o $D/none/no/c.txt test/vectors/a.jpg"), 1, "/no/c.txt: ");
    assert_refused(run("capdemo -m $D/m.capw -o /dev/full test/vectors/a.jpg"), 1, "/dev/full: ");
    assert_refused(run("capinfo -o /dev/full $D/m.capw"), 1, "/dev/full: ");
    assert_refused(run("capinfo $D/m.capw >&-"), 1, "standard output: ");
    assert_refused(run("capdemo -m $D/m.capw test/vectors/a.jpg >&-"), 1, "standard output: ");
    assert_refused(run("capconvert x.pth --vocab v.pkl -o -"), 2,
                   "-o -: a model can't go to standard output");
    /* with standard error closed, what is written there is lost, and goes into no file */
    assert_int_equal(run("capdemo -m $D/m.capw --time -o $D/d.txt test/vectors/a.jpg 2>&-; wc -l <$D/d.txt"),
                     0);
    assert_int_equal(atoi(out), 1);
    /* and with standard input closed, "-" fails instead of reading the model */
    assert_refused(run("capdemo -m $D/m.capw - <&-"), 1, "capdemo: ");
}

static void lists_of_names(void **state)
{
    (void)state;
    assert_int_equal(
        run("cp test/vectors/a.jpg \"$D/x y.jpg\"; printf '%%s\\n' \"$D/x y.jpg\" $D/pics >$D/list;"
            " capdemo -m $D/m.capw --files-from $D/list"),
        0);
    assert_int_equal(count_lines(out), 3);
    assert_has(out, "/x y.jpg\t");
    assert_int_equal(
        run("find $D/pics -name '*.jpg' -print0 | sort -z | capdemo -m $D/m.capw -0 --files-from -"), 0);
    assert_int_equal(count_lines(out), 2);
    assert_int_equal(
        run("find $D/pics -name '*.jpg' -print0 | capdemo -m $D/m.capw --files-from - test/vectors/a.jpg"),
        1);
    assert_has(err, "standard input:1: a zero byte: --null");
    assert_int_equal(count_lines(out), 1);
    assert_refused(run("capdemo -m $D/m.capw --files-from $D/gone.txt"), 1, "gone.txt: ");
    /* the same for a data set */
    assert_int_equal(
        run("printf 'image,caption\\na.jpg,a dog\\nc.png,a cat\\n' >$D/two.txt; printf 'c.png\\0' |"
            " capeval run -q -m $D/m.capw --images $D/pics --refs $D/two.txt -0 --files-from -"
            " -o $D/l.tsv --wordnet none; cat $D/l.tsv"),
        0);
    assert_has(out, "images                     1\n");
    assert_has(out, "\nc.png\t");
    assert_string_equal(err, "");
}

static void folders(void **state)
{
    (void)state;
    assert_int_equal(
        run("mkdir $D/mixed && cd $D/mixed && cp ../pics/a.jpg picture && cp ../pics/a.jpg ._a.jpg &&"
            " cp ../pics/c.png b.jpeg && mkfifo f.jpg && echo text >no.jpg && echo >x.doc"),
        0);
    assert_int_equal(run("capdemo -m $D/m.capw $D/mixed"), 0);
    assert_int_equal(count_lines(out), 2);
    assert_true(strstr(out, "/b.jpeg\t") < strstr(out, "/picture\t"));
    assert_string_equal(err,
                        "capdemo: 3 files that are no pictures were passed over: f.jpg, no.jpg, x.doc\n");
    assert_int_equal(run("rm $D/mixed/f.jpg $D/mixed/no.jpg; capdemo -m $D/m.capw $D/mixed"), 0);
    assert_string_equal(err, "capdemo: 1 file that is no picture was passed over: x.doc\n");
    assert_int_equal(run("for i in 1 2 3 4 5; do echo >$D/mixed/$i; done; capdemo -m $D/m.capw $D/mixed"), 0);
    assert_string_equal(err, "capdemo: 6 files that are no pictures were passed over: 1, 2, 3, 4, 5, ...\n");
    assert_int_equal(run("capdemo -q -m $D/m.capw $D/mixed"), 0);
    assert_string_equal(err, "");
}

static void json_of_failures(void **state)
{
    static const char *const images[] = {"gone.jpg", "test/vectors/a.jpg", "Makefile", "test/vectors/c.png"};
    (void)state;
    assert_int_equal(
        run("capdemo -m $D/m.capw --json %s %s %s %s", images[0], images[1], images[2], images[3]), 1);
    assert_int_equal(count_lines(out), 4);
    assert_int_equal(count_lines(err), 2);
    const char *line = out;
    for (int i = 0; i < 4; i++) {
        json_error_t where;
        json_t *object = json_loads(line, JSON_DISABLE_EOF_CHECK, &where);
        assert_non_null(object);
        assert_string_equal(json_string_value(json_object_get(object, "image")), images[i]);
        assert_int_equal(json_object_get(object, "error") != NULL, i % 2 == 0);
        assert_int_equal(json_object_get(object, "caption") != NULL, i % 2 == 1);
        if (i == 0) assert_has(json_string_value(json_object_get(object, "error")), "gone.jpg: No such file");
        json_decref(object);
        line = strchr(line, '\n') + 1;
    }
}

/* capdemo's output goes into capeval as it is, in both forms. */
static void captions_are_scored(void **state)
{
    (void)state;
    assert_int_equal(run("printf 'image,caption\\na.jpg,a dog runs\\nc.png,a cat sleeps\\n' >$D/refs.txt"),
                     0);
    assert_int_equal(
        run("capdemo -m $D/m.capw $D/pics >$D/p.tsv && capeval score --wordnet none --json --refs"
            " $D/refs.txt $D/p.tsv >$D/1.json &&"
            " capdemo -m $D/m.capw --json $D/pics | capeval score --wordnet none --json"
            " --refs $D/refs.txt --preds - -o $D/2.json && cmp $D/1.json $D/2.json && cat $D/1.json"),
        0);
    assert_has(out, "\"n_images\": 2");
    /* failed images count as not captioned */
    assert_int_equal(
        run("cp $D/text.jpg $D/pics/b.png; capdemo -m $D/m.capw --json $D/pics/a.jpg $D/pics/b.png"
            " $D/pics/c.png >$D/p.json; rm $D/pics/b.png;"
            " printf 'b.png,a fish swims\\n' >>$D/refs.txt;"
            " capeval score --wordnet none --refs $D/refs.txt $D/p.json"),
        0);
    assert_has(err, "not captioned, and not scored: 1");
    assert_int_equal(run("capeval score -q --wordnet none --refs $D/refs.txt $D/p.json"), 0);
    assert_string_equal(err, "");
}

/* ---- names ---- */

/* a name with a newline, ESC and a byte that is no UTF-8 */
#define EVIL "n=$(printf 'e\\nv\\033[31m\\377.jpg'); "

static bool has_control(const char *text, const char *but)
{
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if ((c < 0x20 || c == 0x7F) && !strchr(but, c)) return true;
    }
    return false;
}

static void messages_are_one_line(void **state)
{
    static const char *const failing[] = {"capdemo -m $D/m.capw \"$D/$n\"",
                                          "capdemo -m \"$n\" x.jpg",
                                          "capinfo \"$n\"",
                                          "capdump -m $D/m.capw \"$D/$n\" $D/x",
                                          "capconvert \"$n\" --vocab v -o $D/x.capw",
                                          "capeval score --refs \"$n\" \"$n\"",
                                          "capdemo --files-from \"$n\" -m $D/m.capw"};
    (void)state;
    for (size_t i = 0; i < sizeof failing / sizeof failing[0]; i++) {
        assert_int_equal(run(EVIL "%s", failing[i]), 1);
        assert_int_equal(count_lines(err), 1);
        assert_has(err, "e\\nv\\x1b[31m\\xff.jpg");
        assert_false(has_control(err, "\n"));
    }
    assert_int_equal(run(EVIL "capdemo \"--$n\""), 2);
    assert_int_equal(count_lines(err), 2);
    assert_false(has_control(err, "\n"));
    assert_int_equal(run(EVIL "capeval \"$n\""), 2);
    assert_false(has_control(err, "\n"));
}

/* $p is a path of 4000 bytes without a file, $q one whose last name is longer than any file's. */
static void set_long_paths(void)
{
    char path[4001];
    for (size_t i = 0; i + 1 < sizeof path; i++) path[i] = i % 2 ? '/' : 'p';
    memcpy(path + sizeof path - sizeof "xphoto.jpg", "xphoto.jpg", sizeof "xphoto.jpg");
    assert_int_equal(setenv("p", path, 1), 0);
    memset(path, 'q', 3000);
    memcpy(path + 3000, "x.jpg", sizeof "x.jpg");
    assert_int_equal(setenv("q", path, 1), 0);
}

/* Whatever the length of a path, the reason is said. */
static void messages_have_a_reason(void **state)
{
    static const char *const failing[] = {
        "capdemo -m $D/m.capw $p",
        "capdemo -m $p x.jpg",
        "capdemo -m $D/m.capw -o $p test/vectors/a.jpg",
        "capdemo --files-from $p -m $D/m.capw",
        "capinfo $p",
        "capinfo -o $p $D/m.capw",
        "capdump -m $D/m.capw $p $D/x",
        "capdump -m $D/m.capw test/vectors/a.jpg $p",
        "capconvert $p --vocab $q -o $D/x.capw",
        "capeval score --refs $q $p",
        "capeval run -m $D/m.capw --images $D/pics --refs $p",
        "capdemo -m $D/m.capw $q",
        "capinfo $q",
    };
    (void)state;
    set_long_paths();
    for (size_t i = 0; i < sizeof failing / sizeof failing[0]; i++) {
        assert_int_equal(run("%s", failing[i]), 1);
        assert_int_equal(count_lines(err), 1);
        if (!strstr(err, "No such file or directory\n") && !strstr(err, "File name too long\n")) {
            fail_msg("no reason in %s: %s", failing[i], err);
        }
        assert_has(err, strstr(failing[i], "$q") && !strstr(failing[i], "$p") ? "qx.jpg: " : "xphoto.jpg: ");
        assert_true(strlen(err) < 900);
    }
    assert_int_equal(run("capdemo --$p"), 2);
    assert_has(err, ": unknown option\n");
    assert_int_equal(run("capdemo --conv $p x.jpg"), 2);
    assert_has(err, "' is not one of auto, direct, winograd, im2col\n");
    assert_int_equal(run("capeval $p"), 2);
    assert_has(err, "no such command: p/p");
    assert_int_equal(run("capdemo -m $D/m.capw --json $p"), 1);
    json_t *line = json_loads(out, 0, NULL);
    const char *error = json_string_value(json_object_get(line, "error"));
    assert_non_null(error);
    assert_has(error, "xphoto.jpg: No such file or directory");
    json_decref(line);
}

#define EVIL_TENSOR "enc\033[31m\n.layer1.0.conv2.xxxxxx"

/* Writes $D/name: a model with one text replaced by another of the same length, and words that begin with
 * ESC. */
static void put_hostile(const char *name, const char *from, const char *to)
{
    make_model_options options;
    size_t size = 0;
    const size_t length = strlen(from);
    make_model_defaults(&options);
    options.input = INPUT;
    options.winograd = 1;
    unsigned char *data = make_model(&options, &size);
    assert_non_null(data);
    assert_int_equal(strlen(to), length);
    unsigned char *found = NULL;
    for (size_t i = 0; i + length <= size && !found; i++) {
        if (memcmp(data + i, from, length) == 0) found = data + i;
    }
    assert_non_null(found);
    memcpy(found, to, length);
    capw_header header;
    memcpy(&header, data, sizeof header);
    unsigned char *table = data + header.vocabulary_offset;
    for (uint32_t i = 4; i < header.word_count; i++) {
        uint32_t at;
        memcpy(&at, table + i * sizeof at, sizeof at);
        table[(header.word_count + 1) * sizeof at + at] = '\033';
    }
    capw_tensor *evil = make_model_find(data, EVIL_TENSOR);
    if (evil && strstr(name, "bad")) evil->rank = 9;
    make_model_seal(data);
    put(name, data, size);
    free(data);
}

/* Keys, values, words and names of tensors that want to steer the terminal. */
static void hostile_models(void **state)
{
    static const char tensor[] = "encoder.layer1.0.conv2.winograd";
    (void)state;
    put_hostile("key.capw", "decode.penalty", "d\033[31m\n\xC2\x9B\xFF....");
    assert_int_equal(run("capinfo -v --words $D/key.capw"), 0);
    assert_false(has_control(out, "\n"));
    assert_has(out, "  d\\x1b[31m\\n\\xc2\\x9b\\xff.... = published\n");
    assert_int_equal(run("capinfo --json -v --words $D/key.capw"), 0);
    assert_false(has_control(out, "\n"));
    assert_int_equal(run("capdemo --json --attention -m $D/key.capw test/vectors/a.jpg"), 0);
    assert_false(has_control(out, "\n"));
    assert_int_equal(run_on_terminal(80, "capdemo --attention -m $D/key.capw test/vectors/a.jpg"), 0);
    assert_false(has_control(out, "\r\n"));
    put_hostile("tensor.capw", tensor, EVIL_TENSOR);
    assert_int_equal(run("capinfo --tensors $D/tensor.capw"), 0);
    assert_false(has_control(out, "\n"));
    assert_has(out, "\nenc\\x1b[31m\\n.layer1.0.conv2.xxxxxx float32 ");
    static const char *const changes[][2] = {{"published", "\033[31m\npu\xFF"}, {tensor, EVIL_TENSOR}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        put_hostile("bad.capw", changes[i][0], changes[i][1]);
        static const char *const readers[] = {
            "capinfo $D/bad.capw", "capdemo -m $D/bad.capw x.jpg",
            "capconvert --int8 --calibrate $D/pics $D/bad.capw -o $D/x.capw"};
        for (size_t r = 0; r < sizeof readers / sizeof readers[0]; r++) {
            assert_int_equal(run("%s", readers[r]), 1);
            assert_int_equal(count_lines(err), 1);
            assert_false(has_control(err, "\n"));
            assert_has(err, "[31m");
        }
    }
}

static void names_on_a_terminal(void **state)
{
    (void)state;
    assert_int_equal(
        run(EVIL "cp test/vectors/a.jpg \"$D/$n\"; capdemo -m $D/m.capw \"$D/$n\" test/vectors/a.jpg"), 0);
    assert_int_equal(count_lines(out), 2);
    assert_has(out, "/e\\nv\033[31m\xFF.jpg\t"); /* a file gets the name, but a line stays a line */
    assert_int_equal(
        run_on_terminal(80, EVIL "capdemo -q -m $D/m.capw \"$D/$n\" test/vectors/a.jpg; rm \"$D/$n\""), 0);
    assert_has(out, "/e\\nv\\x1b[31m\\xff.jpg\t");
    assert_false(has_control(out, "\r\n\t"));
}

/* ---- terminals ---- */

/* The progress lines in `out`: each begins with "\r ESC [K".  Returns how many there are, checks their width.
 */
static int check_progress(int columns)
{
    int lines = 0;
    for (const char *p = strstr(out, "\r\033[K"); p; p = strstr(p + 1, "\r\033[K")) {
        const size_t length = strcspn(p + 4, "\r\n\033");
        assert_true(length < (size_t)columns);
        lines += length > 0;
    }
    return lines;
}

static void progress_on_terminals(void **state)
{
    static const int widths[] = {20, 40, 80, 180};
    (void)state;
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        assert_int_equal(run_on_terminal(widths[i],
                                         "TERM=xterm capdemo -m $D/m.capw -o $D/c.txt test/vectors/a.jpg"
                                         " test/vectors/b.jpg test/vectors/c.png"),
                         0);
        assert_true(check_progress(widths[i]) > 0);
        assert_has(out, widths[i] >= 40 ? "0/3 images" : "0/3");
    }
    assert_int_equal(run_on_terminal(80, "TERM=xterm capdemo -q -m $D/m.capw -o $D/c.txt $D/pics"), 0);
    assert_string_equal(out, "");
    assert_int_equal(run_on_terminal(80, "TERM=dumb capdemo -m $D/m.capw -o $D/c.txt $D/pics"), 0);
    assert_string_equal(out, "");
}

/* The greatest number of "|", which end maps, in a line. */
static int maps_in_a_row(void)
{
    int most = 0, count = 0;
    for (const char *p = out; *p; p++) {
        count = *p == '\n' ? 0 : count + (*p == '|');
        if (count > most) most = count;
    }
    return most;
}

static void attention_on_terminals(void **state)
{
    static const int widths[] = {20, 40, 180};
    (void)state;
    assert_int_equal(run("capdemo -m $D/m.capw --json --attention test/vectors/b.jpg"), 0);
    json_error_t where;
    json_t *object = json_loads(out, 0, &where);
    const int tokens = (int)json_array_size(json_object_get(object, "attention"));
    json_decref(object);
    assert_true(tokens > 3); /* else no width makes a difference */
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        /* the model of these tests has maps of 2 x 2: n of them take 6 n - 1 columns */
        const int fitting = (widths[i] + 1) / 6;
        assert_int_equal(
            run_on_terminal(widths[i], "LC_ALL=C capdemo -m $D/m.capw --attention test/vectors/b.jpg"), 0);
        assert_int_equal(maps_in_a_row(), fitting < tokens ? fitting : tokens);
        const char *maps = strchr(out, '\n'); /* the caption itself may be long */
        assert_non_null(maps);
        assert_true(longest_line(maps) <= widths[i] + 1); /* "\r" before the newline */
        for (const char *p = out; *p; p++) assert_true((unsigned char)*p < 0x80);
    }
    assert_has(out, "more ink = more weight: . : + #");
    assert_int_equal(
        run_on_terminal(40, "LC_ALL=C.UTF-8 capdemo -m $D/m.capw --attention test/vectors/b.jpg"), 0);
    if (!strstr(out, "\u2588")) { /* a system without that locale */
        assert_int_equal(run("locale -a | grep -qi '^c.utf-*8$'"), 1);
        skip();
    }
    assert_has(out, "more ink = more weight: \u2591 \u2592 \u2593 \u2588");
    /* no terminal: $COLUMNS counts */
    assert_int_equal(run("COLUMNS=20 LC_ALL=C capdemo -m $D/m.capw --attention test/vectors/b.jpg"), 0);
    assert_int_equal(maps_in_a_row(), 3);
}

/* ---- capinfo ---- */

static void summary_fits(void **state)
{
    size_t size = 0;
    (void)state;
    assert_int_equal(run("cd $D && capinfo m.capw"), 0);
    assert_true(longest_line(out) <= SCREEN && count_lines(out) <= 24);
    assert_int_equal(run("cd $D && capinfo --tensors m.capw && capinfo --plan --runs 1 m.capw"), 0);
    assert_true(longest_line(out) <= SCREEN);
    if (!tool_bundled_data(&size)) skip();
    assert_int_equal(run("CAPTION_MODEL= capinfo"), 0);
    assert_true(longest_line(out) <= SCREEN && count_lines(out) <= 24);
    assert_has(out, "\nkind        attention, GRU, 1 layer\n");
    assert_has(out, "made by capconvert");
    assert_has(out, "\nsearch      5 beams, at most 20 words, length alpha 0.7, penalty 1 (published)\n");
    assert_has(out, "\nmetrics     exact_match 0.92\n");
    assert_has(out,
               "\nbytes       float32 9.52 MB, file 9.54 MB\n"); /* 9540168 bytes with tables and words */
    assert_int_equal(run("CAPTION_MODEL= capinfo --tensors"), 0);
    assert_int_equal(count_lines(out), 122 + 1);
    assert_true(longest_line(out) <= SCREEN);
}

/* ---- capconvert ---- */

static void int8_models(void **state)
{
    static const struct {
        const char *arguments, *message;
        int code;
    } wrong[] = {
        {"--calibrate $D/pics $D/m.capw -o $D/x.capw", "--calibrate: goes with --int8", 2},
        {"$D/m.capw -o $D/x.capw", "m.capw: is a model file already; --int8 makes an int8 model of it", 2},
        {"--int8 $D/m.capw -o $D/x.capw", "m.capw: a model file has no batch norm", 2},
        {"--int8 --calibrate $D/pics $D/m.capw --vocab v.pkl -o $D/x.capw", "--vocab: goes with a checkpoint",
         2},
        {"--int8 --calibrate $D/pics $D/m.capw --config c -o $D/x.capw", "--config: goes with a checkpoint",
         2},
        {"--int8 --calibrate $D/pics $D/m.capw --metrics m -o $D/x.capw", "--metrics: goes with a checkpoint",
         2},
        {"--int8 --calibrate $D/pics $D/m.capw", "no output named: -o FILE", 2},
        {"--int8 --calibrate $D/pics c.pth -o $D/x.capw", "no vocabulary named: --vocab FILE", 2},
        {"--int8 --calibrate $D/pics $D/pics -o $D/x.capw", "pics: is a folder", 1},
        {"--int8 --calibrate $D/pics $D/q.capw -o $D/x.capw", "q.capw: is int8 already", 1},
        {"--int8 --calibrate $D/none $D/m.capw -o $D/x.capw", "/none: ", 1},
        {"-q --int8 --calibrate $D/pics $D/m.capw -o $D/m.capw", "m.capw: is an input", 1},
        {"-q --int8 --calibrate $D/pics $D/m.capw -o /dev/full", "/dev/full: ", 1},
    };
    (void)state;
    assert_int_equal(run("capconvert -v --int8 --calibrate $D/pics $D/m.capw -o $D/q.capw 2>$D/warned"), 0);
    assert_has(out, "encoder.stem.weight              [2, 7, 7, 3] quads\n");
    assert_has(out, "encoder.layer4.2.conv3.range     [2] rows: 0 to ");
    assert_has(out, "\nactivations ranges shown by 2 pictures\n");
    assert_int_equal(run("capinfo $D/q.capw && capdemo -m $D/q.capw test/vectors/a.jpg"), 0);
    assert_has(out, "int8 ");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_refused(run("capconvert %s", wrong[i].arguments), wrong[i].code, wrong[i].message);
    }
    assert_int_equal(run("ls -a $D | grep -e capout -e x.capw"), 1); /* nothing is left */
}

static void safetensors(void **state)
{
    static const struct {
        const char *arguments, *message;
        int code;
    } wrong[] = {
        {"--to-safetensors $D/y $D/m.capw", "--to-safetensors: goes with a checkpoint, but ", 2},
        {"--to-safetensors $D/y --vocab v c.pth -o $D/y.capw", "-o: goes with a model file, not with", 2},
        {"--to-safetensors $D/y --vocab v c.pth --int8", "--int8: goes with a model file, not with", 2},
        {"--to-safetensors $D/y --vocab v c.pth --compact", "--compact: goes with a model file, not with", 2},
        {"--to-safetensors - --vocab v c.pth", "--to-safetensors -: the vocabulary is written beside it", 2},
        {"--to-safetensors $D/y c.pth", "no vocabulary named: --vocab FILE", 2},
        {"-q --to-safetensors $D/y.safetensors $D/net.pth --vocab $D/none.pkl", "none.pkl: No such file", 1},
        {"-q --to-safetensors /dev/full $D/net.pth --vocab $D/v.pkl", "/dev/full", 1},
    };
    static net n;
    char path[PATH];
    (void)state;
    net_make(&n, 1, true, false, 1);
    (void)snprintf(path, sizeof path, "%s/net.pth", dir);
    net_write(&n, path);
    (void)snprintf(path, sizeof path, "%s/v.pkl", dir);
    net_write_vocabulary(path, NET_WORDS, NULL);
    assert_int_equal(run("capconvert -v $D/net.pth --vocab $D/v.pkl --to-safetensors $D/net.safetensors"), 0);
    assert_has(out, "encoder_state.features.0.weight float32 [1, 3, 7, 7]\n");
    assert_has(out, "encoder_state.features.1.num_batches_tracked int64 []\n");
    assert_has(out, "/net.safetensors, ");
    assert_has(out, "/net.vocab.json\n");
    assert_int_equal(
        run("capconvert -q $D/net.safetensors --vocab $D/net.vocab.json -o $D/n.capw && capinfo $D/n.capw"),
        0);
    assert_has(out, "net.pth");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_refused(run("capconvert %s", wrong[i].arguments), wrong[i].code, wrong[i].message);
    }
    assert_int_equal(run("ls -a $D | grep -e capout -e '^y'"), 1); /* nothing is left */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_help_has_one_form),
        cmocka_unit_test(every_value_has_a_default),
        cmocka_unit_test(every_option_is_in_the_man_page),
        cmocka_unit_test(shared_defaults_are_the_same),
        cmocka_unit_test(models_of_every_tool),
        cmocka_unit_test(bundled_model_is_explained),
        cmocka_unit_test(outputs),
        cmocka_unit_test(lists_of_names),
        cmocka_unit_test(folders),
        cmocka_unit_test(json_of_failures),
        cmocka_unit_test(captions_are_scored),
        cmocka_unit_test(messages_are_one_line),
        cmocka_unit_test(messages_have_a_reason),
        cmocka_unit_test(hostile_models),
        cmocka_unit_test(names_on_a_terminal),
        cmocka_unit_test(progress_on_terminals),
        cmocka_unit_test(attention_on_terminals),
        cmocka_unit_test(summary_fits),
        cmocka_unit_test(int8_models),
        cmocka_unit_test(safetensors),
    };
    program = argc > 0 ? argv[0] : NULL;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
