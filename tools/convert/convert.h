/* The conversion of a checkpoint and a vocabulary to a model file.
 *
 * The model file appears only if everything is right.  Nothing is printed. */
#ifndef TOOLS_CONVERT_CONVERT_H
#define TOOLS_CONVERT_CONVERT_H

#include "tools/convert/capw_writer.h"

typedef struct convert_job {
    convert_files files; /* borrowed */
    bool compact;        /* leave second copies of weights out */
    int threads;         /* at least 1; the file is the same for any number */
    /* what was read, for the summary */
    source_file *checkpoint;
    convert_vocabulary vocabulary;
    convert_plan plan;
    convert_metadata metadata;
    convert_writer writer;
} convert_job;

/* Runs the job.  The caller sets files, compact and threads, and zero for the rest.  Free the job whatever
 * the result. */
bool convert_run(convert_job *job, tool_error *err);
void convert_free(convert_job *job);

#endif
