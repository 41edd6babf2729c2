/* Tensors out of a checkpoint's storages; see torch_checkpoint.h.
 *
 * torch_calls.c has checked already that every element lies inside its storage. */
#include "tools/source/torch_checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The storage of a tensor; NULL and an error if it is missing or has another size. */
static torch_zip_entry *find_storage(const torch_checkpoint *c, const torch_tensor *tensor, const char *name,
                                     tool_error *err)
{
    const torch_storage *storage = tensor->storage;
    const size_t item = source_type_size(storage->dtype);
    char path[sizeof c->prefix + 64];
    (void)snprintf(path, sizeof path, "%sdata/%.*s", c->prefix, (int)storage->key.size, storage->key.data);
    torch_zip_entry *entry = torch_zip_find(&c->zip, path);
    if (!entry) {
        (void)tool_fail(err, "%s: %s: its data, %s, are missing", c->zip.input.path, name, path);
        return NULL;
    }
    if (entry->size % item != 0 || entry->size / item != storage->count) {
        (void)tool_fail(err, "%s: %s: its data, %s, are %llu bytes, not %llu numbers of %zu",
                        c->zip.input.path, name, path, (unsigned long long)entry->size,
                        (unsigned long long)storage->count, item);
        return NULL;
    }
    return entry;
}

bool torch_tensor_check(const torch_checkpoint *c, const torch_tensor *tensor, const char *name,
                        tool_error *err)
{
    return find_storage(c, tensor, name, err) != NULL;
}

/* Whether the elements lie one after the other, in row-major order. */
static bool is_contiguous(const torch_tensor *tensor)
{
    uint64_t step = 1;
    for (int i = tensor->rank; i-- > 0;) {
        if (tensor->dims[i] != 1 && tensor->strides[i] != step) return false;
        step *= tensor->dims[i];
    }
    return true;
}

/* Walks the elements in row-major order, the last dimension in the inner loop. */
static void gather(const torch_tensor *t, const unsigned char *data, unsigned char *to)
{
    const size_t item = source_type_size(t->storage->dtype);
    const uint64_t inner = t->rank ? t->dims[t->rank - 1] : 1, step = t->rank ? t->strides[t->rank - 1] : 0;
    uint64_t index[SOURCE_MAX_RANK] = {0};
    for (uint64_t row = 0; row < t->count / inner; row++) {
        const unsigned char *p = data;
        for (int d = 0; d + 1 < t->rank; d++) p += index[d] * t->strides[d] * item;
        for (uint64_t i = 0; i < inner; i++, to += item) memcpy(to, p + i * step * item, item);
        for (int d = t->rank - 2; d >= 0 && ++index[d] == t->dims[d]; d--) index[d] = 0;
    }
}

bool torch_tensor_read(const torch_checkpoint *c, const torch_tensor *tensor, const char *name, void *data,
                       tool_error *err)
{
    const size_t item = source_type_size(tensor->storage->dtype);
    uint64_t span = 1;
    torch_zip_entry *entry = find_storage(c, tensor, name, err);
    if (!entry) return false;
    if (tensor->count == 0) return true;
    for (int i = 0; i < tensor->rank; i++) span += (tensor->dims[i] - 1) * tensor->strides[i];
    if (is_contiguous(tensor)) {
        return torch_zip_read_at(&c->zip, entry, tensor->offset * item, data, (size_t)span * item, err);
    }
    unsigned char *part = malloc((size_t)span * item);
    if (!part) return tool_fail(err, "%s: %s: out of memory", c->zip.input.path, name);
    const bool ok = torch_zip_read_at(&c->zip, entry, tensor->offset * item, part, (size_t)span * item, err);
    if (ok) gather(tensor, part, data);
    free(part);
    return ok;
}
