/* bench_readers.c - how the time of capeval's readers grows with the size of a file:
 *
 *     bench_readers
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

/* ---- times ---- */

static const struct {
    const char *name;
    void (*make)(size_t lines);
    void (*read)(size_t lines);
} readers[] = {{"WordNet's index", make_wordnet, read_wordnet}, {"resume store", make_store, read_store}};

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

int main(void)
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
        double seconds[2];
        for (size_t k = 0; k < 2; k++) {
            readers[i].make(LINES << k);
            seconds[k] = best(readers[i].read, (size_t)LINES << k);
        }
        printf("%-16s %d lines %7.1f ms, %d lines %7.1f ms: %.2f times\n", readers[i].name, LINES,
               seconds[0] * 1000, 2 * LINES, seconds[1] * 1000, seconds[1] / seconds[0]);
        linear = linear && seconds[1] / seconds[0] <= 2.3;
    }
    for (size_t i = 0; i < 2 * LINES; i++) free(images[i]);
    free(images);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) != 0 || !linear;
}
