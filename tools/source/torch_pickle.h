/* A reader of pickles (protocols 2 to 5) that executes nothing.
 *
 * Called by checkpoint.c and the converter's vocabulary.  A pickle is a program that builds objects by
 * calling what it names; this reader knows a short list of names (calls.c) and what they make, as plain data.
 * Any other name is an error that says it.  Never imports, calls or opens anything, never prints. */
#ifndef TOOLS_TORCH_PICKLE_H
#define TOOLS_TORCH_PICKLE_H

#include "tools/source/torch_value.h"

typedef struct torch_pickle {
    torch_arena arena;
    unsigned char *bytes;    /* owned: texts point into it */
    const torch_value *root; /* owned by the arena */
} torch_pickle;

/* Takes over `bytes` (from malloc) and reads the pickle in it.  `place` goes before messages: "file: entry".
 * Free it whatever the result. */
bool torch_pickle_parse(torch_pickle *pickle, unsigned char *bytes, size_t size, const char *place,
                        tool_error *err);

/* The same for a file of its own. */
bool torch_pickle_open(torch_pickle *pickle, const char *path, tool_error *err);

void torch_pickle_free(torch_pickle *pickle);

#endif
