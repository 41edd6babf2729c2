/* weights.h - a validated view of a .capw file in memory.  It reads no files and owns no memory. */
#ifndef CPT_WEIGHTS_H
#define CPT_WEIGHTS_H

#include <capw.h>

#include "lib/format/layout.h"
#include "lib/platform/status.h"

typedef struct cpt_weights {
    const unsigned char *data; /* the whole file, 64-byte aligned */
    size_t size;
    const capw_tensor *tensors;    /* [tensor_count] */
    const unsigned char *metadata; /* [metadata_count] entries, as capw.h describes them */
    const uint32_t *word_offsets;  /* [word_count + 1] into words */
    const char *words;
    uint32_t tensor_count, metadata_count, word_count;
    uint32_t longest_word; /* bytes, without its NUL */
} cpt_weights;

/* Checks everything but the tensors' own checksums.  Afterwards every record, entry and word lies inside the
 * file, and every record has an element type and a layout of the table in layout.h.  `data` must outlive
 * `weights`.  Errors: MODEL, VERSION, ARGUMENT (misaligned), UNSUPPORTED (big-endian machine). */
caption_status cpt_weights_open(cpt_weights *weights, const void *data, size_t size, caption_error *error);

/* The index-th metadata entry, index < metadata_count. */
void cpt_weights_metadata(const cpt_weights *weights, uint32_t index, const char **key, const char **value);

/* A metadata value, or NULL. */
const char *cpt_weights_find_metadata(const cpt_weights *weights, const char *key);

/* A tensor's record, or NULL. */
const capw_tensor *cpt_weights_find(const cpt_weights *weights, const char *name);

/* Checks one tensor's checksum, index < tensor_count.  Error: MODEL. */
caption_status cpt_weights_verify(const cpt_weights *weights, uint32_t index, caption_error *error);

typedef struct cpt_shape {
    int rank;
    int dims[4]; /* 0: any size; cpt_weights_bind fills it in */
} cpt_shape;

/* The data of the tensor that has this name, element type, layout and shape, inside the file's memory.  NULL
 * and a message if there is none. */
const void *cpt_weights_bind(const cpt_weights *weights, const char *name, capw_dtype dtype,
                             capw_layout layout, cpt_shape *shape, caption_error *error);

#endif
