/* Runs the tools that were built; see run_tools.h. */
#define _XOPEN_SOURCE 700 /* posix_openpt */
#include "test/run_tools.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <caption.h>

#include "test/make_model.h"
#include "tools/common/text.h"

char dir[] = "/tmp/test_tools_XXXXXX";
unsigned char *model_bytes;
size_t model_size;
char out[LIMIT], err[LIMIT];
static char bin[PATH];

static void slurp(char *to, const char *name)
{
    char path[PATH];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    tool_text text;
    assert_true(tool_text_read(&text, path, LIMIT - 1, NULL));
    memcpy(to, text.data, text.size + 1);
    tool_text_free(&text);
}

static void make_command(char command[2 * COMMAND], const char *arguments, const char *redirection)
{
    (void)snprintf(command, 2 * COMMAND, "D=%s; PATH=%s:$PATH; { %s; }%s", dir, bin, arguments, redirection);
}

static int exit_code(int status)
{
    return WIFEXITED(status) && WEXITSTATUS(status) < 126 ? WEXITSTATUS(status) : -1;
}

int run(const char *format, ...)
{
    char arguments[COMMAND], command[2 * COMMAND];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(arguments, sizeof arguments, format, list);
    va_end(list);
    make_command(command, arguments, " >$D/out 2>$D/err");
    const int status = system(command);
    slurp(out, "out");
    slurp(err, "err");
    return exit_code(status);
}

/* The child's side: a terminal of its own for standard output and error. */
static void exec_on(const char *terminal, const char *command)
{
    (void)setsid();
    const int fd = open(terminal, O_RDWR);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0) _exit(127);
    (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

int run_on_terminal(int columns, const char *format, ...)
{
    char arguments[COMMAND], command[2 * COMMAND];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(arguments, sizeof arguments, format, list);
    va_end(list);
    make_command(command, arguments, "");
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    const struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = 30};
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
    /* held open, so that what the child wrote is not lost when it ends */
    const int held = open(ptsname(master), O_RDWR | O_NOCTTY);
    const pid_t child = fork();
    if (child == 0) exec_on(ptsname(master), command);
    (void)close(held);
    size_t used = 0;
    ssize_t got = 0;
    while ((got = read(master, out + used, LIMIT - 1 - used)) > 0 || (got < 0 && errno == EINTR)) {
        used += got > 0 ? (size_t)got : 0;
    }
    out[used] = err[0] = '\0';
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(master);
    return exit_code(status);
}

size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += *text == '\n';
    return n;
}

void assert_refused(int code, int wanted, const char *reason)
{
    if (code != wanted || !strstr(err, reason)) {
        fail_msg("exit code %d instead of %d, '%s' not in: %s", code, wanted, reason, err);
    }
    assert_string_equal(out, "");
}

void put(const char *name, const void *data, size_t size)
{
    char path[PATH];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static void put_model(const char *name, caption_kind kind, bool int8)
{
    make_model_options options;
    size_t size = 0;
    make_model_defaults(&options);
    options.kind = kind;
    options.int8 = options.fine = int8;
    options.input = INPUT;
    unsigned char *data = make_model(&options, &size);
    assert_non_null(data);
    put(name, data, size);
    if (strcmp(name, "m.capw") == 0) {
        model_bytes = data;
        model_size = size;
    } else {
        free(data);
    }
}

int run_tools_begin(const char *program)
{
    /* BUILD/test/tools/test_NAME: the tools are two folders up */
    const char *slash = program ? strrchr(program, '/') : NULL;
    char here[PATH];
    if (!slash || !getcwd(here, sizeof here) || !mkdtemp(dir)) return -1;
    if (snprintf(bin, sizeof bin, "%s/%.*s/../..", program[0] == '/' ? "" : here, (int)(slash - program),
                 program) >= PATH) {
        return -1;
    }
    put_model("b.capw", CAPTION_KIND_BASELINE, false);
    put_model("i.capw", CAPTION_KIND_ATTENTION, true);
    put_model("m.capw", CAPTION_KIND_ATTENTION, false);
    if (run("mkdir $D/pics $D/pics/inner $D/none && cp test/vectors/a.jpg test/vectors/c.png $D/pics &&"
            " cp test/vectors/b.jpg $D/pics/inner") != 0) {
        return -1;
    }
    tool_text photo;
    if (!tool_text_read(&photo, "test/vectors/a.jpg", LIMIT, NULL)) return -1;
    put("broken.jpg", photo.data, photo.size / 2);
    put("stub.jpg", photo.data, 20);
    put("empty.jpg", "", 0);
    put("text.jpg", "not an image\n", 13);
    tool_text_free(&photo);
    return 0;
}

int run_tools_end(void)
{
    free(model_bytes);
    char command[PATH];
    (void)snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}
