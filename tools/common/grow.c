/* Growing arrays with checked sizes; see grow.h. */
#include "tools/common/grow.h"

#include <stdint.h>
#include <stdlib.h>

enum { FIRST_ROOM = 16 };

void *tool_grow(void *array, size_t *capacity, size_t needed, size_t element_size)
{
    if (array && needed <= *capacity) return array;
    size_t room = *capacity < FIRST_ROOM ? FIRST_ROOM : *capacity;
    while (room < needed) {
        if (room > SIZE_MAX / 2) return NULL;
        room *= 2;
    }
    if (room > SIZE_MAX / element_size) return NULL;
    void *grown = realloc(array, room * element_size);
    if (grown) *capacity = room;
    return grown;
}
