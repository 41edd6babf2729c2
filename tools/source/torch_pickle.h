/* A reader of pickles (protocols 2 to 5) that executes nothing.
 *
 * A pickle is a program: it builds objects by calling the functions that it names.  This reader knows a short
 * list of names (torch_calls.c) and what plain data each of them makes.  Any other name is an error that says
 * the name.  Nothing is imported, called or opened here, and nothing is printed. */
#ifndef TOOLS_SOURCE_TORCH_PICKLE_H
#define TOOLS_SOURCE_TORCH_PICKLE_H

#include "tools/source/torch_value.h"

typedef struct torch_pickle {
    torch_arena arena;
    unsigned char *bytes;    /* owned; texts point into it */
    const torch_value *root; /* owned by the arena */
} torch_pickle;

/* Reads the pickle in `bytes` [size], which came from malloc and belong to the pickle from now on.  Messages
 * begin with `place`: "file: entry".  Free the pickle whatever the result. */
bool torch_pickle_parse(torch_pickle *pickle, unsigned char *bytes, size_t size, const char *place,
                        tool_error *err);

void torch_pickle_free(torch_pickle *pickle);

#endif
