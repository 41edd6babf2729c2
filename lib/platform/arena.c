/* arena.c - see arena.h. */
#include "lib/platform/arena.h"

void cpt_arena_init(cpt_arena *arena, void *base, size_t size)
{
    arena->base = base;
    arena->used = 0;
    arena->size = base ? size : SIZE_MAX;
    arena->failed = false;
}

void *cpt_arena_take(cpt_arena *arena, size_t count, size_t each)
{
    const size_t start = arena->used;
    if (arena->failed) return NULL;
    size_t bytes;
    if (!cpt_mul(count, each, &bytes) || !cpt_add(bytes, CPT_ALIGN - 1, &bytes)) goto fail;
    bytes -= bytes % CPT_ALIGN;
    size_t end;
    if (!cpt_add(start, bytes, &end) || end > arena->size) goto fail;
    arena->used = end;
    return arena->base ? arena->base + start : NULL;
fail:
    arena->failed = true;
    return NULL;
}
