/* arena.h - hands out aligned pieces of one block, and checked size arithmetic.
 *
 * The planner (session.c) runs the same layout code twice: once with base NULL, when pieces are only counted
 * (the size query), and once for real.  Never allocates from the system. */
#ifndef CPT_ARENA_H
#define CPT_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define CPT_ALIGN 64u

typedef struct cpt_arena {
    unsigned char *base; /* NULL: a dry run */
    size_t used, size;   /* in a dry run size is SIZE_MAX */
    int failed;          /* sticky: a piece did not fit, or its size overflowed */
} cpt_arena;

void cpt_arena_init(cpt_arena *arena, void *base, size_t size);

/* The next count * each bytes, 64-byte aligned, not cleared.  NULL in a dry run, or when it does not fit
 * (failed). */
void *cpt_arena_take(cpt_arena *arena, size_t count, size_t each);

/* *product = a * b; returns 0, leaving *product alone, when that does not fit. */
static inline int cpt_mul(size_t a, size_t b, size_t *product)
{
    if (b != 0 && a > SIZE_MAX / b) return 0;
    *product = a * b;
    return 1;
}

static inline int cpt_add(size_t a, size_t b, size_t *sum)
{
    if (a > SIZE_MAX - b) return 0;
    *sum = a + b;
    return 1;
}

#endif
