/* drive.c - runs the tools over the hostile files that corpus.c makes, and says where one breaks its
 * promises:
 *
 *     drive [-a] [-j JOBS] TOOLS CORPUS
 *
 * TOOLS is the folder of the programs; -a says that they were built with AddressSanitizer.  A run is a
 * finding if it ends by a signal, a sanitizer's report or an exit code that is not documented, takes more
 * than MOST_SECONDS of processor time, or hangs; if it takes more memory than its budget (not with -a); if a
 * line on standard error is no message of the tool's or has a control character; if it fails without naming a
 * file, or leaves an output file all the same; if it succeeds without a result, or with one that is not what
 * it should be.  Each finding is printed with the command that shows it again.  Exit code 1: there were
 * findings. */
#define _GNU_SOURCE /* wait4, MAP_ANONYMOUS */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "test/attack/launch.h"
#include "test/fuzz/fuzz.h"
#include "tools/common/text.h"

enum {
    MOST_SECONDS = 5, /* of processor time */
    MOST_SHOWN = 40   /* findings of a worker that are printed; the others are counted */
};

#define MOST_SPACE ((rlim_t)4 << 30)

/* ---- what is run ---- */

/* megabytes that capbatch may take: what an image in a tar may have, and what decoding it may take */
enum { TAR = 320 + 256 };

enum {
    JSON = 1,
    KEEPS = 2,       /* what was written before the failure */
    MODEL = 4,       /* writes OUT/x.capw */
    PAGE = 8,        /* may write OUT/x.html */
    SAFETENSORS = 16 /* writes OUT/x.safetensors and its vocabulary */
};

typedef struct command {
    const char *ending; /* of the files that it is for */
    const char *line; /* @: the file, CORPUS: its folder, %: the good files, OUT: an empty folder; REFS, LIST:
                         files that name the file */
    int flags;
    int megabytes; /* beside eight times the file's size */
} command;

#define RUN "capeval run -q --threads 2 --wordnet none "
static const command commands[] = {
    {"capw", "capdemo --json --threads 2 -m @ %/a.jpg", JSON, 64},
    {"capw", "capinfo --json @", JSON, 64},
    {"capw", "capinfo --verify @", 0, 64},
    {"capw", "capinfo -v @", 0, 64},
    {"capw", "capinfo --plan --runs 1 @", 0, 64},
    {"capw", "capdemo --attention --threads 2 -m @ %/a.jpg", 0, 64},
    {"capw", "capdump -m @ %/a.jpg OUT", 0, 64},
    {"capw", "capconvert --threads 2 --int8 --calibrate %/pictures @ -o OUT/x.capw", MODEL, 64},
    {"capw", RUN "-m @ --images % --refs %/refs -o OUT/p.tsv", KEEPS, 64},
    {"capw", "capdemo -q --threads 2 --map attention --html OUT/x.html -m @ %/a.jpg", KEEPS | PAGE, 64},
    {"capw", "capdemo -q --threads 2 --map attention --pictures OUT -m @ %/a.jpg", KEEPS, 64},
    {"jpg", "capdemo --threads 2 -m %/model.capw @", 0, 320},
    {"png", "capdemo --threads 2 -m %/model.capw @", 0, 320},
    {"jpg", "capdump -m %/int8.capw @ OUT", 0, 320},
    {"png", "capdump -m %/int8.capw @ OUT", 0, 320},
    {"jpg", RUN "-m %/model.capw --images CORPUS --refs REFS -o OUT/p.tsv", KEEPS, 320},
    {"png", RUN "-m %/model.capw --images CORPUS --refs REFS -o OUT/p.tsv", KEEPS, 320},
    {"jpg", "capconvert --threads 2 --int8 --calibrate LIST %/model.capw -o OUT/x.capw", MODEL, 320},
    {"jpg", "capdemo -q --threads 2 --map gradcam --html OUT/x.html -m %/model.capw @", KEEPS | PAGE, 320},
    {"png", "capdemo -q --threads 2 --map gradcam --pictures OUT -m %/model.capw @", KEEPS, 320},
    {"png", "capdemo --json --no-exif --strict -m %/model.capw @", JSON, 320},
    {"pth", "capconvert --threads 2 --vocab %/vocab.pkl @ -o OUT/x.capw", MODEL, 64},
    {"pth", "capconvert -v --threads 2 --int8 --vocab %/vocab.pkl @ -o OUT/x.capw", MODEL, 64},
    {"pth", "capconvert --to-safetensors OUT/x.safetensors --vocab %/vocab.pkl @", SAFETENSORS, 64},
    {"pkl", "capconvert --to-safetensors OUT/x.safetensors --vocab @ %/model.pth", SAFETENSORS, 64},
    {"pkl", "capconvert --threads 2 %/model.pth --vocab @ -o OUT/x.capw", MODEL, 64},
    {"pkl", "capconvert --threads 2 @ --vocab %/vocab.pkl -o OUT/x.capw", MODEL, 64},
    {"json", "capconvert --threads 2 %/model.pth --vocab %/vocab.pkl --config @ -o OUT/x.capw", MODEL, 64},
    {"json", "capconvert --threads 2 %/model.pth --vocab %/vocab.pkl --metrics @ -o OUT/x.capw", MODEL, 64},
    {"refs", "capeval score --wordnet none --refs @ %/preds", 0, 64},
    {"refs", RUN "--greedy -m %/model.capw --images % --refs @ -o OUT/p.tsv", KEEPS, 64},
    {"preds", "capeval score --json --wordnet none --refs %/refs @ --per-image OUT/x", JSON, 64},
    {"preds", "capeval score --wordnet none @", 0, 64},
    {"names", "capdemo -q --threads 2 -m %/int8.capw --files-from @", KEEPS, 64},
    {"names", "capdemo -q --threads 2 --html OUT/x.html -m %/int8.capw --files-from @", KEEPS | PAGE, 64},
    {"names", "capbatch -q --threads 2 --greedy -m %/int8.capw --files-from @", JSON | KEEPS, 64},
    {"names", RUN "--greedy -m %/int8.capw --images % --refs %/refs --files-from @ -o OUT/p.tsv", KEEPS, 64},
    {"pic", "capdemo --threads 2 -m %/model.capw @", 0, 320},
    {"pic", "capdemo --threads 2 --pictures OUT -m %/int8.capw @", KEEPS, 320},
    {"pic", "capdump -m %/int8.capw @ OUT", 0, 320},
    {"pic", "capbatch -q --threads 2 -m %/int8.capw --format csv --files-from LIST", KEEPS, 320},
    {"tar", "capbatch -q --threads 2 -m %/model.capw @", JSON | KEEPS, TAR},
    {"tar", "capbatch -q --threads 2 --nbest 2 --features -m %/int8.capw -o OUT/x.jsonl @", KEEPS, TAR},
    {"tar", "capbatch -q --threads 2 --format tar -m %/int8.capw -o OUT/x.tar @", KEEPS, TAR},
    {"tgz", "capbatch -q --threads 2 -m %/model.capw @", JSON | KEEPS, TAR},
    {"tgz", "capbatch -q --threads 2 --format tsv -m %/int8.capw -o OUT/ @", KEEPS, TAR},
};

/* ---- what is shared ---- */

/* Between the workers, which are processes. */
typedef struct totals {
    atomic_ulong files, runs, refused, findings;
    atomic_long slowest, largest; /* milliseconds, kilobytes */
} totals;

typedef struct worker {
    launch_places places;
    bool sanitizers;
    totals *all;
    int shown;
} worker;

typedef struct attempt {
    const command *what;
    launch run;
    const char *file;
    bool found;
} attempt;

/* ---- findings ---- */

static void print_command(const attempt *a)
{
    for (int i = 0; i < a->run.count; i++) printf(" %s", a->run.arguments[i]);
}

static void finding(worker *w, attempt *a, const char *what)
{
    const char *said = a->run.err.data ? a->run.err.data : "";
    atomic_fetch_add(&w->all->findings, 1);
    a->found = true;
    if (w->shown++ >= MOST_SHOWN) return;
    printf("FINDING %s:", what);
    print_command(a);
    printf("\n    %.*s\n", (int)strcspn(said, "\n"), said);
    (void)fflush(stdout);
}

/* ---- messages ---- */

/* "TOOL: NAME: reason" or "TOOL: NAME:LINE: reason", where NAME is of the command line, or of a list that it
 * names. */
static bool names_file(const attempt *a, const char *line, size_t size)
{
    const size_t tool = strcspn(line, ":") + 2;
    for (int i = 1; i < a->run.count && tool < size; i++) {
        const char *argument = a->run.arguments[i], *behind = line + tool + strlen(argument);
        if (strncmp(line + tool, argument, strlen(argument)) == 0 && *behind == ':' &&
            behind + 3 < line + size) {
            return true;
        }
    }
    if ((a->what->flags & KEEPS) && tool < size && memmem(line + tool, size - tool, ": ", 2)) return true;
    return memmem(line, size, a->file, strlen(a->file)) != NULL;
}

static void check_messages(worker *w, attempt *a)
{
    bool named = a->run.status == 0;
    tool_lines lines;
    const char *bad = launch_bad_messages(&a->run);
    tool_lines_begin(&lines, a->run.err.data, a->run.err.size);
    while (tool_lines_next(&lines)) named = named || names_file(a, lines.line, lines.length);
    if (bad || !named) finding(w, a, bad ? bad : "a message without the file");
}

/* ---- results ---- */

static bool is_json(const tool_text *text)
{
    size_t at = 0;
    while (at < text->size) {
        json_error_t error;
        json_t *value = json_loadb(text->data + at, text->size - at,
                                   JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);
        if (!value) return false;
        json_decref(value);
        at += (size_t)error.position;
        while (at < text->size && strchr(" \n", text->data[at])) at++;
    }
    return true;
}

static void check_results(worker *w, attempt *a)
{
    const bool failed = a->run.status != 0;
    const tool_text *out = &a->run.text;
    bool temporary = false;
    const int files = launch_count_files(w->places.folder, &temporary);
    if (temporary) {
        finding(w, a, "a temporary file is left");
    } else if (failed && files && !(a->what->flags & KEEPS)) {
        finding(w, a, "failed, and left an output file");
    } else if (failed && out->size && !(a->what->flags & (JSON | KEEPS))) {
        finding(w, a, "failed, and printed a result");
    } else if (!failed && files == 0 && out->size == 0 &&
               !(a->what->flags & KEEPS)) { /* a list may be empty */
        finding(w, a, "succeeded without a result");
    } else if ((a->what->flags & JSON) && !is_json(out)) {
        finding(w, a, "not JSON");
    }
    const char *page = a->what->flags & PAGE ? launch_bad_page(w->places.folder) : NULL;
    if (page) finding(w, a, page);
}

/* ---- one run ---- */

static void check_end(worker *w, attempt *a)
{
    char text[64];
    const char *bad = launch_bad_end(&a->run, text);
    const bool usage = WIFEXITED(a->run.status) && WEXITSTATUS(a->run.status) == 2;
    if (usage && strstr(a->run.err.data, "is a model file")) return; /* what stands in it decides */
    if (bad) finding(w, a, usage ? "a file is called wrong usage" : bad);
}

static void raise_to(atomic_long *most, long value)
{
    long before = atomic_load(most);
    while (value > before && !atomic_compare_exchange_weak(most, &before, value)) {
    }
}

static void check_cost(worker *w, attempt *a)
{
    const struct rusage *u = &a->run.usage;
    struct stat info;
    char what[80];
    const long ms = (long)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000 +
                    (long)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1000;
    const long budget =
        a->what->megabytes * 1024L + (stat(a->file, &info) == 0 ? (long)info.st_size / 128 : 0); /* KB */
    raise_to(&w->all->slowest, ms);
    raise_to(&w->all->largest, u->ru_maxrss);
    if (ms > MOST_SECONDS * 1000) {
        (void)snprintf(what, sizeof what, "%ld ms", ms);
        finding(w, a, what);
    } else if (!w->sanitizers && u->ru_maxrss > budget) {
        (void)snprintf(what, sizeof what, "%ld KB of memory", u->ru_maxrss);
        finding(w, a, what);
    }
}

static void execute(worker *w, attempt *a)
{
    launch_begin(&a->run, &w->places, a->what->line);
    if (!w->sanitizers) {
        a->run.resource = RLIMIT_AS;
        a->run.most = MOST_SPACE;
    }
    launch_run(&a->run);
    atomic_fetch_add(&w->all->runs, 1);
    if (a->run.status != 0) atomic_fetch_add(&w->all->refused, 1);
    check_end(w, a);
    if (!a->found) check_cost(w, a);
    if (!a->found) check_messages(w, a);
    if (!a->found) check_results(w, a);
}

/* What a tool has written has to be accepted: by `look`. */
static void check_written(worker *w, const attempt *made, const command *look)
{
    attempt a = {.what = look, .file = made->file};
    execute(w, &a);
    if (a.run.status != 0 && !a.found) {
        printf("The file of:");
        print_command(made);
        printf("\n");
        finding(w, &a, "the file that was written is refused");
    }
    launch_free(&a.run);
}

static void run_command(worker *w, const command *what, const char *file)
{
    static const command
        model = {"capw", "capinfo --verify OUT/x.capw", KEEPS, 64},
        tensors = {"pth", "capconvert --threads 2 OUT/x.safetensors --vocab OUT/x.vocab.json -o OUT/x.capw",
                   KEEPS, 64};
    attempt a = {.what = what, .file = file};
    w->places.file = file;
    execute(w, &a);
    if ((what->flags & MODEL) && a.run.status == 0 && !a.found) check_written(w, &a, &model);
    if ((what->flags & SAFETENSORS) && a.run.status == 0 && !a.found) check_written(w, &a, &tensors);
    launch_free(&a.run);
    launch_empty(w->places.folder);
}

static void write_text(const worker *w, const char *name, const char *format, const char *file)
{
    char path[LAUNCH_PATH];
    (void)snprintf(path, sizeof path, "%s/%s", w->places.folder, name);
    FILE *stream = fopen(path, "w");
    if (!stream ||
        fprintf(stream, "%s%s%s", format, file, strcmp(name, "REFS") == 0 ? ",a dog\n" : "\n") < 0 ||
        fclose(stream) != 0) {
        perror(path);
        exit(2);
    }
}

/* The first command for its ending, and two of the others in turn. */
static void run_file(worker *w, const char *name, size_t number)
{
    const char *ending = strrchr(name, '.') + 1;
    char file[LAUNCH_PATH];
    (void)snprintf(file, sizeof file, "%s/%s", w->places.corpus, name);
    write_text(w, "REFS", "image,caption\n", name);
    write_text(w, "LIST", "", file);
    const command *own[sizeof commands / sizeof commands[0]];
    size_t count = 0;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].ending, ending) == 0) own[count++] = &commands[i];
    }
    for (size_t i = 0; i < count && i < 3; i++) {
        /* files of a kind have numbers with a common divisor */
        run_command(w, own[i == 0 || count <= 3 ? i : 1 + (number / 5 + i * 3) % (count - 1)], file);
    }
    atomic_fetch_add(&w->all->files, 1);
}

/* ---- all of it ---- */

static int is_attack(const struct dirent *entry)
{
    return strchr("0123456789", entry->d_name[0]) && strchr(entry->d_name, '.');
}

static int work(worker *w, int number, int jobs)
{
    struct dirent **entries;
    const int count = scandir(w->places.corpus, &entries, is_attack, alphasort);
    if (count < 0) {
        perror(w->places.corpus);
        return 2;
    }
    w->places.folder = fuzz_folder();
    launch_empty(w->places.folder);
    for (int i = number; i < count; i += jobs) run_file(w, entries[i]->d_name, (size_t)i);
    for (int i = 0; i < count; i++) free(entries[i]);
    free(entries);
    return 0;
}

int main(int argc, char **argv)
{
    worker w = {.shown = 0};
    int jobs = 1, failed = 0;
    for (int c; (c = getopt(argc, argv, "aj:")) != -1;) {
        if (c == 'a') w.sanitizers = true;
        if (c == 'j') jobs = atoi(optarg);
    }
    if (argc - optind != 2 || jobs < 1) {
        fprintf(stderr, "usage: drive [-a] [-j JOBS] TOOLS CORPUS\n");
        return 2;
    }
    w.places.tools = argv[optind];
    w.places.corpus = argv[optind + 1];
    w.all = mmap(NULL, sizeof *w.all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (w.all == MAP_FAILED) return 2;
    launch_environment();
    for (int i = 0; i < jobs; i++) {
        (void)fflush(stdout);
        if (fork() == 0) exit(work(&w, i, jobs));
    }
    for (int status; wait(&status) > 0;) failed |= status != 0;
    const unsigned long files = atomic_load(&w.all->files), findings = atomic_load(&w.all->findings);
    printf("%lu files, %lu runs, %lu refused; at most %ld ms and %ld MB; %lu findings\n", files,
           atomic_load(&w.all->runs), atomic_load(&w.all->refused), atomic_load(&w.all->slowest),
           atomic_load(&w.all->largest) / 1024, findings);
    return failed || files == 0 ? 2 : findings ? 1 : 0;
}
