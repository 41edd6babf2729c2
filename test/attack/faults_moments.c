/* faults_moments.c - what happens at any moment of a run: signals, models that become shorter; see faults.c.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/attack/faults.h"
#include "test/tools/torch_maker.h"

/* ---- signals ---- */

/* How long a writer takes, for moments within; *files: how many it leaves. */
static long duration(const writer *w, int *files)
{
    bool temporary = false;
    launch l;
    const long from = microseconds();
    launch_begin(&l, &places, w->line);
    launch_run(&l);
    const long time = microseconds() - from;
    *files = launch_count_files(places.folder, &temporary);
    launch_free(&l);
    launch_empty(places.folder);
    return time;
}

static bytes whole; /* the predictions of a run that nothing has interrupted, sorted */

static int by_line(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of OUT/x in the order of the alphabet. */
static void read_predictions(bytes *sorted)
{
    char path[LAUNCH_PATH], *lines[MANY + 1];
    size_t count = 0;
    tool_text text = {NULL, 0};
    path_of(path, "OUT/x");
    sorted->size = 0;
    if (!tool_text_read(&text, path, 1 << 20, NULL)) return;
    char *line = strtok(text.data, "\n");
    for (; line && count <= MANY; line = strtok(NULL, "\n")) lines[count++] = line;
    qsort(lines, count, sizeof *lines, by_line);
    for (size_t i = 0; i < count; i++) {
        put(sorted, lines[i], strlen(lines[i]));
        put(sorted, "\n", 1);
    }
    tool_text_free(&text);
}

/* What stands in OUT after an interruption: no model file that isn't whole. */
static void check_whole(const launch *interrupted)
{
    char path[LAUNCH_PATH];
    launch l;
    path_of(path, "OUT/x");
    if (access(path, F_OK) != 0) return;
    launch_begin(&l, &places, "capinfo --verify OUT/x");
    launch_run(&l);
    if (!succeeded(&l)) wrong(interrupted, "left half a model");
    launch_free(&l);
}

/* The run once more gives what an uninterrupted one gives. */
static void check_goes_on(void)
{
    launch l;
    bytes now = {0};
    launch_begin(&l, &places, writers[RUN_WRITER].line);
    launch_run(&l);
    if (check_order(&l, "the run goes on") && !succeeded(&l)) wrong(&l, "the run doesn't go on");
    read_predictions(&now);
    if (now.size != whole.size || (now.size && memcmp(now.at, whole.at, now.size) != 0)) {
        wrong(&l, "a run that went on has other captions");
    }
    free_bytes(&now);
    launch_free(&l);
}

/* all: the files that the writer leaves when nothing interrupts it.  A signal may come when they are in place
 * and the tool has not ended yet, so all of them or none are right. */
static void interrupt(size_t number, int which, long after, int all)
{
    bool temporary = false;
    const writer *w = &writers[number];
    launch l;
    launch_begin(&l, &places, w->line);
    l.signal = which;
    l.after = after;
    launch_run(&l);
    if (!ended_by(&l, which)) (void)check_order(&l, "a signal");
    const int files = launch_count_files(places.folder, &temporary);
    if (which != SIGKILL && temporary) wrong(&l, "a signal left a temporary file");
    if (which != SIGKILL && !w->keeps && !succeeded(&l) && files && files != all) {
        wrong(&l, "a signal left a part of the files");
    }
    if (number == CONVERT || number == CONVERT_INT8) check_whole(&l);
    if (number == RUN_WRITER) check_goes_on();
    launch_free(&l);
    launch_empty(places.folder);
}

/* What a run gives that nothing interrupts. */
static void run_whole(void)
{
    launch l;
    launch_begin(&l, &places, writers[RUN_WRITER].line);
    launch_run(&l);
    read_predictions(&whole);
    if (!succeeded(&l) || whole.size == 0) wrong(&l, "no predictions to compare with");
    launch_free(&l);
    launch_empty(places.folder);
}

void test_signals(void)
{
    static const int which[] = {SIGINT, SIGTERM, SIGHUP, SIGKILL};
    run_whole();
    for (size_t i = 0; i < WRITERS; i++) {
        int all;
        const long whole_time = duration(&writers[i], &all);
        for (int t = 0; t < turns; t++) {
            for (size_t s = 0; s < 4; s++) {
                /* another moment for each signal */
                interrupt(i, which[s], whole_time * (4 * t + (long)s) / (4 * turns), all);
            }
        }
    }
    free_bytes(&whole);
    report("signals at any moment leave nothing half done, and a run goes on");
}

/* ---- models that become shorter ---- */

typedef struct shortening {
    char path[LAUNCH_PATH];
    long after; /* microseconds */
    off_t size;
} shortening;

static void shorten(void *user, pid_t child)
{
    const shortening *s = user;
    const struct timespec pause = {s->after / 1000000, s->after % 1000000 * 1000};
    (void)child;
    (void)nanosleep(&pause, NULL);
    if (truncate(s->path, s->size) != 0) perror(s->path);
}

void test_shorter_models(void)
{
    static const char *const commands[] = {
        "capdemo --threads 2 -m @ CORPUS/many",
        "capbatch -q --threads 2 -m @ CORPUS/many",
        "capinfo --verify @",
        "capconvert -q --threads 2 --int8 --calibrate CORPUS/many @ -o OUT/x",
        "capeval run -q --wordnet none -m @ --images CORPUS/many --refs CORPUS/many.refs -o OUT/x",
    };
    char good[LAUNCH_PATH];
    shortening s;
    path_of(s.path, "short.capw");
    (void)snprintf(good, sizeof good, "%s/good/model.capw", places.corpus);
    launch_places own = places;
    own.file = s.path;
    int sentences = 0;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const writer w = {commands[i], "", true};
        copy_file(good, s.path);
        places.file = s.path;
        int files;
        const long time = duration(&w, &files);
        for (int t = 0; t < 4 * turns; t++) {
            launch l;
            copy_file(good, s.path);
            s.after = time * t / (4 * turns);
            s.size = t % 2 ? 0 : 8192;
            launch_begin(&l, &own, commands[i]);
            l.meanwhile = shorten;
            l.user = &s;
            launch_run(&l);
            (void)check_order(&l, "a model that becomes shorter");
            sentences += strstr(l.err.data, ": the file became shorter while it was read\n") != NULL;
            launch_free(&l);
            launch_empty(places.folder);
        }
    }
    printf("# %d times while it was in use\n", sentences);
    if (sentences == 0) wrong_itself("no moment was tried while the model was in use");
    report("a model that becomes shorter is an error in words");
}
