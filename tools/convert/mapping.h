/* Which tensors a model file has, and from which of the checkpoint's they are made.
 *
 * Called by convert.c.  Every size is read from the checkpoint's tensors and checked against its neighbours.
 * Never reads tensor data. */
#ifndef TOOLS_CONVERT_MAPPING_H
#define TOOLS_CONVERT_MAPPING_H

#include <capw.h>

#include "tools/convert/state.h"

enum { CONVERT_MAX_ITEMS = 512 };

/* A batch norm to be folded in: y = (x - mean) / sqrt(var + eps) * weight + bias, each [O] */
typedef struct convert_norm {
    const convert_source *weight, *bias, *mean, *var;
} convert_norm;

/* One tensor of the model file.
 * ROWS: a copy of `source`; with a norm: the folded bias [O] (source, a Linear's bias, may be NULL).
 * PANELS, WINOGRAD, WINOGRAD2: from source [O, columns] or [O, I, KH, KW]; with a norm, folded into it.
 * PAIRS: from source [O, columns]; ROWS derived from the same: its scales [O], the bounds of its rounding
 * [2]. */
typedef struct convert_item {
    char name[CAPW_NAME_BYTES];
    capw_layout layout;
    int rank;
    uint32_t dims[4];
    const convert_source *source;
    bool has_norm;
    convert_norm norm;
    enum { CONVERT_AS_IS, CONVERT_SCALES, CONVERT_BOUNDS } derived;
    uint32_t first_column; /* PANELS of rank 2: columns first_column .. + dims[1] of the source */
} convert_item;

typedef struct convert_network {
    bool attention, lstm;
    int layers; /* recurrent layers */
    uint32_t width, channels, embed, hidden, attention_size, words;
} convert_network;

typedef struct convert_plan {
    convert_state encoder, decoder;
    bool compact; /* no second copies of weights */
    convert_network network;
    convert_item items[CONVERT_MAX_ITEMS];
    size_t count;
    size_t norms; /* batch norms folded in */
} convert_plan;

/* Fills the plan, whose `compact` is set.  Free it whatever the result. */
bool convert_plan_make(convert_plan *plan, const source_file *checkpoint, tool_error *err);
void convert_plan_free(convert_plan *plan);

/* ---- for mapping_encoder.c and mapping_decoder.c ---- */

bool convert_map_encoder(convert_plan *plan, tool_error *err);
bool convert_map_decoder(convert_plan *plan, tool_error *err);

/* Appends an item with the name PREFIX.SUFFIX. */
convert_item *convert_plan_add(convert_plan *plan, const char *prefix, const char *suffix, capw_layout layout,
                               tool_error *err);

/* The four vectors of the batch norm at `prefix`, each [size]. */
bool convert_map_norm(const convert_state *state, const char *prefix, uint64_t size, convert_norm *norm,
                      tool_error *err);

#endif
