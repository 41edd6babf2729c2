/* Growing arrays with checked sizes. */
#ifndef TOOLS_COMMON_GROW_H
#define TOOLS_COMMON_GROW_H

#include <stddef.h>

/* Makes room for at least `needed` elements.  Returns the array, perhaps moved, and updates *capacity.
 * Returns NULL when memory runs out: the old array then stays valid, and the caller still owns it. */
void *tool_grow(void *array, size_t *capacity, size_t needed, size_t element_size);

#endif
