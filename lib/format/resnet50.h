/* resnet50.h - the encoder as a model file stores it: its stages, and which layers have a Winograd copy.
 *
 * ResNet-50 (He et al. 2015) is a stem, then four stages of blocks.  A block has a 1x1, a 3x3 and a 1x1
 * convolution; the first block of a stage also projects its input.  The first block of stages 2 to 4 halves
 * the map: its 3x3 has stride 2 (version 1.5).  Stages count from 1 and blocks from 0, as in the tensors'
 * names, encoder.layerSTAGE.BLOCK.conv1. */
#ifndef CPT_RESNET50_H
#define CPT_RESNET50_H

#include <capw.h>

enum {
    CPT_RESNET50_STAGES = 4,
    /* blocks of stages 1 to 4 */
    CPT_RESNET50_BLOCKS_1 = 3,
    CPT_RESNET50_BLOCKS_2 = 4,
    CPT_RESNET50_BLOCKS_3 = 6,
    CPT_RESNET50_BLOCKS_4 = 3,
    CPT_RESNET50_BLOCKS =
        CPT_RESNET50_BLOCKS_1 + CPT_RESNET50_BLOCKS_2 + CPT_RESNET50_BLOCKS_3 + CPT_RESNET50_BLOCKS_4,
    /* the stem, three in each block, and a projection in each stage */
    CPT_RESNET50_CONVOLUTIONS = 1 + 3 * CPT_RESNET50_BLOCKS + CPT_RESNET50_STAGES
};

typedef struct cpt_resnet50_stage {
    int blocks;
    int stride;           /* of the first block */
    capw_layout winograd; /* of the second copy of 3x3 weights of stride 1 */
} cpt_resnet50_stage;

static inline const cpt_resnet50_stage *cpt_resnet50_stage_at(int stage)
{
    /* F(4x4, 3x3) saves most products.  The maps of stage 4 are small and its weights many; there the fewer
     * weights of F(2x2, 3x3) count for more. */
    static const cpt_resnet50_stage stages[CPT_RESNET50_STAGES] = {
        {.blocks = CPT_RESNET50_BLOCKS_1, .stride = 1, .winograd = CAPW_WINOGRAD},
        {.blocks = CPT_RESNET50_BLOCKS_2, .stride = 2, .winograd = CAPW_WINOGRAD},
        {.blocks = CPT_RESNET50_BLOCKS_3, .stride = 2, .winograd = CAPW_WINOGRAD},
        {.blocks = CPT_RESNET50_BLOCKS_4, .stride = 2, .winograd = CAPW_WINOGRAD2},
    };
    return &stages[stage - 1];
}

/* The stride of a block, which its 3x3 and its projection have. */
static inline int cpt_resnet50_stride(int stage, int block)
{
    return block == 0 ? cpt_resnet50_stage_at(stage)->stride : 1;
}

/* The layout of the Winograd copy of a block's 3x3 weights; CAPW_ROWS where there is none. */
static inline capw_layout cpt_resnet50_winograd(int stage, int block)
{
    return cpt_resnet50_stride(stage, block) == 1 ? cpt_resnet50_stage_at(stage)->winograd : CAPW_ROWS;
}

#endif
