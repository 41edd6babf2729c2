/* A temporary folder for a suite's files, which the suite makes and removes.
 *
 * Everything is static. */
#ifndef TEST_SCRATCH_H
#define TEST_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tools/common/text.h"

static char folder[64];
static char scratch[2][256]; /* what in_folder returned last, for each number */

/* The path of a file in the folder. */
static inline const char *in_folder(int i, const char *name)
{
    (void)snprintf(scratch[i], sizeof scratch[i], "%s/%s", folder, name);
    return scratch[i];
}

static inline void put(const char *path, const char *data)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    (void)fputs(data, f);
    (void)fclose(f);
}

static inline void assert_content(const char *path, const char *expected)
{
    tool_text text;
    tool_error err = {{0}};
    assert_true(tool_text_read(&text, path, 1000, &err));
    assert_string_equal(text.data, expected);
    tool_text_free(&text);
}

#endif
