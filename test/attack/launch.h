/* launch.h - runs one tool as a process, in surroundings that a test chooses, and keeps what comes out.
 *
 * What must not happen to a test, hanging and filling the disk, is limited always. */
#ifndef TEST_LAUNCH_H
#define TEST_LAUNCH_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "tools/common/text.h"

enum { LAUNCH_PATH = 1024, LAUNCH_ARGUMENTS = 32, LAUNCH_SANITIZER_CODE = 99 };

/* What the words of a command's line stand for. */
typedef struct launch_places {
    const char *tools;  /* the folder of the programs; the first word is one of them */
    const char *corpus; /* CORPUS; % is its folder `good` */
    const char *folder; /* of this worker: it has OUT, which is for the command's files; REFS and LIST */
    const char *file;   /* @ */
} launch_places;

typedef struct launch {
    char *arguments[LAUNCH_ARGUMENTS + 1]; /* owned */
    int count;
    const char *folder; /* for standard output and error */
    /* the surroundings; all zero: none of this */
    bool closed[3];       /* standard descriptors */
    const char *in, *out; /* in their place; NULL: /dev/null, and a file that is read back */
    unsigned resource;    /* RLIMIT_...; is set where `most` isn't 0 */
    rlim_t most;
    bool nobody;                                /* as a user without rights, where this one has them */
    int signal;                                 /* is sent */
    long after;                                 /* microseconds, or earlier the end */
    void (*meanwhile)(void *user, pid_t child); /* is called once the process runs */
    void *user;
    /* what came out */
    int status;
    struct rusage usage;
    tool_text text, err; /* of standard output and error */
} launch;

/* Begins with a command's line, filled in. */
void launch_begin(launch *l, const launch_places *places, const char *line);

/* Runs it.  Ends the test where that can't be done. */
void launch_run(launch *l);

void launch_free(launch *l);

/* "exit code 1", "signal 11". */
void launch_describe(const launch *l, char text[64]);

/* Why its end is none that a tool may have; NULL where it may.  Exit code 2 is one too. */
const char *launch_bad_end(const launch *l, char text[64]);

/* Why standard error is not made of plain messages of the tool; NULL where it is. */
const char *launch_bad_messages(const launch *l);

/* What is wrong with the page OUT/x.html of capdemo --html; NULL where nothing is, or no page. */
const char *launch_bad_page(const char *folder);

/* Counts the files of OUT; *temporary: one of them is a temporary. */
int launch_count_files(const char *folder, bool *temporary);

/* Removes the files of OUT, and makes it where it isn't there. */
void launch_empty(const char *folder);

/* For all processes: the locale, and how sanitizers report. */
void launch_environment(void);

#endif
