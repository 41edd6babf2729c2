/* The conversion of a checkpoint and a vocabulary to a model file or to safetensors, and of a float32 model
 * to an int8 one.
 *
 * The model file appears only if everything is right.  Nothing is printed. */
#ifndef TOOLS_CONVERT_CONVERT_H
#define TOOLS_CONVERT_CONVERT_H

#include "tools/convert/int8.h"
#include "tools/convert/safetensors.h"

typedef struct convert_job {
    convert_files files;       /* borrowed */
    bool compact;              /* leave second copies of weights out */
    bool int8;                 /* make an int8 model; files.checkpoint may be a float32 model then */
    convert_pictures pictures; /* with int8: what shows the ranges; name NULL: batch norm does */
    bool safetensors;          /* write safetensors and a JSON vocabulary instead of a model */
    int threads;               /* at least 1; the file is the same for any number */
    /* what was read, for the summary */
    source_file *checkpoint;
    convert_vocabulary vocabulary;
    convert_plan plan;
    convert_metadata metadata;
    convert_writer writer;
    convert_safetensors exported;
    /* with int8 */
    caption_model *model;  /* the float32 model */
    tool_outfile *scratch; /* its file, where it was made of a checkpoint */
    void *mapped;          /* [mapped_size] the bytes of that file */
    size_t mapped_size;
    convert_ranges ranges;
    convert_int8 quantised;
} convert_job;

/* Whether the file begins as a model file does.  Where it can't be read, false, and why in err, which may be
 * NULL. */
bool convert_is_model(const char *path, tool_error *err);

/* Runs the job.  The caller sets what stands above, and zero for the rest.  Free the job whatever
 * the result. */
bool convert_run(convert_job *job, tool_error *err);
void convert_free(convert_job *job);

#endif
