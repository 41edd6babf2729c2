/* Tests of the readers of reference captions and predictions, of pairing them, and of the whole way from the
 * published prediction files to the published figures (skipped where ../shared/eval is absent). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "test/tools/child_memory.h"
#include "tools/common/json.h"
#include "tools/eval/predictions.h"
#include "tools/eval/refs.h"
#include "tools/eval/report.h"

static char path[] = "/tmp/test_eval_readers_XXXXXX";

static int make_file(void **state)
{
    const int fd = mkstemp(path);
    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void put(const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
}

static eval_refs *refs_of(const char *text)
{
    tool_error err = {{0}};
    put(text);
    eval_refs *refs = eval_refs_read(path, &err);
    if (!refs) fail_msg("%s", err.message);
    return refs;
}

static void assert_caption(const eval_refs *refs, const char *image, size_t at, const char *expected)
{
    const uint32_t number = eval_refs_find(refs, image);
    assert_int_not_equal(number, EVAL_NO_WORD);
    const char *const *captions;
    assert_true(at < eval_refs_captions(refs, number, &captions));
    assert_string_equal(captions[at], expected);
}

/* The message must say file, line and reason. */
static void assert_refused(bool predictions, const char *text, const char *place_and_reason)
{
    tool_error err = {{0}};
    put(text);
    if (predictions) {
        eval_predictions list;
        assert_false(eval_predictions_read(&list, path, &err));
        assert_int_equal(list.count, 0);
    } else {
        assert_null(eval_refs_read(path, &err));
    }
    char expected[256];
    (void)snprintf(expected, sizeof expected, "%s:%s", path, place_and_reason);
    assert_string_equal(err.message, expected);
}

static void commas(void **state)
{
    eval_refs *refs = refs_of("\xEF\xBB\xBFimage,caption\r\n"
                              "a.jpg,A dog , running .\r\n"
                              "b.jpg,\"A \"\"big\"\" dog, wet\"\r\n"
                              "\r\n"
                              "a.jpg,\"Dog\" runs\r\n"
                              "\"c,1.jpg\",\"x\"");
    (void)state;
    assert_int_equal(eval_refs_count(refs), 3);
    assert_caption(refs, "a.jpg", 0, "A dog , running .");
    assert_caption(refs, "a.jpg", 1, "\"Dog\" runs");
    assert_caption(refs, "photos/b.jpg", 0, "A \"big\" dog, wet");
    assert_caption(refs, "c,1.jpg", 0, "x");
    assert_int_equal(eval_refs_find(refs, "d.jpg"), EVAL_NO_WORD);
    eval_refs_free(&refs);
    refs = refs_of("a.jpg,no header | here\n");
    assert_caption(refs, "a.jpg", 0, "no header | here");
    eval_refs_free(&refs);
}

static void bars(void **state)
{
    eval_refs *refs = refs_of("image_name| comment_number| comment\n"
                              "1.jpg| 0| Two guys , one | bar .\n"
                              "1.jpg| 4   A dog runs .\n"
                              "2.jpg| 0| x");
    (void)state;
    assert_int_equal(eval_refs_count(refs), 2);
    assert_caption(refs, "1.jpg", 0, "Two guys , one | bar .");
    assert_caption(refs, "1.jpg", 1, "A dog runs ."); /* the one line of results.csv that lacks a bar */
    eval_refs_free(&refs);
}

static void bad_references(void **state)
{
    (void)state;
    assert_refused(false, "image,caption\na.jpg\n", "2: no comma between image and caption");
    assert_refused(false, "image,caption\na.jpg,x\na.jpg,  \n", "3: empty caption");
    assert_refused(false, "image,caption\n,x\n", "2: no image name");
    assert_refused(false, "a.jpg,\"x\ny\"\n", "1: quoted field does not end on its line");
    assert_refused(false, "a.jpg,x\nb.jpg,caf\xE9\n", "2: not valid UTF-8");
    assert_refused(false, "a.jpg| 0| x\na.jpg| 0| y\n", "2: this image and comment number came before");
    assert_refused(false, "a.jpg| 0| x\na.jpg y\n", "2: no | between image and comment number");
    assert_refused(false, "a.jpg| x| y\n", "1: no comment number after the first |");
    assert_refused(false, "a.jpg| 0|\n", "1: empty caption");
    assert_refused(false, "image,caption\n", " no captions");
    assert_refused(false, "", " no captions");
}

static void long_caption(void **state)
{
    char *text = malloc(EVAL_MAX_CAPTION + 64);
    (void)state;
    assert_non_null(text);
    strcpy(text, "a.jpg,");
    memset(text + 6, 'x', EVAL_MAX_CAPTION + 1);
    text[6 + EVAL_MAX_CAPTION + 1] = '\0';
    assert_refused(false, text, "1: caption of more than 1000 bytes");
    text[5] = '\t';
    assert_refused(true, text, "1: caption of more than 1000 bytes");
    free(text);
}

static void tabs(void **state)
{
    tool_error err = {{0}};
    (void)state;
    put("\xEF\xBB\xBF"
        "a.jpg\ta dog\r\n\r\nb.jpg\t\r\nc d.jpg\tx\ty");
    eval_predictions list;
    assert_true(eval_predictions_read(&list, path, &err));
    assert_int_equal(list.count, 3);
    assert_string_equal(list.items[0].image, "a.jpg");
    assert_string_equal(list.items[0].caption, "a dog");
    assert_string_equal(list.items[1].caption, "");
    assert_int_equal(list.items[1].place, 3);
    assert_string_equal(list.items[2].image, "c d.jpg");
    assert_string_equal(list.items[2].caption, "x\ty");
    eval_predictions_free(&list);
}

static void objects(void **state)
{
    tool_error err = {{0}};
    (void)state;
    put("{\"image\": \"a.jpg\", \"caption\": \"a d\\u00f6g\", \"score\": -1}\n{\"image\": \"b.jpg\", "
        "\"error\": \"x\"}\n");
    eval_predictions list;
    assert_true(eval_predictions_read(&list, path, &err));
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0].caption, "a d\xC3\xB6g");
    assert_null(list.items[1].caption);
    eval_predictions_free(&list);
}

static void bad_predictions(void **state)
{
    (void)state;
    assert_refused(true, "a.jpg\tx\nb.jpg a dog\n", "2: no tab between image and caption");
    assert_refused(true, "\tx\n", "1: no image name");
    assert_refused(true, "a.jpg\t\xC0\x80\n", "1: not valid UTF-8");
    assert_refused(true, "{\"image\": \"a\", \"caption\": \"x\"}\n{\"caption\": \"x\"}\n",
                   "2: no \"image\" in this object");
    assert_refused(true, "{\"image\": \"a\"}\n", "1: neither \"caption\" nor \"error\" in this object");
    assert_refused(true, "", " no predictions");
    assert_refused(true, "[]", " no predictions");
    assert_refused(true, "[{\"prediction\": \"x\"}]", " item 1: no \"image_id\"");
    assert_refused(true, "[{\"image_id\": \"a\"}]", " item 1: no \"prediction\"");
    assert_refused(true, "[{\"image_id\": \"a\", \"prediction\": \"x\", \"ground_truth\": []}]",
                   " item 1: no \"ground_truth\" captions");
    assert_refused(true, "[{\"image_id\": \"a\", \"prediction\": \"x\", \"ground_truth\": [1]}]",
                   " item 1: a \"ground_truth\" that is no text");
    assert_refused(true,
                   "[{\"image_id\": \"a\", \"prediction\": \"x\", \"ground_truth\": [\"y\"]},"
                   "{\"image_id\": \"a\", \"prediction\": \"x\", \"ground_truth\": [\"y\"]}]",
                   " item 2: this image came before");
}

#define ITEM "{\"image_id\": \"a\", \"prediction\": \"x\", \"ground_truth\": [\"y\"]}"

/* One image's JSON of any size would take many times as much memory. */
static void large_json(void **state)
{
    static const char start[] = "[{\"a\":[", middle[] = "0,", end[] = "0]}]";
    const size_t count = 5 << 20;
    char *text = malloc(count + sizeof start + sizeof end);
    (void)state;
    assert_non_null(text);
    for (size_t from = 0; from < 2; from++) { /* as an item, and as a line */
        strcpy(text, start + from);
        size_t used = sizeof start - 1 - from;
        for (size_t i = 0; i < count / 2; i++, used += 2) memcpy(text + used, middle, 2);
        strcpy(text + used, end);
        if (from) text[used + strlen(end) - 1] = '\0';
        assert_refused(true, text, "1: JSON of more than 4 MiB for one image");
    }
    free(text);
}

/* ---- time and memory ---- */

/* Writes `count` lines: the number of each stands where the format says. */
static void put_lines(const char *format, int count)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < count; i++) (void)fprintf(f, format, i);
    (void)fclose(f);
}

static double seconds_to_read(bool predictions)
{
    double best = 1e9;
    for (int i = 0; i < 3; i++) {
        const clock_t from = clock();
        tool_error err = {{0}};
        if (predictions) {
            eval_predictions list;
            if (!eval_predictions_read(&list, path, &err)) fail_msg("%s", err.message);
            eval_predictions_free(&list);
        } else {
            eval_refs *refs = eval_refs_read(path, &err);
            if (!refs) fail_msg("%s", err.message);
            eval_refs_free(&refs);
        }
        const double now = (double)(clock() - from) / CLOCKS_PER_SEC;
        if (now < best) best = now;
    }
    return best;
}

/* 8 times the lines take 8 times as long, and 64 times where each line is compared with all before. */
static void linear_time(void **state)
{
    static const struct {
        bool predictions;
        const char *line;
    } files[] = {
        {false, "a.jpg| %d| x\n"}, {false, "%d.jpg| 0| x\n"},
        {false, "%d.jpg,x\n"},     {false, "a.jpg,x %d\n"},
        {true, "%d.jpg\tx\n"},     {true, "{\"image\": \"%d\", \"caption\": \"x\"}\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        put_lines(files[i].line, 8000);
        const double few = seconds_to_read(files[i].predictions);
        put_lines(files[i].line, 64000);
        const double many = seconds_to_read(files[i].predictions);
        if (many > 30 * few + 0.02) fail_msg("%zu: %g s, then %g s", i, few, many);
    }
}

static bool score_file(void *context)
{
    eval_predictions list;
    eval_joined joined;
    eval_scores scores;
    (void)context;
    return eval_predictions_read(&list, path, NULL) && eval_join(&joined, &list, list.refs, NULL) &&
           eval_score(joined.corpus, NULL, &scores, NULL, NULL);
}

/* The memory that scoring a file of predictions takes at most. */
static double memory_to_score(int images)
{
    FILE *f = fopen(path, "wb");
    unsigned random = 1;
    assert_non_null(f);
    (void)fputc('[', f);
    for (int i = 0; i < images; i++) {
        char caption[EVAL_MAX_CAPTION + 1];
        for (size_t j = 0; j < EVAL_MAX_CAPTION; j++) {
            random = random * 1664525u + 1013904223u;
            caption[j] = j % 2 ? ' ' : (char)('a' + (random >> 16) % 26);
        }
        caption[EVAL_MAX_CAPTION] = '\0';
        (void)fprintf(f, "%s{\"image_id\": %d, \"prediction\": \"x\", \"ground_truth\": [\"%s\"]}",
                      i ? "," : "", i, caption);
    }
    (void)fputc(']', f);
    (void)fclose(f);
    return child_memory(score_file, NULL);
}

/* n-grams of single letters are nearly all distinct.  A table that keeps each as a string, and each
 * sentence's numbers beside it, takes 50 times the file. */
static void memory(void **state)
{
    (void)state;
    if (!CHILD_MEMORY) skip();
    const double small = memory_to_score(1);
    const double per_byte = (memory_to_score(2000) - small) / (2000.0 * EVAL_MAX_CAPTION);
    if (per_byte > 32) fail_msg("%.1f bytes for each byte of the file", per_byte);
}

static void json_errors_have_lines(void **state)
{
    tool_error err = {{0}};
    (void)state;
    put("{\"image\": \"a\", \"caption\": \"x\"}\n{\"image\": \n");
    eval_predictions list;
    assert_false(eval_predictions_read(&list, path, &err));
    assert_non_null(strstr(err.message, ":2: column "));
    err.message[0] = '\0';
    put("[\n" ITEM ",\n?]");
    assert_false(eval_predictions_read(&list, path, &err));
    assert_non_null(strstr(err.message, ":3: column "));
    assert_refused(true, "[" ITEM "\n{}]", "2: ']' or ',' expected");
    assert_refused(true, "[" ITEM "]\nx", "2: text behind the list");
    assert_refused(true, "\n [", "2: column 0: unexpected token near end of file");
}

static void pairing(void **state)
{
    eval_refs *refs = refs_of("a.jpg,x\nb.jpg,y\nc.jpg,z\nd.jpg,w\n");
    tool_error err = {{0}};
    (void)state;
    put("{\"image\":\"p/c.jpg\",\"caption\":\"z\"}\n{\"image\":\"a.jpg\",\"caption\":\" "
        "\"}\n{\"image\":\"b.jpg\",\"error\":\"\"}\n");
    eval_predictions list;
    assert_true(eval_predictions_read(&list, path, &err));
    eval_joined joined;
    assert_true(eval_join(&joined, &list, refs, &err));
    assert_int_equal(eval_corpus_size(joined.corpus), 2);
    assert_string_equal(joined.items[0]->image, "p/c.jpg");
    assert_int_equal(joined.failed, 1);
    assert_int_equal(joined.empty, 1);
    assert_int_equal(joined.missing, 1);
    eval_joined_free(&joined);
    eval_predictions_free(&list);

    put("a.jpg\tx\nq.jpg\ty\n");
    assert_true(eval_predictions_read(&list, path, &err));
    assert_false(eval_join(&joined, &list, refs, &err));
    assert_non_null(strstr(err.message, ":2: q.jpg: no reference captions for this image"));
    eval_predictions_free(&list);

    err.message[0] = '\0';
    put("a.jpg\tx\n\nphotos/a.jpg\ty\n");
    assert_true(eval_predictions_read(&list, path, &err));
    assert_false(eval_join(&joined, &list, refs, &err));
    assert_non_null(strstr(err.message, ":3: photos/a.jpg: this image came before, at 1"));
    eval_predictions_free(&list);
    eval_refs_free(&refs);
}

/* ---- the published figures ---- */

static json_t *report_as_json(const eval_scores *scores, size_t n, bool no_synonyms)
{
    eval_report report = {0};
    report.n_images = n;
    report.seconds = -1;
    report.scores = *scores;
    report.no_synonyms = no_synonyms;
    const char *reason = NULL;
    char *text = tool_json_print(eval_report_json(&report), EVAL_JSON_FLAGS, &reason);
    assert_non_null(text);
    json_t *json = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(json);
    return json;
}

/* Same keys, and the same figures as far as both have them. */
static void compare(json_t *ours, json_t *published, bool no_synonyms)
{
    const char *key;
    json_t *value;
    json_object_foreach(published, key, value)
    {
        const char *expected = no_synonyms && strcmp(key, "METEOR") == 0 ? "METEOR (no synonyms)" : key;
        json_t *own = json_object_get(ours, expected);
        if (!own) fail_msg("no key %s", expected);
        if (expected != key) {
            assert_true(fabs(json_real_value(own) - 0.41) < 0.02);
        } else if (json_is_real(value) && strcmp(key, "wall_clock_s") != 0) {
            if (fabs(json_real_value(own) - json_real_value(value)) > 1e-9) {
                fail_msg("%s: %.4f, published %.4f", key, json_real_value(own), json_real_value(value));
            }
        }
    }
    assert_int_equal(json_object_size(ours), json_object_size(published));
    assert_int_equal(json_integer_value(json_object_get(ours, "n_images")),
                     json_integer_value(json_object_get(published, "n_images")));
}

static void check_published(const char *predictions, const char *metrics)
{
    tool_error err = {{0}};
    eval_wordnet *wordnet = eval_wordnet_open(EVAL_WORDNET_FOLDER, NULL);
    json_t *published = json_load_file(metrics, 0, NULL);
    if (!wordnet) print_message("skip: no WordNet: METEOR is not compared\n");
    assert_non_null(published);
    eval_predictions list;
    if (!eval_predictions_read(&list, predictions, &err)) fail_msg("%s", err.message);
    eval_joined joined;
    assert_true(eval_join(&joined, &list, list.refs, &err));
    eval_scores scores;
    assert_true(eval_score(joined.corpus, wordnet, &scores, NULL, &err));
    json_t *ours = report_as_json(&scores, eval_corpus_size(joined.corpus), !wordnet);
    compare(ours, published, !wordnet);
    json_decref(ours);
    json_decref(published);
    eval_joined_free(&joined);
    eval_predictions_free(&list);
    eval_wordnet_close(&wordnet);
}

static void published_figures(void **state)
{
    clock_t start = clock();
    (void)state;
    if (access("../shared/eval/metrics_beam5_predictions.json", R_OK) != 0) {
        print_message("skip: no ../shared/eval: published figures are not compared\n");
        skip();
    }
    check_published("../shared/eval/metrics_beam5_predictions.json", "../shared/eval/metrics_beam5.json");
    check_published("../shared/eval/metrics_greedy_predictions.json", "../shared/eval/metrics_greedy.json");
    print_message("both files in %.2f s of CPU time\n", (double)(clock() - start) / CLOCKS_PER_SEC);
}

static void per_image_lines(void **state)
{
    eval_refs *refs = refs_of("a.jpg,x y\n");
    tool_error err = {{0}};
    char text[512] = "";
    FILE *f = tmpfile();
    (void)state;
    assert_non_null(f);
    put("a.jpg\tx\ty");
    eval_predictions list;
    assert_true(eval_predictions_read(&list, path, &err));
    eval_joined joined;
    assert_true(eval_join(&joined, &list, refs, &err));
    eval_scores total;
    eval_scores each;
    assert_true(eval_score(joined.corpus, NULL, &total, &each, &err));
    eval_report_images(&joined, &each, true, f);
    rewind(f);
    assert_true(fread(text, 1, sizeof text - 1, f) > 0);
    (void)fclose(f);
    /* BLEU-3: 1 x 1 x 0.1 to the third; METEOR: one chunk of two, 1 - 0.5/8; ROUGE-L sees one word "x<tab>y"
     */
    assert_string_equal(
        text, "image\tBLEU-1\tBLEU-2\tBLEU-3\tBLEU-4\tMETEOR (no synonyms)\tCIDEr\tROUGE-L\tcaption\n"
              "a.jpg\t1.000000\t1.000000\t0.464159\t0.316228\t0.937500\t0.000000\t0.000000\tx y\n");
    eval_joined_free(&joined);
    eval_predictions_free(&list);
    eval_refs_free(&refs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas),
        cmocka_unit_test(bars),
        cmocka_unit_test(bad_references),
        cmocka_unit_test(long_caption),
        cmocka_unit_test(tabs),
        cmocka_unit_test(objects),
        cmocka_unit_test(bad_predictions),
        cmocka_unit_test(pairing),
        cmocka_unit_test(json_errors_have_lines),
        cmocka_unit_test(per_image_lines),
        cmocka_unit_test(published_figures),
        cmocka_unit_test(large_json),
        cmocka_unit_test(linear_time),
        cmocka_unit_test(memory),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
