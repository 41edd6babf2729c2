/* capbatch from the outside: what it writes, in which order, what fails and is listed, and runs that are
 * stopped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <caption.h>
#include <jansson.h>

#include "test/run_tools.h"
#include "tools/batch/tar_out.h"
#include "tools/common/text.h"

static const char *program; /* argv[0] */

static int set_up(void **state)
{
    (void)state;
    if (run_tools_begin(program) != 0) return -1;
    /* 60 photos in folders, some of them damaged */
    return run(
        "mkdir -p $D/many/x/y && i=10; while [ $i -lt 70 ]; do cp test/vectors/%s $D/many/x/$i.jpg;"
        " i=$((i + 1)); done; cp test/vectors/b.jpg $D/many/x/y/deep.jpg; cp test/vectors/c.png $D/many/;"
        " cp $D/stub.jpg $D/many/x/33.jpg; head -c 3 $D/stub.jpg >$D/many/x/45.jpg",
        "a.jpg");
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

static void assert_ok(int code)
{
    if (code != 0) fail_msg("exit code %d: %s", code, err);
}

/* A member of $D/name, a file of JSON; the caller gives it back with json_decref. */
static json_t *read_json(const char *name)
{
    char path[PATH];
    json_error_t where;
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    json_t *root = json_load_file(path, 0, &where);
    if (!root) fail_msg("%s:%d: %s", name, where.line, where.text);
    return root;
}

/* ---- what can't be listed ---- */

/* No output is begun: that of the other inputs would be another run's, and the next run could not go on with
 * it. */
static void unlisted_folder(void **state)
{
    (void)state;
    assert_ok(run(
        "mkdir $D/deep && cd $D/deep && i=0; while [ $i -lt 70 ]; do mkdir f && cd f; i=$((i + 1)); done"));
    assert_int_equal(run("cd $D && capbatch -q -m m.capw -o unlisted.jsonl pics deep"), 1);
    assert_has(err, "more than 64 folders deep");
    assert_ok(
        run("cd $D && test ! -e unlisted.jsonl && test ! -e unlisted.jsonl.manifest.json && rm -r deep"));
    assert_ok(run("cd $D && capbatch -q -m m.capw -o unlisted.jsonl pics && test -s unlisted.jsonl"));
}

/* ---- what is written ---- */

/* Every line is capdemo's, in its order, whatever the threads and batches. */
static void captions_of_capdemo(void **state)
{
    static const char *const forms[] = {"--threads 1 --batch 1", "--threads 1 --batch 8",
                                        "--threads 3 --batch 4", "--threads 7", "--threads 64 --batch 2"};
    (void)state;
    assert_int_equal(run("capdemo -q -m $D/m.capw -r --json --nbest 3 $D/many >$D/demo.jsonl"), 1);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_int_equal(run("capbatch -q -m $D/m.capw %s --nbest 3 -o $D/all%zu.jsonl $D/many", forms[i], i),
                         1);
        assert_string_equal(out, "");
        assert_ok(run("cmp $D/all0.jsonl $D/all%zu.jsonl", i));
    }
    char path[PATH];
    (void)snprintf(path, sizeof path, "%s/demo.jsonl", dir);
    FILE *demo = fopen(path, "r");
    (void)snprintf(path, sizeof path, "%s/all0.jsonl", dir);
    FILE *batch = fopen(path, "r");
    assert_true(demo && batch);
    int count = 0, failed = 0;
    for (json_t *a, *b; (a = json_loadf(demo, JSON_DISABLE_EOF_CHECK, NULL)) != NULL; count++) {
        static const char *const same[] = {"image", "caption", "confidence", "beams", "warning", "error"};
        b = json_loadf(batch, JSON_DISABLE_EOF_CHECK, NULL);
        assert_non_null(b);
        for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
            const json_t *x = json_object_get(a, same[i]), *y = json_object_get(b, same[i]);
            if (x || y) assert_true(json_equal(x, y));
        }
        const json_t *best = json_array_get(json_object_get(b, "beams"), 0);
        assert_true(json_equal(json_object_get(b, "score"), json_object_get(best, "score")) || !best);
        failed += json_object_get(b, "error") != NULL;
        json_decref(a);
        json_decref(b);
    }
    assert_null(json_loadf(batch, JSON_DISABLE_EOF_CHECK, NULL));
    assert_int_equal(count, 62);
    assert_int_equal(failed, 2);
    (void)fclose(demo);
    (void)fclose(batch);
}

static void other_forms(void **state)
{
    (void)state;
    assert_ok(run("cd $D && cp many/c.png 'o,\"ne\".png' && cp many/c.png 't\tw\no.png'"));
    assert_ok(
        run("cd $D && capdemo -q -m m.capw pics/a.jpg 'o,\"ne\".png' >t1 &&"
            " capbatch -q -m m.capw --format tsv -o t2.tsv pics/a.jpg 'o,\"ne\".png' && cmp t1 t2.tsv"));
    assert_ok(run("cd $D && printf 'pics/a.jpg\\0o,\"ne\".png\\0t\\tw\\no.png\\0' |"
                  " capbatch -q -m m.capw --format csv --files-from - -0 && echo . &&"
                  " cut -f 2 t1 && capdemo -q -m m.capw 't\tw\no.png'"));
    /* the captions as capdemo has them, put where they belong */
    char wanted[4096], first[512], second[512], third[512];
    const char *plain = strstr(out, "\n.\n");
    assert_non_null(plain);
    assert_int_equal(sscanf(plain + 3, "%511[^\n]\n%511[^\n]\n%511[^\n]\n", first, second, third), 3);
    (void)snprintf(wanted, sizeof wanted,
                   "SourceFile,Description\npics/a.jpg,%s\n\"o,\"\"ne\"\".png\",%s\n\"t\tw\no.png\",%s\n.\n",
                   first, second, third);
    assert_memory_equal(out, wanted, strlen(wanted));
    assert_refused(run("capbatch -m $D/m.capw --format tsv --features $D/pics"), 2, "--features: goes with");
    assert_refused(run("capbatch -m $D/m.capw --format csv --nbest 2 $D/pics"), 2, "--nbest: goes with");
    assert_refused(run("capbatch -m $D/m.capw --format xml $D/pics"), 2, "jsonl, tsv, csv, tar");
}

static void features_are_those_of_capdump(void **state)
{
    (void)state;
    assert_ok(run("capbatch -q -m $D/m.capw --features -o $D/f.jsonl test/vectors/a.jpg &&"
                  " capdump -q -m $D/m.capw test/vectors/a.jpg $D/dump && ls $D/dump"));
    json_t *line = read_json("f.jsonl");
    const char *text = json_string_value(json_object_get(line, "features"));
    assert_non_null(text);
    put("f.b64", text, strlen(text));
    json_decref(line);
    static const char python[] = "p=python3; $p -c 'import numpy' || p=/usr/bin/python3; cd $D && $p -c";
    if (run("%s 'import numpy'", python) != 0) skip();
    assert_ok(run("%s \"import base64, numpy as np;"
                  " half = np.frombuffer(base64.b64decode(open('f.b64').read()), '<f2');"
                  " full = np.fromfile('dump/a.jpg.feat.f32', '<f4');"
                  " assert half.size == full.size and (half == full.astype('<f2')).all()\"",
                  python));
}

/* ---- failures and counts ---- */

static void failures_are_listed(void **state)
{
    (void)state;
    assert_int_equal(run("cd $D && capbatch -m m.capw -o fail.jsonl many gone.jpg"), 1);
    assert_int_equal(count_lines(err), 4); /* three failures and the summary */
    assert_has(err, "capbatch: many/x/33.jpg: ");
    assert_has(err, "capbatch: gone.jpg: No such file or directory\n");
    assert_has(err, "capbatch: 60 images captioned in ");
    assert_has(err, ", 3 failed\n");
    json_t *root = read_json("fail.jsonl.manifest.json");
    assert_int_equal(json_integer_value(json_object_get(root, "captioned")), 60);
    assert_int_equal(json_integer_value(json_object_get(root, "failed")), 3);
    const json_t *failures = json_object_get(root, "failures"), *reasons = json_object_get(root, "reasons");
    assert_int_equal(json_array_size(failures), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(failures, 2), "image")), "gone.jpg");
    assert_int_equal(json_integer_value(json_object_get(reasons, "No such file or directory")), 1);
    const json_t *settings = json_object_get(root, "settings");
    assert_non_null(json_string_value(json_object_get(settings, "model")));
    assert_string_equal(json_string_value(json_object_get(settings, "version")), CAPTION_VERSION);
    json_decref(root);
    /* nothing fails: no failure, and exit code 0 */
    assert_ok(run("cd $D && capbatch -q -m m.capw -o good.jsonl pics && ls -a | grep -c good"));
    assert_string_equal(out, "2\n"); /* the output and its manifest */
    assert_refused(run("capbatch -m $D/m.capw"), 2, "no image named");
    assert_refused(run("capbatch -m $D/m.capw -"), 1, "for capdemo");
    assert_refused(run("capbatch -m $D/gone.capw $D/pics"), 1, "gone.capw: ");
    assert_refused(run("capbatch -m $D/m.capw -o $D/pics/a.jpg $D/pics"), 2, "is a picture");
    assert_refused(run("capbatch -m $D/m.capw --shard 4/3 $D/pics"), 2, "--shard: 4 is out of range");
}

/* Names that are no UTF-8, names with line ends. */
static void hostile_names(void **state)
{
    (void)state;
    assert_ok(run(
        "cd $D && mkdir names && n=$(printf 'e\\nv\\033[31m\\377') &&"
        " cp pics/a.jpg \"names/$n.jpg\" && printf 'names/%%s.jpg\\0names/%%s.png\\0' \"$n\" \"$n\" >list;"
        " capbatch -m m.capw -0 --files-from list -o n.jsonl; wc -l <n.jsonl; tail -n 1 n.jsonl"));
    assert_has(out, "2\n{\"image\": \"names/e\\nv\\u001B[31m\xEF\xBF\xBD"
                    "ff.png\", \"error\": ");
    assert_has(err, "capbatch: names/e\\nv\\x1b[31m\\xff.png: No such file");
    assert_int_equal(count_lines(err), 2);
    json_t *root = read_json("n.jsonl.manifest.json");
    assert_int_equal(json_array_size(json_object_get(root, "failures")), 1);
    json_decref(root);
}

/* ---- outputs ---- */

static void lost_writes(void **state)
{
    (void)state;
    assert_refused(run("capbatch -q -m $D/m.capw -o /dev/full $D/pics"), 1, "/dev/full: No space left");
    assert_refused(run("capbatch -q -m $D/m.capw $D/pics >&-"), 1, "standard output: ");
    assert_int_equal(
        run("{ capbatch -q -m $D/m.capw --threads 2 $D/many; echo $? >$D/code; } | head -n 1 >$D/head;"
            " [ $(cat $D/code) = 1 ]"),
        0);
    assert_has(err, "standard output: Broken pipe");
    assert_refused(run("capbatch -q -m $D/m.capw -o $D/none/no/c $D/pics"), 1, "/no/c.journal: ");
    assert_ok(run("ls -a $D/none | wc -l"));
    assert_string_equal(out, "2\n");
    /* a full disk: a limit on the size of files stands for it */
    assert_int_equal(run("cd $D && (ulimit -f 4; trap '' XFSZ; capbatch -m m.capw -o u.jsonl many)"), 1);
    assert_has(err, "u.jsonl.part: File too large");
    assert_has(err, "images are kept; the same command goes on from there");
    assert_int_equal(run("cd $D && capbatch -m m.capw -o u.jsonl many"), 1);
    assert_has(err, "capbatch: u.jsonl: goes on after ");
    assert_ok(run("cd $D && capbatch -q -m m.capw many >v.jsonl; cmp u.jsonl v.jsonl"));
}

static void outputs_that_exist(void **state)
{
    (void)state;
    assert_ok(
        run("cd $D && capbatch -q -m m.capw -o e.jsonl pics && cp e.jsonl e2 && capbatch -m m.capw -o e.jsonl"
            " pics && cmp e.jsonl e2"));
    assert_has(err, "capbatch: e.jsonl: is complete already\n");
    assert_refused(run("cd $D && capbatch -q -m m.capw --beams 2 -o e.jsonl pics"), 1,
                   "e.jsonl: was begun with beams=5, now beams=2");
    assert_refused(run("cd $D && capbatch -q -m m.capw -o e.jsonl pics/a.jpg"), 1, "was begun with input=");
    assert_ok(run(
        "cd $D && capbatch -q -m m.capw --beams 2 --restart -o e.jsonl pics; ls -a | grep -c '^e.jsonl'"));
    assert_string_equal(out, "2\n");
    assert_ok(run("echo mine >$D/notes"));
    assert_refused(run("cd $D && capbatch -q -m m.capw -o notes pics"), 1,
                   "notes: exists, and is not of a capbatch");
    assert_ok(run("cd $D && cat notes && ls -a | grep -c notes"));
    assert_string_equal(out, "mine\n1\n");
}

/* ---- stopped runs ---- */

/* $1: the options.  Starts a run, kills it once it has written more, and does so until it is done; echoes how
 * often it was killed. */
#define KILLING                                                                                 \
    "size() { [ ! -e k.jsonl.part ] || wc -c <k.jsonl.part; }; "                                \
    "killing() { seen=0; while :; do capbatch $1 2>>k.log & pid=$!;"                            \
    " while kill -0 $pid && [ $(($(size) + 0)) -le $seen ]; do :; done; seen=$(($(size) + 0));" \
    " kill -KILL $pid; wait $pid; [ $? -lt 128 ] && break; done; } 2>/dev/null; "

static void killed_runs_go_on(void **state)
{
    static const char *const forms[] = {"--threads 1", "--threads 3", "--threads 2 --batch 1"};
    (void)state;
    assert_int_equal(run("cd $D && ls many/x/*.jpg >10 && cat 10 10 >list2 &&"
                         " capbatch -q -m m.capw --threads 2 --files-from list2 -o whole.jsonl"),
                     1);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_ok(run(KILLING
                      "cd $D && rm -f k.* && killing '-m m.capw --files-from list2 -o k.jsonl %s';"
                      " cmp k.jsonl whole.jsonl && cmp k.jsonl.manifest.json whole.jsonl.manifest.json &&"
                      " grep -c 'goes on after' k.log; ls -a | grep -c '^k.jsonl'",
                      forms[i]));
        assert_true(atoi(out) > 0); /* it was killed in the middle */
        assert_has(out, "\n2\n");   /* nothing else is left */
    }
}

/* The last steps: after the file was put in place, and before. */
static void killed_at_the_end(void **state)
{
    (void)state;
    assert_ok(run(
        "cd $D && capbatch -q -m m.capw -o z.jsonl pics && cp z.jsonl z1 && cp z.jsonl.manifest.json z2"));
    static const char *const left[] = {
        /* placed, and no manifest; not placed; not even ended; the part lost; the output of before there as
           well */
        "mv z.jsonl.manifest.json m; cp kept z.jsonl.journal",
        "mv z.jsonl z.jsonl.part; rm z.jsonl.manifest.json; cp kept z.jsonl.journal",
        "mv z.jsonl z.jsonl.part; rm z.jsonl.manifest.json; grep -v '^\\*' kept >z.jsonl.journal",
        "rm z.jsonl z.jsonl.manifest.json; cp kept z.jsonl.journal",
        "echo old >z.jsonl; rm z.jsonl.manifest.json; cp kept z.jsonl.journal",
    };
    /* a journal as it was right before it was removed: its folder keeps the manifest from being written */
    assert_int_equal(
        run("cd $D && rm z.jsonl* && mkdir z.jsonl.manifest.json && capbatch -q -m m.capw -o z.jsonl pics"),
        1);
    assert_has(err, "z.jsonl.manifest.json: is a folder");
    assert_ok(
        run("cd $D && cp z.jsonl.journal kept && grep -c '^\\*' kept && rmdir z.jsonl.manifest.json &&"
            " capbatch -q -m m.capw -o z.jsonl pics && cmp z.jsonl z1 && cmp z.jsonl.manifest.json z2"));
    assert_string_equal(out, "1\n");
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        assert_ok(run("cd $D && %s; capbatch -q -m m.capw -o z.jsonl pics && cmp z.jsonl z1 &&"
                      " cmp z.jsonl.manifest.json z2 && ls | grep -c '^z.jsonl'",
                      left[i]));
        assert_string_equal(out, "2\n");
    }
}

/* Two runs on one output: the second is refused and says who has it. */
static void one_run_at_a_time(void **state)
{
    (void)state;
    /* the first has so much to do that it is still at it; it is stopped in case it isn't for long */
    assert_ok(run("cd $D && yes pics/a.jpg | head -n 5000 >much &&"
                  " { capbatch -q -m m.capw -o l.jsonl --files-from much & pid=$!;"
                  " while [ ! -s l.jsonl.journal ]; do :; done; kill -STOP $pid;"
                  " capbatch -q -m m.capw -o l.jsonl --files-from much; code=$?;"
                  " echo $pid >who; kill -KILL $pid; wait $pid; [ $code = 1 ]; }"));
    char who[PATH];
    assert_has(err, "l.jsonl.journal: another run is writing to this output: process ");
    const char *told = strstr(err, ": process ") + 10;
    assert_ok(run("cat $D/who; uname -n"));
    (void)snprintf(who, sizeof who, "%.*s\n", (int)strspn(told, "0123456789"), told);
    assert_memory_equal(out, who, strlen(who));
    assert_memory_equal(told + strlen(who) - 1, " on ", 4);
    assert_memory_equal(told + strlen(who) + 3, out + strlen(who), strlen(out) - strlen(who));
}

/* ---- tars ---- */

enum { BLOCK = 512, DAMAGES = 12, EVERY = 5 };

typedef struct tar_maker {
    FILE *file;
    tool_text photo;
} tar_maker;

static void tar_begin(tar_maker *t, const char *name)
{
    char path[PATH];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    t->file = fopen(path, "wb");
    assert_non_null(t->file);
    assert_true(tool_text_read(&t->photo, "test/vectors/a.jpg", LIMIT, NULL));
}

static void tar_put(const tar_maker *t, const char *name, const void *data, size_t size)
{
    const batch_tar_entry entry = {.name = name, .mode = 0644, .mtime = 1, .data = data, .size = size};
    batch_tar_put(t->file, &entry);
}

static void tar_end(tar_maker *t)
{
    batch_tar_put_end(t->file);
    assert_int_equal(fclose(t->file), 0);
    tool_text_free(&t->photo);
}

/* A member as bytes, which the caller changes, writes and frees. */
static char *member_bytes(const tar_maker *t, const char *name, size_t *size)
{
    char *bytes = NULL;
    FILE *stream = open_memstream(&bytes, size);
    assert_non_null(stream);
    const batch_tar_entry entry = {.name = name, .mode = 0644, .data = t->photo.data, .size = t->photo.size};
    batch_tar_put(stream, &entry);
    assert_int_equal(fclose(stream), 0);
    return bytes;
}

static void put_checksum(char *header)
{
    unsigned sum = 0;
    memset(header + 148, ' ', 8);
    for (int i = 0; i < BLOCK; i++) sum += (unsigned char)header[i];
    (void)snprintf(header + 148, 8, "%06o", sum);
}

/* An image that is damaged in one of DAMAGES ways. */
static void put_damaged(const tar_maker *t, const char *name, int way)
{
    static const char garbage[1000] = "garbage";
    size_t size = 0;
    char *bytes = member_bytes(t, name, &size);
    switch (way) {
    case 0: /* cut off, rightly named so */
        tar_put(t, name, t->photo.data, 20);
        size = 0;
        break;
    case 1:
        tar_put(t, name, "", 0);
        size = 0;
        break;
    case 2:
        tar_put(t, name, "not an image\n", 13);
        size = 0;
        break;
    case 3: /* its first bytes, all of it */
        memset(bytes + BLOCK, 0, 16);
        break;
    case 4:
        memset(bytes + BLOCK, 0, t->photo.size);
        break;
    case 5: /* the checksum of the header, the header */
        bytes[150] = (char)(bytes[150] ^ 1);
        break;
    case 6:
        memset(bytes, 0, BLOCK);
        break;
    case 7: /* it claims 8 GB, then 100 GB in the form of GNU */
        memset(bytes + 124, '7', 11);
        put_checksum(bytes);
        break;
    case 8:
        memcpy(bytes + 124, "\x80\0\0\0\0\0\0\x19\0\0\0\0", 12);
        put_checksum(bytes);
        break;
    case 9: /* bytes between members, so that the blocks behind are out of step */
        (void)fwrite(garbage, 1, sizeof garbage, t->file);
        size = 0;
        break;
    case 10: /* bytes of the header that are missing */
        size -= 300;
        memmove(bytes, bytes + 300, size);
        break;
    default: /* records of POSIX that are longer than all the rest */
        bytes[156] = 'x';
        memset(bytes + 124, '7', 11);
        put_checksum(bytes);
    }
    (void)fwrite(bytes, 1, size, t->file);
    free(bytes);
}

/* 60 samples, of which every fifth is damaged in another way.  All others are captioned, each damage is
 * listed, and what was captioned is as capdemo captions it. */
static void damaged_tars(void **state)
{
    tar_maker t;
    (void)state;
    tar_begin(&t, "damaged.tar");
    for (int i = 0; i < DAMAGES * EVERY; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%04d.jpg", i);
        if (i % EVERY == 2) {
            put_damaged(&t, name, i / EVERY);
        } else {
            tar_put(&t, name, t.photo.data, t.photo.size);
        }
        (void)snprintf(name, sizeof name, "%04d.json", i);
        tar_put(&t, name, "{}", 2);
    }
    tar_end(&t);
    assert_int_equal(run("cd $D && capbatch -m m.capw --threads 3 -o damaged.jsonl damaged.tar"), 1);
    assert_has(err, "capbatch: damaged.tar/0002.jpg: damaged JPEG image: no usable header\n");
    assert_has(err, "capbatch: damaged.tar/0007.jpg: the image is empty\n");
    assert_has(err, "capbatch: damaged.tar: damaged near byte ");
    json_t *manifest = read_json("damaged.jsonl.manifest.json");
    assert_int_equal(json_integer_value(json_object_get(manifest, "captioned")), DAMAGES * (EVERY - 1));
    assert_true(json_integer_value(json_object_get(manifest, "failed")) >= DAMAGES);
    json_decref(manifest);
    assert_ok(
        run("cd $D && for i in $(seq -f %%04g 0 59); do grep -c \"/$i.jpg.*caption\" damaged.jsonl; done |"
            " tr -d '\\n'; echo;"
            " printf '\"caption\": \"%%s\"' \"$(capdemo -q -m m.capw pics/a.jpg)\" >one; grep -cFf one "
            "damaged.jsonl"));
    char wanted[DAMAGES * EVERY + 16];
    for (int i = 0; i < DAMAGES * EVERY; i++) wanted[i] = i % EVERY == 2 ? '0' : '1';
    (void)snprintf(wanted + DAMAGES * EVERY, 16, "\n%d\n", DAMAGES * (EVERY - 1));
    assert_string_equal(out, wanted);
    /* the last member is cut off */
    assert_ok(run("cd $D && head -c $(($(wc -c <damaged.tar) - 4000)) damaged.tar >cut.tar;"
                  " capbatch -q -m m.capw cut.tar 2>&1 >/dev/null | tail -n 2 | grep -c Truncated"));
}

static void compressed_tars(void **state)
{
    tar_maker t;
    (void)state;
    tar_begin(&t, "z.tar");
    unsigned noise = 1;
    char bytes[30000]; /* what doesn't compress, so that half of the file holds half of the images */
    for (int i = 0; i < 6; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%d.jpg", i);
        tar_put(&t, name, t.photo.data, t.photo.size);
        for (size_t k = 0; k < sizeof bytes; k++) {
            noise = noise * 1664525 + 1013904223;
            bytes[k] = (char)(noise >> 24);
        }
        tar_put(&t, "noise", bytes, sizeof bytes);
    }
    tar_end(&t);
    assert_ok(
        run("cd $D && capbatch -q -m m.capw z.tar | sed 's/z.tar//' >plain && [ $(wc -l <plain) = 6 ] &&"
            " gzip -c z.tar >z.tgz && capbatch -q -m m.capw z.tgz | sed 's/z.tgz//' | cmp - plain"));
    assert_int_equal(run("cd $D && head -c $(($(wc -c <z.tgz) / 2)) z.tgz >h.tgz; capbatch -m m.capw h.tgz"),
                     1);
    assert_has(err, "capbatch: h.tgz");
    assert_true(count_lines(out) >= 2); /* what comes before, and the damage */
    assert_has(out, "\"error\"");
    assert_int_equal(
        run("cd $D && echo nothing >n.tar; capbatch -m m.capw -o bad.jsonl n.tar gone.tar z.tar"), 1);
    assert_has(err, "capbatch: gone.tar: No such file or directory\n");
    assert_has(err, "capbatch: n.tar");
    assert_has(err, "6 images captioned");
    if (run("command -v zstd") != 0) skip();
    assert_ok(run("cd $D && zstd -q z.tar -o z.tar.zst && capbatch -q -m m.capw z.tar.zst |"
                  " sed 's/z.tar.zst//' | cmp - plain"));
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMITED /* their shadow alone takes terabytes of addresses */
#else
#define LIMITED "ulimit -v 2000000; "
#endif

/* Members that claim to be larger than memory, some of them sparse: they are passed over or refused, and
 * neither time nor memory is spent on what they claim. */
static void bombs(void **state)
{
    tar_maker t;
    (void)state;
    tar_begin(&t, "tail.tar");
    tar_put(&t, "last.jpg", t.photo.data, t.photo.size);
    tar_end(&t);
    assert_ok(
        run("cd $D && truncate -s 100G bomb.jpg && truncate -s 100G bomb.bin && tar cSf bomb.tar bomb.jpg"
            " bomb.bin && rm bomb.jpg bomb.bin && cat tail.tar >>bomb.tar"));
    assert_int_equal(run("cd $D && " LIMITED "capbatch -m m.capw --threads 2 bomb.tar"), 1);
    assert_int_equal(count_lines(out), 2);
    assert_has(out, "bomb.tar/bomb.jpg\", \"error\": \"bomb.tar/bomb.jpg: ");
    assert_has(out, "bomb.tar/last.jpg\", \"caption\"");
}

/* Tars as output: captions in the place of KEY.txt, or behind the sample, and all else as it was. */
static void tars_again(void **state)
{
    tar_maker t;
    (void)state;
    tar_begin(&t, "w-00.tar");
    tar_put(&t, "a/1.txt", "before", 6); /* the text comes first */
    tar_put(&t, "a/1.jpg", t.photo.data, t.photo.size);
    tar_put(&t, "a/1.json", "{\"x\": 1}", 8);
    tar_put(&t, "a/2.jpg", t.photo.data, t.photo.size); /* no text */
    tar_put(&t, "a/2.json", "{}", 2);
    tar_put(&t, "b/2.jpg", t.photo.data, 20); /* fails, with text */
    tar_put(&t, "b/2.txt", "kept", 4);
    tar_put(&t, "README", "no image", 8);
    tar_put(&t, "c.seg.jpg", t.photo.data, t.photo.size); /* the first image of a sample */
    tar_put(&t, "c.txt", "gone", 4);
    tar_put(&t, "c.jpg", t.photo.data, t.photo.size);
    tar_end(&t);
    assert_int_equal(run("cd $D && capbatch -m m.capw --format tar -o again/ w-00.tar && false"), 1);
    assert_has(err, "capbatch: w-00.tar/b/2.jpg: damaged JPEG");
    assert_has(err, "3 images captioned");
    assert_ok(run("cd $D && tar tf again/w-00.tar | tr '\\n' ' '"));
    assert_string_equal(out,
                        "a/1.txt a/1.jpg a/1.json a/2.jpg a/2.json a/2.txt b/2.jpg b/2.txt README c.seg.jpg"
                        " c.txt c.jpg ");
    assert_ok(run("cd $D && mkdir w v && tar xf w-00.tar -C w && tar xf again/w-00.tar -C v &&"
                  " capdemo -q -m m.capw pics/a.jpg | tr -d '\\n' >caption; for f in a/1 a/2 c; do"
                  " cmp v/$f.txt caption && rm -f v/$f.txt w/$f.txt || exit; done; diff -r v w"));
    assert_refused(run("cd $D && capbatch -q -m m.capw --format tar -o x.tar w-00.tar tail.tar"), 1,
                   "names a folder");
    assert_refused(run("cd $D && capbatch -q -m m.capw --format tar -o x.tar pics"), 1, "names a folder");
    assert_refused(run("cd $D && capbatch -q -m m.capw -o again pics/a.jpg"), 1, "is no tar");
    assert_refused(
        run("cd $D && cp -r again more && cp tail.tar more/w-00.tar && capbatch -q -m m.capw -o again"
            " w-00.tar more/w-00.tar"),
        1, "two tars of this name");
}

/* One output for each tar; those that are complete are left alone, and one that can't be opened is tried
 * again. */
static void an_output_for_each_tar(void **state)
{
    (void)state;
    assert_int_equal(run("cd $D && capbatch -m m.capw -o each/ tail.tar later.tar z.tar && false"), 1);
    assert_has(err, "capbatch: later.tar: No such file or directory\n");
    assert_ok(run("cd $D && ls each | tr '\\n' ' '; cp each/z.jsonl z0; cp tail.tar later.tar"));
    assert_string_equal(out, "tail.jsonl tail.jsonl.manifest.json z.jsonl z.jsonl.manifest.json ");
    assert_ok(
        run("cd $D && capbatch -m m.capw -o each tail.tar later.tar z.tar && cmp z0 each/z.jsonl && ls each |"
            " wc -l"));
    assert_has(err, "capbatch: each/z.jsonl: is complete already\n");
    assert_has(err, "capbatch: 1 images captioned");
    assert_string_equal(out, "6\n");
    assert_ok(run("cd $D && cat each/tail.jsonl each/later.jsonl each/z.jsonl >joined &&"
                  " capbatch -q -m m.capw tail.tar later.tar z.tar | cmp - joined"));
}

/* A tar is gone on with in the middle, as lines and as a tar. */
static void killed_in_tars(void **state)
{
    tar_maker t;
    (void)state;
    tar_begin(&t, "long.tar");
    for (int i = 0; i < 90; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%d.jpg", i);
        tar_put(&t, name, t.photo.data, i % 10 == 7 ? 30 : t.photo.size);
        (void)snprintf(name, sizeof name, "%d.txt", i);
        if (i % 3) tar_put(&t, name, "old", 3);
    }
    tar_end(&t);
    assert_ok(run("gzip -k $D/long.tar; mv $D/long.tar.gz $D/long.tgz"));
    static const char *const forms[] = {"long.tar", "--format tar long.tar", "long.tgz"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_int_equal(run("cd $D && rm -f l.* && capbatch -q -m m.capw -o l.jsonl %s", forms[i]), 1);
        assert_ok(run(KILLING "cd $D && rm -f k.* && killing '-m m.capw --threads 2 -o k.jsonl %s';"
                              " cmp k.jsonl l.jsonl && cmp k.jsonl.manifest.json l.jsonl.manifest.json &&"
                              " grep -c 'goes on after' k.log",
                      forms[i]));
        assert_true(atoi(out) > 0);
    }
}

/* ---- parts ---- */

/* Tars: the parts joined are a single run's output, manifest and all. */
static void parts_of_tars(void **state)
{
    tar_maker t;
    (void)state;
    for (int i = 0; i < 7; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "p%d.tar", i);
        tar_begin(&t, name);
        for (int k = 0; k <= i; k++) {
            (void)snprintf(name, sizeof name, "%d%d.jpg", i, k);
            tar_put(&t, name, t.photo.data, k == 3 ? 40 : t.photo.size);
        }
        tar_end(&t);
    }
    assert_int_equal(run("cd $D && capbatch -q -m m.capw --nbest 2 -o ps.jsonl p?.tar"), 1);
    assert_ok(run(
        "cd $D && for i in 1 2 3; do capbatch -q -m m.capw --nbest 2 --shard $i/3 -o pp.jsonl p?.tar; done;"
        " ls pp*l && cat pp*.jsonl | cmp - ps.jsonl &&"
        " capbatch merge -o pj.jsonl pp-00003* pp-00001* pp-00002-of-00003.jsonl && cmp pj.jsonl ps.jsonl &&"
        " cmp pj.jsonl.manifest.json ps.jsonl.manifest.json && capbatch merge -q pp*l | cmp - ps.jsonl"));
    assert_string_equal(out, "pp-00001-of-00003.jsonl\npp-00002-of-00003.jsonl\npp-00003-of-00003.jsonl\n");
    assert_has(err, "capbatch: 3 parts joined: 24 images captioned, 4 failed\n");
    /* the same tars by a name with braces, and in a folder */
    assert_ok(
        run("cd $D && mkdir ptars && mv p?.tar ptars && cd ptars && { capbatch -q -m ../m.capw --nbest 2"
            " 'p{0..6}.tar' | cmp - ../ps.jsonl; } && { capbatch -q -m ../m.capw --nbest 2 . |"
            " sed 's,[.]/,,g' | cmp - ../ps.jsonl; } && mv p?.tar .. && cd .. && rmdir ptars"));
    /* one output for each tar */
    assert_ok(
        run("cd $D && for i in 2 1; do SLURM_ARRAY_TASK_ID=$i SLURM_ARRAY_TASK_COUNT=2 SLURM_ARRAY_TASK_MIN=1"
            " capbatch -q -m m.capw --nbest 2 --shard auto -o pe/ p?.tar; done; ls pe/*.jsonl | wc -l;"
            " capbatch merge -q -o pk.jsonl pe/*.jsonl && cmp pk.jsonl ps.jsonl &&"
            " cmp pk.jsonl.manifest.json ps.jsonl.manifest.json"));
    assert_string_equal(out, "7\n");
    /* more parts than tars: some are empty */
    assert_ok(
        run("cd $D && for i in 0 1 2; do OMPI_COMM_WORLD_RANK=$i OMPI_COMM_WORLD_SIZE=3 capbatch -q -m m.capw"
            " --shard auto -o pm.jsonl p1.tar p2.tar; done; capbatch merge -q pm-* 2>&1 | wc -l"));
    static const struct {
        const char *parts, *reason;
    } wrong[] = {
        {"pp-00001* pp-00003*", "part 2 of 3 is missing"},
        {"pp-00001* pp-00002-of-00003.jsonl", "part 3 of 3 is missing"},
        {"pp-00001-of-00003.jsonl pp-00001-of-00003.jsonl pp-00002-of-00003.jsonl", "are both part 1 of 3"},
        {"pp-00001-of-00003.jsonl pp-00002-of-00003.jsonl gone.jsonl",
         "gone.jsonl.manifest.json: No such file"},
        {"pp-00001-of-00003.jsonl ps.jsonl", "is one of 3 parts"},
        {"pp-00001-of-00003.jsonl pm-00002-of-00003.jsonl pp-00003-of-00003.jsonl", "don't belong together"},
        {"changed-00001-of-00003.jsonl pp-00002-of-00003.jsonl pp-00003-of-00003.jsonl",
         "is not what its manifest says"},
    };
    assert_ok(run("cd $D && sed s/a/b/ pp-00001-of-00003.jsonl >changed-00001-of-00003.jsonl &&"
                  " cp pp-00001-of-00003.jsonl.manifest.json changed-00001-of-00003.jsonl.manifest.json"));
    assert_ok(run("mkdir $D/parts"));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(run("cd $D && capbatch merge -o parts/never %s", wrong[i].parts), 1);
        assert_has(err, wrong[i].reason);
    }
    assert_ok(run("rmdir $D/parts")); /* nothing is left in it */
    assert_refused(run("capbatch merge"), 2, "no part named");
    assert_refused(run("capbatch merge -o x y x"), 2, "x is a part");
}

/* Lists: every image once; and the whole is scored. */
static void parts_of_lists(void **state)
{
    (void)state;
    assert_ok(run(
        "cd $D && ls many/x/*.jpg >photos.txt && rm -f q*; for i in 1 2 3 4; do capbatch -q -m m.capw "
        "--format tsv"
        " --files-from photos.txt --shard $i/4 -o q.tsv; done; capbatch merge -q -o whole.tsv q-*.tsv &&"
        " capbatch -q -m m.capw --format tsv --files-from photos.txt | sort >1; sort whole.tsv | cmp - 1 &&"
        " wc -l <1"));
    assert_int_equal(atoi(out), 58);
    assert_ok(run(
        "cd $D && { echo image,caption; for i in $(seq 10 69); do echo $i.jpg,a dog runs; done; } >refs &&"
        " capeval score --wordnet none --json --refs refs whole.tsv | grep -o '\"n_images\": 58'"));
}

/* With the list at hand the joined output is a single run's, and so is its manifest. */
static void lists_in_order(void **state)
{
    static const char *const forms[] = {"jsonl", "tsv", "csv", "jsonl --nbest 2"};
    static const struct {
        const char *change, *reason;
    } wrong[] = {
        {"head -n 20 ol", "is not what the parts were made of"},
        {"sort -r ol", "is not what the parts were made of"},
        {"cat ol; echo x.tar", "names tars"},
    };
    (void)state;
    /* names that need escapes, one twice, and failures in several parts */
    assert_ok(
        run("cd $D && cp many/c.png 'l\"1\",.png' && { ls -r many/x/*.jpg; echo gone1.jpg;"
            " echo 'l\"1\",.png'; echo many/c.png; echo gone2.jpg; echo many/c.png; echo gone3.jpg; } >ol"));
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_int_equal(
            run("cd $D && rm -f o1* o3* oj* && capbatch -q -m m.capw --format %s --files-from ol -o o1",
                forms[i]),
            1);
        assert_ok(run(
            "cd $D && for i in 1 2 3; do capbatch -q -m m.capw --format %s --files-from ol --shard $i/3"
            " -o o3; done; capbatch merge -o oj --files-from ol o3-*3 && cmp oj o1 &&"
            " cmp oj.manifest.json o1.manifest.json && capbatch merge -q --files-from ol o3-*3 | cmp - o1",
            forms[i]));
        assert_has(err, "capbatch: 3 parts joined: ");
    }
    assert_ok(run("cd $D && tr '\\n' '\\0' <ol | capbatch merge -q -0 --files-from - o3-*3 | cmp - o1"));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(
            run("cd $D && { %s; } >ow; capbatch merge -o never --files-from ow o3-*3", wrong[i].change), 1);
        assert_has(err, wrong[i].reason);
    }
    assert_int_equal(run("ls -a $D | grep -e never"), 1);
    assert_refused(run("capbatch merge -0 x"), 2, "--null: goes with --files-from alone");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unlisted_folder),     cmocka_unit_test(captions_of_capdemo),
        cmocka_unit_test(other_forms),         cmocka_unit_test(features_are_those_of_capdump),
        cmocka_unit_test(failures_are_listed), cmocka_unit_test(hostile_names),
        cmocka_unit_test(lost_writes),         cmocka_unit_test(outputs_that_exist),
        cmocka_unit_test(killed_runs_go_on),   cmocka_unit_test(killed_at_the_end),
        cmocka_unit_test(one_run_at_a_time),   cmocka_unit_test(damaged_tars),
        cmocka_unit_test(compressed_tars),     cmocka_unit_test(bombs),
        cmocka_unit_test(tars_again),          cmocka_unit_test(an_output_for_each_tar),
        cmocka_unit_test(killed_in_tars),      cmocka_unit_test(parts_of_tars),
        cmocka_unit_test(parts_of_lists),      cmocka_unit_test(lists_in_order),
    };
    program = argc > 0 ? argv[0] : NULL;
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* a test by its name */
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
