/* Tests of captioning a data set: the predictions file that survives interruption, and the threads, with a
 * captioner made here in place of a model. */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "tools/common/text.h"
#include "tools/eval/predictions.h"
#include "tools/eval/run.h"

enum { IMAGES = 60 };

static char folder[64], file[80], side[96];
static char names[IMAGES][16]; /* "0.jpg" and so on */
static const char *images[IMAGES];

static int make_folder(void **state)
{
    (void)state;
    for (int i = 0; i < IMAGES; i++) {
        (void)snprintf(names[i], sizeof names[i], "%d.jpg", i);
        images[i] = names[i];
    }
    strcpy(folder, "/tmp/test_eval_run_XXXXXX");
    if (!mkdtemp(folder)) return -1;
    (void)snprintf(file, sizeof file, "%s/p.tsv", folder);
    (void)snprintf(side, sizeof side, "%s.run", file);
    return 0;
}

/* A program that was killed leaves its temporary file, whatever its name. */
static int remove_folder(void **state)
{
    DIR *dir = opendir(folder);
    (void)state;
    if (!dir) return -1;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2) {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    (void)closedir(dir);
    return rmdir(folder);
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
}

static void assert_file(const char *expected)
{
    tool_text text;
    assert_true(tool_text_read(&text, file, 1 << 20, NULL));
    assert_string_equal(text.data, expected);
    tool_text_free(&text);
}

static eval_store *open_store(const char *settings)
{
    tool_error err = {{0}};
    eval_store *store = eval_store_open(file, settings, images, IMAGES, &err);
    if (!store) fail_msg("%s", err.message);
    return store;
}

static void assert_not_opened(const char *settings, const char *reason)
{
    tool_error err = {{0}};
    assert_null(eval_store_open(file, settings, images, IMAGES, &err));
    if (!strstr(err.message, reason)) fail_msg("\"%s\" does not say \"%s\"", err.message, reason);
}

/* ---- the predictions file ---- */

static void store_goes_on(void **state)
{
    eval_store *store = open_store("beams=5\n");
    (void)state;
    assert_true(eval_store_add(store, "a.jpg", "a dog", NULL));
    assert_true(eval_store_add(store, "b.jpg", "x\ty\nz", NULL));
    assert_file("a.jpg\ta dog\nb.jpg\tx y z\n"); /* there before closing */
    eval_store_close(&store);
    store = open_store("beams=5\n");
    assert_string_equal(eval_store_find(store, "a.jpg"), "a dog");
    assert_string_equal(eval_store_find(store, "b.jpg"), "x y z");
    assert_null(eval_store_find(store, "c.jpg"));
    assert_true(eval_store_add(store, "c.jpg", "", NULL));
    eval_store_close(&store);
    assert_file("a.jpg\ta dog\nb.jpg\tx y z\nc.jpg\t\n");
}

/* The lines of a run with beams=5 that were written, and what may stand behind them. */
static void begin_run(const char *content)
{
    eval_store *store = open_store("beams=5\n");
    eval_store_close(&store);
    put(file, content);
}

static void store_drops_torn_line(void **state)
{
    static const char *const torn[] = {"1", "1.jp", "1.jpg", "1.jpg\t", "1.jpg\ta c", "1.jpg\tcaf\xC3"};
    (void)state;
    for (size_t i = 0; i < sizeof torn / sizeof torn[0]; i++) {
        char content[64];
        (void)snprintf(content, sizeof content, "0.jpg\ta dog\n%s", torn[i]);
        begin_run(content);
        eval_store *store = open_store("beams=5\n");
        assert_null(eval_store_find(store, "1.jpg"));
        assert_true(eval_store_add(store, "1.jpg", "a cat", NULL));
        eval_store_close(&store);
        assert_file("0.jpg\ta dog\n1.jpg\ta cat\n");
        assert_int_equal(unlink(file), 0);
    }
    begin_run("0.jpg\ta d"); /* the first line of all */
    eval_store *store = open_store("beams=5\n");
    eval_store_close(&store);
    assert_file("");
}

/* What isn't a line of this run is nobody's to drop, whatever stands beside it. */
static void store_keeps_what_is_not_its_own(void **state)
{
    static const char *const foreign[] = {"{\"precious\": 1}", "{\"a\":\t1}", "60.jpg\ta dog",    "1.jpgs",
                                          "1.jp\ta dog",       " ",           "\357\273\2771.jpg"};
    (void)state;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        begin_run(foreign[i]);
        assert_not_opened("beams=5\n",
                          "p.tsv: what follows its last complete line is of no image of this run");
        assert_file(foreign[i]);
        assert_int_equal(unlink(side), 0);
        assert_not_opened("beams=5\n", "p.tsv: exists, and is not of a run that could go on (no ");
        assert_file(foreign[i]);
        assert_int_equal(access(side, F_OK), -1); /* nor is anything written beside it */
        assert_int_equal(unlink(file), 0);
    }
    begin_run("1.jpg\ta d"); /* of a run, but with other settings */
    assert_not_opened("beams=3\n", "was begun with beams=5, now beams=3");
    assert_file("1.jpg\ta d");
    /* a file of somebody else where the settings would go: the predictions aren't begun */
    assert_int_equal(unlink(file), 0);
    put(side, "shopping list\n");
    assert_not_opened("beams=5\n", "p.tsv.run: not a settings file of capeval run");
    assert_int_equal(access(file, F_OK), -1);
    put(file, ""); /* that file was there before: it stays */
    assert_not_opened("beams=5\n", "p.tsv.run: not a settings file of capeval run");
    assert_file("");
}

static void store_refuses(void **state)
{
    eval_store *store = open_store("model=1\nbeams=5\n");
    (void)state;
    eval_store_close(&store);
    store = open_store("model=1\nbeams=3\n"); /* no caption yet: any settings will do */
    assert_true(eval_store_add(store, "a.jpg", "x", NULL));
    eval_store_close(&store);
    assert_not_opened("model=1\nbeams=4\n", "p.tsv: was begun with beams=3, now beams=4");
    assert_not_opened("model=1\n", "was begun with beams=3, now :");
    put(file, "a.jpg\tx\na.jpg\ty\n");
    assert_not_opened("model=1\nbeams=3\n", "p.tsv:2: this image came before");
    put(file, "a.jpg x\n");
    assert_not_opened("model=1\nbeams=3\n", "p.tsv:1: not a line of a predictions file");
    put(side, "something else\n");
    assert_not_opened("model=1\nbeams=3\n", "p.tsv.run: not a settings file");
    assert_int_equal(unlink(side), 0);
    assert_not_opened("model=1\nbeams=3\n", "p.tsv: exists, and is not of a run that could go on");
    assert_file("a.jpg x\n"); /* untouched */
}

/* What is stored can be read again. */
static void store_takes_texts(void **state)
{
    static const struct {
        const char *image, *caption, *reason;
    } bad[] = {
        {"a.jpg", "a d\xFFg", "a.jpg: the caption is not UTF-8"},
        {"\xC0\x80.jpg", "a dog", "the name is not UTF-8"},
        {"a\tb.jpg", "a dog", "a name with a tab"},
        {"a\nb.jpg", "a dog", "or a newline"},
    };
    eval_store *store = open_store("a=1\n");
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tool_error err = {{0}};
        assert_false(eval_store_add(store, bad[i].image, bad[i].caption, &err));
        if (!strstr(err.message, bad[i].reason)) fail_msg("%s", err.message);
    }
    assert_true(eval_store_add(store, "\xC3\xA9.jpg", "caf\xC3\xA9", NULL));
    eval_store_close(&store);
    assert_file("\xC3\xA9.jpg\tcaf\xC3\xA9\n");
}

static void store_is_locked(void **state)
{
    eval_store *store = open_store("a=1\n");
    int status = 0;
    (void)state;
    assert_true(eval_store_add(store, "a.jpg", "x", NULL));
    pid_t child = fork();
    if (child == 0) {
        tool_error err = {{0}};
        _exit(!eval_store_open(file, "a=1\n", images, IMAGES, &err) && strstr(err.message, "another run")
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    eval_store_close(&store);
}

/* ---- threads ---- */

typedef struct fake {
    atomic_int workers, calls;
    bool fail_some, fail_open;
    long nanoseconds; /* each caption takes */
} fake;

static void *open_fake(void *context, tool_error *err)
{
    fake *f = context;
    if (f->fail_open) {
        (void)tool_fail(err, "no room");
        return NULL;
    }
    atomic_fetch_add(&f->workers, 1);
    return f;
}

static void close_fake(void *worker)
{
    fake *f = worker;
    atomic_fetch_sub(&f->workers, 1);
}

/* "caption of 12.jpg"; images whose number ends in 7 fail if asked to. */
static bool caption_fake(void *worker, const char *path, char *text, size_t size, tool_error *err)
{
    fake *f = worker;
    struct timespec pause = {0, f->nanoseconds};
    const char *name = strrchr(path, '/') + 1;
    atomic_fetch_add(&f->calls, 1);
    if (f->nanoseconds) (void)nanosleep(&pause, NULL);
    if (f->fail_some && strstr(name, "7.jpg")) return tool_fail(err, "%s: broken", path);
    (void)snprintf(text, size, "caption of %s", name);
    return true;
}

static bool run_fake(fake *f, int threads, eval_run *run, tool_error *err)
{
    eval_captioner captioner = {
        .context = f, .open = open_fake, .caption = caption_fake, .close = close_fake};
    memset(run, 0, sizeof *run);
    run->captioner = &captioner;
    run->threads = threads;
    run->folder = "nowhere";
    run->images = images;
    run->n_images = IMAGES;
    run->store = open_store("a=1\n");
    const bool ok = eval_run_images(run, err);
    eval_store_close(&run->store);
    assert_int_equal(f->workers, 0);
    return ok;
}

/* Every image once and with its own caption. */
static void assert_complete(void)
{
    eval_store *store = open_store("a=1\n");
    size_t lines = 0;
    for (size_t i = 0; i < IMAGES; i++) {
        char expected[64];
        (void)snprintf(expected, sizeof expected, "caption of %s", images[i]);
        assert_non_null(eval_store_find(store, images[i]));
        assert_string_equal(eval_store_find(store, images[i]), expected);
    }
    eval_store_close(&store);
    tool_text text;
    assert_true(tool_text_read(&text, file, 1 << 20, NULL));
    for (size_t i = 0; i < text.size; i++) lines += text.data[i] == '\n';
    assert_int_equal(lines, IMAGES);
    tool_text_free(&text);
}

static void failed_images_are_tried_again(void **state)
{
    fake f = {.fail_some = true, .nanoseconds = 100000};
    tool_error err = {{0}};
    (void)state;
    eval_run run;
    assert_true(run_fake(&f, 4, &run, &err));
    assert_int_equal(f.calls, IMAGES);
    assert_int_equal(run.failed, 6); /* 7, 17 ... 57 */
    assert_non_null(strstr(run.first_failure.message, "7.jpg: broken"));
    assert_int_equal(run.captioned, IMAGES - 6);
    f.fail_some = false;
    assert_true(run_fake(&f, 3, &run, &err));
    assert_int_equal(f.calls, IMAGES + 6);
    assert_int_equal(run.earlier, IMAGES - 6);
    assert_int_equal(run.captioned, 6);
    assert_true(run_fake(&f, 2, &run, &err));
    assert_int_equal(f.calls, IMAGES + 6);
    assert_complete();
}

static void worker_cannot_start(void **state)
{
    fake f = {.fail_open = true};
    tool_error err = {{0}};
    (void)state;
    eval_run run;
    assert_false(run_fake(&f, 2, &run, &err));
    assert_string_equal(err.message, "no room");
}

/* Bytes of a file; 0 where there is none. */
static long size_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (long)info.st_size : 0;
}

static void killed_and_resumed(void **state)
{
    (void)state;
    for (int round = 0; round < 4; round++) {
        const long before = size_of(file);
        const pid_t child = fork();
        if (child == 0) {
            fake f = {.nanoseconds = 2000000};
            eval_run run;
            (void)run_fake(&f, 3, &run, NULL);
            _exit(0);
        }
        /* it is killed after it has written a caption; or it ends, because none was left to write */
        int status;
        pid_t ended = 0;
        for (int i = 0; i < 10000 && !ended && size_of(file) <= before; i++) {
            (void)nanosleep(&(struct timespec){0, 1000000}, NULL);
            ended = waitpid(child, &status, WNOHANG);
        }
        (void)nanosleep(&(struct timespec){0, round * 3000000L}, NULL);
        if (!ended) {
            (void)kill(child, SIGKILL);
            ended = waitpid(child, &status, 0);
        }
        assert_int_equal(ended, child);
    }
    {
        fake f = {0};
        eval_run run;
        assert_true(run_fake(&f, 2, &run, NULL));
        assert_true(run.earlier > 0);
        assert_int_equal(run.earlier + run.captioned, IMAGES);
        assert_int_equal(f.calls, run.captioned); /* nothing twice */
    }
    assert_complete();
}

/* ---- lists of images ---- */

static void lists(void **state)
{
    tool_error err = {{0}};
    (void)state;
    put(file, "a.jpg,x\nb.jpg,y\nc.jpg,z\n");
    eval_refs *refs = eval_refs_read(file, &err);
    assert_non_null(refs);
    size_t n;
    const char **chosen = eval_refs_list(refs, NULL, &n, &err);
    assert_non_null(chosen);
    assert_int_equal(n, 3);
    assert_string_equal(chosen[2], "c.jpg");
    free(chosen);
    put(file, "\xEF\xBB\xBF"
              "c.jpg\r\n\r\na.jpg \nb.jpg");
    chosen = eval_refs_list(refs, file, &n, &err);
    assert_non_null(chosen);
    assert_int_equal(n, 3);
    assert_string_equal(chosen[0], "c.jpg");
    assert_string_equal(chosen[1], "a.jpg");
    free(chosen);
    put(file, "c.jpg\nq.jpg\n");
    assert_null(eval_refs_list(refs, file, &n, &err));
    assert_non_null(strstr(err.message, "p.tsv:2: q.jpg: no reference captions for this image"));
    err.message[0] = '\0';
    put(file, "c.jpg\n\nc.jpg\n");
    assert_null(eval_refs_list(refs, file, &n, &err));
    assert_non_null(strstr(err.message, "p.tsv:3: c.jpg: this image came before"));
    err.message[0] = '\0';
    put(file, "");
    assert_null(eval_refs_list(refs, file, &n, &err));
    assert_non_null(strstr(err.message, "no images"));
    eval_refs_free(&refs);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(store_goes_on),
        TEST(store_drops_torn_line),
        TEST(store_keeps_what_is_not_its_own),
        TEST(store_refuses),
        TEST(store_takes_texts),
        TEST(store_is_locked),
        TEST(failed_images_are_tried_again),
        TEST(worker_cannot_start),
        TEST(killed_and_resumed),
        TEST(lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
