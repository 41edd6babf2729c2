/* bench_readers.c - how the time of capeval's readers grows with the size of a file:
 *
 *     bench_readers [NAME]
 *
 * Each reader gets n lines and 2 n lines in the order that is worst for it.  Time is processor time, the best
 * of five; a linear reader takes 2 times as much, one that sorts a little more, a quadratic one 4 times. Exit
 * code 1: one takes more than 2.3 times as much. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/eval/predictions.h"
#include "tools/eval/refs.h"
#include "tools/eval/store.h"
#include "tools/eval/wordnet.h"

enum { LINES = 400000, TIMES = 5, PATH = 256 };

static char folder[] = "/tmp/bench_readers_XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[PATH];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void stop(const char *what, const char *reason)
{
    fprintf(stderr, "bench_readers: %s: %s\n", what, reason);
    exit(2);
}

static FILE *begin(const char *name)
{
    FILE *file = fopen(in_folder(name), "wb");
    if (!file) stop(name, "can't be written");
    return file;
}

/* ---- WordNet ---- */

static const char *const parts[] = {"noun", "verb", "adj", "adv"};

/* Lemmas in descending order, so that all have to be sorted, with a long beginning that all share. */
static void make_wordnet(size_t lines)
{
    char name[32];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(name, sizeof name, "index.%s", parts[i]);
        FILE *index = begin(name);
        for (size_t k = i == 0 ? lines : 0; k > 0; k--) {
            fprintf(index, "a_rather_long_lemma_%08zu n 1 0 1 0 00000000\n", k);
        }
        (void)fclose(index);
        (void)snprintf(name, sizeof name, "data.%s", parts[i]);
        (void)fclose(begin(name));
        (void)snprintf(name, sizeof name, "%s.exc", parts[i]);
        (void)fclose(begin(name));
    }
}

static void read_wordnet(size_t lines)
{
    tool_error err = {{0}};
    (void)lines;
    eval_wordnet *wordnet = eval_wordnet_open(folder, &err);
    if (!wordnet) stop("WordNet", err.message);
    eval_wordnet_close(&wordnet);
}

/* ---- the results of an interrupted run ---- */

static char **images;

static void make_store(size_t lines)
{
    FILE *settings = begin("store.run"), *file = begin("store");
    fputs("capeval run, version 1\nmodel=1\n", settings);
    for (size_t i = 0; i < lines; i++) fprintf(file, "%s\ta dog runs over the grass\n", images[i]);
    if (fclose(settings) != 0 || fclose(file) != 0) stop("store", "can't be written");
}

static void read_store(size_t lines)
{
    tool_error err = {{0}};
    eval_store *store =
        eval_store_open(in_folder("store"), "model=1\n", (const char *const *)images, lines, &err);
    if (!store) stop("store", err.message);
    for (size_t i = 0; i < lines; i++) {
        if (!eval_store_find(store, images[i])) stop("store", "an image is missing");
    }
    eval_store_close(&store);
}

/* ---- captions ---- */

/* One image with all comments. */
static void make_comments(size_t lines)
{
    FILE *file = begin("refs");
    fputs("image_name| comment_number| comment\n", file);
    for (size_t i = 0; i < lines; i++) fprintf(file, "a.jpg| %zu| a dog\n", i);
    (void)fclose(file);
}

static void read_comments(size_t lines)
{
    tool_error err = {{0}};
    (void)lines;
    eval_refs *refs = eval_refs_read(in_folder("refs"), &err);
    if (!refs) stop("results.csv", err.message);
    eval_refs_free(&refs);
}

static void score(const eval_wordnet *wordnet)
{
    tool_error err = {{0}};
    eval_predictions list;
    eval_joined joined;
    eval_scores total;
    if (!eval_predictions_read(&list, in_folder("scored"), &err) ||
        !eval_join(&joined, &list, list.refs, &err) ||
        !eval_score(joined.corpus, wordnet, &total, NULL, &err)) {
        stop("scored", err.message);
    }
    eval_joined_free(&joined);
    eval_predictions_free(&list);
}

static void score_plainly(size_t lines)
{
    (void)lines;
    score(NULL);
}

/* A name as long as all its references together. */
static void make_long_name(size_t lines)
{
    FILE *file = begin("scored");
    fputs("[{\"image_id\":\"", file);
    for (size_t i = 0; i < lines; i++) fputs("name", file);
    fputs("\",\"prediction\":\"a dog\",\"ground_truth\":[\"a\"", file);
    for (size_t i = 1; i < lines; i++) fputs(",\"a\"", file);
    fputs("]}]", file);
    (void)fclose(file);
}

/* A caption of 500 words, and references of one. */
static void make_many_references(size_t lines)
{
    FILE *file = begin("scored");
    fputs("[{\"image_id\":\"a.jpg\",\"prediction\":\"", file);
    for (size_t i = 0; i < 500; i++) fprintf(file, i ? " %c" : "%c", (char)('a' + i % 26));
    fputs("\",\"ground_truth\":[\"0\"", file);
    for (size_t i = 1; i < lines; i++) fputs(",\"0\"", file);
    fputs("]}]", file);
    (void)fclose(file);
}

/* Images with a caption and a reference of `words` words each, which put_word writes. */
static void make_images(size_t lines, size_t words, void (*put_word)(FILE *file, size_t number))
{
    FILE *file = begin("scored");
    for (size_t i = 0; i < lines; i++) {
        fprintf(file, "%c{\"image_id\":\"%zu.jpg\",\"prediction\":\"", i ? ',' : '[', i);
        for (size_t k = 0; k < words; k++) put_word(file, 2 * (i * words + k));
        fputs("\",\"ground_truth\":[\"", file);
        for (size_t k = 0; k < words; k++) put_word(file, 2 * (i * words + k) + 1);
        fputs("\"]}", file);
    }
    fputs("]", file);
    (void)fclose(file);
}

static void put_same(FILE *file, size_t number)
{
    (void)number;
    fputs("a ", file);
}

/* The stemmer asks of every y in a row whether it is a vowel. */
static void put_ys(FILE *file, size_t number)
{
    for (size_t i = 0; i < 235; i++) fputc('y', file);
    fprintf(file, "%zu ", number);
}

/* Words of which one ending after the other comes off, and no form is known. */
static void put_endings(FILE *file, size_t number)
{
    fprintf(file, "%08zu", number);
    for (size_t i = 0; i < 54; i++) fputs("es", file);
    fputc(' ', file);
}

static void make_equal_words(size_t lines)
{
    make_images(lines, 500, put_same);
}

static void make_stems(size_t lines)
{
    make_images(lines, 4, put_ys);
}

static void make_forms(size_t lines)
{
    make_wordnet(100);
    make_images(lines, 8, put_endings);
}

static void score_forms(size_t lines)
{
    tool_error err = {{0}};
    (void)lines;
    eval_wordnet *wordnet = eval_wordnet_open(folder, &err);
    if (!wordnet) stop("WordNet", err.message);
    score(wordnet);
    eval_wordnet_close(&wordnet);
}

/* ---- times ---- */

static const struct {
    const char *name;
    void (*make)(size_t lines);
    void (*read)(size_t lines);
    size_t lines;
} readers[] = {{"WordNet's index", make_wordnet, read_wordnet, LINES},
               {"resume store", make_store, read_store, LINES},
               {"results.csv", make_comments, read_comments, LINES},
               {"long name", make_long_name, score_plainly, 200000},
               {"many references", make_many_references, score_plainly, 4000},
               {"equal words", make_equal_words, score_plainly, 300},
               {"stems", make_stems, score_plainly, 4000},
               {"forms", make_forms, score_forms, 500}};

static double best(void (*read)(size_t lines), size_t lines)
{
    double least = 1e9;
    for (int i = 0; i < TIMES; i++) {
        const clock_t start = clock();
        read(lines);
        const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        if (seconds < least) least = seconds;
    }
    return least;
}

int main(int argc, char **argv)
{
    bool linear = true;
    char command[PATH];
    if (!mkdtemp(folder) || !(images = calloc(2 * LINES, sizeof *images))) stop("memory", "there is none");
    for (size_t i = 0; i < 2 * LINES; i++) {
        images[i] = malloc(32);
        if (!images[i]) stop("memory", "there is none");
        (void)snprintf(images[i], 32, "photos/%08zu.jpg", i);
    }
    for (size_t i = 0; i < sizeof readers / sizeof readers[0]; i++) {
        const size_t lines = readers[i].lines;
        double seconds[2];
        if (argc > 1 && strcmp(argv[1], readers[i].name) != 0) continue;
        for (size_t k = 0; k < 2; k++) {
            readers[i].make(lines << k);
            seconds[k] = best(readers[i].read, lines << k);
        }
        printf("%-16s %zu lines %7.1f ms, %zu lines %7.1f ms: %.2f times\n", readers[i].name, lines,
               seconds[0] * 1000, 2 * lines, seconds[1] * 1000, seconds[1] / seconds[0]);
        (void)fflush(stdout);
        linear = linear && seconds[1] / seconds[0] <= 2.3;
    }
    for (size_t i = 0; i < 2 * LINES; i++) free(images[i]);
    free(images);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) != 0 || !linear;
}
