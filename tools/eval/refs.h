/* Reference captions: the images of a data set, and the sentences that people wrote for each.
 *
 * The files that can be read are Flickr8k's captions.txt and Flickr30k's results.csv.  Nothing is printed. */
#ifndef TOOLS_EVAL_REFS_H
#define TOOLS_EVAL_REFS_H

#include <stddef.h>
#include <stdint.h>

#include "tools/common/error.h"
#include "tools/eval/word_table.h"

typedef struct eval_refs eval_refs;

/* Largest text file read, here and for predictions. */
enum { EVAL_MAX_FILE = 1 << 30 };

/* NULL when out of memory. */
eval_refs *eval_refs_create(void);

/* Reads a file, whose format is told from its first line.  NULL on failure; errors name file and line. */
eval_refs *eval_refs_read(const char *path, tool_error *err);

/* Accepts NULL and a cleared pointer. */
void eval_refs_free(eval_refs **refs);

/* Adds one caption (copied) to an image, new or known.  False when out of memory. */
bool eval_refs_add(eval_refs *refs, const char *image, size_t image_length, const char *caption,
                   size_t length);

/* The same in two steps, for many captions of one image: its number, new or known, EVAL_NO_WORD when out of
 * memory; and a caption for it. */
uint32_t eval_refs_image(eval_refs *refs, const char *name, size_t length);
bool eval_refs_add_caption(eval_refs *refs, uint32_t number, const char *caption, size_t length);

/* Images are numbered in order of first appearance. */
size_t eval_refs_count(const eval_refs *refs);

/* The number of the image with this name, or else with the name behind its last slash; EVAL_NO_WORD if there
 * is none. */
uint32_t eval_refs_find(const eval_refs *refs, const char *name);

/* An image's captions; returns how many, at least 1. */
size_t eval_refs_captions(const eval_refs *refs, uint32_t number, const char *const **captions);

/* Names of images to work on: those of the file `list`, one a line, or all if list is NULL.  Returns [*count]
 * names, which belong to refs; the caller frees the array.  NULL on failure, for example for a name that refs
 * lack or that comes twice; errors name file and line. */
const char **eval_refs_list(const eval_refs *refs, const char *list, size_t *count, tool_error *err);

/* The same for a list whose names end in zero bytes. */
const char **eval_refs_list_null(const eval_refs *refs, const char *list, size_t *count, tool_error *err);

#endif
