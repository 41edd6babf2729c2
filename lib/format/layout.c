/* layout.c - see layout.h. */
#include "lib/format/layout.h"

/* ---- the table ---- */

static const struct {
    const char *name;
    size_t bytes;
} types[] = {
    [CAPW_FLOAT32] = {"float32", 4}, [CAPW_FLOAT16] = {"float16", 2}, [CAPW_BFLOAT16] = {"bfloat16", 2},
    [CAPW_INT8] = {"int8", 1},       [CAPW_INT16] = {"int16", 2},     [CAPW_UINT8] = {"uint8", 1},
};

enum {
    FLOAT32 = 1 << CAPW_FLOAT32,
    INT8 = 1 << CAPW_INT8,
    INT16 = 1 << CAPW_INT16,
    UINT8 = 1 << CAPW_UINT8,
    SMALL_SIDE = 4, /* of a transformed filter: F(2x2, 3x3) */
    LARGE_SIDE = 6  /* F(4x4, 3x3) */
};

static const char winograd_shapes[] = "a Winograd tensor must be [O, 3, 3, I]";

static const cpt_layout layouts[] = {
    [CAPW_ROWS] =
        {
            .name = "rows",
            .types = FLOAT32 | UINT8,
            .min_rank = 1,
            .max_rank = 4,
            .shapes = "its rank is not 1 to 4",
            .output_block = 1,
            .input_block = 1,
        },
    [CAPW_PANELS] =
        {
            .name = "panels",
            .types = FLOAT32,
            .min_rank = 2,
            .max_rank = 4,
            .shapes = "a tensor of panels has two to four dimensions",
            .output_block = CAPW_PANEL,
            .input_block = 1,
        },
    [CAPW_WINOGRAD] =
        {
            .name = "winograd",
            .types = FLOAT32,
            .min_rank = 4,
            .max_rank = 4,
            .shapes = winograd_shapes,
            .output_block = CAPW_PANEL,
            .input_block = 1,
            .winograd_side = LARGE_SIDE,
        },
    [CAPW_PAIRS] =
        {
            .name = "pairs",
            .types = INT16,
            .min_rank = 2,
            .max_rank = 2,
            .shapes = "a tensor of pairs has two dimensions",
            .output_block = CAPW_PANEL,
            .input_block = 2,
        },
    [CAPW_WINOGRAD2] =
        {
            .name = "winograd2",
            .types = FLOAT32,
            .min_rank = 4,
            .max_rank = 4,
            .shapes = winograd_shapes,
            .output_block = CAPW_PANEL,
            .input_block = 1,
            .winograd_side = SMALL_SIDE,
        },
    [CAPW_QUADS] =
        {
            .name = "quads",
            .types = INT8 | UINT8,
            .min_rank = 2,
            .max_rank = 4,
            .shapes = "a tensor of quads has two to four dimensions",
            .output_block = CAPW_PANEL,
            .input_block = CAPW_QUAD,
        },
};

/* ---- looking things up ---- */

const cpt_layout *cpt_layout_find(uint32_t layout)
{
    return layout < sizeof layouts / sizeof *layouts ? &layouts[layout] : NULL;
}

const char *cpt_dtype_name(uint32_t dtype)
{
    return dtype < sizeof types / sizeof *types ? types[dtype].name : NULL;
}

size_t cpt_dtype_bytes(uint32_t dtype)
{
    return dtype < sizeof types / sizeof *types ? types[dtype].bytes : 0;
}

int cpt_layout_winograd_outputs(uint32_t layout)
{
    const cpt_layout *l = cpt_layout_find(layout);
    return l && l->winograd_side ? (int)l->winograd_side - 2 : 0; /* a 3x3 filter overlaps its square by 2 */
}

const char *cpt_layout_problem(const capw_tensor *t)
{
    const cpt_layout *layout = cpt_layout_find(t->layout);
    if (!layout) return "its layout is unknown";
    if (!cpt_dtype_name(t->dtype) || !(layout->types >> t->dtype & 1)) {
        return "its layout can't hold its data type in this version";
    }
    if (t->rank < layout->min_rank || t->rank > layout->max_rank) return layout->shapes;
    for (uint32_t i = 0; i < 4; i++) {
        if (i < t->rank ? t->dims[i] == 0 || t->dims[i] > CAPW_MAX_DIM : t->dims[i] != 0) {
            return "its dimensions are out of range";
        }
    }
    if (layout->winograd_side && (t->dims[1] != 3 || t->dims[2] != 3)) return layout->shapes;
    return NULL;
}

static uint64_t round_up(uint64_t size, uint64_t block)
{
    return (size + block - 1) / block * block;
}

uint64_t cpt_layout_bytes(const capw_tensor *t)
{
    const cpt_layout *layout = cpt_layout_find(t->layout);
    uint64_t bytes = cpt_dtype_bytes(t->dtype);
    if (cpt_layout_problem(t)) return 0;
    for (uint32_t i = 0; i < t->rank; i++) {
        uint64_t dim = t->dims[i];
        if (i == 0) dim = round_up(dim, layout->output_block);
        if (i == t->rank - 1) dim = round_up(dim, layout->input_block);
        if (layout->winograd_side && (i == 1 || i == 2)) dim = layout->winograd_side;
        if (dim > UINT64_MAX / bytes) return 0;
        bytes *= dim;
    }
    return bytes;
}
