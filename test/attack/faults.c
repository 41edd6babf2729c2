/* faults.c - faults of the system under each tool:
 *
 *     faults [-a] [-t TURNS] TOOLS CORPUS
 *
 * Full and read-only disks, closed descriptors, pipes without a reader, signals at any moment, folders that
 * vanish, names of files that are none, limits of memory, files and processes, models that become shorter.
 * Whatever happens, a tool ends by itself, says in plain messages why, and leaves no half-written file.
 * CORPUS needs only its folder `good`; -a says that the tools were built with AddressSanitizer; TURNS is how
 * many moments are tried.  Prints TAP lines. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/attack/faults.h"
#include "test/fuzz/fuzz.h"
#include "test/tools/torch_maker.h"

launch_places places;
bool sanitizers;
int turns = 6;
static int tests, wrongs, not_ok;

/* ---- what is run ---- */

#define RUN "capeval run -q --wordnet none -m %/model.capw --images CORPUS/many --refs CORPUS/many.refs "
const writer writers[WRITERS] = {
    {"capdemo --json --threads 2 -m %/model.capw -o OUT/x CORPUS/many", "OUT/x", false},
    {"capinfo -v -o OUT/x %/model.capw", "OUT/x", false},
    {"capdump -m %/int8.capw %/a.jpg OUT", "OUT/a.jpg", true}, /* each file on its own */
    {"capconvert -q --threads 2 %/model.pth --vocab %/vocab.pkl -o OUT/x", "OUT/x", false},
    {"capconvert -q --threads 2 --int8 --calibrate CORPUS/many %/model.capw -o OUT/x", "OUT/x", false},
    {"capeval score --wordnet none --refs %/refs %/preds -o OUT/x --per-image OUT/y", "OUT/", false},
    {RUN "--threads 2 -o OUT/x", "OUT/x", true},
    {"capbatch -q --threads 2 -m %/model.capw -o OUT/x CORPUS/many", "OUT/x", true},
};

/* ---- reports ---- */

void wrong(const launch *l, const char *what)
{
    char end[64];
    wrongs++;
    launch_describe(l, end);
    printf("# %s: %s:", what, end);
    for (int i = 0; i < l->count; i++) printf(" %s", l->arguments[i]);
    printf("\n#     %.*s\n", (int)strcspn(l->err.data, "\n"), l->err.data);
}

void wrong_itself(const char *what)
{
    wrongs++;
    printf("# %s\n", what);
}

bool any_wrong(void)
{
    return wrongs != 0;
}

long microseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

void report(const char *name)
{
    static long before;
    const long now = microseconds();
    if (before) printf("# %ld ms\n", (now - before) / 1000);
    before = now;
    printf("%sok %d - %s\n", wrongs ? "not " : "", ++tests, name);
    not_ok += wrongs != 0;
    wrongs = 0;
    (void)fflush(stdout);
}

void skip(const char *name, const char *why)
{
    printf("ok %d - %s # SKIP %s\n", ++tests, name, why);
}

bool succeeded(const launch *l)
{
    return WIFEXITED(l->status) && WEXITSTATUS(l->status) == 0;
}

bool ended_by(const launch *l, int number)
{
    return WIFSIGNALED(l->status) && WTERMSIG(l->status) == number;
}

bool check_order(const launch *l, const char *what)
{
    char text[64];
    bool temporary = false;
    const char *bad = launch_bad_end(l, text);
    if (!bad) bad = launch_bad_messages(l);
    if (!bad && !succeeded(l) && !l->closed[STDERR_FILENO] && !strstr(l->err.data, ": ")) bad = "no reason";
    (void)launch_count_files(places.folder, &temporary);
    if (!bad && temporary) bad = "a temporary file is left";
    if (!bad) return true;
    char both[256];
    (void)snprintf(both, sizeof both, "%s: %s", what, bad);
    wrong(l, both);
    return false;
}

void check_failure(const launch *l, const char *name, const char *reason)
{
    char place[LAUNCH_PATH];
    (void)snprintf(place, sizeof place, "%s%s%s", strncmp(name, "OUT", 3) == 0 ? places.folder : "",
                   strncmp(name, "OUT", 3) == 0 ? "/" : "", name);
    if (!check_order(l, reason)) return;
    if (succeeded(l)) {
        wrong(l, "succeeded");
    } else if (!strstr(l->err.data, place) || !strstr(l->err.data, reason)) {
        wrong(l, reason);
    }
}

void check_nothing_left(const launch *l, const writer *w, int before)
{
    bool temporary = false;
    if (!w->keeps && launch_count_files(places.folder, &temporary) != before) wrong(l, "left a file");
}

void path_of(char path[LAUNCH_PATH], const char *name)
{
    (void)snprintf(path, LAUNCH_PATH, "%s/%s", places.folder, name);
}

void copy_file(const char *from, const char *to)
{
    tool_text text = {NULL, 0};
    if (!tool_text_read(&text, from, 1 << 26, NULL)) abort();
    write_file(to, text.data, text.size);
    tool_text_free(&text);
}

/* ---- in order ---- */

static void all_work(void)
{
    for (size_t i = 0; i < WRITERS; i++) {
        launch l;
        launch_begin(&l, &places, writers[i].line);
        launch_run(&l);
        if (check_order(&l, "nothing is amiss") && !succeeded(&l)) wrong(&l, "nothing is amiss");
        launch_free(&l);
        launch_empty(places.folder);
    }
    report("every command works");
}

/* ---- standard output ---- */

static const char *const printers[] = {
    "capdemo -m %/model.capw %/a.jpg",
    "capinfo %/model.capw",
    "capinfo --json %/model.capw",
    "capinfo -v %/model.capw",
    "capeval score --wordnet none --refs %/refs %/preds",
    "capconvert -q --threads 1 -v %/model.pth --vocab %/vocab.pkl -o OUT/x",
    "capbatch -q -m %/model.capw %/a.jpg",
    "capdemo --help",
    "capeval run --help",
};
enum { PRINTERS = sizeof printers / sizeof printers[0] };

static void full_output(void)
{
    for (size_t i = 0; i < PRINTERS; i++) {
        launch l;
        launch_begin(&l, &places, printers[i]);
        l.out = "/dev/full";
        launch_run(&l);
        check_failure(&l, "standard output", "No space left on device");
        launch_free(&l);
        launch_empty(places.folder);
    }
    report("standard output on a full disk is an error in words");
}

/* ---- descriptors and pipes ---- */

static void closed_descriptors(void)
{
    for (size_t i = 0; i < WRITERS; i++) {
        for (int mask = 1; mask < 8; mask++) {
            launch l;
            launch_begin(&l, &places, writers[i].line);
            for (int k = 0; k < 3; k++) l.closed[k] = mask >> k & 1;
            launch_run(&l);
            (void)check_order(&l, "closed descriptors");
            launch_free(&l);
            launch_empty(places.folder);
        }
    }
    report("closed descriptors do no harm");
}

/* Opens the reading end of a pipe as long as the tool needs to open its own, and closes it at once. */
static void read_nothing(void *user, pid_t child)
{
    (void)child;
    const int fd = open(user, O_RDONLY);
    if (fd >= 0) (void)close(fd);
}

static void pipes_without_a_reader(void)
{
    char pipe[LAUNCH_PATH];
    path_of(pipe, "pipe");
    if (mkfifo(pipe, 0600) != 0) perror(pipe);
    for (size_t i = 0; i < PRINTERS; i++) {
        launch l;
        launch_begin(&l, &places, printers[i]);
        l.out = pipe;
        l.meanwhile = read_nothing;
        l.user = pipe;
        launch_run(&l);
        /* it ends as programs in a pipeline do, or says why not */
        if (!ended_by(&l, SIGPIPE)) (void)check_order(&l, "a pipe without a reader");
        launch_free(&l);
        launch_empty(places.folder);
    }
    (void)unlink(pipe);
    report("a pipe without a reader ends the tool");
}

/* ---- folders that vanish ---- */

typedef struct vanishing {
    const char *pipe;
    char folder[LAUNCH_PATH];
} vanishing;

/* Once the tool has begun to read its standard input, the folder of its output goes away. */
static void remove_meanwhile(void *user, pid_t child)
{
    (void)child;
    const vanishing *v = user;
    char picture[LAUNCH_PATH];
    tool_text text = {NULL, 0};
    const int fd = open(v->pipe, O_WRONLY); /* waits for the tool to open its end */
    (void)rmdir(v->folder);
    (void)snprintf(picture, sizeof picture, "%s/good/a.jpg", places.corpus);
    const bool read = tool_text_read(&text, picture, 1 << 20, NULL);
    if (fd < 0 || !read || write(fd, text.data, text.size) < 0) perror(v->pipe);
    if (fd >= 0) (void)close(fd);
    tool_text_free(&text);
}

static void vanishing_folders(void)
{
    char pipe[LAUNCH_PATH];
    vanishing v = {.pipe = pipe};
    launch l;
    path_of(pipe, "pipe");
    path_of(v.folder, "OUT");
    if (mkfifo(pipe, 0600) != 0) perror(pipe);
    launch_begin(&l, &places, "capdemo -q -m %/model.capw -o OUT/x -");
    l.in = pipe;
    l.meanwhile = remove_meanwhile;
    l.user = &v;
    launch_run(&l);
    check_failure(&l, "OUT/x", "No such file or directory");
    launch_free(&l);
    (void)unlink(pipe);
    for (size_t i = 0; i < WRITERS; i++) { /* gone before it starts */
        (void)rmdir(v.folder);
        launch_begin(&l, &places, writers[i].line);
        launch_run(&l);
        if (strstr(writers[i].line, " OUT/")) {
            check_failure(&l, writers[i].result, "No such file or directory");
        }
        launch_free(&l);
        launch_empty(places.folder);
    }
    report("folders that are gone are an error in words");
}

/* ---- files that are none ---- */

static void make_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int server = socket(AF_UNIX, SOCK_STREAM, 0);
    if (strlen(path) >= sizeof address.sun_path) abort();
    (void)strcpy(address.sun_path, path);
    if (bind(server, (const struct sockaddr *)&address, sizeof address) != 0) perror(path);
    (void)close(server); /* its name stays */
}

static void odd_files(void)
{
    static const char *const commands[] = {
        "capdemo -m %/model.capw @",
        "capdemo -m @ %/a.jpg",
        "capbatch -q -m @ %/a.jpg",
        "capinfo @",
        "capinfo --verify @",
        "capdump -m %/model.capw @ OUT",
        "capdump -m @ %/a.jpg OUT",
        "capconvert @ --vocab %/vocab.pkl -o OUT/x",
        "capeval run -q -m @ --images % --refs %/refs -o OUT/x",
        "capeval run -q -m %/model.capw --images @ --refs %/refs -o OUT/x",
    };
    /* these may be pipes, and a pipe is waited for */
    static const char *const texts[] = {
        "capconvert %/model.pth --vocab @ -o OUT/x",
        "capconvert %/model.pth --vocab %/vocab.pkl --config @ -o OUT/x",
        "capeval score --wordnet none --refs @ %/preds",
        "capeval score --wordnet none --refs %/refs @",
        "capconvert --int8 --calibrate @ %/model.capw -o OUT/x",
        "capdemo -m %/model.capw --files-from @",
        "capbatch -q -m %/model.capw --files-from @",
        "capeval run -q -m %/model.capw --images % --refs @ -o OUT/x",
    };
    enum { FIFO, ZERO, SOCKET, FOLDER, MISSING, LOOP, KINDS };
    char path[LAUNCH_PATH];
    path_of(path, "odd.jpg");
    launch_places odd = places;
    odd.file = path;
    for (int kind = 0; kind < KINDS; kind++) {
        if (kind == FIFO && mkfifo(path, 0600) != 0) perror(path);
        if (kind == ZERO && symlink("/dev/zero", path) != 0) perror(path);
        if (kind == SOCKET) make_socket(path);
        if (kind == FOLDER && mkdir(path, 0700) != 0) perror(path);
        if (kind == LOOP && symlink(path, path) != 0) perror(path);
        for (size_t i = 0; i < sizeof commands / sizeof commands[0] + sizeof texts / sizeof texts[0]; i++) {
            const size_t own = sizeof commands / sizeof commands[0];
            launch l;
            if (i >= own && kind == FIFO) continue;
            launch_begin(&l, &odd, i < own ? commands[i] : texts[i - own]);
            launch_run(&l);
            check_failure(&l, path, ": ");
            launch_free(&l);
            launch_empty(places.folder);
        }
        (void)remove(path);
    }
    report("files that are none are an error in words, and nothing waits");
}

/* ---- all of it ---- */

/* Pictures enough for a run that takes a while, and their captions. */
static void make_many(void)
{
    char path[LAUNCH_PATH], good[LAUNCH_PATH];
    bytes captions = {0};
    (void)snprintf(path, sizeof path, "%s/many", places.corpus);
    (void)snprintf(good, sizeof good, "%s/good/a.jpg", places.corpus);
    (void)mkdir(path, 0777);
    put(&captions, "image,caption\n", 14);
    for (int i = 0; i < MANY; i++) {
        char line[64];
        (void)snprintf(path, sizeof path, "%s/many/%d.jpg", places.corpus, i);
        copy_file(good, path);
        (void)snprintf(line, sizeof line, "%d.jpg,a dog runs\n", i);
        put(&captions, line, strlen(line));
    }
    (void)snprintf(path, sizeof path, "%s/many.refs", places.corpus);
    write_file(path, captions.at, captions.size);
    free_bytes(&captions);
}

int main(int argc, char **argv)
{
    for (int c; (c = getopt(argc, argv, "at:")) != -1;) {
        if (c == 'a') sanitizers = true;
        if (c == 't') turns = atoi(optarg);
    }
    if (argc - optind != 2 || turns < 1) {
        fprintf(stderr, "usage: faults [-a] [-t TURNS] TOOLS CORPUS\n");
        return 2;
    }
    places.tools = argv[optind];
    places.corpus = argv[optind + 1];
    places.folder = fuzz_folder();
    places.file = "";
    (void)chmod(places.folder, 0755); /* for limits_of_processes */
    (void)chmod(places.corpus, 0755);
    (void)signal(SIGPIPE, SIG_DFL);
    launch_environment();
    make_many();
    launch_empty(places.folder);
    all_work();
    test_disks();
    full_output();
    closed_descriptors();
    pipes_without_a_reader();
    test_signals();
    vanishing_folders();
    odd_files();
    test_limits();
    test_shorter_models();
    printf("1..%d\n", tests);
    return not_ok != 0;
}
