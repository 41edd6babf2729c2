/* Every tool with every one of its allocations failing, and every one of its calls of the system: either its
 * output is complete and right, or it says what failed, ends with exit code 1, and leaves no file.  A run
 * whose calls are interrupted and do their work in small parts is complete.
 *
 * The tools' main() functions are linked into this program (Makefile), and each run is a fork of it, so that
 * a run starts fresh and costs a millisecond.  Skipped where the allocator can't be replaced. */
#include "test/failing_memory.h"

#include <sys/wait.h>

#include "test/failing_calls.h"
#include "test/fixture.h"
#include "test/tools/net_maker.h"
#include "tools/common/confine.h"
#include "tools/common/text.h"

int capbatch_main(int argc, char **argv);
int capconvert_main(int argc, char **argv);
int capdemo_main(int argc, char **argv);
int capdump_main(int argc, char **argv);
int capeval_main(int argc, char **argv);
int capinfo_main(int argc, char **argv);

enum {
    PATH = 256,
    MOST_WORDS = 32,
    MOST_TEXT = 1 << 23,
    MOST_LINE = 8192,
    MOST_ALLOCATIONS = 100000,
    MOST_TWICE = 250,
    MOST_CALLS = 100,
    INPUT = 32
};

typedef struct sweep {
    int (*main)(int argc, char **argv);
    const char *command; /* words; files that it writes begin with out/ */
    int step;     /* each so-many-th allocation fails: JSON of a whole model takes thousands; 0: each */
    bool lines;   /* a line that can't be made is left out or holds the error; the others are complete */
    bool some;    /* a picture that can't be read is told of and left out of the output */
    bool resumes; /* the same command goes on where it stopped; out/p.tsv holds what it has done */
} sweep;

/* What goes wrong in a run. */
typedef enum failure {
    NOTHING,
    MEMORY,    /* an allocation */
    MEMORY_ON, /* an allocation and all behind it */
    CALL,      /* a call of the system */
    PARTS      /* reads and writes are interrupted and short */
} failure;

/* What a run left. */
typedef struct outcome {
    int code;   /* exit code; -1: a signal */
    bool whole; /* it ended before the allocation or call that was to fail */
    char *out;  /* [MOST_TEXT] standard output, and behind it names and contents of the files, zero-ended */
    char *err;  /* [MOST_TEXT] standard error */
    int files, left;
} outcome;

static char folder[PATH / 2];

/* Takes the place of the tools' own: libseccomp's allocations are no business of this test, and what a tool
 * gives up it does without. */
void tool_confine(const char *const *outputs, size_t count)
{
    (void)outputs;
    (void)count;
}

/* What a run tells its parent, in memory that both share. */
static struct shared {
    atomic_int counted, left; /* allocations or calls; blocks that it still held */
} * shared;

/* ---- one run ---- */

/* What standard output and error are during a run: files without a name. */
static int streams[2];

/* The child.  Its streams are new, so that they need their buffers as those of a process that just began do.
 */
static void run_child(const sweep *s, int at, failure how)
{
    char text[1024], *argv[MOST_WORDS + 1];
    int argc = 0;
    (void)snprintf(text, sizeof text, "%s", s->command);
    for (char *word = strtok(text, " "); word && argc < MOST_WORDS; word = strtok(NULL, " ")) {
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    if (dup2(streams[0], STDOUT_FILENO) < 0 || dup2(streams[1], STDERR_FILENO) < 0) _exit(126);
    stdout = fdopen(STDOUT_FILENO, "w");
    stderr = fdopen(STDERR_FILENO, "w");
    if (!stdout || !stderr || setvbuf(stderr, NULL, _IONBF, 0) != 0) _exit(126);
    const int before = atomic_load(&live);
    atomic_store(&counted, 0);
    atomic_store(&calls, 0);
    fail_behind(how == MEMORY_ON);
    atomic_store(how == CALL ? &fail_call : &fail_at, at);
    atomic_store(&interrupt, how == PARTS);
    const int code = s->main(argc, argv);
    const bool lost = fflush(stdout) != 0;
    atomic_store(&interrupt, false);
    atomic_store(&shared->counted, atomic_load(how == CALL ? &calls : &counted));
    atomic_store(&shared->left, atomic_load(&live) - before);
    atomic_store(&fail_at, 0); /* a build that counts lines needs memory and files to write its counts */
    atomic_store(&fail_call, 0);
    _exit(lost ? 125 : code);
}

/* Appends a file to the text `to`: its name, and what it holds or a checksum where that is no text. */
static size_t append(char *to, size_t used, const char *path, const char *name)
{
    tool_text text;
    tool_error err = {{0}};
    if (!tool_text_read(&text, path, MOST_TEXT / 2, &err)) fail_msg("%s", err.message);
    assert_true(used + strlen(name) + text.size + 64 < MOST_TEXT);
    used += (size_t)sprintf(to + used, "--- %s\n", name);
    if (memchr(text.data, '\0', text.size)) {
        used += (size_t)sprintf(to + used, "%zu bytes, %08x\n", text.size,
                                (unsigned)make_model_crc(text.data, text.size));
    } else {
        memcpy(to + used, text.data, text.size + 1);
        used += text.size;
    }
    tool_text_free(&text);
    return used;
}

/* Replaces the numbers that say how long something took, so that two runs can be compared. */
static void mask_times(char *text)
{
    static const char *const keys[] = {"\"ms\": ", "\"gflops\": ", "\"share\": ", "\"wall_clock_s\": "};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        for (char *at = text; (at = strstr(at, keys[i])) != NULL;) {
            at += strlen(keys[i]);
            const size_t length = strcspn(at, ",}\n");
            memmove(at + 1, at + length, strlen(at + length) + 1);
            *at = '#';
        }
    }
}

/* Reads what a run wrote to a stream; returns its size. */
static size_t take_stream(char *to, int fd)
{
    const ssize_t got = pread(fd, to, MOST_TEXT - 1, 0);
    assert_true(got >= 0);
    to[got] = '\0';
    return (size_t)got;
}

static int not_dotted(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* Calls `take` for each file in out/, by name. */
static int each_file(void (*take)(void *user, const char *path, const char *name), void *user)
{
    struct dirent **entries = NULL;
    const int count = scandir("out", &entries, not_dotted, alphasort);
    for (int i = 0; i < count; i++) {
        char path[PATH * 2];
        (void)snprintf(path, sizeof path, "out/%s", entries[i]->d_name);
        take(user, path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return count;
}

static void remove_file(void *user, const char *path, const char *name)
{
    (void)user;
    (void)name;
    if (remove(path) != 0) fail_msg("%s: can't be removed", path);
}

typedef struct gathered {
    char *to;
    size_t used;
} gathered;

static void gather_file(void *user, const char *path, const char *name)
{
    gathered *g = user;
    g->used = append(g->to, g->used, path, name);
}

static void run_one(const sweep *s, int at, failure how, outcome *o)
{
    int status = 0;
    atomic_store(&shared->counted, 0);
    (void)fflush(NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ftruncate(streams[i], 0), 0);
        assert_int_equal(lseek(streams[i], 0, SEEK_SET), 0);
    }
    const pid_t child = fork();
    if (child == 0) run_child(s, at, how);
    assert_int_equal(waitpid(child, &status, 0), child);
    o->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    o->whole = atomic_load(&shared->counted) < at;
    o->left = atomic_load(&shared->left);
    (void)take_stream(o->err, streams[1]);
    gathered g = {o->out, take_stream(o->out, streams[0])};
    o->files = each_file(gather_file, &g);
    mask_times(o->out);
}

/* ---- what must be so ---- */

static bool says_reason(const char *text, failure how)
{
    return strstr(text, how == CALL ? "Input/output error" : "out of memory") != NULL;
}

/* Each line of `text` stands in `whole`, in the same order, or holds the error in JSON. */
static bool has_lines_of(const char *text, const char *whole, failure how)
{
    while (*text) {
        const size_t length = strcspn(text, "\n");
        char line[MOST_LINE];
        if (!text[length] || length >= sizeof line) return false;
        memcpy(line, text, length + 1);
        line[length + 1] = '\0';
        text += length + 1;
        const char *found = strstr(whole, line);
        if (found) {
            whole = found + length + 1;
        } else if (strncmp(line, "{\"image\": ", 10) != 0 || !strstr(line, "\"error\": ") ||
                   !says_reason(line, how)) {
            return false;
        }
    }
    return true;
}

/* NULL, or what is wrong with a run. */
static const char *complaint(const sweep *s, failure how, const outcome *o, const outcome *good)
{
    if (o->left > good->left) return "blocks leak";
    if (s->some && how == CALL && says_reason(o->err, how)) return NULL;
    if (o->code == 0) return strcmp(o->out, good->out) == 0 ? NULL : "exit code 0, but the output differs";
    if (o->code != 1) return "exit code is neither 0 nor 1";
    if (o->whole) return "failed without a cause";
    if (!says_reason(o->err, how)) return "the error does not say what failed";
    if (s->lines) return has_lines_of(o->out, good->out, how) ? NULL : "lines are broken";
    if (s->resumes) return NULL;
    if (o->files) return "a file is left";
    if (how == CALL && strncmp(o->out, good->out, strlen(o->out)) == 0) return NULL; /* it came before */
    return o->out[0] ? "standard output holds something" : NULL;
}

static void clear(void)
{
    (void)each_file(remove_file, NULL);
}

static void new_outcome(outcome *o)
{
    *o = (outcome){.out = malloc(MOST_TEXT), .err = malloc(MOST_TEXT)};
    assert_true(o->out && o->err);
}

static void free_outcome(outcome *o)
{
    free(o->out);
    free(o->err);
}

/* Returns how many allocations or calls failed, one a run. */
static int sweep_mode(const sweep *s, failure how, const outcome *good, outcome *o)
{
    static const char *const names[] = {
        [MEMORY] = "allocation", [MEMORY_ON] = "allocation, and all behind it,", [CALL] = "call"};
    int n = 1;
    for (o->whole = false; !o->whole && (how != CALL || n <= MOST_CALLS);
         n += s->step && how != CALL ? s->step : 1) {
        assert_true(n < MOST_ALLOCATIONS);
        run_one(s, n, how, o);
        const char *problem = complaint(s, how, o, good);
        if (!problem && s->resumes && o->code && !(s->some && says_reason(o->out, how))) {
            run_one(s, 0, NOTHING, o);
            o->whole = false;
            if (o->code || strcmp(o->out, good->out) != 0) problem = "the next run does not complete it";
        }
        if (problem) {
            fail_msg("%s: %s %d failed: %s\n%s%s", s->command, names[how], n, problem, o->err, o->out);
        }
        clear();
    }
    print_message("%s: %s 1 to %d\n", s->command, names[how], n);
    return n;
}

static void sweep_all(const sweep *s)
{
    outcome good, o;
    need_watch();
    new_outcome(&good);
    new_outcome(&o);
    clear();
    run_one(s, 0, NOTHING, &good);
    if (good.code) fail_msg("%s: exit code %d: %s", s->command, good.code, good.err);
    clear();
    const int count = sweep_mode(s, MEMORY, &good, &o);
    if (count < MOST_TWICE || s->step) (void)sweep_mode(s, MEMORY_ON, &good, &o);
    (void)sweep_mode(s, CALL, &good, &o);
    run_one(s, 0, PARTS, &o);
    if (o.code || strcmp(o.out, good.out) != 0) fail_msg("%s: in parts: %s%s", s->command, o.err, o.out);
    clear();
    free_outcome(&good);
    free_outcome(&o);
}

#define SWEEP(tool, words, ...) \
    sweep_all(&(sweep){.main = tool##_main, .command = #tool " " words, __VA_ARGS__})

/* ---- the tools ---- */

static void capdemo(void **state)
{
    (void)state;
    SWEEP(capdemo, "-m m.capw --threads 1 a.jpg");
    SWEEP(capdemo, "-m m.capw --threads 1 -o out/c.tsv -r pics", .lines = true);
    SWEEP(capdemo, "-m m.capw --threads 1 --attention --nbest 2 a.jpg c.png", .lines = true);
    SWEEP(capdemo, "-m m.capw --threads 1 --json --attention --nbest 2 a.jpg c.png", .lines = true);
}

static void capinfo(void **state)
{
    (void)state;
    SWEEP(capinfo, "m.capw -v --words");
    SWEEP(capinfo, "m.capw --json -v -o out/i.json");
    SWEEP(capinfo, "m.capw --json --plan --runs 1 --threads 1");
    SWEEP(capinfo, "i.capw --json --ranges --words --verify");
}

static void capdump(void **state)
{
    (void)state;
    SWEEP(capdump, "-m m.capw --threads 1 a.jpg out");
    SWEEP(capdump, "-m i.capw --threads 1 --layers a.jpg out");
}

static void capconvert(void **state)
{
    (void)state;
    SWEEP(capconvert, "net.pth --vocab vocab.pkl --to-safetensors out/n.safetensors", .step = 67);
    SWEEP(capconvert,
          "net.safetensors --vocab net.vocab.json --config config.json --metrics metrics.json "
          "--threads 1 -o out/m.capw",
          .step = 67);
    SWEEP(capconvert, "net.pth --vocab vocab.pkl --threads 1 -v -o out/m.capw");
    SWEEP(capconvert, "--int8 --calibrate pics m.capw --threads 1 -v -o out/i.capw", .some = true);
}

static void capbatch(void **state)
{
    (void)state;
    SWEEP(capbatch, "-q -m m.capw --threads 1 pics", .lines = true);
    SWEEP(capbatch, "-q -m m.capw --threads 1 --files-from names.txt -o out/b.jsonl", .some = true,
          .resumes = true);
}

static void capeval(void **state)
{
    (void)state;
    SWEEP(capeval, "score --refs refs.txt --json --per-image out/i.tsv --wordnet none preds.tsv");
    SWEEP(capeval, "score --wordnet none -o out/table published.json");
    SWEEP(capeval, "score --refs results.csv --wordnet wordnet preds.tsv");
    SWEEP(capeval, "run -m m.capw --images pics --refs one.txt --threads 1 --wordnet none -o out/p.tsv",
          .resumes = true);
    SWEEP(capeval,
          "run -m m.capw --compare i.capw --images pics --threads 1 --wordnet none --json "
          "--per-image out/i.tsv",
          .some = true);
}

/* ---- the files ---- */

static void put_model(const char *name, bool int8)
{
    make_model_options options;
    size_t size = 0;
    make_model_defaults(&options);
    options.int8 = options.fine = int8;
    options.input = INPUT;
    unsigned char *data = make_model(&options, &size);
    assert_non_null(data);
    write_file(name, data, size);
    free(data);
}

static void put_picture(const char *name, unsigned char *(*make)(uint32_t seed, size_t *size))
{
    size_t size = 0;
    unsigned char *data = make(1, &size);
    assert_non_null(data);
    write_file(name, data, size);
    free(data);
}

static void put_text(const char *name, const char *text)
{
    write_file(name, text, strlen(text));
}

/* A database of three words. */
static void put_wordnet(void)
{
    static const char *const kinds[] = {"noun", "verb", "adj", "adv"};
    char name[PATH];
    if (mkdir("wordnet", 0777) != 0) fail_msg("wordnet: no folder");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        (void)snprintf(name, sizeof name, "wordnet/index.%s", kinds[i]);
        put_text(name, i ? "" : "cur n 1 1 @ 1 0 00000000\ndog n 1 1 @ 1 0 00000000\n");
        (void)snprintf(name, sizeof name, "wordnet/data.%s", kinds[i]);
        put_text(name, i ? "" : "00000000 05 n 02 cur 0 dog 0 000 | an animal\n");
        (void)snprintf(name, sizeof name, "wordnet/%s.exc", kinds[i]);
        put_text(name, i == 1 ? "ran run\n" : "");
    }
}

/* net.safetensors and its vocabulary, made by the converter. */
static bool put_safetensors(void)
{
    char *argv[] = {(char *)(uintptr_t) "capconvert",
                    (char *)(uintptr_t) "net.pth",
                    (char *)(uintptr_t) "--vocab",
                    (char *)(uintptr_t) "vocab.pkl",
                    (char *)(uintptr_t) "--to-safetensors",
                    (char *)(uintptr_t) "net.safetensors",
                    (char *)(uintptr_t) "-q",
                    NULL};
    int status = 1;
    const pid_t child = fork();
    if (child == 0) _exit(capconvert_main(7, argv));
    return waitpid(child, &status, 0) == child && status == 0;
}

static int begin(void **state)
{
    static net n;
    (void)state;
    /* in memory where that is possible, because the tools wait for the disk before a file is in its place */
    (void)snprintf(folder, sizeof folder, "%s/test_memory_XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(folder)) return -1;
    if (chdir(folder) != 0 || mkdir("pics", 0777) != 0 || mkdir("pics/inner", 0777) != 0 ||
        mkdir("out", 0777) != 0) {
        return -1;
    }
    put_picture("a.jpg", fixture_jpeg);
    put_picture("c.png", fixture_png);
    put_picture("pics/a.jpg", fixture_jpeg);
    put_picture("pics/inner/c.png", fixture_png);
    put_model("m.capw", false);
    put_model("i.capw", true);
    put_text("pics/notes.txt", "no picture\n");
    put_text("refs.txt", "image,caption\na.jpg,a dog runs\na.jpg,the dog ran\ninner/c.png,two cats sleep\n");
    put_text("one.txt", "image,caption\na.jpg,a dog runs\n");
    put_text("preds.tsv", "a.jpg\ta dog runs\ninner/c.png\ttwo dogs\n");
    put_text("results.csv",
             "image_name| comment_number| comment\n"
             "a.jpg| 0| A dog runs .\na.jpg| 1| the curs ran\ninner/c.png| 0| two cats sleep\n");
    put_text("names.txt", "pics/a.jpg\npics/inner/c.png\n");
    put_text("config.json", "{\"rnn_type\": \"gru\", \"beam_size\": 3}\n");
    put_text("metrics.json", "{\"BLEU-4\": 0.3}\n");
    put_text("published.json",
             "[{\"image_id\": \"a.jpg\", \"prediction\": \"a dog runs\", \"ground_truth\": [\"a dog\"]}]\n");
    for (int i = 0; i < 2; i++) {
        if ((streams[i] = memfd_create("stream", MFD_CLOEXEC)) < 0) return -1;
    }
    without_blas();
    (void)setenv("LC_ALL", "C", 1);
    net_make(&n, 1, true, false, 1);
    net_write(&n, "net.pth");
    net_write_vocabulary("vocab.pkl", NET_WORDS, NULL);
    put_wordnet();
    if (!put_safetensors()) return -1;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? -1 : 0;
}

static int end(void **state)
{
    char command[PATH];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(int argc, char **argv)
{
    if (argc > 1) cmocka_set_test_filter(argv[1]); /* a test by its name */
    const struct CMUnitTest tests[] = {cmocka_unit_test(capbatch),   cmocka_unit_test(capdemo),
                                       cmocka_unit_test(capinfo),    cmocka_unit_test(capdump),
                                       cmocka_unit_test(capconvert), cmocka_unit_test(capeval)};
    return cmocka_run_group_tests(tests, begin, end);
}
