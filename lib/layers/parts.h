/* parts.h - small arithmetic for cutting work into pieces. */
#ifndef CPT_PARTS_H
#define CPT_PARTS_H

#include <stddef.h>

#include "lib/platform/arena.h"

static inline int cpt_min(int a, int b)
{
    return a < b ? a : b;
}

static inline int cpt_max(int a, int b)
{
    return a > b ? a : b;
}

static inline size_t cpt_max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

static inline int cpt_ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

/* The first of `count` things that part i of `parts` nearly equal parts holds; part `parts` begins at count.
 */
static inline int cpt_part(int count, int parts, int i)
{
    return count / parts * i + cpt_min(i, count % parts);
}

/* Up to a multiple of CPT_ALIGN; bytes <= SIZE_MAX - CPT_ALIGN. */
static inline size_t cpt_align_up(size_t bytes)
{
    return (bytes + CPT_ALIGN - 1) / CPT_ALIGN * CPT_ALIGN;
}

/* Bytes of a buffer of a x b floats, a multiple of CPT_ALIGN; returns 0 when the number does not fit.
 *
 * Buffers above an eighth of the address space count as not fitting, so that a few of them can be added up
 * without overflow. */
static inline size_t cpt_buffer_bytes(size_t a, size_t b)
{
    size_t bytes;
    if (!cpt_mul(a, b, &bytes) || !cpt_mul(bytes, sizeof(float), &bytes) || bytes > SIZE_MAX / 8) return 0;
    return cpt_align_up(bytes);
}

#endif
