/* jpeg_memory.h - a memory manager for libjpeg that allocates from a fixed workspace. */
#ifndef CPT_JPEG_MEMORY_H
#define CPT_JPEG_MEMORY_H

#include <stdio.h>

#include <jpeglib.h>

#include "lib/platform/arena.h"

typedef struct cpt_jpeg_memory {
    struct jpeg_memory_mgr methods;       /* first, so that libjpeg's pointer to it points to this, too */
    cpt_arena *arena;                     /* all memory comes from here; its owner frees it all at once */
    struct jvirt_barray_control *pending; /* arrays of a whole image that were asked for and not yet made */
} cpt_jpeg_memory;

/* When the arena is used up, libjpeg's error handler gets JERR_OUT_OF_MEMORY. */
void cpt_jpeg_memory_init(cpt_jpeg_memory *memory, cpt_arena *arena);

#endif
