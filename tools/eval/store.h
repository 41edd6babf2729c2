/* The predictions file of a run that may be interrupted at any moment and go on later.
 *
 * A line "image<TAB>caption" is appended for each image as it is finished, in one write.  A last line that
 * was cut off is dropped when the file is opened again.  FILE.run beside it holds the settings that the
 * captions were made with, and a run with other settings is refused.  So is any file that holds something and
 * has no FILE.run.  A lock keeps other processes away.  Nothing is printed. */
#ifndef TOOLS_EVAL_STORE_H
#define TOOLS_EVAL_STORE_H

#include <stddef.h>

#include "tools/common/error.h"

typedef struct eval_store eval_store;

/* Opens a file, or begins it.  settings: lines "name=value", each with its newline.  images: [n_images] those
 * of the run.  A file that holds anything is changed only if it is of a run with these settings, and a last
 * line that was cut off is dropped only if it begins as a line of one of the images does.  NULL on failure;
 * what was there is then as it was. */
eval_store *eval_store_open(const char *path, const char *settings, const char *const *images,
                            size_t n_images, tool_error *err);

/* Writes everything to disk.  Accepts NULL and a cleared pointer. */
void eval_store_close(eval_store **store);

/* The caption of an image that was finished in this run or an earlier one, owned by the store; NULL if there
 * is none.
 */
const char *eval_store_find(const eval_store *store, const char *image);

/* Appends a finished image.  Fails, and writes nothing, where the line could not be read again: image and
 * caption are UTF-8, and the image's name has no tab and no newline. */
bool eval_store_add(eval_store *store, const char *image, const char *caption, tool_error *err);

#endif
