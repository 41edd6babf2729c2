/* Loads libraries; see loaded.h. */
#include "tools/common/loaded.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

bool tool_load(const char *library, const char *const *names, void *functions)
{
    void *const handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!handle) return false;
    for (size_t i = 0; names[i]; i++) {
        void *const address = dlsym(handle, names[i]);
        if (!address) return false;
        /* C has no cast from a pointer to data to one to a function */
        memcpy((char *)functions + i * sizeof address, &address, sizeof address);
    }
    return true;
}
