/* faults.h - what the tests of faults.c share. */
#ifndef TEST_FAULTS_H
#define TEST_FAULTS_H

#include "test/attack/launch.h"

enum { MANY = 12 /* pictures, so that a run takes a while */ };

/* Where everything is, and how it is tested. */
extern launch_places places;
extern bool sanitizers; /* the tools have them */
extern int turns;       /* how many moments are tried */

/* ---- what is run ---- */

typedef struct writer {
    const char *line;
    const char *result; /* what it writes first: named when that fails */
    bool keeps;         /* what it has written so far, to go on with it */
} writer;

enum { CONVERT = 3, CONVERT_INT8 = 4, RUN_WRITER = 6, WRITERS = 8 };
extern const writer writers[WRITERS];

/* ---- reports ---- */

/* Something is wrong with a run. */
void wrong(const launch *l, const char *what);
/* Something is wrong, but not with one run. */
void wrong_itself(const char *what);
/* Whether anything was since the last test ended. */
bool any_wrong(void);

/* Ends a test, which has failed if anything was wrong since the one before. */
void report(const char *name);
void skip(const char *name, const char *why);

/* ---- how a run has ended ---- */

bool succeeded(const launch *l);
bool ended_by(const launch *l, int number);

/* It has ended by itself, in success or with messages, and left no temporary file; false: it was wrong. */
bool check_order(const launch *l, const char *what);

/* In order, failed, and says so about `name`, where OUT is filled in, and for this reason. */
void check_failure(const launch *l, const char *name, const char *reason);

/* OUT has as many files as before, unless the writer keeps its own. */
void check_nothing_left(const launch *l, const writer *w, int before);

/* ---- files ---- */

/* The path of a file in the folder of the test. */
void path_of(char path[LAUNCH_PATH], const char *name);
void copy_file(const char *from, const char *to);

long microseconds(void);

/* ---- tests ---- */

void test_disks(void); /* faults_system.c */
void test_limits(void);
void test_signals(void); /* faults_moments.c */
void test_shorter_models(void);

#endif
