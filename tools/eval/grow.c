/* Growing arrays with checked sizes; see grow.h. */
#include "tools/eval/grow.h"

#include <stdint.h>
#include <stdlib.h>

void *eval_grow(void *array, size_t *capacity, size_t needed, size_t element_size)
{
    size_t room = *capacity < 16 ? 16 : *capacity;
    void *grown;
    if (array && needed <= *capacity) return array;
    while (room < needed) {
        if (room > SIZE_MAX / 2) return NULL;
        room *= 2;
    }
    if (room > SIZE_MAX / element_size) return NULL;
    grown = realloc(array, room * element_size);
    if (grown) *capacity = room;
    return grown;
}
