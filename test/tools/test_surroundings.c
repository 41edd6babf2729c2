/* The tools where their surroundings are odd: outputs that hold somebody else's data, closed
 * descriptors, FIFOs and devices in the place of images and models, models that change between two runs; as
 * processes. */
#define _GNU_SOURCE /* O_TMPFILE */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include <capw.h>

#include "test/make_model.h"
#include "test/run_tools.h"

static const char *program; /* argv[0] */

static int set_up(void **state)
{
    (void)state;
    if (run_tools_begin(program) != 0) return -1;
    return run("printf 'image,caption\\na.jpg,a dog runs\\nc.png,a cat sleeps\\n' >$D/refs.txt");
}

static int tear_down(void **state)
{
    (void)state;
    return run_tools_end();
}

/* a run over $D/pics; its other options follow */
#define EVAL_RUN "capeval run -q --wordnet none -m $D/m.capw --images $D/pics --refs $D/refs.txt "

/* ---- outputs that exist ---- */

/* What stood in $D/kept stands in `name` still, and nothing was written to the folder besides. */
static void assert_kept(const char *name)
{
    assert_int_equal(run("cmp $D/kept $D/out.d/%s", name), 0);
    assert_int_equal(run("ls -A $D/out.d"), 0);
    assert_int_equal(count_lines(out), 1);
}

static void other_files_are_kept(void **state)
{
    static const struct {
        const char *options, *name;
    } cases[] = {
        {"-o $D/out.d/x.json", "x.json"},
        {"-o $D/out.d/p.tsv", "p.metrics.json"},
        {"-o $D/out.d/p.tsv --metrics $D/out.d/m", "m"},
        {"-o $D/out.d/p.tsv --per-image $D/out.d/i", "i"},
        {"-o $D/out.d/p.tsv", "p.tsv.run"},
        {"-o $D/out.d/p.tsv", "p.tsv"},
    };
    static const char *const contents[] = {"{\"precious\": 1}", "a.jpg\tmy own words\n",
                                           "no newline\nat the end"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t j = 0; j < sizeof contents / sizeof contents[0]; j++) {
            put("kept", contents[j], strlen(contents[j]));
            assert_int_equal(run("rm -rf $D/out.d; mkdir $D/out.d; cp $D/kept $D/out.d/%s", cases[i].name),
                             0);
            assert_refused(run(EVAL_RUN "%s", cases[i].options), 1, cases[i].name);
            assert_kept(cases[i].name);
        }
    }
    put("kept", "mine\n", 5);
    assert_int_equal(run("rm -rf $D/out.d; mkdir $D/out.d; cp $D/kept $D/out.d/i"), 0);
    assert_refused(run("printf 'a.jpg\\ta dog\\n' | capeval score -q --wordnet none --refs $D/refs.txt"
                       " --per-image $D/out.d/i -"),
                   1, "out.d/i: exists, and is no table of scores of capeval");
    assert_refused(run("capeval run -q -m $D/m.capw --compare $D/m.capw --images $D/pics"
                       " --per-image $D/out.d/i"),
                   1, "out.d/i: exists, and is no table of compared captions of capeval");
    assert_kept("i");
}

static void outputs_with_one_name(void **state)
{
    static const char *const options[] = {"-o $D/same --metrics $D/same", "-o $D/same --per-image $D/same"};
    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        assert_refused(run(EVAL_RUN "%s", options[i]), 1, ": is named for two outputs");
        assert_int_equal(run("test -e $D/same"), 1);
    }
}

/* A command that is given twice goes on, and writes its own files again. */
static void own_files_are_replaced(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run(EVAL_RUN "-o $D/p.tsv --per-image $D/i.tsv"), 0);
        assert_string_equal(err, "");
        assert_int_equal(run("capeval run -q -m $D/m.capw --compare $D/m.capw --images $D/pics"
                             " --per-image $D/pairs.tsv"),
                         0);
    }
    assert_int_equal(run("wc -l <$D/p.tsv"), 0);
    assert_int_equal(atoi(out), 2);
    assert_int_equal(run(": >$D/empty;" EVAL_RUN "-o $D/empty --metrics /dev/null --per-image /dev/null"),
                     0); /* an empty file holds nothing to lose, nor does a device */
}

/* ---- standard descriptors ---- */

/* Each tool with its results in a file or a folder; what it writes, tried first with all descriptors open. */
static const char *const writers[] = {
    "capdemo --time -m $D/m.capw -o $D/w.d/f $D/pics",
    "capinfo -v -m $D/m.capw -o $D/w.d/f",
    "capdump -m $D/m.capw $D/pics/a.jpg $D/w.d",
    "capconvert -v --int8 --calibrate $D/pics $D/m.capw -o $D/w.d/f",
    "capeval run --threads 1 --wordnet none -m $D/m.capw --images $D/pics --refs $D/refs.txt -o $D/w.d/f",
    "capeval score --wordnet none --refs $D/refs.txt -o $D/w.d/f $D/two.tsv",
};

/* Lines that speak of times differ, so they aren't compared. */
#define SUMS "for f in $D/w.d/*; do grep -av -e wall_clock -e ' ms' $f | cksum; done"

static void closed_descriptors_get_nothing(void **state)
{
    (void)state;
    assert_int_equal(run("printf 'a.jpg\\ta dog\\nc.png\\ta cat\\n' >$D/two.tsv"), 0);
    for (size_t i = 0; i < sizeof writers / sizeof writers[0]; i++) {
        assert_int_equal(run("rm -rf $D/w.d; mkdir $D/w.d; %s; " SUMS " >$D/sums", writers[i]), 0);
        for (int number = 0; number <= 3; number++) { /* 3: all of them */
            static const char *const closing[] = {"<&-", ">&-", "2>&-", "<&- >&- 2>&-"};
            (void)run("rm -rf $D/w.d; mkdir $D/w.d; %s %s; " SUMS " | cmp - $D/sums", writers[i],
                      closing[number]);
            if (strstr(out, "differ") || strstr(err, "cmp")) {
                fail_msg("%s %s: %s%s", writers[i], closing[number], out, err);
            }
        }
    }
    /* results that can't be written are an error, whatever else could be */
    assert_refused(run(EVAL_RUN "-o $D/w.tsv >&-"), 1, "capeval: standard output: ");
    assert_int_equal(run("cat $D/w.tsv | wc -l"), 0);
    assert_int_equal(atoi(out), 2);
}

/* Where not even a stand-in can be opened, no file is: it would get the number that is free. */
static void descriptors_without_a_stand_in(void **state)
{
    (void)state;
#define NO_DEV "unshare -rm sh -c 'mount -t tmpfs none /dev && exec \"$0\" \"$@\"' "
    if (run(NO_DEV "true") != 0) skip(); /* a system without namespaces for users */
    assert_int_equal(run(NO_DEV "capdemo -m $D/m.capw -o $D/n.txt $D/pics/a.jpg"), 0);
    assert_refused(run(NO_DEV "capdemo -m $D/m.capw -o $D/o.txt $D/pics/a.jpg >&-"), 1,
                   "standard output is closed, and nothing can stand in for it: /dev/null: No such file");
    assert_int_equal(run("test -e $D/o.txt"), 1);
}

/* ---- no regular files ---- */

static void make_socket(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int server = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", dir, name);
    assert_int_equal(bind(server, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(server); /* its name stays */
}

/* Nothing waits: `timeout` would end a tool that does with code 124. */
static void only_regular_files_are_opened(void **state)
{
    static const char *const odd[] = {"fifo.jpg", "zero.jpg", "socket.jpg"};
    static const struct {
        const char *before, *behind; /* the name stands between them */
    } commands[] = {
        {"capdemo -m $D/m.capw $D/odd/", ""},
        {"capdemo -m $D/odd/", " $D/pics/a.jpg"},
        {"capinfo $D/odd/", ""},
        {"capdump -m $D/m.capw $D/odd/", " $D/x"},
        {"capdump $D/pics/a.jpg $D/x -m $D/odd/", ""},
        {"capconvert --vocab $D/refs.txt -o $D/x.capw $D/odd/", ""},
        {"capconvert --int8 --calibrate $D/pics -o $D/x.capw --vocab $D/refs.txt $D/odd/", ""},
        {"capeval run --images $D/pics --refs $D/refs.txt -o $D/x.tsv -m $D/odd/", ""},
        {"capeval run -q --wordnet none --images $D/pics --refs $D/refs.txt -m $D/m.capw -o $D/odd/", ""},
    };
    (void)state;
    assert_int_equal(run("mkdir $D/odd && mkfifo $D/odd/fifo.jpg && ln -s /dev/zero $D/odd/zero.jpg"), 0);
    make_socket("odd/socket.jpg");
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        for (size_t j = 0; j < sizeof commands / sizeof commands[0]; j++) {
            const int code = run("timeout 30 %s%s%s", commands[j].before, odd[i], commands[j].behind);
            char reason[64];
            (void)snprintf(reason, sizeof reason, "odd/%s: is not a regular file\n", odd[i]);
            assert_refused(code, 1, reason);
        }
    }
    /* one of many: the others are captioned */
    assert_int_equal(
        run("cp $D/pics/a.jpg $D/odd; printf 'image,caption\\na.jpg,x y\\nfifo.jpg,x\\nzero.jpg,x\\n"
            "socket.jpg,x\\n' >$D/odd.txt; timeout 30 capeval run --wordnet none -m $D/m.capw"
            " --images $D/odd --refs $D/odd.txt -o $D/o.tsv >/dev/null; test $? -eq 1 &&"
            " grep -c 'capeval: .*/odd/.*: is not a regular file' $D/err && cut -f 1 $D/o.tsv"),
        0);
    assert_string_equal(out, "3\na.jpg\n");
    assert_int_equal(run("timeout 30 capdemo -m $D/m.capw $D/odd 2>/dev/null | wc -l"), 0);
    assert_int_equal(atoi(out), 1);
    assert_int_equal(
        run("timeout 30 capeval run -q -m $D/m.capw --compare $D/m.capw --images $D/odd --refs $D/odd.txt"),
        1);
    assert_int_equal(count_lines(err), 3 + 1);
    /* "-" is standard input, whatever that is */
    assert_int_equal(run("cat $D/pics/a.jpg | capdemo -m $D/m.capw -"), 0);
    assert_int_equal(run("cat $D/refs.txt >$D/odd/fifo.jpg & capeval run -q --wordnet none -m $D/m.capw"
                         " --images $D/pics --refs $D/odd/fifo.jpg -o $D/f.tsv"),
                     0); /* and a list of captions may come out of a pipe */
}

/* ---- a model that becomes shorter ---- */

/* Waits until the process $! has mapped $D/t.capw, then makes that shorter. */
#define CUT "until grep -q t.capw /proc/$!/maps; do kill -0 $! || exit 9; done; truncate -s 8192 $D/t.capw;"

static void shortened_model_is_a_sentence(void **state)
{
    static const char *const commands[] = {
        "capdemo --threads 1 -m $D/t.capw -o $D/s.d/o -",
        "capdemo --threads 3 --json -m $D/t.capw -",
    };
    (void)state;
    if (run("test -e /proc/self/maps") != 0) skip(); /* no other way to know when the model is mapped */
    assert_int_equal(run("mkfifo $D/late"), 0);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_int_equal(
            run("rm -rf $D/s.d; mkdir $D/s.d; cp $D/m.capw $D/t.capw; %s <$D/late & exec 8>$D/late;" CUT
                "cat $D/pics/a.jpg >&8; exec 8>&-; wait $!",
                commands[i]),
            1);
        assert_string_equal(out, "");
        assert_int_equal(count_lines(err), 1);
        assert_non_null(strstr(err, "capdemo: /tmp/"));
        assert_non_null(strstr(err, "/t.capw: the file became shorter while it was read\n"));
        assert_int_equal(run("ls -A $D/s.d"), 0);
        assert_string_equal(out, "");
    }
}

/* ---- another model under the same name ---- */

/* Where `what` stands in the model. */
static size_t find(const char *what)
{
    const size_t length = strlen(what);
    for (size_t at = 0; at + length <= model_size; at++) {
        if (memcmp(model_bytes + at, what, length) == 0) return at;
    }
    fail_msg("no %s in the model", what);
    return 0;
}

static void resumed_with_another_model(void **state)
{
    unsigned char *copy = malloc(model_size);
    capw_header header;
    (void)state;
    assert_non_null(copy);
    memcpy(&header, model_bytes, sizeof header);
    size_t word = (size_t)header.data_offset - 1; /* zeros stand between the words and the data */
    while (!model_bytes[word]) word--;
    const size_t changed[] = {
        word,                             /* the last letter of the last word */
        find("0.485") + 4,                /* input.mean: 0.48x */
        find("0.229") + 4,                /* input.std */
        find("decode.length_alpha") + 20, /* its value */
    };
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
        assert_int_equal(run("rm -f $D/c.*; cp $D/m.capw $D/c.capw; echo a.jpg |"
                             " capeval run -q --wordnet none -m $D/c.capw --images $D/pics --refs $D/refs.txt"
                             " -o $D/c.tsv --files-from -"),
                         0);
        memcpy(copy, model_bytes, model_size);
        copy[changed[i]] ^= 1;
        make_model_seal(copy);
        put("c.capw", copy, model_size);
        assert_refused(run("capeval run -q --wordnet none -m $D/c.capw --images $D/pics --refs $D/refs.txt"
                           " -o $D/c.tsv"),
                       1, "c.tsv: was begun with ");
        /* the first one again, under any name, goes on */
        assert_int_equal(run(EVAL_RUN "-o $D/c.tsv; wc -l <$D/c.tsv >&2"), 0);
        assert_int_equal(atoi(err), 2);
    }
    free(copy);
    /* each of the options that change captions */
    static const char *const options[] = {"--greedy", "--beams 2", "--no-exif"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        assert_refused(run(EVAL_RUN "-o $D/c.tsv %s", options[i]), 1, "c.tsv: was begun with ");
    }
}

/* ---- ended in the middle ---- */

/* Starts capdemo, which waits for an image on standard input once its output is open, and ends it. */
static void end_in_the_middle(const char *signal)
{
    assert_int_equal(run("rm -rf $D/e.d; mkdir $D/e.d; ulimit -c 0; rm -f $D/wait; mkfifo $D/wait;"
                         " { exec capdemo -m $D/m.capw -o $D/e.d/f - <>$D/wait; } &"
                         " for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do"
                         "   test -e /proc/$!/fd || break;"
                         "   ls -l /proc/$!/fd | grep -q e.d && break; sleep 0.1; done;"
                         " kill -s %s $!; wait $!; echo $?; ls -A $D/e.d",
                         signal),
                     0);
    assert_true(atoi(out) > 128); /* by the signal */
    assert_int_equal(count_lines(out), 1);
}

static void nothing_is_left(void **state)
{
    (void)state;
    if (access("/proc/self/fd", X_OK) != 0) skip();
    end_in_the_middle("TERM");
    end_in_the_middle("XCPU");
}

/* Where the temporary file has no name, not even this leaves it. */
static void nothing_is_left_by_a_kill(void **state)
{
    (void)state;
#ifdef O_TMPFILE
    const int fd = open(dir, O_TMPFILE | O_RDWR, 0600);
    if (fd < 0 || access("/proc/self/fd", X_OK) != 0) skip();
    (void)close(fd);
    end_in_the_middle("KILL");
#else
    skip();
#endif
}

/* A limit on the size of files is a failed write, in words. */
static void files_that_get_too_large(void **state)
{
    (void)state;
    assert_int_equal(run("rm -rf $D/e.d; mkdir $D/e.d"), 0);
    assert_refused(run("ulimit -f 8; capconvert -q --int8 --calibrate $D/pics $D/m.capw -o $D/e.d/x.capw"), 1,
                   "e.d/x.capw: File too large");
    assert_int_equal(run("ls -A $D/e.d"), 0);
    assert_string_equal(out, "");
}

/* ---- no image at all ---- */

/* The last line says why, and not that there is nothing to score. */
static void why_nothing_was_captioned(void **state)
{
    (void)state;
    assert_int_equal(
        run("mkdir $D/bad; cp $D/text.jpg $D/bad; printf 'image,caption\\ntext.jpg,x\\n' >$D/bad.txt"), 0);
    assert_refused(run("capeval run -q -m $D/m.capw --images $D/bad --refs $D/bad.txt -o $D/bad.tsv"), 1,
                   "\ncapeval: none of 1 images captioned: ");
    assert_non_null(strstr(strstr(err, "none of 1"), "/bad/text.jpg: "));
    assert_refused(run("capeval run -q -m $D/m.capw --compare $D/m.capw --images $D/bad --refs $D/bad.txt"),
                   1, "\ncapeval: none of 1 images captioned: ");
    assert_non_null(strstr(strstr(err, "none of 1"), "/bad/text.jpg: "));
    /* a run that went on has something to score */
    assert_int_equal(
        run("cp test/vectors/a.jpg $D/bad; printf 'a.jpg,a dog\\n' >>$D/bad.txt;"
            " capeval run -q --wordnet none -m $D/m.capw --images $D/bad --refs $D/bad.txt -o $D/bad.tsv"),
        1);
    assert_non_null(strstr(err, "capeval: 1 of 2 images failed"));
    assert_int_equal(
        run("capeval run -q --wordnet none -m $D/m.capw --images $D/bad --refs $D/bad.txt -o $D/bad.tsv"), 1);
    assert_non_null(strstr(out, "images                     1\n"));
}

/* Of a session that doesn't fit, memory is named in the end.  Skipped where a limit on the address space ends
 * a program before it can say anything, as with AddressSanitizer. */
static void memory_is_named(void **state)
{
    int said = 0;
    (void)state;
    assert_int_equal(run("rm -f $D/n.*"), 0);
    for (int megabytes = 8; megabytes < 4096; megabytes += megabytes / 8) {
        const int code =
            run("ulimit -v %d; capeval run -q --threads 1 --wordnet none -m $D/m.capw --images $D/pics"
                " --refs $D/refs.txt -o $D/n.tsv",
                megabytes * 1024);
        if (code == 0) break;
        const char *last = strstr(err, "capeval: ");
        for (const char *next = last; next; next = strstr(next + 1, "\ncapeval: ")) last = next;
        if (!last || strstr(err, "shared libraries")) continue; /* not even the dynamic linker had enough */
        const char *named = strstr(last, "1 of 2 images failed") ? err : last;
        if (!strstr(named, "memory")) fail_msg("%d MB: %s", megabytes, err);
        said++;
    }
    if (!said) skip();
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_files_are_kept),           cmocka_unit_test(own_files_are_replaced),
        cmocka_unit_test(outputs_with_one_name),          cmocka_unit_test(closed_descriptors_get_nothing),
        cmocka_unit_test(descriptors_without_a_stand_in), cmocka_unit_test(only_regular_files_are_opened),
        cmocka_unit_test(resumed_with_another_model),     cmocka_unit_test(nothing_is_left),
        cmocka_unit_test(nothing_is_left_by_a_kill),      cmocka_unit_test(files_that_get_too_large),
        cmocka_unit_test(why_nothing_was_captioned),      cmocka_unit_test(memory_is_named),
        cmocka_unit_test(shortened_model_is_a_sentence),
    };
    program = argc > 0 ? argv[0] : NULL;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
