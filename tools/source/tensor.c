/* Tensors out of a checkpoint's storages, as float32; see checkpoint.h.  Called by the converter.
 * That every element lies inside its storage was checked when the pickle was read (calls.c). */
#include "tools/source/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

torch_zip_entry *torch_tensor_storage(const torch_checkpoint *c, const torch_tensor *tensor, const char *name,
                                      tool_error *err)
{
    const torch_storage *storage = tensor->storage;
    const size_t item = torch_dtype_size(storage->dtype);
    char path[sizeof c->prefix + 64];
    torch_zip_entry *entry;
    (void)snprintf(path, sizeof path, "%sdata/%.*s", c->prefix, (int)storage->key.size, storage->key.data);
    entry = torch_zip_find(&c->zip, path);
    if (!entry) {
        (void)tool_fail(err, "%s: %s: its data, %s, are missing", c->zip.path, name, path);
        return NULL;
    }
    if (entry->size % item != 0 || entry->size / item != storage->count) {
        (void)tool_fail(err, "%s: %s: its data, %s, are %llu bytes, not %llu numbers of %zu", c->zip.path,
                        name, path, (unsigned long long)entry->size, (unsigned long long)storage->count,
                        item);
        return NULL;
    }
    return entry;
}

bool torch_tensor_check(const torch_checkpoint *c, const torch_tensor *tensor, const char *name,
                        tool_error *err)
{
    switch (tensor->storage->dtype) {
    case TORCH_FLOAT32:
    case TORCH_FLOAT16:
    case TORCH_BFLOAT16:
    case TORCH_FLOAT64:
        break;
    default:
        return tool_fail(err, "%s: %s: holds %s numbers, not floating-point ones", c->zip.path, name,
                         torch_dtype_name(tensor->storage->dtype));
    }
    return torch_tensor_storage(c, tensor, name, err) != NULL;
}

/* Whether the elements lie one after the other, in row-major order. */
static bool is_contiguous(const torch_tensor *tensor)
{
    uint64_t step = 1;
    int i;
    for (i = tensor->rank; i-- > 0;) {
        if (tensor->dims[i] != 1 && tensor->strides[i] != step) return false;
        step *= tensor->dims[i];
    }
    return true;
}

/* ---- numbers ---- */

static float from_half(uint32_t bits)
{
    const uint32_t sign = (bits & 0x8000) << 16, exponent = bits >> 10 & 31, fraction = bits & 0x3FF;
    uint32_t wide;
    float value;
    if (exponent == 0) { /* zero and denormals: fraction x 2^-24, exact in float32 */
        value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    wide = sign | (exponent == 31 ? 0x7F800000 : (exponent + 112) << 23) | fraction << 13;
    memcpy(&value, &wide, sizeof value);
    return value;
}

static float convert(const unsigned char *p, torch_dtype dtype)
{
    uint16_t narrow;
    uint32_t bits;
    float value;
    double wide;
    switch (dtype) {
    case TORCH_FLOAT64:
        memcpy(&wide, p, sizeof wide);
        return (float)wide;
    case TORCH_FLOAT16:
        memcpy(&narrow, p, sizeof narrow);
        return from_half(narrow);
    case TORCH_BFLOAT16:
        memcpy(&narrow, p, sizeof narrow);
        bits = (uint32_t)narrow << 16;
        memcpy(&value, &bits, sizeof value);
        return value;
    default:
        memcpy(&value, p, sizeof value);
        return value;
    }
}

/* Walks the elements in row-major order, the last dimension in the inner loop. */
static void gather(const torch_tensor *t, const unsigned char *data, float *values)
{
    const torch_dtype dtype = t->storage->dtype;
    const size_t item = torch_dtype_size(dtype);
    const uint64_t inner = t->rank ? t->dims[t->rank - 1] : 1, step = t->rank ? t->strides[t->rank - 1] : 0;
    uint64_t index[TORCH_MAX_RANK] = {0}, row, i;
    int d;
    for (row = 0; row < t->count / inner; row++) {
        const unsigned char *p = data;
        for (d = 0; d + 1 < t->rank; d++) p += index[d] * t->strides[d] * item;
        for (i = 0; i < inner; i++) values[row * inner + i] = convert(p + i * step * item, dtype);
        for (d = t->rank - 2; d >= 0 && ++index[d] == t->dims[d]; d--) index[d] = 0;
    }
}

bool torch_tensor_read(const torch_checkpoint *c, const torch_tensor *tensor, const char *name, float *values,
                       tool_error *err)
{
    const size_t item = torch_dtype_size(tensor->storage->dtype);
    torch_zip_entry *entry;
    unsigned char *data;
    uint64_t span = 1;
    int i;
    bool ok;
    if (!torch_tensor_check(c, tensor, name, err)) return false;
    entry = torch_tensor_storage(c, tensor, name, err);
    if (!entry) return false;
    if (tensor->count == 0) return true;
    for (i = 0; i < tensor->rank; i++) span += (tensor->dims[i] - 1) * tensor->strides[i];
    if (tensor->storage->dtype == TORCH_FLOAT32 && is_contiguous(tensor)) {
        return torch_zip_read_at(&c->zip, entry, tensor->offset * item, values, (size_t)span * item, err);
    }
    data = malloc((size_t)span * item);
    if (!data) return tool_fail(err, "%s: %s: out of memory", c->zip.path, name);
    ok = torch_zip_read_at(&c->zip, entry, tensor->offset * item, data, (size_t)span * item, err);
    if (ok) gather(tensor, data, values);
    free(data);
    return ok;
}
