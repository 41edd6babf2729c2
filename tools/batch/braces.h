/* Names with braces, as WebDataset and img2dataset write many shards at once: "s-{00000..00999}.tar".
 *
 * A range {A..B} or {A..B..STEP} of whole numbers stands for all of them in order; it may descend.  If A or B
 * begins with a zero, all have as many digits as the longer one.  A list {a,b,c} stands for its texts.
 * Several braces stand for every combination, the last one changing fastest.  Braces don't nest.  Any other
 * brace stands for itself.  Never looks at files. */
#ifndef TOOLS_BATCH_BRACES_H
#define TOOLS_BATCH_BRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/error.h"

enum {
    BATCH_BRACES = 8,                     /* braces in one name */
    BATCH_BRACE_NAMES = 1000000,          /* names that one stands for */
    BATCH_BRACE_BYTES = 256 * 1024 * 1024 /* bytes of all of them */
};

/* One pair of braces in a name. */
typedef struct batch_brace {
    size_t start, end; /* of the braces in the pattern: [start, end) */
    uint64_t count;    /* what it stands for */
    bool range;        /* else a list */
    uint64_t first, step;
    bool down;
    int digits; /* at least so many */
} batch_brace;

typedef struct batch_braces {
    const char *pattern; /* borrowed */
    batch_brace list[BATCH_BRACES];
    size_t count;   /* 0: the pattern is a name as it stands */
    uint64_t names; /* that it stands for */
    size_t room;    /* bytes that hold any of them and a zero byte */
} batch_braces;

/* Reads a pattern.  False with a message where it stands for too many names. */
bool batch_braces_read(batch_braces *braces, const char *pattern, tool_error *err);

/* Writes name `index` of braces->names to `name` [braces->room]. */
void batch_braces_name(const batch_braces *braces, uint64_t index, char *name);

#endif
