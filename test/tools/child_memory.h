/* How much memory some work takes, measured in a process of its own.
 *
 * Everything is static. */
#ifndef TEST_CHILD_MEMORY_H
#define TEST_CHILD_MEMORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* Whether the figures mean something: AddressSanitizer keeps what was freed, and some systems count
 * otherwise. */
#if defined(__SANITIZE_ADDRESS__) || !defined(__linux__)
#define CHILD_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CHILD_MEMORY 0
#endif
#endif
#ifndef CHILD_MEMORY
#define CHILD_MEMORY 1
#endif

/* Bytes of the largest child so far, after one that did the work, which must return true.  So do the smaller
 * work first. */
static inline double child_memory(bool (*work)(void *context), void *context)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (!child) _exit(!work(context));
    int status = 1;
    struct rusage usage;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(getrusage(RUSAGE_CHILDREN, &usage), 0);
    return (double)usage.ru_maxrss * 1024;
}

#endif
