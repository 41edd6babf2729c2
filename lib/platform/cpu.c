/* cpu.c - see cpu.h.  Asks the processor each time: no state, no constructor. */
#include "lib/platform/cpu.h"

#include <stdbool.h>
#include <stddef.h>

#include <caption.h>

#if CAPTION_WITH_SIMD && defined(__x86_64__)
#include <cpuid.h>

#define CPUID_1_ECX_FMA (1u << 12)
#define CPUID_1_ECX_OSXSAVE (1u << 27)
#define CPUID_1_ECX_AVX (1u << 28)
#define CPUID_7_EBX_AVX2 (1u << 5)
#define CPUID_7_EBX_AVX512 ((1u << 16) | (1u << 17) | (1u << 30) | (1u << 31)) /* F, DQ, BW, VL */
#define CPUID_7_ECX_VNNI (1u << 11)
#define CPUID_7_1_EAX_AVX_VNNI (1u << 4)
#define XCR0_YMM 0x06u /* xmm and ymm */
#define XCR0_ZMM 0xE6u /* and opmask, upper halves of zmm0-15, zmm16-31 */

/* The register sets that the operating system saves.  The instruction, xgetbv, is written as bytes, so that
 * no compiler option is needed. */
static uint32_t saved_registers(void)
{
    uint32_t low, high;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static uint32_t avx_vnni(void)
{
    uint32_t a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || a < 1) return 0; /* a: how many leaves 7 has besides 0 */
    __cpuid_count(7, 1, a, b, c, d);
    return a & CPUID_7_1_EAX_AVX_VNNI ? CAPTION_CPU_AVX2_VNNI : 0;
}

uint32_t cpt_cpu_detect(void)
{
    const uint32_t avx = CPUID_1_ECX_FMA | CPUID_1_ECX_OSXSAVE | CPUID_1_ECX_AVX;
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & avx) != avx) return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    const uint32_t saved = saved_registers();
    uint32_t found = 0;
    if ((b & CPUID_7_EBX_AVX2) && (saved & XCR0_YMM) == XCR0_YMM) found |= CAPTION_CPU_AVX2 | avx_vnni();
    if (found && (b & CPUID_7_EBX_AVX512) == CPUID_7_EBX_AVX512 && (saved & XCR0_ZMM) == XCR0_ZMM) {
        found |= CAPTION_CPU_AVX512 | (c & CPUID_7_ECX_VNNI ? CAPTION_CPU_AVX512_VNNI : 0);
    }
    return found;
}

#elif CAPTION_WITH_SIMD && defined(__aarch64__)

#if defined(__linux__)
#include <sys/auxv.h>

#define HWCAP_BIT_ASIMDDP (1ul << 20) /* HWCAP_ASIMDDP of asm/hwcap.h, which old headers lack */

static bool has_dot(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_BIT_ASIMDDP) != 0;
}

#elif defined(__APPLE__)
#include <sys/sysctl.h>

static bool has_dot(void)
{
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname("hw.optional.arm.FEAT_DotProd", &value, &size, NULL, 0) == 0 && value != 0;
}

#else

/* Nobody to ask: what the compiler was told. */
static bool has_dot(void)
{
#if defined(__ARM_FEATURE_DOTPROD)
    return true;
#else
    return false;
#endif
}

#endif

uint32_t cpt_cpu_detect(void)
{
    return CAPTION_CPU_NEON | (has_dot() ? CAPTION_CPU_NEON_DOT : 0); /* NEON is part of every AArch64 */
}

#elif CAPTION_WITH_SIMD && defined(__wasm__)

/* A module that has instructions which the engine lacks is refused as a whole.  So what was built in is
 * there. */
uint32_t cpt_cpu_detect(void)
{
#if defined(CAPTION_WITH_RELAXED)
    return CAPTION_CPU_SIMD128 | CAPTION_CPU_RELAXED;
#else
    return CAPTION_CPU_SIMD128;
#endif
}

#elif CAPTION_WITH_SIMD && defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 2)

uint32_t cpt_cpu_detect(void)
{
    return CAPTION_CPU_MVE; /* a program for a microcontroller is compiled for that one */
}

#else

uint32_t cpt_cpu_detect(void)
{
    return 0;
}

#endif
