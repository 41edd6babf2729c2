/* NumPy's scalars in a pickle, read as plain numbers.
 *
 * A metric that was not turned into a Python float is such a scalar.  NumPy pickles it as a call of
 * multiarray.scalar(dtype, bytes), where dtype is a call of dtype('f8', False, True) and a state.  Pickles of
 * protocol 2 write the bytes as _codecs.encode(text, 'latin1').  Arrays and other types are not read. */
#include "tools/source/torch_vm.h"

#include <string.h>

enum { LONGEST = 8 }; /* bytes of a number */

static const struct {
    const char *name;
    source_type dtype;
} names[] = {
    {"f8", SOURCE_FLOAT64}, {"f4", SOURCE_FLOAT32}, {"i8", SOURCE_INT64},
    {"i4", SOURCE_INT32},   {"b1", SOURCE_BOOL},
};

static bool is_truth(const torch_value *value, bool truth)
{
    return value->kind == TORCH_BOOL && value->as.truth == truth;
}

static bool is_int(const torch_value *value, int64_t integer)
{
    return value->kind == TORCH_INT && value->as.integer == integer;
}

/* args: (name, align, copy) */
bool torch_vm_numpy_type(torch_vm *vm, const torch_items *args)
{
    torch_value *value = torch_vm_new(vm, TORCH_NUMPY_TYPE);
    if (!value) return false;
    if (args->count != 3 || args->at[0]->kind != TORCH_TEXT || !is_truth(args->at[1], false) ||
        !is_truth(args->at[2], true)) {
        return torch_vm_fail(vm, "a NumPy type's description is malformed");
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!torch_text_is(args->at[0], names[i].name)) continue;
        value->as.numpy.dtype = names[i].dtype;
        return torch_vm_push(vm, value);
    }
    return torch_vm_fail(vm, "a NumPy type other than float64, float32, int64, int32 and bool");
}

/* state: (3, byte order, None, None, None, -1, -1, 0).  3 is the version; the rest describes what plain
 * numbers don't have: subarrays, names, fields, size, alignment and flags. */
bool torch_vm_numpy_state(torch_vm *vm, torch_value *type, const torch_value *state)
{
    const char *order = type->as.numpy.dtype == SOURCE_BOOL ? "|" : "<";
    torch_value *const *at = state->as.items.at;
    if (state->kind != TORCH_TUPLE || state->as.items.count != 8 || !is_int(at[0], 3) ||
        at[1]->kind != TORCH_TEXT || !is_int(at[5], -1) || !is_int(at[6], -1) || !is_int(at[7], 0)) {
        return torch_vm_fail(vm, "a NumPy type's state is malformed");
    }
    for (int i = 2; i < 5; i++) {
        if (at[i]->kind != TORCH_NONE) return torch_vm_fail(vm, "a NumPy type of more than a number");
    }
    if (!torch_text_is(at[1], order)) return torch_vm_fail(vm, "a NumPy type that is not little-endian");
    type->as.numpy.complete = true;
    return true;
}

/* args: (text, "latin1").  Pushes the bytes of a short text whose characters are all below U+0100. */
bool torch_vm_latin1(torch_vm *vm, const torch_items *args)
{
    torch_value *value = torch_vm_new(vm, TORCH_BYTES);
    char *out = torch_arena_alloc(vm->arena, LONGEST);
    size_t n = 0;
    if (!value || !out) return torch_vm_no_memory(vm);
    if (args->count != 2 || args->at[0]->kind != TORCH_TEXT || !torch_text_is(args->at[1], "latin1")) {
        return torch_vm_fail(vm, "encodes something other than a text in latin1");
    }
    const torch_text text = args->at[0]->as.text;
    size_t i = 0;
    for (; i < text.size && n < LONGEST; n++) {
        const unsigned char c = (unsigned char)text.data[i++];
        out[n] = (char)c;
        if (c < 0x80) continue;
        if ((c != 0xC2 && c != 0xC3) || i == text.size || ((unsigned char)text.data[i] & 0xC0) != 0x80) {
            return torch_vm_fail(vm, "encodes what is no latin1");
        }
        out[n] = (char)((c & 3) << 6 | ((unsigned char)text.data[i++] & 0x3F));
    }
    if (i < text.size) return torch_vm_fail(vm, "encodes more bytes than a number has");
    value->as.text.data = out;
    value->as.text.size = n;
    return torch_vm_push(vm, value);
}

/* Sets value from the bits of a number.  False if a bool is neither 0 nor 1. */
static bool decode(torch_value *value, source_type dtype, uint64_t bits)
{
    const uint32_t low = (uint32_t)bits;
    value->kind = TORCH_INT;
    float narrow;
    switch (dtype) {
    case SOURCE_FLOAT64:
        value->kind = TORCH_FLOAT;
        memcpy(&value->as.real, &bits, sizeof bits);
        return true;
    case SOURCE_FLOAT32:
        value->kind = TORCH_FLOAT;
        memcpy(&narrow, &low, sizeof low);
        value->as.real = (double)narrow;
        return true;
    case SOURCE_INT64:
        value->as.integer = bits <= INT64_MAX ? (int64_t)bits : -(int64_t)~bits - 1;
        return true;
    case SOURCE_INT32:
        value->as.integer = low <= INT32_MAX ? (int64_t)low : (int64_t)low - ((int64_t)1 << 32);
        return true;
    case SOURCE_BOOL:
        value->kind = TORCH_BOOL;
        value->as.truth = bits != 0;
        return bits <= 1;
    default:
        return false;
    }
}

/* args: (type, bytes) */
bool torch_vm_numpy_scalar(torch_vm *vm, const torch_items *args)
{
    torch_value *value = torch_vm_new(vm, TORCH_INT);
    uint64_t bits = 0;
    if (!value) return false;
    if (args->count != 2 || args->at[0]->kind != TORCH_NUMPY_TYPE || !args->at[0]->as.numpy.complete ||
        args->at[1]->kind != TORCH_BYTES) {
        return torch_vm_fail(vm, "a NumPy number's description is malformed");
    }
    const torch_value *type = args->at[0];
    const torch_value *bytes = args->at[1];
    if (bytes->as.text.size != source_type_size(type->as.numpy.dtype)) {
        return torch_vm_fail(vm, "a NumPy number has the wrong number of bytes");
    }
    for (size_t i = bytes->as.text.size; i-- > 0;) bits = bits << 8 | (unsigned char)bytes->as.text.data[i];
    if (!decode(value, type->as.numpy.dtype, bits)) {
        return torch_vm_fail(vm, "a NumPy bool that is not 0 or 1");
    }
    return torch_vm_push(vm, value);
}
