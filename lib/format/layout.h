/* layout.h - the one table of element types and layouts that a model file may store tensors in.
 *
 * A record names an element type and a layout (capw.h), independently of each other.  The table says what
 * each is called, which combinations exist, which shapes a layout takes and how many bytes they need.  The
 * reader, the converter, the tools and the tests ask it.  It never looks at a tensor's elements. */
#ifndef CPT_LAYOUT_H
#define CPT_LAYOUT_H

#include <capw.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct cpt_layout {
    const char *name;
    uint32_t types; /* bit 1 << t is set when elements may have the capw_dtype t */
    uint32_t min_rank, max_rank;
    const char *shapes;     /* the refusal of any other rank or filter size, in words */
    uint32_t output_block;  /* dims[0] is stored rounded up to a multiple of this */
    uint32_t input_block;   /* the last dimension is, likewise */
    uint32_t winograd_side; /* 3x3 filters, dims[1] and dims[2], are stored transformed, as squares of this
                               side; 0: filters are stored as they are */
} cpt_layout;

/* The table's row of a capw_layout; NULL for any other number. */
const cpt_layout *cpt_layout_find(uint32_t layout);

/* The name of a capw_dtype, and the bytes of one element; NULL and 0 for any other number. */
const char *cpt_dtype_name(uint32_t dtype);
size_t cpt_dtype_bytes(uint32_t dtype);

/* Side of the squares of outputs that a Winograd layout computes, 2 or 4; 0 for other layouts. */
int cpt_layout_winograd_outputs(uint32_t layout);

/* What is wrong with a record's dtype, layout, rank and dims, or NULL. */
const char *cpt_layout_problem(const capw_tensor *tensor);

/* Bytes that a tensor with the record's dtype, layout, rank and dims takes, padding included.  0 when the
 * record has a problem or the number does not fit in 64 bits. */
uint64_t cpt_layout_bytes(const capw_tensor *tensor);

#endif
