/* What is written for one image: a line of JSON, of TSV or of CSV, or the members of a sample in a tar.
 *
 * Writes to a stream in memory, so that all threads can do it at once. */
#ifndef TOOLS_BATCH_FORMAT_H
#define TOOLS_BATCH_FORMAT_H

#include <stdbool.h>
#include <stdio.h>

#include <caption.h>

#include "tools/batch/source.h"

typedef enum batch_kind { BATCH_JSONL, BATCH_TSV, BATCH_CSV, BATCH_TAR } batch_kind;

/* The names of the kinds, which are also the endings of their files; ends in NULL. */
extern const char *const batch_kinds[];

typedef struct batch_format {
    batch_kind kind;
    bool beams;    /* JSON lines: every caption found */
    bool features; /* JSON lines: the features as float16, base64 */
    bool headed;   /* CSV: the first line is the header */
} batch_format;

/* What was found in an image. */
typedef struct batch_answer {
    const caption_result *result;
    const float *features; /* [feature_count] */
    size_t feature_count;
} batch_answer;

/* Each returns false when memory ran out. */

/* What stands before the first image. */
void batch_format_begin(const batch_format *format, FILE *stream);

/* An image that has a caption. */
bool batch_format_caption(const batch_format *format, FILE *stream, const batch_item *item,
                          const batch_answer *answer);

/* An item without one: with a reason where it failed, or the files of a sample that has no image. */
bool batch_format_rest(const batch_format *format, FILE *stream, const batch_item *item);

/* What stands behind the last image. */
void batch_format_end(const batch_format *format, FILE *stream);

/* The bits of the float16 that is nearest to a value, ties to even. */
unsigned batch_float16(float value);

#endif
