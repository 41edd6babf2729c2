/* vec_halves_256.h - the vectors of int16 of vec.h in AVX2: 16 numbers a vector.  AVX-512 takes the same,
 * half of its own width. */
#ifndef CPTK_SIMD_VEC_HALVES_256_H
#define CPTK_SIMD_VEC_HALVES_256_H

#include <immintrin.h>
#include <stdint.h>

/* clang-format off */
#define VEC_HALVES 16
typedef __m256i vh;
static inline vh vh_zero(void) { return _mm256_setzero_si256(); }
static inline void vh_store(int16_t *p, vh x) { _mm256_storeu_si256((__m256i *)(void *)p, x); }
static inline vh vh_add(vh a, vh b) { return _mm256_add_epi16(a, b); }
static inline vh vh_sub(vh a, vh b) { return _mm256_sub_epi16(a, b); }
static inline vh vh_load_u8(const uint8_t *p)
{
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline void vh_load_quads(const int8_t *p, vh *pairs)
{
    const __m256i first_then_last = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15, /* */
                                                     0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    __m256i quads = _mm256_loadu_si256((const __m256i *)(const void *)p);
    quads = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(quads, first_then_last), _MM_SHUFFLE(3, 1, 2, 0));
    pairs[0] = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(quads));
    pairs[1] = _mm256_cvtepi8_epi16(_mm256_extracti128_si256(quads, 1));
}
/* clang-format on */

#endif
