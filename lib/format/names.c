/* names.c - see names.h. */
#include "lib/format/names.h"

#include <stddef.h>
#include <string.h>

#include <caption.h>

/* ---- the lists; the last entry of each is NULL ---- */

const char *const cpt_kind_names[] = {
    [CAPTION_KIND_ATTENTION] = "attention", [CAPTION_KIND_BASELINE] = "baseline", NULL};
const char *const cpt_rnn_names[] = {[CAPTION_RNN_GRU] = "gru", [CAPTION_RNN_LSTM] = "lstm", NULL};
const char *const cpt_rnn_titles[] = {[CAPTION_RNN_GRU] = "GRU", [CAPTION_RNN_LSTM] = "LSTM", NULL};
const char *const cpt_search_names[] = {
    [CAPTION_SEARCH_BEAM] = "beam", [CAPTION_SEARCH_GREEDY] = "greedy", NULL};
const char *const cpt_penalty_names[] = {
    [CAPTION_PENALTY_PUBLISHED] = "published", [CAPTION_PENALTY_CORRECTED] = "corrected", NULL};
const char *const cpt_precision_names[] = {
    [CAPTION_PRECISION_FLOAT32] = "float32", [CAPTION_PRECISION_INT8] = "int8", NULL};
const char *const cpt_conv_names[] = {
    [CAPTION_CONV_AUTO] = "auto",
    [CAPTION_CONV_DIRECT] = "direct",
    [CAPTION_CONV_WINOGRAD] = "winograd",
    [CAPTION_CONV_IM2COL] = "im2col",
    NULL,
};

const cpt_cpu_level cpt_cpu_levels[CPT_CPU_LEVELS] = {
    {.name = "avx512vnni", .sets = CAPTION_CPU_AVX512_VNNI | CAPTION_CPU_AVX512 | CAPTION_CPU_AVX2},
    {.name = "avx512", .sets = CAPTION_CPU_AVX512 | CAPTION_CPU_AVX2},
    {.name = "avx2vnni", .sets = CAPTION_CPU_AVX2_VNNI | CAPTION_CPU_AVX2},
    {.name = "avx2", .sets = CAPTION_CPU_AVX2},
    {.name = "neondot", .sets = CAPTION_CPU_NEON_DOT | CAPTION_CPU_NEON},
    {.name = "neon", .sets = CAPTION_CPU_NEON},
    {.name = "c", .sets = 0},
};

/* ---- looking things up ---- */

const char *cpt_name_of(const char *const *names, uint32_t value)
{
    for (uint32_t i = 0; names[i]; i++) {
        if (i == value) return names[i];
    }
    return NULL;
}

int cpt_name_find(const char *const *names, const char *name)
{
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0) return i;
    }
    return -1;
}
