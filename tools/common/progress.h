/* A progress line on the terminal: bar, done/total, rate, time left.
 *
 * It is drawn on standard error where that is a terminal, at most ten times a second, and is never wider than
 * the terminal.  At the end it is wiped off.  Threads that share one must hold a lock.  Never fails, never
 * allocates. */
#ifndef TOOLS_COMMON_PROGRESS_H
#define TOOLS_COMMON_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

typedef struct tool_progress {
    const char *unit; /* plural, "images"; borrowed */
    uint64_t total;   /* 0: unknown, so there is no bar and no time left */
    uint64_t first;   /* done before the start (a resumed run); not counted in the rate */
    bool active;      /* standard error is a terminal, and the line is wanted */
    bool drawn;       /* a line stands on the terminal */
    bool log; /* where standard error is no terminal, tool_progress_log writes to it; false at first */
    struct timespec start, last;
} tool_progress;

/* first: how much was done earlier, 0 in most tools. */
void tool_progress_begin(tool_progress *p, const char *unit, uint64_t first, uint64_t total);

/* done counts from zero and includes `first`. */
void tool_progress_update(tool_progress *p, uint64_t done);

/* Writes a plain line "TOOL: 150/400 images, 5 images/s, 0:50 left", at most one in `TOOL_PROGRESS_SECONDS`,
 * where p->log says so and no line is drawn on a terminal. */
enum { TOOL_PROGRESS_SECONDS = 60 };
void tool_progress_log(tool_progress *p, const char *tool, uint64_t done);

/* Takes the line off the terminal, for a message; the next update draws it again. */
void tool_progress_clear(tool_progress *p);

/* Takes the line off the terminal for good. */
void tool_progress_end(tool_progress *p);

/* The text of the line for a given state, without control characters: what update draws.  It has fewer than
 * `columns` characters, for a character in the last column makes some terminals start a new line.  Where the
 * terminal is narrow, the bar gets shorter first; then the rate, the unit, the bar and the time left go.
 * Returns the number of characters, at most size - 1. */
int tool_progress_format(const tool_progress *p, uint64_t done, double seconds, int columns, char *text,
                         int size);

#endif
