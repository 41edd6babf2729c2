/* What a tool does when a mapped file is made shorter; see mapped.h.
 *
 * The handler calls nothing but functions that a handler may call: stat, write, unlink, _exit.  So the
 * messages are put together beforehand. */
#include "tools/common/mapped.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/clean.h"
#include "tools/common/cli.h"
#include "tools/common/outfile.h"

enum {
    MAX_FILES = 2, /* capeval run --compare has two models */
    PATH_BYTES = 4096,
    MESSAGE_BYTES = 6000
};

/* A slot is filled before it is counted: the handler sees finished ones only. */
static struct {
    char path[PATH_BYTES];
    off_t size;
    char message[MESSAGE_BYTES];
    size_t length;
} files[MAX_FILES];
static atomic_int file_count;
static atomic_int ending;
static char tool_name[32];

/* The file that is shorter than it was, or else the first. */
static int find_file(void)
{
    const int count = atomic_load(&file_count);
    for (int i = 0; i < count; i++) {
        struct stat info;
        if (stat(files[i].path, &info) == 0 && info.st_size < files[i].size) return i;
    }
    return 0;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_code != BUS_ADRERR || atomic_load(&file_count) == 0) {
        (void)signal(number, SIG_DFL);
        (void)raise(number); /* delivered when this handler returns */
        return;
    }
    if (atomic_exchange(&ending, 1)) { /* another thread is at it already */
        for (;;) (void)pause();
    }
    const int i = find_file();
    const ssize_t wrote = write(STDERR_FILENO, files[i].message, files[i].length);
    (void)wrote;
    tool_outfile_remove_all();
    _exit(TOOL_EXIT_FAILED);
}

void tool_mapped_start(const char *tool)
{
    struct sigaction action;
    (void)snprintf(tool_name, sizeof tool_name, "%s", tool);
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO;
    (void)sigfillset(&action.sa_mask);
    (void)sigaction(SIGBUS, &action, NULL);
}

void tool_mapped_watch(const char *path)
{
    struct stat info;
    char name[MESSAGE_BYTES - 128];
    const int i = atomic_load(&file_count);
    if (i >= MAX_FILES || strlen(path) >= PATH_BYTES || stat(path, &info) != 0) return;
    (void)strcpy(files[i].path, path);
    files[i].size = info.st_size;
    tool_clean(name, sizeof name, path);
    const int length = snprintf(files[i].message, MESSAGE_BYTES,
                                "%s: %s: the file became shorter while it was read\n", tool_name, name);
    files[i].length = length < 0 ? 0 : (size_t)length;
    atomic_store(&file_count, i + 1);
}
