/* jpeg_memory.h - libjpeg's memory manager over a fixed workspace.  Called by jpeg.c. */
#ifndef CPT_JPEG_MEMORY_H
#define CPT_JPEG_MEMORY_H

#include <stdio.h>

#include <jpeglib.h>

#include "lib/platform/arena.h"

typedef struct cpt_jpeg_memory {
    struct jpeg_memory_mgr methods;       /* first, so that libjpeg's pointer is ours */
    cpt_arena *arena;                     /* everything comes from here; freed all at once by its owner */
    struct jvirt_barray_control *pending; /* whole-image arrays asked for and not yet made */
} cpt_jpeg_memory;

/* Running out raises libjpeg's JERR_OUT_OF_MEMORY through cinfo's error handler. */
void cpt_jpeg_memory_init(cpt_jpeg_memory *memory, cpt_arena *arena);

#endif
