/* Which tensors a model file has, and from which of the checkpoint's tensors they are made.
 *
 * Every size is read from the checkpoint's tensors and checked against its neighbours.  Tensor data are never
 * read. */
#ifndef TOOLS_CONVERT_MAPPING_H
#define TOOLS_CONVERT_MAPPING_H

#include <caption.h>
#include <capw.h>

#include "tools/convert/state.h"

enum { CONVERT_MAX_ITEMS = 512 };

/* A batch norm to be folded in: y = (x - mean) / sqrt(var + eps) * weight + bias, each [O] */
typedef struct convert_norm {
    const convert_source *weight, *bias, *mean, *var;
} convert_norm;

/* One tensor of the model file, and how it is made.
 * ROWS: a copy of `source`.  With a norm it is the folded bias [O]; `source` is a Linear's bias or NULL.
 * PANELS, WINOGRAD, WINOGRAD2: from source [O, columns] or [O, I, KH, KW], with the norm folded into it.
 * PAIRS: from source [O, columns].
 * `derived` items are ROWS computed from the source of a PAIRS item: its scales [O], and the bounds of its
 * rounding [2] (pack.h). */
typedef struct convert_item {
    char name[CAPW_NAME_BYTES];
    capw_dtype dtype;
    capw_layout layout;
    int rank;
    uint32_t dims[4];
    const convert_source *source;
    bool has_norm;
    convert_norm norm;
    enum { CONVERT_AS_IS, CONVERT_SCALES, CONVERT_BOUNDS } derived;
    uint32_t first_column; /* PANELS of rank 2: the source's columns from here on, dims[1] of them */
} convert_item;

typedef struct convert_network {
    caption_kind kind;
    caption_rnn rnn;
    int layers; /* recurrent layers */
    uint32_t width, channels, embed, hidden, attention_size, words;
} convert_network;

typedef struct convert_plan {
    convert_state encoder, decoder;
    bool compact; /* leave out the second copies of weights */
    convert_network network;
    convert_item items[CONVERT_MAX_ITEMS];
    size_t count;
    size_t norms; /* batch norms that are folded in */
} convert_plan;

/* Fills the plan, whose `compact` is set.  Free it whatever the result. */
bool convert_plan_make(convert_plan *plan, const source_file *checkpoint, tool_error *err);
void convert_plan_free(convert_plan *plan);

/* ---- for mapping_encoder.c and mapping_decoder.c ---- */

bool convert_map_encoder(convert_plan *plan, tool_error *err);
bool convert_map_decoder(convert_plan *plan, tool_error *err);

/* Appends an item with the name PREFIX.SUFFIX; its rank and sizes are the caller's to set.  NULL and an error
 * when there are too many items or the name is too long. */
convert_item *convert_plan_add(convert_plan *plan, const char *prefix, const char *suffix, capw_dtype dtype,
                               capw_layout layout, tool_error *err);

/* Takes the four vectors of the batch norm at `prefix`, each [size]. */
bool convert_map_norm(const convert_state *state, const char *prefix, uint64_t size, convert_norm *norm,
                      tool_error *err);

#endif
