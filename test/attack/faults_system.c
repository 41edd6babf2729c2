/* faults_system.c - full and read-only disks, limits of memory, descriptors, sizes and processes; see
 * faults.c. */
#define _GNU_SOURCE /* unshare */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sched.h>
#include <sys/mount.h>
#endif

#include "test/attack/faults.h"
#include "test/tools/torch_maker.h"

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
        for (size_t i = 0; i < WRITERS && code == 0; i++) code = disk(&writers[i]) ? 0 : 77;
        (void)fflush(stdout);
        _exit(code ? code : any_wrong() ? 1 : 0);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 1;
    return WEXITSTATUS(status);
}

void test_disks(void)
{
    const int full = try_disks(full_disk), read_only = try_disks(read_only_disk);
    if (full == 77 || read_only == 77) {
        skip("full and read-only disks", "this user can't mount");
        return;
    }
    if (full != 0) wrong_itself("full disks");
    report("a full disk is an error in words and leaves nothing");
    if (read_only != 0) wrong_itself("read-only disks");
    report("so is a disk that is read-only");
}

#else

void test_disks(void)
{
    skip("full and read-only disks", "there are no name spaces");
}

#endif

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
    if (sanitizers) {
        skip("limits of processes", "a sanitizer needs one of its own");
        return;
    }
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

void test_limits(void)
{
    limits_of_memory();
    limits_of_files();
    limits_of_size();
    limits_of_processes();
}
