/* launch.c - runs one tool as a process; see launch.h. */
#define _GNU_SOURCE /* wait4, setgroups */
#include "test/attack/launch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    HANG_SECONDS = 120 /* the machine may be busy with other work */,
    MOST_TEXT = 1 << 24,
    NOBODY = 65534
};

#define MOST_FILE ((rlim_t)1 << 28)

static void give_up(const char *what)
{
    perror(what);
    exit(2);
}

/* ---- command lines ---- */

static void add_word(launch *l, const launch_places *p, const char *word)
{
    char text[2 * LAUNCH_PATH];
    if (l->count == 0) {
        (void)snprintf(text, sizeof text, "%s/%s", p->tools, word);
    } else if (strcmp(word, "@") == 0) {
        (void)snprintf(text, sizeof text, "%s", p->file);
    } else if (word[0] == '%') {
        (void)snprintf(text, sizeof text, "%s/good%s", p->corpus, word + 1);
    } else if (strncmp(word, "CORPUS", 6) == 0) {
        (void)snprintf(text, sizeof text, "%s%s", p->corpus, word + 6);
    } else if (strncmp(word, "OUT", 3) == 0 || strcmp(word, "REFS") == 0 || strcmp(word, "LIST") == 0) {
        (void)snprintf(text, sizeof text, "%s/%s", p->folder, word);
    } else {
        (void)snprintf(text, sizeof text, "%s", word);
    }
    if (l->count == LAUNCH_ARGUMENTS || !(l->arguments[l->count++] = strdup(text))) abort();
}

void launch_begin(launch *l, const launch_places *places, const char *line)
{
    char words[512];
    memset(l, 0, sizeof *l);
    l->folder = places->folder;
    (void)snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word; word = strtok(NULL, " ")) add_word(l, places, word);
}

/* ---- the process ---- */

static void replace_descriptor(int number, const char *path, int flags)
{
    const int fd = open(path, flags, 0600);
    if (fd < 0 || dup2(fd, number) < 0) _exit(126);
    if (fd != number) (void)close(fd);
}

static void set_limit(unsigned what, rlim_t most)
{
    const struct rlimit both = {most, most};
    (void)setrlimit(what, &both);
}

/* The child's side.  Standard error comes last, for what fails before is said there. */
static void become(const launch *l)
{
    char path[LAUNCH_PATH];
    const int write_new = O_WRONLY | O_CREAT | O_TRUNC;
    replace_descriptor(STDIN_FILENO, l->in ? l->in : "/dev/null", O_RDONLY);
    (void)snprintf(path, sizeof path, "%s/out", l->folder);
    replace_descriptor(STDOUT_FILENO, l->out ? l->out : path, l->out ? O_WRONLY : write_new);
    (void)snprintf(path, sizeof path, "%s/err", l->folder);
    replace_descriptor(STDERR_FILENO, path, write_new);
    for (int i = 0; i < 3; i++) {
        if (l->closed[i]) (void)close(i);
    }
    (void)alarm(HANG_SECONDS); /* stays set through exec */
    set_limit(RLIMIT_CORE, 0);
    set_limit(RLIMIT_FSIZE, MOST_FILE);
    if (l->nobody && getuid() == 0 &&
        (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)) {
        _exit(126);
    }
    if (l->most) set_limit(l->resource, l->most);
    (void)execv(l->arguments[0], l->arguments);
    _exit(127);
}

static void send_signal(const launch *l, pid_t child)
{
    const struct timespec pause = {l->after / 1000000, l->after % 1000000 * 1000};
    (void)nanosleep(&pause, NULL);
    (void)kill(child, l->signal); /* it wasn't waited for, so its number is still its own */
}

static void read_back(const launch *l, const char *name, tool_text *text)
{
    char path[LAUNCH_PATH];
    (void)snprintf(path, sizeof path, "%s/%s", l->folder, name);
    if (!tool_text_read(text, path, MOST_TEXT, NULL)) {
        text->data = calloc(1, 1);
        text->size = 0;
    }
}

void launch_run(launch *l)
{
    (void)fflush(stdout);
    const pid_t child = fork();
    if (child < 0) give_up("fork");
    if (child == 0) become(l);
    if (l->meanwhile) l->meanwhile(l->user, child);
    if (l->signal) send_signal(l, child);
    if (wait4(child, &l->status, 0, &l->usage) != child) give_up("wait");
    tool_text_free(&l->text);
    tool_text_free(&l->err);
    read_back(l, "out", &l->text);
    read_back(l, "err", &l->err);
}

void launch_free(launch *l)
{
    for (int i = 0; i < l->count; i++) free(l->arguments[i]);
    tool_text_free(&l->text);
    tool_text_free(&l->err);
}

/* ---- its end ---- */

void launch_describe(const launch *l, char text[64])
{
    if (WIFSIGNALED(l->status)) {
        (void)snprintf(text, 64, "signal %d", WTERMSIG(l->status));
    } else {
        (void)snprintf(text, 64, "exit code %d", WEXITSTATUS(l->status));
    }
}

const char *launch_bad_end(const launch *l, char text[64])
{
    if (WIFSIGNALED(l->status) && WTERMSIG(l->status) == SIGALRM) return "hangs";
    const bool code = WIFEXITED(l->status) && WEXITSTATUS(l->status) == LAUNCH_SANITIZER_CODE;
    if (code || strstr(l->err.data, "Sanitizer") || strstr(l->err.data, "runtime error:")) {
        return "a sanitizer's report";
    }
    launch_describe(l, text);
    return WIFEXITED(l->status) && WEXITSTATUS(l->status) <= 1 ? NULL : text;
}

/* Whether a line has nothing that a terminal acts on. */
static bool is_plain(const char *line, size_t size)
{
    if (tool_utf8_check(line, size) != size) return false;
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)line[i], next = (unsigned char)line[i + 1];
        if (c < 0x20 || c == 0x7F || (c == 0xC2 && next < 0xA0)) return false;
    }
    return true;
}

static bool starts(const char *line, size_t size, const char *with)
{
    const size_t length = strlen(with);
    return size > length && memcmp(line, with, length) == 0;
}

const char *launch_bad_messages(const launch *l)
{
    char prefix[64];
    tool_lines lines;
    const char *slash = strrchr(l->arguments[0], '/');
    (void)snprintf(prefix, sizeof prefix, "%s: ", slash + 1);
    tool_lines_begin(&lines, l->err.data, l->err.size);
    while (tool_lines_next(&lines)) {
        if (!is_plain(lines.line, lines.length)) return "a control character in a message";
        if (!starts(lines.line, lines.length, prefix) && !starts(lines.line, lines.length, "Try '")) {
            return "a line that is no message";
        }
    }
    return l->status != 0 && l->err.size == 0 && !l->closed[STDERR_FILENO] ? "failed without a message"
                                                                           : NULL;
}

/* ---- OUT ---- */

int launch_count_files(const char *folder, bool *temporary)
{
    char path[LAUNCH_PATH];
    int count = 0;
    (void)snprintf(path, sizeof path, "%s/OUT", folder);
    DIR *dir = opendir(path);
    for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        count++;
        if (entry->d_name[0] == '.') *temporary = true;
    }
    if (dir) (void)closedir(dir);
    return count;
}

void launch_empty(const char *folder)
{
    char path[LAUNCH_PATH], name[2 * LAUNCH_PATH];
    (void)snprintf(path, sizeof path, "%s/OUT", folder);
    if (mkdir(path, 0777) == 0) (void)chmod(path, 0777);
    DIR *dir = opendir(path);
    for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL;) {
        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        (void)unlink(name);
    }
    if (dir) (void)closedir(dir);
}

void launch_environment(void)
{
    (void)unsetenv("CAPTION_MODEL");
    (void)setenv("LC_ALL", "C.UTF-8", 1);
    (void)setenv("ASAN_OPTIONS",
                 "detect_leaks=1:allocator_may_return_null=1:hard_rss_limit_mb=4000:exitcode=99", 1);
    (void)setenv("UBSAN_OPTIONS", "print_stacktrace=1:exitcode=99", 1);
}
