/* Growing arrays with checked sizes.  Called by the metric module and the readers; never aborts. */
#ifndef TOOLS_EVAL_GROW_H
#define TOOLS_EVAL_GROW_H

#include <stddef.h>

/* Room for at least `needed` elements: returns the array, perhaps moved, and updates *capacity; NULL when out
 * of memory (the old array then stays valid and owned by the caller). */
void *eval_grow(void *array, size_t *capacity, size_t needed, size_t element_size);

#endif
