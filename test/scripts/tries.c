/* tries.c - a library to be preloaded: when a program ends, tries what a confined one must not be able to do,
 * and writes to standard error what it could.  TRIES_FOLDER names a folder that the program has no output in.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void report(const char *what, int could)
{
    char line[80];
    const int size = snprintf(line, sizeof line, "tries: %s: %s\n", what, could ? "could" : "refused");
    (void)!write(2, line, (size_t)size);
}

static int can_write(const char *folder)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/tries", folder);
    const int fd = open(path, O_WRONLY | O_CREAT, 0600);
    if (fd >= 0) (void)close(fd);
    return fd >= 0;
}

static int can_start(void)
{
    const pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) (void)waitpid(child, NULL, 0);
    return child > 0;
}

/* A program that is started successfully doesn't come back; then nothing more is reported. */
static int can_run(void)
{
    char *const arguments[] = {(char *)"true", NULL};
    char *const nothing[] = {NULL}; /* not this library once more */
    (void)execve("/bin/true", arguments, nothing);
    return 0;
}

__attribute__((destructor)) static void try_all(void)
{
    const char *folder = getenv("TRIES_FOLDER");
    if (!folder) return;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/there", folder);
    report("write", can_write(folder));
    report("change", open(path, O_WRONLY) >= 0);
    report("remove", unlink(path) == 0);
    report("mode", chmod(folder, 0700) == 0);
    report("socket", socket(AF_INET, SOCK_STREAM, 0) >= 0);
    report("process", can_start());
    report("read", access(folder, R_OK) == 0 && open("/etc/passwd", O_RDONLY) >= 0);
    report("program", can_run());
}
