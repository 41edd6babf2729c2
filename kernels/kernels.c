/* kernels.c - fills the kernel table: plain C first, then each instruction set that is allowed and present.
 * Called once per session; keeps no state. */
#include "kernels/kernels.h"

#include <string.h>

#include <caption.h>
#include "kernels/kernels_isa.h"
#include "lib/platform/cpu.h"

void cptk_kernels_init(cptk_kernels *kernels, uint32_t cpu)
{
    cpu &= cpt_cpu_detect();
    memset(kernels, 0, sizeof *kernels);
    kernels->name = "c";
    kernels->tile_rows = CPTK_MAX_ROWS;
    cptk_cell_init_c(kernels);
    cptk_conv_init_c(kernels);
    cptk_int16_init_c(kernels);
#if defined(__x86_64__)
    if (cpu & CAPTION_CPU_AVX2) {
        kernels->name = "avx2";
        cptk_cell_init_avx2(kernels);
        cptk_conv_init_avx2(kernels);
        cptk_int16_init_avx2(kernels);
    }
    if (cpu & CAPTION_CPU_AVX512) {
        kernels->name = "avx512";
        cptk_cell_init_avx512(kernels);
        cptk_conv_init_avx512(kernels);
        cptk_int16_init_avx512(kernels);
        if (cpu & CAPTION_CPU_AVX512_VNNI) {
            kernels->name = "avx512vnni";
            cptk_int16_init_avx512vnni(kernels);
        }
    }
#elif defined(__aarch64__)
    if (cpu & CAPTION_CPU_NEON) {
        kernels->name = "neon";
        cptk_cell_init_neon(kernels);
        cptk_conv_init_neon(kernels);
        cptk_int16_init_neon(kernels);
    }
#else
    (void)cpu;
#endif
}
