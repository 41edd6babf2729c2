/* Tests of output files, on file systems with files that have no name yet and on others.  Makes its own files
 * in a temporary folder. */
#define _GNU_SOURCE /* O_TMPFILE */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "test/tools/scratch.h"
#include "tools/common/outfile.h"
#include "tools/common/text.h"

/* ---- a file system without O_TMPFILE ---- */

#if !defined(O_TMPFILE)
#define O_TMPFILE 0
#endif

static bool refuse_unnamed;

/* Stands before the C library's. */
int open(const char *path, int flags, ...)
{
    va_list more;
    va_start(more, flags);
    const unsigned mode =
        flags & O_CREAT || (O_TMPFILE && (flags & O_TMPFILE) == O_TMPFILE) ? va_arg(more, unsigned) : 0;
    va_end(more);
    if (O_TMPFILE && refuse_unnamed && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return openat(AT_FDCWD, path, flags, mode);
}

/* Whether files in the test folder can be without a name, now. */
static bool has_unnamed(void)
{
    const int fd = O_TMPFILE ? open(folder, O_TMPFILE | O_RDWR, 0600) : -1;
    if (fd >= 0) (void)close(fd);
    return fd >= 0 && access("/proc/self/fd", X_OK) == 0;
}

/* ---- the folder ---- */

/* Entries in the test folder, without . and .. */
static int entries(void)
{
    DIR *dir = opendir(folder);
    int n = 0;
    assert_non_null(dir);
    while (readdir(dir)) n++;
    (void)closedir(dir);
    return n - 2;
}

static int make_folder(void **state)
{
    (void)state;
    refuse_unnamed = false;
    strcpy(folder, "/tmp/test_outfile_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int make_folder_for_names(void **state)
{
    const int code = make_folder(state);
    refuse_unnamed = true;
    return code;
}

static int remove_folder(void **state)
{
    (void)state;
    refuse_unnamed = false;
    (void)unlink(in_folder(0, "a"));
    (void)unlink(in_folder(0, "b"));
    return rmdir(folder);
}

/* ---- tests ---- */

static void commit_replaces(void **state)
{
    const char *path = in_folder(0, "a");
    tool_error err = {{0}};
    mode_t mask = umask(027);
    (void)state;
    put(path, "old");
    tool_outfile *out = tool_outfile_open(path, &err);
    assert_non_null(out);
    assert_true(tool_outfile_write(out, "....rest", 8, &err));
    assert_true(tool_outfile_seek(out, 0, &err));
    assert_true(tool_outfile_write(out, "head", 4, &err));
    assert_content(path, "old");
    assert_int_equal(entries(), has_unnamed() ? 1 : 2);
    assert_true(tool_outfile_commit(&out, &err));
    (void)umask(mask);
    assert_null(out);
    assert_content(path, "headrest");
    assert_int_equal(entries(), 1);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

/* A reserved file has its size at once, and zeros where nothing is written. */
static void reserve_sizes(void **state)
{
    enum { SIZE = (2 << 20) + 5 };
    const char *path = in_folder(0, "a");
    tool_error err = {{0}};
    tool_text text;
    struct stat info;
    (void)state;
    tool_outfile *out = tool_outfile_open(path, &err);
    assert_non_null(out);
    assert_true(tool_outfile_reserve(out, SIZE, &err));
    assert_int_equal(fstat(fileno(tool_outfile_stream(out)), &info), 0);
    assert_int_equal(info.st_size, SIZE);
    assert_true(tool_outfile_write(out, "head", 4, &err));
    assert_true(tool_outfile_commit(&out, &err));
    assert_true(tool_text_read(&text, path, SIZE, &err));
    assert_int_equal(text.size, SIZE);
    assert_memory_equal(text.data, "head", 4);
    for (size_t i = 4; i < SIZE; i++) assert_int_equal(text.data[i], 0);
    tool_text_free(&text);
}

/* Where the disk can't hold it, nothing is written first. */
static void reserve_too_much(void **state)
{
    const struct rlimit little = {100, 100};
    int status = 0;
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        tool_error err = {{0}};
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &little);
        tool_outfile *out = tool_outfile_open(in_folder(0, "a"), &err);
        if (!out || tool_outfile_reserve(out, 1000, &err)) _exit(3);
        tool_outfile_abort(&out);
        _exit(strstr(err.message, "/a: File too large") ? 0 : 4);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(entries(), 0);
}

static void abort_removes(void **state)
{
    const char *path = in_folder(0, "a");
    tool_error err = {{0}};
    tool_outfile *out = tool_outfile_open(path, &err);
    (void)state;
    assert_non_null(out);
    assert_true(tool_outfile_write(out, "x", 1, &err));
    tool_outfile_abort(&out);
    tool_outfile_abort(&out);
    assert_int_equal(entries(), 0);
}

static void bad_targets(void **state)
{
    tool_error err = {{0}};
    (void)state;
    assert_null(tool_outfile_open(folder, &err));
    assert_non_null(strstr(err.message, "is a folder"));
    assert_non_null(strstr(err.message, folder));
    err.message[0] = '\0';
    assert_null(tool_outfile_open(in_folder(0, "none/a"), &err));
    assert_non_null(strstr(err.message, "none/a: cannot create a file in its folder: No such file"));
    err.message[0] = '\0';
    assert_null(tool_outfile_open("", &err));
    assert_true(err.message[0] != '\0');
}

static void link_stays(void **state)
{
    tool_error err = {{0}};
    (void)state;
    put(in_folder(0, "a"), "old");
    assert_int_equal(symlink("a", in_folder(1, "b")), 0);
    tool_outfile *out = tool_outfile_open(scratch[1], &err);
    assert_non_null(out);
    assert_true(tool_outfile_write(out, "new", 3, &err));
    assert_true(tool_outfile_commit(&out, &err));
    struct stat info;
    assert_int_equal(lstat(scratch[1], &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_content(scratch[0], "new");
}

static void device_written_directly(void **state)
{
    tool_error err = {{0}};
    tool_outfile *out = tool_outfile_open("/dev/null", &err);
    (void)state;
    assert_non_null(out);
    assert_true(tool_outfile_write(out, "x", 1, &err));
    assert_true(tool_outfile_commit(&out, &err));
    struct stat info;
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
}

static void full_disk(void **state)
{
    tool_error err = {{0}};
    tool_outfile *out = access("/dev/full", W_OK) == 0 ? tool_outfile_open("/dev/full", &err) : NULL;
    (void)state;
    if (!out) skip();
    (void)fputs("x", tool_outfile_stream(out));
    assert_false(tool_outfile_commit(&out, &err));
    assert_string_equal(err.message, "/dev/full: No space left on device");
}

/* A child opens a file, writes to it, and is ended by a signal. */
static void end_child(int number)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit none = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &none);
        tool_outfile *out = tool_outfile_open(in_folder(0, "a"), NULL);
        if (!out || entries() != !has_unnamed()) _exit(3);
        (void)fputs("x", tool_outfile_stream(out));
        (void)fflush(tool_outfile_stream(out));
        (void)raise(number);
        _exit(4);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), number); /* the parent sees the real cause */
}

static const int ending[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGPIPE,
                             SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU, SIGXFSZ};

static void signals_leave_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++) {
        end_child(ending[i]);
        assert_int_equal(entries(), 0);
    }
}

static void kill_leaves_nothing(void **state)
{
    (void)state;
    if (!has_unnamed()) skip();
    end_child(SIGKILL);
    assert_int_equal(entries(), 0);
}

/* Names that are taken already (their numbers count from 0) are passed over, and stay. */
static void taken_names(void **state)
{
    tool_error err = {{0}};
    char taken[64];
    (void)state;
    for (unsigned n = 0; n < 64; n++) {
        (void)snprintf(taken, sizeof taken, ".capout-%ld-%u.tmp", (long)getpid(), n);
        put(in_folder(1, taken), "theirs");
    }
    tool_outfile *out = tool_outfile_open(in_folder(0, "a"), &err);
    assert_non_null(out);
    (void)fputs("ours", tool_outfile_stream(out));
    assert_true(tool_outfile_commit(&out, &err));
    assert_content(scratch[0], "ours");
    assert_int_equal(entries(), 64 + 1);
    for (unsigned n = 0; n < 64; n++) {
        (void)snprintf(taken, sizeof taken, ".capout-%ld-%u.tmp", (long)getpid(), n);
        assert_content(in_folder(1, taken), "theirs");
        (void)unlink(scratch[1]);
    }
}

/* Every test in a folder with files without names, if it has them, and in one without. */
#define BOTH(f)                                                     \
    cmocka_unit_test_setup_teardown(f, make_folder, remove_folder), \
        cmocka_unit_test_setup_teardown(f, make_folder_for_names, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(commit_replaces),
        BOTH(reserve_sizes),
        BOTH(reserve_too_much),
        BOTH(abort_removes),
        BOTH(bad_targets),
        BOTH(link_stays),
        BOTH(signals_leave_nothing),
        BOTH(taken_names),
        cmocka_unit_test_setup_teardown(kill_leaves_nothing, make_folder, remove_folder),
        cmocka_unit_test(device_written_directly),
        cmocka_unit_test(full_disk),
    };
    /* nohup, and a shell that starts something in the background, have some ignored */
    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++) (void)signal(ending[i], SIG_DFL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
