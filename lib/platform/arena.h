/* arena.h - hands out aligned pieces of one block of memory, and checks arithmetic with sizes.
 *
 * A plan of memory is code that takes pieces.  It runs twice: in a dry run, with base NULL, pieces are only
 * counted, which gives the size that a block must have; then it runs on such a block.  Never allocates. */
#ifndef CPT_ARENA_H
#define CPT_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CPT_ALIGN 64u

typedef struct cpt_arena {
    unsigned char *base; /* NULL: a dry run */
    size_t used, size;   /* bytes; in a dry run size is SIZE_MAX */
    bool failed;         /* a piece did not fit, or its size overflowed; stays true */
} cpt_arena;

/* An arena over base [size], 64-byte aligned, or a dry run when base is NULL. */
void cpt_arena_init(cpt_arena *arena, void *base, size_t size);

/* Takes the next count * each bytes, 64-byte aligned, not cleared.  Returns NULL in a dry run, and when they
 * do not fit, which sets `failed`. */
void *cpt_arena_take(cpt_arena *arena, size_t count, size_t each);

/* Computes *product = a * b.  Returns false, and leaves *product alone, when that does not fit. */
static inline bool cpt_mul(size_t a, size_t b, size_t *product)
{
    if (b != 0 && a > SIZE_MAX / b) return false;
    *product = a * b;
    return true;
}

/* Computes *sum = a + b.  Returns false, and leaves *sum alone, when that does not fit. */
static inline bool cpt_add(size_t a, size_t b, size_t *sum)
{
    if (a > SIZE_MAX - b) return false;
    *sum = a + b;
    return true;
}

#endif
