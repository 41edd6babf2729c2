/* memory.c - see memory.h. */
#define _DEFAULT_SOURCE /* madvise */
#include "lib/platform/memory.h"

#ifndef CAPTION_NO_MALLOC

#include <stdint.h>
#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "lib/platform/arena.h"

enum { LARGE_PAGE = 2 << 20 };

/* aligned_alloc wants a multiple of the alignment. */
static void *take(size_t alignment, size_t bytes)
{
    if (bytes > SIZE_MAX - alignment) return NULL;
    return aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
}

void *cpt_memory_take(size_t bytes)
{
#if defined(MADV_HUGEPAGE)
    if (bytes >= LARGE_PAGE) {
        void *memory = take(LARGE_PAGE, bytes);
        /* The first touch of a page costs time, and so does every look-up of its address. */
        if (memory) (void)madvise(memory, bytes, MADV_HUGEPAGE);
        return memory;
    }
#endif
    return take(CPT_ALIGN, bytes);
}

#else
typedef int cpt_no_memory; /* C wants a declaration in every file */
#endif
