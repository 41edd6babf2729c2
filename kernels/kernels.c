/* kernels.c - fills the kernel table: plain C first, then each instruction set that is allowed and present.
 * Keeps no state. */
#include "kernels/kernels.h"

#include <caption.h>
#include "kernels/kernels_isa.h"
#include "lib/platform/cpu.h"

/* Every file's kernels for one instruction set. */
#define FILL(kernels, isa)                      \
    do {                                        \
        (kernels)->name = #isa;                 \
        cptk_tile_init_##isa(kernels);          \
        cptk_maps_init_##isa(kernels);          \
        cptk_cells_init_##isa(kernels);         \
        cptk_reduce_init_##isa(kernels);        \
        cptk_int16_init_##isa(kernels);         \
        cptk_int8_init_##isa(kernels);          \
        cptk_winograd_int8_init_##isa(kernels); \
    } while (0)

void cptk_kernels_init(cptk_kernels *kernels, uint32_t cpu)
{
    cpu &= cpt_cpu_detect();
    *kernels = (cptk_kernels){0};
    FILL(kernels, c);
    cptk_gemm_init_c(kernels);
#if CAPTION_WITH_SIMD && defined(__x86_64__)
    if (cpu & CAPTION_CPU_AVX2) FILL(kernels, avx2);
    if ((cpu & CAPTION_CPU_AVX2) && (cpu & CAPTION_CPU_AVX2_VNNI)) {
        kernels->name = "avx2vnni";
        cptk_int16_init_avx2vnni(kernels);
        cptk_int8_init_avx2vnni(kernels);
    }
    if (cpu & CAPTION_CPU_AVX512) FILL(kernels, avx512);
    if ((cpu & CAPTION_CPU_AVX512) && (cpu & CAPTION_CPU_AVX512_VNNI)) {
        kernels->name = "avx512vnni";
        cptk_int16_init_avx512vnni(kernels);
        cptk_int8_init_avx512vnni(kernels);
    }
#elif CAPTION_WITH_SIMD && defined(__aarch64__)
    if (cpu & CAPTION_CPU_NEON) FILL(kernels, neon);
    if ((cpu & CAPTION_CPU_NEON) && (cpu & CAPTION_CPU_NEON_DOT)) {
        kernels->name = "neondot";
        cptk_int8_init_neondot(kernels);
    }
#elif CAPTION_WITH_SIMD && defined(__wasm__)
    if (cpu & CAPTION_CPU_SIMD128) FILL(kernels, simd128);
#if defined(CAPTION_WITH_RELAXED)
    if ((cpu & CAPTION_CPU_SIMD128) && (cpu & CAPTION_CPU_RELAXED)) {
        kernels->name = "relaxed";
        cptk_tile_init_relaxed(kernels);
        cptk_maps_init_relaxed(kernels);
    }
#endif
#elif CAPTION_WITH_SIMD && defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)
    if (cpu & CAPTION_CPU_MVE) {
        kernels->name = "mve";
        cptk_tile_init_mve(kernels);
        cptk_cells_init_mve(kernels);
        cptk_reduce_init_mve(kernels);
        cptk_int16_init_mve(kernels);
        cptk_int8_init_mve(kernels);
    }
#else
    (void)cpu;
#endif
}
