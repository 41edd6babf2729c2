/* Runs the tools that were built, on models made for the purpose, and keeps what they write.  For tests that
 * look at the tools from the outside. */
#ifndef TEST_RUN_TOOLS_H
#define TEST_RUN_TOOLS_H

#include <stddef.h>

#include "tools/common/error.h"

enum { PATH = 512, COMMAND = 4096, LIMIT = 1 << 24, INPUT = 64 };

extern char dir[]; /* a temporary folder, $D in commands */
extern unsigned char
    *model_bytes;         /* the bytes of $D/m.capw, a model with attention for images of INPUT pixels */
extern size_t model_size; /* $D/b.capw is one of the baseline kind, $D/i.capw one of int8 */
extern char out[], err[]; /* what the last run wrote, zero-ended */

/* Finds the tools beside the test program, and makes the folder: models; pics with a.jpg, c.png and
 * inner/b.jpg; none, which is empty; the images broken.jpg (cut in half), stub.jpg (20 bytes), empty.jpg and
 * text.jpg. Returns 0, or -1. */
int run_tools_begin(const char *program);

/* Removes the folder; returns 0, or something else. */
int run_tools_end(void);

/* Runs a command of the shell with the tools in its path; returns the exit code, -1 for a signal. */
int run(const char *format, ...) TOOL_PRINTF(1, 2);

/* The same on a terminal of so many columns: `out` is all that the terminal gets, `err` is empty. */
int run_on_terminal(int columns, const char *format, ...) TOOL_PRINTF(2, 3);

size_t count_lines(const char *text);

/* The last run failed with code `wanted`, said why on standard error, and wrote nothing else. */
void assert_refused(int code, int wanted, const char *reason);

/* Writes $D/name. */
void put(const char *name, const void *data, size_t size);

#endif
