/* Keeps what a process covered when it ends without exit(): linked into every program of a coverage build,
 * where the linker sends calls of _exit and raise here (--wrap).
 *
 * gcov adds a process's counts to the .gcda files when it ends.  A process that may not write files of that
 * size would damage them, so what it covered is left out. */
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    LARGEST = 1 << 22, /* bytes of a .gcda file, and far more than any has */
    SECONDS = 300      /* the longest that writing all of them takes, on a busy machine */
};

void __gcov_dump(void);
void __gcov_reset(void);
_Noreturn void __real__exit(int code);
int __real_raise(int number);
_Noreturn void __wrap__exit(int code);
int __wrap_raise(int number);

static bool may_write(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    if (limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= LARGEST) return true;
    const bool liftable = limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= LARGEST;
    limit.rlim_cur = limit.rlim_max;
    return liftable && setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

/* A signal may have interrupted malloc, which writing needs: then the process must not wait for ever. */
static void keep(void)
{
    if (!may_write()) return;
    (void)alarm(SECONDS);
    __gcov_dump();
    __gcov_reset(); /* what follows is counted anew */
    (void)alarm(0);
}

void __wrap__exit(int code)
{
    keep();
    __real__exit(code);
}

int __wrap_raise(int number)
{
    keep();
    return __real_raise(number);
}

/* The other way out is exit(), which calls gcov by itself: where it may not write, it is sent to a place that
 * is not there. */
__attribute__((constructor)) static void begin(void)
{
    if (!may_write()) (void)setenv("GCOV_PREFIX", "/dev/null/", 1);
}
