/* memory.h - the blocks that the library allocates itself: sessions, and models that are read.  Builds with
 * CAPTION_NO_MALLOC don't have it. */
#ifndef CPT_MEMORY_H
#define CPT_MEMORY_H

#include <stddef.h>

/* Returns a block of at least `bytes`, 64-byte aligned and not cleared, or NULL when there is no memory.  The
 * caller ends it with free().  A large block asks for large pages. */
void *cpt_memory_take(size_t bytes);

#endif
