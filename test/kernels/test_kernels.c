/* test_kernels.c - every slot of the kernel table, for every instruction set this machine has, against plain
 * C and exact values.  `--bench` times them instead.  `--cpu NAME`, or the variable CHECK_CPU, leaves out
 * everything above that level, for emulators such as valgrind.  `--every N` checks functions of one number at
 * every N-th float; 1 means all of them and takes minutes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <caption.h>
#include "test/kernels/check_support.h"
#include "lib/platform/cpu.h"

static const struct {
    const char *name;
    uint32_t bits;
} levels[] = {
    {"c", 0},
    {"avx2", CAPTION_CPU_AVX2},
    {"avx2vnni", CAPTION_CPU_AVX2 | CAPTION_CPU_AVX2_VNNI},
    {"avx512", CAPTION_CPU_AVX2 | CAPTION_CPU_AVX512},
    {"avx512vnni", CAPTION_CPU_AVX2 | CAPTION_CPU_AVX512 | CAPTION_CPU_AVX512_VNNI},
    {"neon", CAPTION_CPU_NEON},
    {"neondot", CAPTION_CPU_NEON | CAPTION_CPU_NEON_DOT},
    {"simd128", CAPTION_CPU_SIMD128},
    {"relaxed", CAPTION_CPU_SIMD128 | CAPTION_CPU_RELAXED},
};

static const struct {
    void (*check)(const cptk_kernels *k, const cptk_kernels *c);
    void (*bench)(const cptk_kernels *k);
} families[] = {
    {check_cells, bench_cells},
    {check_tile, bench_tile},
    {check_maps, bench_maps},
    {check_int16, bench_int16},
    {check_reduce, bench_reduce},
    {check_int8, bench_int8},
    {check_winograd_int8, bench_winograd_int8},
    {check_golden, NULL},
};

static bool parse_cpu(const char *name, uint32_t *mask)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (strcmp(name, levels[i].name) == 0) {
            *mask = levels[i].bits;
            return true;
        }
    }
    return false;
}

static void run(uint32_t bits, bool bench)
{
    cptk_kernels kernels;
    cptk_kernels_init(&kernels, bits);
    cptk_kernels plain;
    cptk_kernels_init(&plain, 0);
    if (bits) cptk_gemm_load(&kernels); /* so that plain C's gemm is checked too, at the level of plain C */
    check_begin(kernels.name);
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (bench) {
            if (families[i].bench) families[i].bench(&kernels);
        } else {
            families[i].check(&kernels, &plain);
        }
    }
    if (!bench) printf("%s: checked\n", kernels.name);
}

int main(int argc, char **argv)
{
    const char *name = getenv("CHECK_CPU");
    uint32_t mask = CAPTION_CPU_ALL;
    bool bench = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--bench") == 0) {
            bench = true;
        } else if (strcmp(argv[i], "--cpu") == 0 && i + 1 < argc) {
            name = argv[++i];
        } else if (strcmp(argv[i], "--every") == 0 && i + 1 < argc && atol(argv[i + 1]) > 0) {
            check_set_stride((unsigned long)atol(argv[++i]));
        } else {
            goto usage;
        }
    }
    if (name && *name && !parse_cpu(name, &mask)) goto usage;
    if (!bench) check_real();
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if ((levels[i].bits & cpt_cpu_detect() & mask) == levels[i].bits) run(levels[i].bits, bench);
    }
    if (check_failures()) printf("%ld failures\n", check_failures());
    return check_failures() != 0;
usage:
    fprintf(stderr, "usage: test_kernels [--bench] [--every N] [--cpu LEVEL]\n");
    return 2;
}
