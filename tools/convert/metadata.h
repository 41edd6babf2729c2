/* The metadata of a model file: what the library needs to run it, and where it came from.
 *
 * Numbers are written the same in every locale, and the same input makes the same text. */
#ifndef TOOLS_CONVERT_METADATA_H
#define TOOLS_CONVERT_METADATA_H

#include "tools/convert/mapping.h"
#include "tools/convert/words.h"

enum { CONVERT_MAX_METADATA = CAPW_MAX_METADATA };

typedef struct convert_metadata {
    struct convert_entry {
        const char *key;             /* borrowed */
        char *value;                 /* owned */
    } entries[CONVERT_MAX_METADATA]; /* [count], sorted by key */
    size_t count;
} convert_metadata;

typedef struct convert_files {
    const char *checkpoint, *vocabulary, *output;
    const char *config, *metrics; /* NULL: those inside the checkpoint */
} convert_files;

/* Free it whatever the result. */
bool convert_metadata_make(convert_metadata *metadata, const convert_files *files, const convert_plan *plan,
                           const convert_vocabulary *vocabulary, tool_error *err);

/* The metadata of an int8 model: those of the float32 model, which must outlive them, and where the ranges of
 * its activations are from: so many pictures, or with 0 batch norm.  Free them whatever the result. */
bool convert_metadata_copy(convert_metadata *metadata, const caption_model *model, int pictures,
                           tool_error *err);
void convert_metadata_free(convert_metadata *metadata);

#endif
