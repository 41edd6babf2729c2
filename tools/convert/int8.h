/* From a float32 model to an int8 model file. */
#ifndef TOOLS_CONVERT_INT8_H
#define TOOLS_CONVERT_INT8_H

#include "tools/convert/capw_writer.h"
#include "tools/convert/int8_plan.h"

typedef struct convert_int8 {
    const char *file;             /* the float32 model's name, for messages */
    const caption_model *model;   /* float32; borrowed, as all pointers here */
    const convert_ranges *ranges; /* of this model's maps */
    int threads;                  /* at least 1; the file is the same for any number */
    tool_outfile *out;            /* where the model file goes; the caller commits it */
    /* what was made, for the summary */
    convert_int8_plan plan;
    convert_metadata metadata;
    source_word *words;                                              /* owned; their texts are the model's */
    convert_vocabulary vocabulary;                                   /* of which words and count are set */
    float mean[CONVERT_PIXEL_CHANNELS], std[CONVERT_PIXEL_CHANNELS]; /* of the input's normalisation */
    float embedding_scale;
    convert_writer writer;
} convert_int8;

/* Writes the file.  The caller sets the first five fields, and zero for the rest.  Free it whatever the
 * result. */
bool convert_int8_write(convert_int8 *job, tool_error *err);
void convert_int8_free(convert_int8 *job);

#endif
