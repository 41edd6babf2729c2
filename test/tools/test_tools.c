/* capdemo, capinfo, capdump and capeval from the outside: exit codes, messages, output, and every wrong input
 * that users come up with. */
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
#include <capw.h>

#include "test/make_model.h"
#include "test/run_tools.h"

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

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* ---- capdemo ---- */

static void demo_usage(void **state)
{
    static const struct {
        const char *arguments, *reason;
    } wrong[] = {
        {"", "no image named"},
        {"--bogus x.jpg", "--bogus: unknown option"},
        {"-z x.jpg", "-z: unknown option"},
        {"--corrected-penalty x.jpg", "--corrected-penalty: unknown option"},
        {"--null x.jpg", "--null: goes with --files-from"},
        {"-o test/vectors/a.jpg x.jpg", "test/vectors/a.jpg is a picture"},
        {"x.jpg --beams", "--beams: needs a value"},
        {"--json=1 x.jpg", "--json: takes no value"},
        {"--beams 0 x.jpg", "--beams: 0 is out of range, 1 to 64"},
        {"--beams 65 x.jpg", "out of range"},
        {"--beams 5x x.jpg", "'5x' is not a whole number"},
        {"--nbest 0 x.jpg", "out of range"},
        {"--max-len 1025 x.jpg", "out of range"},
        {"--length-alpha nan x.jpg", "'nan' is not a number"},
        {"--alpha 11 x.jpg", "--length-alpha: 11 is out of range"},
        {"--penalty 0 x.jpg", "out of range"},
        {"--penalty-form none x.jpg", "not one of published, corrected"},
        {"--threads 0 x.jpg", "out of range"},
        {"--cpu sse x.jpg", "not one of avx512vnni, avx512, avx2vnni, avx2, neondot, neon, c"},
        {"--conv fft x.jpg", "not one of auto, direct, winograd, im2col"},
        {"--max-pixels 0 x.jpg", "out of range"},
        {"--max-memory 0M x.jpg", "out of range"},
        {"--max-memory 12MB x.jpg", "'12MB' is no amount of memory"},
        {"-m $D/m.capw --greedy --beams 3 x.jpg", "--greedy"},
        {"-m $D/m.capw --nbest 9 x.jpg", "more than the beam width"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_refused(run("capdemo %s", wrong[i].arguments), 2, wrong[i].reason);
        assert_memory_equal(err, "capdemo: ", 9);
    }
    assert_int_equal(run("capdemo --help"), 0);
    assert_non_null(strstr(out, "Usage: capdemo"));
    assert_int_equal(run("capdemo -V"), 0);
    assert_non_null(strstr(out, "capdemo (libcaption) "));
    assert_int_equal(run("capdemo --help >/dev/full"), 1);
}

static void demo_wrong_models(void **state)
{
    unsigned char *copy = malloc(model_size);
    (void)state;
    assert_non_null(copy);
    assert_refused(run("capdemo -m $D/missing.capw x.jpg"), 1, "missing.capw: ");
    assert_refused(run("capdemo -m $D/pics x.jpg"), 1, "/pics: ");
    assert_refused(run("capdemo -m $D/empty.jpg x.jpg"), 1, "empty.jpg: ");
    assert_refused(run("capdemo -m $D/text.jpg x.jpg"), 1, "text.jpg: ");
    assert_refused(run("CAPTION_MODEL=$D/missing.capw capdemo x.jpg"), 1, "missing.capw: ");
    memcpy(copy, model_bytes, model_size);
    copy[8] = 9; /* version */
    make_model_seal(copy);
    put("future.capw", copy, model_size);
    assert_refused(run("capdemo -m $D/future.capw x.jpg"), 1, "version");
    for (size_t cut = 1; cut < model_size; cut += cut < 256 ? 17 : model_size / 11) {
        put("cut.capw", model_bytes, cut);
        assert_refused(run("capdemo -m $D/cut.capw test/vectors/a.jpg"), 1, "cut.capw: ");
    }
    free(copy);
}

static void demo_captions(void **state)
{
    (void)state;
    assert_int_equal(run("capdemo -m $D/m.capw test/vectors/a.jpg"), 0);
    assert_int_equal(count_lines(out), 1);
    assert_string_equal(err, "");
    char alone[PATH];
    (void)snprintf(alone, sizeof alone, "%.*s", PATH - 1, out);
    assert_null(strstr(alone, "a.jpg"));
    assert_int_equal(run("CAPTION_MODEL=$D/m.capw capdemo - <test/vectors/a.jpg"), 0);
    assert_string_equal(out, alone);
    assert_int_equal(run("capdemo -m $D/m.capw --threads 3 test/vectors/a.jpg"), 0);
    assert_string_equal(out, alone);
    assert_int_equal(run("capdemo -m $D/m.capw test/vectors/a.jpg test/vectors/c.png"), 0);
    assert_int_equal(count_lines(out), 2);
    char line[PATH * 2];
    (void)snprintf(line, sizeof line, "test/vectors/a.jpg\t%s", alone);
    assert_memory_equal(out, line, strlen(line));
    assert_non_null(strstr(out, "\ntest/vectors/c.png\t"));
    assert_int_equal(run("capdemo -m $D/m.capw $D/pics"), 0);
    assert_int_equal(count_lines(out), 2);
    assert_non_null(strstr(out, "/pics/a.jpg\t"));
    assert_int_equal(run("capdemo -m $D/m.capw -r $D/pics"), 0);
    assert_int_equal(count_lines(out), 3);
    assert_int_equal(run("capdemo -m $D/m.capw --nbest 3 --beams 4 test/vectors/a.jpg"), 0);
    assert_int_equal(count_lines(out), 3);
    assert_int_equal(run("capdemo -m $D/m.capw --greedy --attention --max-len 3 test/vectors/a.jpg"), 0);
    assert_true(count_lines(out) > 3);
    assert_refused(run("capdemo -m $D/b.capw --attention test/vectors/a.jpg"), 1, "no attention");
    assert_int_equal(run("capdemo -m $D/b.capw test/vectors/a.jpg"), 0);
    assert_int_equal(run("capdemo -m $D/m.capw --time test/vectors/a.jpg"), 0);
    assert_string_equal(out, alone);
    assert_non_null(strstr(err, "encoder "));
    assert_int_equal(run("capdemo -m $D/m.capw test/vectors/a.jpg >/dev/full"), 1);
    assert_non_null(strstr(err, "standard output: "));
}

static void demo_json(void **state)
{
    (void)state;
    assert_int_equal(run("capdemo -m $D/m.capw test/vectors/a.jpg"), 0);
    char alone[PATH];
    (void)snprintf(alone, sizeof alone, "%.*s", (int)strcspn(out, "\n"), out);
    assert_int_equal(run("capdemo -m $D/m.capw --json --nbest 2 --attention --time test/vectors/a.jpg"), 0);
    assert_int_equal(count_lines(out), 1);
    json_error_t where;
    json_t *line = json_loads(out, 0, &where);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "image")), "test/vectors/a.jpg");
    assert_string_equal(json_string_value(json_object_get(line, "caption")), alone);
    assert_true(json_real_value(json_object_get(line, "ms")) > 0);
    assert_true(json_is_real(json_object_get(json_object_get(line, "times"), "encoder")));
    json_t *beams = json_object_get(line, "beams");
    assert_int_equal(json_array_size(beams), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(beams, 0), "caption")), alone);
    const double score = json_real_value(json_object_get(json_array_get(beams, 0), "score"));
    assert_true(score >= json_real_value(json_object_get(json_array_get(beams, 1), "score")));
    assert_int_equal(json_array_size(json_object_get(json_array_get(beams, 0), "ids")),
                     json_array_size(json_object_get(line, "attention")));
    assert_true(json_real_value(json_object_get(line, "confidence")) <= 1);
    json_decref(line);
    assert_int_equal(run("capdemo -m $D/m.capw --json $D/pics"), 0);
    assert_int_equal(count_lines(out), 2);
    /* file names that are not UTF-8 stay different */
    assert_int_equal(run("cd $D; for n in '\\377' '\\376'; do n=$(printf \"x$n.jpg\"); cp pics/a.jpg \"$n\";"
                         " capdemo -m m.capw --json \"$n\"; done"),
                     0);
    assert_memory_equal(out,
                        "{\"image\": \"x\xEF\xBF\xBD"
                        "ff.jpg\", ",
                        24);
    assert_non_null(strstr(out, "\n{\"image\": \"x\xEF\xBF\xBD"
                                "fe.jpg\", "));
}

/* A PNG of which there is only the header. */
static void put_huge_png(void)
{
    unsigned char png[33] = {
        0x89, 'P', 'N', 'G',  '\r', '\n', 0x1A, '\n', 0,    0, 0, 13, 'I', 'H', 'D',
        'R',  0,   1,   0x86, 0xA0, 0,    1,    0x86, 0xA0, 8, 2, 0,  0,   1}; /* 100000 x 100000, interlaced
                                                                                */
    uint32_t crc = make_model_crc(png + 12, 17);
    for (int i = 0; i < 4; i++) png[29 + i] = (unsigned char)(crc >> (24 - 8 * i));
    put("huge.png", png, sizeof png);
}

static void demo_wrong_images(void **state)
{
    static const char *const bad[] = {"missing.jpg", "empty.jpg", "text.jpg", "stub.jpg", "huge.png"};
    (void)state;
    put_huge_png();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char reason[PATH];
        (void)snprintf(reason, sizeof reason, "capdemo: %s/%s: ", dir, bad[i]);
        assert_refused(run("capdemo -m $D/m.capw $D/%s", bad[i]), 1, reason);
        assert_int_equal(count_lines(err), 1);
    }
    assert_refused(run("capdemo -m $D/m.capw $D/none"), 1, "/none: ");
    assert_refused(run("capdemo -m $D/m.capw - </dev/null"), 1, "capdemo: -: ");
    assert_refused(run("capdemo -m $D/m.capw --max-pixels 1000 test/vectors/a.jpg"), 1,
                   "a.jpg: has 320 x 213 pixels, the limit is 1000 (--max-pixels)");
    assert_refused(run("capdemo -m $D/m.capw --max-memory 1K test/vectors/a.jpg"), 1,
                   "KB, the limit is 1 KB (--max-memory)");
    /* the others still run */
    assert_int_equal(
        run("capdemo -m $D/m.capw $D/missing.jpg test/vectors/a.jpg $D/text.jpg test/vectors/c.png"), 1);
    assert_int_equal(count_lines(out), 2);
    assert_int_equal(count_lines(err), 2);
    /* a broken tail is warned about, or refused */
    assert_int_equal(run("capdemo -m $D/m.capw $D/broken.jpg"), 0);
    assert_int_equal(count_lines(out), 1);
    assert_non_null(strstr(err, "broken.jpg: warning: "));
    assert_refused(run("capdemo -m $D/m.capw --strict $D/broken.jpg"), 1, "broken.jpg: ");
}

/* Every tool that opens images has the same limits, and says what an image would take. */
static void limits(void **state)
{
    static const char *const commands[] = {
        "capdemo -m $D/m.capw %s test/bad/memory.jpg",
        "capdump -m $D/m.capw %s test/bad/memory.jpg $D/dump",
        "capeval run -m $D/m.capw -q %s --images test/bad --refs $D/bad.csv -o $D/bad.tsv",
        "capconvert --int8 -q %s --calibrate $D/bad.txt $D/m.capw -o $D/bad.capw",
    };
    static const char list[] = "test/bad/memory.jpg\n", refs[] = "image,caption\nmemory.jpg,a dog runs\n";
    static const char *const options[][2] = {
        {"", "memory.jpg: needs 367.1 MB, the limit is 256 MB (--max-memory)\n"},
        {"--max-memory 1G", "memory.jpg: damaged JPEG image: 153 bytes are too few"},
        {"--max-pixels 63999999",
         "memory.jpg: has 8000 x 8000 pixels, the limit is 63999999 (--max-pixels)\n"},
    };
    (void)state;
    put("bad.txt", list, sizeof list - 1);
    put("bad.csv", refs, sizeof refs - 1);
    for (size_t c = 0; c < sizeof commands / sizeof *commands; c++) {
        for (size_t o = 0; o < sizeof options / sizeof *options; o++) {
            char command[COMMAND];
            const char *hole = strstr(commands[c], "%s");
            (void)snprintf(command, sizeof command, "%.*s%s%s", (int)(hole - commands[c]), commands[c],
                           options[o][0], hole + 2);
            assert_int_equal(run("%s", command), 1);
            if (!strstr(err, options[o][1])) fail_msg("%s: %s", command, err);
        }
    }
}

/* ---- capinfo ---- */

static void info_reports(void **state)
{
    (void)state;
    assert_int_equal(run("capinfo $D/m.capw"), 0);
    assert_non_null(strstr(out, "attention, GRU"));
    assert_non_null(strstr(out, "vocabulary  37 words"));
    assert_null(strstr(out, "input.mean = "));
    assert_null(strstr(out, "encoder.stem.weight"));
    assert_true(count_lines(out) <= 20); /* one screen */
    assert_int_equal(run("capinfo -v -m $D/m.capw"), 0);
    assert_non_null(strstr(out, "input.mean = 0.485"));
    assert_non_null(strstr(out, "\nencoder.stem.weight "));
    assert_int_equal(run("capinfo --tensors $D/m.capw"), 0);
    assert_memory_equal(out, "tensor ", 7);
    assert_int_equal(run("capinfo --words $D/m.capw"), 0);
    assert_int_equal(count_lines(out), 37);
    assert_int_equal(run("capinfo --plan --runs 1 $D/m.capw"), 0);
    assert_non_null(strstr(out, "\nlayer4.2.conv3 "));
    assert_int_equal(run("capinfo --verify $D/m.capw"), 0);
    assert_non_null(strstr(out, "are right"));
    assert_int_equal(run("capinfo --verify -q $D/m.capw"), 0);
    assert_string_equal(out, "");
    assert_int_equal(run("capinfo --json $D/m.capw"), 0);
    json_error_t where;
    json_t *root = json_loads(out, 0, &where);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "vocabulary_size")), 37);
    assert_int_equal(json_integer_value(json_object_get(root, "tensor_count")),
                     json_array_size(json_object_get(root, "tensors")));
    json_decref(root);
    assert_int_equal(run("capinfo --json --plan --words --runs 1 $D/b.capw"), 0);
    root = json_loads(out, 0, &where);
    assert_non_null(root);
    assert_int_equal(json_array_size(json_object_get(root, "words")), 37);
    assert_null(json_object_get(root, "tensors"));
    json_decref(root);
}

/* An int8 model, and one of float32 asked for what only int8 has. */
static void info_of_int8(void **state)
{
    (void)state;
    assert_int_equal(run("capinfo $D/i.capw"), 0);
    assert_non_null(strstr(out, "\nprecision   int8\n"));
    assert_non_null(strstr(out, "int8 0."));
    assert_int_equal(run("capinfo --plan --runs 1 $D/i.capw"), 0);
    assert_non_null(strstr(out, "   GOP/s "));
    assert_non_null(strstr(out, "54 layers in int8, "));
    assert_null(strstr(out, "winograd"));
    assert_int_equal(run("capinfo --ranges $D/i.capw"), 0);
    assert_memory_equal(out, "range ", 6);
    assert_non_null(strstr(out, "\nencoder.layer4.2.conv3 "));
    const size_t lines = count_lines(out);
    assert_int_equal(run("capinfo --ranges --plan --runs 1 --json $D/i.capw"), 0);
    json_error_t where;
    json_t *root = json_loads(out, 0, &where), *range;
    assert_non_null(root);
    const json_t *ranges = json_object_get(root, "ranges");
    assert_int_equal(json_array_size(ranges), lines - 1);
    size_t i;
    json_array_foreach(ranges, i, range)
    {
        const double scale = number_of(range, "scale"), zero = number_of(range, "zero_point");
        assert_true(fabs(number_of(range, "lowest") + scale * zero) < 1e-6);
        assert_true(fabs(number_of(range, "largest") - scale * (255 - zero)) < 1e-6);
    }
    const json_t *plan = json_object_get(root, "plan");
    const json_t *stem = json_array_get(json_object_get(plan, "layers"), 0);
    assert_string_equal(json_string_value(json_object_get(plan, "precision")), "int8");
    assert_string_equal(json_string_value(json_object_get(stem, "algorithm")), "direct");
    assert_true(number_of(stem, "gops") > 0);
    assert_null(json_object_get(stem, "gflops"));
    json_decref(root);
    assert_int_equal(run("capinfo --ranges $D/m.capw"), 0);
    assert_string_equal(out, "no ranges: a model of float32 has none\n");
    assert_int_equal(run("capinfo --ranges --json $D/m.capw | tr -d ' \\n' | grep -q '\"ranges\":\\[\\]'"),
                     0);
}

static void info_wrong(void **state)
{
    unsigned char *copy = malloc(model_size);
    (void)state;
    assert_refused(run("capinfo -m $D/m.capw $D/b.capw"), 2, "one model");
    assert_refused(run("capinfo $D/m.capw $D/b.capw"), 2, "one model");
    assert_refused(run("capinfo --runs 0 $D/m.capw"), 2, "out of range");
    assert_refused(run("capinfo $D/missing.capw"), 1, "missing.capw: ");
    assert_refused(run("capinfo $D/text.jpg"), 1, "text.jpg: ");
    assert_non_null(copy);
    memcpy(copy, model_bytes, model_size);
    const capw_tensor *record = make_model_find(copy, "fc.weight");
    uint64_t offset = 0;
    assert_non_null(record);
    memcpy(&offset, &record->offset, sizeof offset);
    copy[offset + 5] ^= 1;
    put("flipped.capw", copy, model_size);
    assert_refused(run("capinfo --verify $D/flipped.capw"), 1, "fc.weight");
    assert_int_equal(count_lines(err), 1); /* that one and no other */
    free(copy);
}

/* ---- capdump ---- */

static long size_of(const char *name)
{
    char path[PATH];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    struct stat info;
    return stat(path, &info) == 0 ? (long)info.st_size : -1;
}

static void dump_files(void **state)
{
    const long side = INPUT, positions = 4, channels = 64;
    (void)state;
    assert_int_equal(run("capdump -m $D/m.capw --beams 3 test/vectors/a.jpg $D/dump"), 0);
    assert_string_equal(out, "");
    assert_int_equal(size_of("dump/a.jpg.u8"), side * side * 3);
    assert_int_equal(size_of("dump/a.jpg.input.f32"), side * side * 3 * 4);
    assert_int_equal(size_of("dump/a.jpg.feat.f32"), positions * channels * 4);
    char path[PATH];
    (void)snprintf(path, sizeof path, "%s/dump/a.jpg.json", dir);
    json_error_t where;
    json_t *root = json_load_file(path, 0, &where);
    assert_non_null(root);
    const long length = (long)json_array_size(json_object_get(root, "greedy_ids"));
    assert_true(length > 0);
    assert_int_equal(json_array_size(json_object_get(root, "beams")), 3);
    assert_true(json_is_string(json_object_get(root, "greedy")));
    json_decref(root);
    assert_int_equal(size_of("dump/a.jpg.alpha.f32"), length * positions * 4);
    assert_int_equal(size_of("dump/a.jpg.logits.f32"), length * 37 * 4);
    assert_int_equal(run("capdump -m $D/b.capw test/vectors/c.png $D/dump"), 0);
    assert_int_equal(size_of("dump/c.png.feat.f32"), 5 * 4);
    assert_int_equal(size_of("dump/c.png.alpha.f32"), -1);
}

/* The number of tokens of the best caption in a file of capdump. */
static long best_length(const char *name)
{
    char path[PATH];
    json_error_t where;
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    json_t *root = json_load_file(path, 0, &where);
    assert_non_null(root);
    const json_t *best = json_array_get(json_object_get(root, "beams"), 0);
    const long length = (long)json_array_size(json_object_get(best, "ids"));
    json_decref(root);
    assert_true(length > 0);
    return length;
}

static void dump_gradcam(void **state)
{
    const long positions = 4, channels = 64;
    (void)state;
    assert_int_equal(run("capdump -m $D/m.capw --gradcam test/vectors/a.jpg $D/why"), 0);
    const long words = best_length("why/a.jpg.json");
    assert_int_equal(size_of("why/a.jpg.gradweights.f32"), words * channels * 4);
    assert_int_equal(size_of("why/a.jpg.gradcam.f32"), words * positions * 4);
    assert_int_equal(run("capdump -m $D/b.capw --gradcam test/vectors/a.jpg $D/why"), 0);
    assert_int_equal(size_of("why/a.jpg.gradcam.f32"), best_length("why/a.jpg.json") * positions * 4);
    assert_int_equal(run("capdump -m $D/m.capw test/vectors/a.jpg $D/plain"), 0);
    assert_int_equal(size_of("plain/a.jpg.gradcam.f32"), -1);
    assert_refused(run("capdump -m test/vectors/gru-int8.capw --gradcam test/vectors/a.jpg $D/no"), 1,
                   "needs a float32 model");
    assert_int_equal(size_of("no"), -1); /* all or nothing */
}

/* JSON has no NaN: a score that is none is null. */
static void scores_that_are_no_numbers(void **state)
{
    unsigned char *copy = malloc(model_size);
    capw_header header;
    (void)state;
    assert_non_null(copy);
    memcpy(copy, model_bytes, model_size);
    memcpy(&header, copy, sizeof header);
    for (size_t at = (size_t)header.data_offset; at + 4 <= model_size; at += 4) {
        memcpy(copy + at, &(float){NAN}, 4);
    }
    put("nan.capw", copy, model_size);
    free(copy);
    assert_int_equal(run("capdump -m $D/nan.capw test/vectors/a.jpg $D/nan && cat $D/nan/a.jpg.json"), 0);
    assert_non_null(strstr(out, "\"score\": null"));
    assert_int_equal(run("capdemo -m $D/nan.capw --json --attention test/vectors/a.jpg"), 0);
    assert_non_null(strstr(out, "\"score\": null"));
    assert_non_null(strstr(out, "\"confidence\": 0.0"));
    assert_int_equal(count_lines(out), 1);
}

static void dump_wrong(void **state)
{
    (void)state;
    assert_refused(run("CAPTION_MODEL=$D/missing.capw capdump test/vectors/a.jpg $D/x"), 1, "missing.capw: ");
    assert_refused(run("capdump -m $D/m.capw test/vectors/a.jpg"), 2, "one image and one folder");
    assert_refused(run("capdump -m $D/m.capw - $D/x"), 2, "must be a file");
    assert_refused(run("capdump -m $D/m.capw test/vectors/a.jpg -"), 2, "can't be standard output");
    assert_refused(run("capdump -m $D/m.capw $D/text.jpg $D/x"), 1, "text.jpg: ");
    assert_int_equal(size_of("x"), -1); /* nothing was made */
    assert_refused(run("capdump -m $D/m.capw test/vectors/a.jpg $D/text.jpg"), 1, "text.jpg");
    assert_int_equal(size_of("text.jpg"), 13);
    assert_refused(run("capdump -m $D/m.capw test/vectors/a.jpg $D/no/such"), 1, "no/such");
    assert_int_equal(run("mkdir -p $D/full/a.jpg.u8"), 0);
    assert_refused(run("capdump -m $D/m.capw test/vectors/a.jpg $D/full"), 1, "a.jpg.u8");
    assert_int_equal(run("ls -A $D/full | wc -l | grep -qx ' *1'"), 0); /* no temporary either */
}

/* ---- capeval ---- */

static void eval_usage(void **state)
{
    static const struct {
        const char *arguments, *reason;
    } wrong[] = {
        {"", "no command given"},
        {"nothing", "no such command: nothing"},
        {"-q", "-q: unknown option"},
        {"scores", "no such command: scores; did you mean score?"},
        {"run --bogus", "--bogus: unknown option"},
        {"run -m", "-m: needs a value"},
        {"run --beams 65", "--beams: 65 is out of range, 1 to 64"},
        {"run --threads x", "'x' is not a whole number"},
        {"run", "no folder of images given"},
        {"run --images d", "no reference captions given"},
        {"run --images d --refs r --null", "--null: goes with --files-from"},
        {"run --images d --refs r -o -", "-o -: the predictions can't go to standard output"},
        {"run --images d --refs r --metrics -", "--metrics -: name a file"},
        {"run --compare c", "no folder of images given"},
        {"run --images d --compare c -o p.tsv", "--compare: writes no predictions"},
        {"run --images d --compare c --metrics m.json", "--compare: writes no predictions"},
        {"run --images d --compare c --per-image -", "--per-image -: "},
        {"score --per-image - p", "--per-image -: "},
        {"run -m m --images d --refs r --greedy --beams 3", "exclude each other"},
        {"run -m m --images d --refs r extra", "unexpected argument: extra"},
        {"score", "no predictions given"},
        {"score --json=1", "--json: takes no value"},
    };
    static const char *const places[] = {"", "run", "score"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_refused(run("capeval %s", wrong[i].arguments), 2, wrong[i].reason);
    }
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        assert_int_equal(run("capeval %s --version", places[i]), 0);
        assert_string_equal(out, "capeval (libcaption) " CAPTION_VERSION "\n");
        assert_int_equal(run("capeval %s -h", places[i]), 0);
        assert_non_null(strstr(out, i == 1 ? "capeval run [options]" : "capeval score [options]"));
    }
}

/* capeval's captions are capdemo's, and a bad image is left out by name. */
static void eval_captions(void **state)
{
    (void)state;
    assert_int_equal(run("mkdir -p $D/set && cp test/vectors/a.jpg $D/set/ && cp $D/text.jpg $D/set/"), 0);
    assert_int_equal(run("printf 'image,caption\\na.jpg,a dog\\ntext.jpg,a cat\\n' >$D/refs.txt"), 0);
    assert_int_equal(run("capeval run -m $D/m.capw --images $D/set --refs $D/refs.txt -o $D/p.tsv"), 1);
    assert_non_null(strstr(err, "text.jpg: "));
    assert_int_equal(
        run("printf 'a.jpg\\t%%s\\n' \"$(capdemo -m $D/m.capw $D/set/a.jpg)\" | diff - $D/p.tsv"), 0);
}

static json_t *read_json(void)
{
    json_error_t where;
    json_t *root = json_loads(out, 0, &where);
    if (!root) fail_msg("%s", where.text);
    return root;
}

/* Two models without references, one of which has another vocabulary and another kind. */
static void eval_compares(void **state)
{
    (void)state;
    assert_int_equal(run("capeval run -q -m $D/m.capw --compare $D/m.capw --images $D/pics"), 0);
    assert_string_equal(err, "");
    assert_non_null(strstr(out, "/m.capw (float32)\nimages     2\nequal      2 (100.0 %)\n"));
    assert_non_null(strstr(out, "  largest  0.0000 (a.jpg)\n"));
    assert_null(strstr(out, "BLEU"));
    assert_int_equal(run("capeval run -m $D/m.capw --compare $D/m.capw --images $D/pics"), 0);
    assert_non_null(strstr(err, "both files hold the same model"));
    assert_int_equal(run("capeval run -q -m $D/m.capw --compare $D/b.capw --images $D/pics --json"
                         " --per-image $D/each.tsv"),
                     0);
    json_t *root = read_json();
    const json_t *models = json_object_get(root, "models");
    assert_int_equal(json_array_size(models), 2);
    const json_t *a = json_array_get(models, 0), *b = json_array_get(models, 1);
    assert_true(number_of(root, "n_images") == 2 && number_of(root, "n_failed") == 0);
    assert_string_equal(json_string_value(json_object_get(a, "precision")), "float32");
    const double mean = number_of(json_object_get(root, "score_differences"), "mean");
    assert_true(mean >= number_of(b, "mean_score") - number_of(a, "mean_score") - 1e-6);
    assert_true(mean <= number_of(json_object_get(root, "score_differences"), "largest"));
    assert_null(json_object_get(a, "BLEU-1"));
    json_decref(root);
    assert_int_equal(run("capeval run -q -m $D/m.capw --compare $D/i.capw --images $D/pics"), 0);
    assert_non_null(strstr(out, "/i.capw (int8)\n"));
    /* the captions are capdemo's */
    assert_int_equal(
        run("cut -f 5 $D/each.tsv | sed 1d >$D/x; capdemo -m $D/m.capw $D/pics | cut -f 2 | diff - $D/x"
            " && cut -f 6 $D/each.tsv | sed 1d >$D/x; capdemo -m $D/b.capw $D/pics | cut -f 2 |"
            " diff - $D/x"),
        0);
    /* nothing else is written, and any number of threads gives the same */
    assert_int_equal(
        run("mkdir $D/empty && cd $D/empty && for n in 1 3; do capeval run -q -m ../m.capw --threads $n"
            " --compare ../b.capw --images ../pics >../x$n || exit 1; done; ls | wc -l | grep -qx ' *0'"
            " && cmp ../x1 ../x3"),
        0);
}

/* With references; bad images, lists and models. */
static void eval_compare_scores(void **state)
{
    (void)state;
    assert_int_equal(run("printf 'image,caption\\na.jpg,a dog\\nc.png,a cat\\n' >$D/two.txt"), 0);
    assert_int_equal(
        run("capeval run -q -m $D/m.capw --compare $D/b.capw --images $D/pics --refs $D/two.txt"
            " --wordnet none | tail -n 9 >$D/x; cut -c 1-9 $D/x | tr -d ' \\n'; cut -c 10-18 $D/x"),
        0);
    assert_memory_equal(out, "scoreBLEU-1BLEU-2BLEU-3BLEU-4METEOR*CIDErROUGE-L*without", 56);
    /* the first column is what one model alone gets */
    assert_int_equal(
        run("capeval run -q -m $D/m.capw --images $D/pics --refs $D/two.txt --wordnet none"
            " -o $D/alone.tsv | sed -n 's/.* //; 2,$p' >$D/y; cut -c 10-18 $D/x | sed '1d; s/ *//; $d' |"
            " diff - $D/y"),
        0);
    assert_int_equal(run("printf 'a.jpg\\nno.jpg\\n' |"
                         " capeval run -m $D/m.capw --compare $D/b.capw --images $D/pics --files-from -"),
                     1);
    assert_non_null(strstr(err, "no.jpg: "));
    assert_non_null(strstr(err, "1 of 2 images failed"));
    assert_non_null(strstr(out, "images     1, 1 failed\n"));
    assert_refused(
        run("echo no.jpg | capeval run -q -m $D/m.capw --compare $D/b.capw --images $D/pics --files-from -"),
        1, "none of 1 images captioned");
    assert_refused(
        run("capeval run -q -m $D/m.capw --compare $D/b.capw --images $D/pics --files-from /dev/null"), 1,
        "/dev/null: no images");
    assert_refused(run("capeval run -q -m $D/m.capw --compare $D/no.capw --images $D/pics"), 1, "no.capw: ");
    assert_refused(run("capeval run -q -m $D/no.capw --compare $D/m.capw --images $D/pics"), 1, "no.capw: ");
    assert_refused(run("capeval run -q -m $D/m.capw --compare $D/m.capw --images $D/none"), 1, "none: ");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(demo_usage),
        cmocka_unit_test(demo_wrong_models),
        cmocka_unit_test(demo_captions),
        cmocka_unit_test(demo_json),
        cmocka_unit_test(demo_wrong_images),
        cmocka_unit_test(limits),
        cmocka_unit_test(info_reports),
        cmocka_unit_test(info_of_int8),
        cmocka_unit_test(info_wrong),
        cmocka_unit_test(eval_usage),
        cmocka_unit_test(eval_captions),
        cmocka_unit_test(dump_files),
        cmocka_unit_test(dump_gradcam),
        cmocka_unit_test(dump_wrong),
        cmocka_unit_test(scores_that_are_no_numbers),
        cmocka_unit_test(eval_compares),
        cmocka_unit_test(eval_compare_scores),
    };
    program = argc > 0 ? argv[0] : NULL;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
