/* structure.c - see structure.h. */
#include "lib/platform/structure.h"

#include <string.h>

static caption_status check_size(const cpt_structure *structure, size_t size, caption_error *error)
{
    if (size > structure->known) {
        return cpt_fail(error, CAPTION_ERROR_VERSION,
                        "%s: the caller's has %zu bytes, that of libcaption " CAPTION_VERSION " has %zu; the "
                        "caller was compiled for a newer version",
                        structure->name, size, structure->known);
    }
    if (size < structure->least) {
        return cpt_fail(error, CAPTION_ERROR_VERSION,
                        "%s: the caller's has %zu bytes, it must have %zu or more", structure->name, size,
                        structure->least);
    }
    return CAPTION_OK;
}

caption_status cpt_take_in(const cpt_structure *structure, void *to, const void *from, size_t size,
                           caption_error *error)
{
    if (!from) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "%s is NULL", structure->name);
    const caption_status status = check_size(structure, size, error);
    if (!status) memcpy(to, from, size);
    return status;
}

caption_status cpt_hand_out(const cpt_structure *structure, void *to, size_t size, const void *from,
                            caption_error *error)
{
    if (!to) return cpt_fail(error, CAPTION_ERROR_ARGUMENT, "%s is NULL", structure->name);
    const caption_status status = check_size(structure, size, error);
    if (status) return status;
    memcpy(to, from, size);
    return cpt_ok(error);
}
