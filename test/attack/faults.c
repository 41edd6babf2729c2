/* faults.c - faults of the system under each tool:
 *
 *     faults [-a] [-t TURNS] TOOLS CORPUS
 *
 * Full and read-only disks, closed descriptors, pipes without a reader, signals at any moment, folders that
 * vanish, names of files that are none, limits of memory, files and processes, models that become shorter.
 * Whatever happens, a tool ends by itself, says in plain messages why, and leaves no half-written file.
 * CORPUS needs only its folder `good`; -a says that the tools were built with AddressSanitizer; TURNS is how
 * many moments are tried.  Prints TAP lines. */
#define _GNU_SOURCE /* unshare */
#include <errno.h>
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

#ifdef __linux__
#include <sched.h>
#include <sys/mount.h>
#endif

#include "test/attack/launch.h"
#include "test/fuzz/fuzz.h"
#include "test/tools/torch_maker.h"

enum { MANY = 12 /* pictures, so that a run takes a while */ };

static launch_places places;
static bool sanitizers;
static int turns = 6;
static int tests, wrongs, not_ok;

/* ---- what is run ---- */

typedef struct writer {
    const char *line;
    const char *result; /* what it writes first: named when that fails */
    bool keeps;         /* what it has written so far, to go on with it */
} writer;

#define RUN "capeval run -q --wordnet none -m %/model.capw --images CORPUS/many --refs CORPUS/many.refs "
static const writer writers[] = {
    {"capdemo --json --threads 2 -m %/model.capw -o OUT/x CORPUS/many", "OUT/x", false},
    {"capinfo -v -o OUT/x %/model.capw", "OUT/x", false},
    {"capdump -m %/int8.capw %/a.jpg OUT", "OUT/a.jpg", true}, /* each file on its own */
    {"capconvert -q --threads 2 %/model.pth --vocab %/vocab.pkl -o OUT/x", "OUT/x", false},
    {"capconvert -q --threads 2 --int8 --calibrate CORPUS/many %/model.capw -o OUT/x", "OUT/x", false},
    {"capeval score --wordnet none --refs %/refs %/preds -o OUT/x --per-image OUT/y", "OUT/", false},
    {RUN "--threads 2 -o OUT/x", "OUT/x", true},
};
enum { WRITERS = sizeof writers / sizeof writers[0], CONVERT = 3, RUN_WRITER = 6 };

/* ---- reports ---- */

static void wrong(const launch *l, const char *what)
{
    char end[64];
    wrongs++;
    launch_describe(l, end);
    printf("# %s: %s:", what, end);
    for (int i = 0; i < l->count; i++) printf(" %s", l->arguments[i]);
    printf("\n#     %.*s\n", (int)strcspn(l->err.data, "\n"), l->err.data);
}

static long microseconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static void report(const char *name)
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

static void skip(const char *name, const char *why)
{
    printf("ok %d - %s # SKIP %s\n", ++tests, name, why);
}

static bool succeeded(const launch *l)
{
    return WIFEXITED(l->status) && WEXITSTATUS(l->status) == 0;
}

static bool ended_by(const launch *l, int number)
{
    return WIFSIGNALED(l->status) && WTERMSIG(l->status) == number;
}

/* It has ended by itself, in success or with messages, and left no temporary file. */
static bool check_order(const launch *l, const char *what)
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

/* In order, failed, and says so about `name` (where words of a line are filled in) and for this reason. */
static void check_failure(const launch *l, const char *name, const char *reason)
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

static void check_nothing_left(const launch *l, const writer *w, int before)
{
    bool temporary = false;
    if (!w->keeps && launch_count_files(places.folder, &temporary) != before) wrong(l, "left a file");
}

static void path_of(char path[LAUNCH_PATH], const char *name)
{
    (void)snprintf(path, LAUNCH_PATH, "%s/%s", places.folder, name);
}

/* ---- in order ---- */

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

static void all_work(void)
{
    for (size_t i = 0; i < WRITERS; i++) {
        launch l;
        launch_begin(&l, &places, writers[i].line);
        launch_run(&l);
        if (check_order(&l, "nothing is amiss") && !succeeded(&l)) wrong(&l, "nothing is amiss");
        if (i == RUN_WRITER) read_predictions(&whole);
        launch_free(&l);
        launch_empty(places.folder);
    }
    report("every command works");
}

/* ---- disks ---- */

#ifdef __linux__
/* In a name space of its own any user may mount, where the system allows it. */
static bool enter_name_space(void)
{
    const bool root = getuid() == 0;
    if (unshare(root ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* Makes OUT a file system of 64 KB, of which `filled` bytes are used. */
static bool small_disk(size_t filled)
{
    char out[LAUNCH_PATH], path[LAUNCH_PATH];
    static const char zeros[1 << 16];
    path_of(out, "OUT");
    path_of(path, "OUT/full");
    if (mount("none", out, "tmpfs", 0, "size=64k") != 0) return false;
    write_file(path, zeros, filled);
    return true;
}

static void end_disk(void)
{
    char out[LAUNCH_PATH];
    path_of(out, "OUT");
    if (umount(out) != 0) perror(out);
}

/* A disk that is full from the start, and one that fills up, unless the result is small. */
static bool full_disk(const writer *w)
{
    static const size_t filled[] = {1 << 16, 3 << 14};
    for (size_t i = 0; i < 2; i++) {
        launch l;
        if (!small_disk(filled[i])) return false;
        launch_begin(&l, &places, w->line);
        launch_run(&l);
        if (i == 0 || !succeeded(&l)) {
            check_failure(&l, w->result, "No space left on device");
            check_nothing_left(&l, w, 1);
        }
        launch_free(&l);
        end_disk();
    }
    return true;
}

static bool read_only_disk(const writer *w)
{
    launch l;
    char out[LAUNCH_PATH];
    path_of(out, "OUT");
    if (!small_disk(0) || mount("none", out, NULL, MS_REMOUNT | MS_RDONLY, NULL) != 0) return false;
    launch_begin(&l, &places, w->line);
    launch_run(&l);
    check_failure(&l, w->result, "Read-only file system");
    launch_free(&l);
    end_disk();
    return true;
}

/* The disks' tests, as a process of their own: exit code 77 where they can't be made. */
static int try_disks(bool (*disk)(const writer *w))
{
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        int code = enter_name_space() ? 0 : 77;
        wrongs = 0;
        for (size_t i = 0; i < WRITERS && code == 0; i++) code = disk(&writers[i]) ? 0 : 77;
        (void)fflush(stdout);
        _exit(code ? code : wrongs ? 1 : 0);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 1;
    return WEXITSTATUS(status);
}

static void disks(void)
{
    const int full = try_disks(full_disk), read_only = try_disks(read_only_disk);
    if (full == 77 || read_only == 77) {
        skip("full and read-only disks", "this user can't mount");
        return;
    }
    wrongs = full != 0;
    report("a full disk is an error in words and leaves nothing");
    wrongs = read_only != 0;
    report("so is a disk that is read-only");
}

#else

static void disks(void)
{
    skip("full and read-only disks", "there are no name spaces");
}

#endif

static const char *const printers[] = {
    "capdemo -m %/model.capw %/a.jpg",
    "capinfo %/model.capw",
    "capinfo --json %/model.capw",
    "capinfo -v %/model.capw",
    "capeval score --wordnet none --refs %/refs %/preds",
    "capconvert -q --threads 1 -v %/model.pth --vocab %/vocab.pkl -o OUT/x",
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

/* ---- signals ---- */

/* How long a writer takes, for moments within. */
static long duration(const writer *w)
{
    launch l;
    const long from = microseconds();
    launch_begin(&l, &places, w->line);
    launch_run(&l);
    launch_free(&l);
    launch_empty(places.folder);
    return microseconds() - from;
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

static void interrupt(size_t number, int which, long after)
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
    if (which != SIGKILL && !w->keeps && !succeeded(&l) && files && number != CONVERT) {
        wrong(&l, "a signal left a file");
    }
    if (number == CONVERT || number == CONVERT + 1) check_whole(&l);
    if (number == RUN_WRITER) check_goes_on();
    launch_free(&l);
    launch_empty(places.folder);
}

static void signals(void)
{
    static const int which[] = {SIGINT, SIGTERM, SIGHUP, SIGKILL};
    for (size_t i = 0; i < WRITERS; i++) {
        const long whole_time = duration(&writers[i]);
        for (int t = 0; t < turns; t++) {
            for (size_t s = 0; s < 4; s++) {
                /* another moment for each signal */
                interrupt(i, which[s], whole_time * (4 * t + (long)s) / (4 * turns));
            }
        }
    }
    report("signals at any moment leave nothing half done, and a run goes on");
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

/* ---- limits ---- */

static void try_limit(const char *line, unsigned resource, rlim_t most, bool nobody)
{
    launch l;
    char what[64];
    launch_begin(&l, &places, line);
    l.resource = resource;
    l.most = most;
    l.nobody = nobody;
    launch_run(&l);
    (void)snprintf(what, sizeof what, "limit %lu", (unsigned long)most);
    /* below some amount of memory or files the system can't even start it */
    if (!(WIFEXITED(l.status) && WEXITSTATUS(l.status) == 127)) (void)check_order(&l, what);
    launch_free(&l);
    launch_empty(places.folder);
}

/* From so little memory that hardly anything works to enough, in steps of a quarter. */
static void limits_of_memory(void)
{
    if (sanitizers) {
        skip("limits of memory", "sanitizers need more");
        return;
    }
    for (size_t i = 0; i < WRITERS; i++) {
        for (rlim_t most = 16 << 20; most < 400 << 20; most += most / 4) {
            try_limit(writers[i].line, RLIMIT_AS, most, false);
        }
    }
    report("too little memory is an error in words");
}

static void limits_of_files(void)
{
    for (size_t i = 0; i < WRITERS; i++) {
        for (rlim_t most = 4; most < 12; most++) try_limit(writers[i].line, RLIMIT_NOFILE, most, false);
    }
    report("too few descriptors are an error in words");
}

/* The limit holds for standard error too, so its messages may be cut off. */
static void limits_of_size(void)
{
    for (size_t i = 0; i < WRITERS; i++) {
        for (rlim_t most = 1; most < 1 << 20; most *= 8) {
            char text[64];
            bool temporary = false;
            launch l;
            launch_begin(&l, &places, writers[i].line);
            l.resource = RLIMIT_FSIZE;
            l.most = most;
            launch_run(&l);
            const char *bad = launch_bad_end(&l, text);
            if (bad) wrong(&l, bad);
            (void)launch_count_files(places.folder, &temporary);
            if (temporary) wrong(&l, "a temporary file is left");
            launch_free(&l);
            launch_empty(places.folder);
        }
    }
    report("files over a limit of their size are no end by a signal");
}

static void limits_of_processes(void)
{
    launch l;
    launch_begin(&l, &places, "capinfo %/model.capw");
    l.nobody = true;
    launch_run(&l);
    const bool works = succeeded(&l);
    launch_free(&l);
    if (!works) {
        skip("limits of processes", "another user can't run the tools here");
        return;
    }
    for (size_t i = 0; i < WRITERS; i++) {
        for (rlim_t most = 1; most < 4; most++) try_limit(writers[i].line, RLIMIT_NPROC, most, true);
    }
    report("too few processes are an error in words, or enough");
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

static void copy_file(const char *from, const char *to)
{
    tool_text text = {NULL, 0};
    if (!tool_text_read(&text, from, 1 << 26, NULL)) abort();
    write_file(to, text.data, text.size);
    tool_text_free(&text);
}

static void shorter_models(void)
{
    static const char *const commands[] = {
        "capdemo --threads 2 -m @ CORPUS/many",
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
        const long time = duration(&w);
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
    if (sentences == 0) wrongs++; /* no moment was tried that is of interest */
    report("a model that becomes shorter is an error in words");
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
    disks();
    full_output();
    closed_descriptors();
    pipes_without_a_reader();
    signals();
    vanishing_folders();
    odd_files();
    limits_of_memory();
    limits_of_files();
    limits_of_size();
    limits_of_processes();
    shorter_models();
    printf("1..%d\n", tests);
    free_bytes(&whole);
    return not_ok != 0;
}
