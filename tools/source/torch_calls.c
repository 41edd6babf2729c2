/* The names that a pickle may use, and what they make.
 *
 * To "call" one of them is to build a plain value from its arguments, after every argument was checked.
 * Nothing else happens. */
#include <string.h>

#include "tools/common/printable.h"
#include "tools/source/torch_vm.h"

static const torch_class classes[] = {
    {.module = "collections", .name = "OrderedDict", .call = TORCH_CALL_DICT},
    {.module = "collections", .name = "Counter", .call = TORCH_CALL_DICT},
    {.module = "torch._utils", .name = "_rebuild_tensor_v2", .call = TORCH_CALL_TENSOR},
    {.module = "torch._utils", .name = "_rebuild_parameter", .call = TORCH_CALL_PARAMETER},
    {.module = "torch", .name = "FloatStorage", .call = TORCH_CALL_STORAGE, .dtype = SOURCE_FLOAT32},
    {.module = "torch", .name = "HalfStorage", .call = TORCH_CALL_STORAGE, .dtype = SOURCE_FLOAT16},
    {.module = "torch", .name = "BFloat16Storage", .call = TORCH_CALL_STORAGE, .dtype = SOURCE_BFLOAT16},
    {.module = "torch", .name = "DoubleStorage", .call = TORCH_CALL_STORAGE, .dtype = SOURCE_FLOAT64},
    {.module = "torch", .name = "LongStorage", .call = TORCH_CALL_STORAGE, .dtype = SOURCE_INT64},
    {.module = "torch", .name = "IntStorage", .call = TORCH_CALL_STORAGE, .dtype = SOURCE_INT32},
    {.module = "torch", .name = "ShortStorage", .call = TORCH_CALL_STORAGE, .dtype = SOURCE_INT16},
    {.module = "torch", .name = "CharStorage", .call = TORCH_CALL_STORAGE, .dtype = SOURCE_INT8},
    {.module = "torch", .name = "ByteStorage", .call = TORCH_CALL_STORAGE, .dtype = SOURCE_UINT8},
    {.module = "torch", .name = "BoolStorage", .call = TORCH_CALL_STORAGE, .dtype = SOURCE_BOOL},
    /* as published; pickled from within src/; pickled by the script itself */
    {.module = "src.vocabulary", .name = "Vocabulary", .call = TORCH_CALL_VOCABULARY},
    {.module = "vocabulary", .name = "Vocabulary", .call = TORCH_CALL_VOCABULARY},
    {.module = "__main__", .name = "Vocabulary", .call = TORCH_CALL_VOCABULARY},
    /* NumPy 1 and NumPy 2 */
    {.module = "numpy.core.multiarray", .name = "scalar", .call = TORCH_CALL_NUMPY_SCALAR},
    {.module = "numpy._core.multiarray", .name = "scalar", .call = TORCH_CALL_NUMPY_SCALAR},
    {.module = "numpy", .name = "dtype", .call = TORCH_CALL_NUMPY_TYPE},
    {.module = "_codecs", .name = "encode", .call = TORCH_CALL_LATIN1},
};

static bool same(torch_text text, const char *wanted)
{
    return text.size == strlen(wanted) && memcmp(text.data, wanted, text.size) == 0;
}

bool torch_vm_global(torch_vm *vm, torch_text module, torch_text name)
{
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (!same(module, classes[i].module) || !same(name, classes[i].name)) continue;
        torch_value *value = torch_vm_new(vm, TORCH_CLASS);
        if (!value) return false;
        value->as.type = &classes[i];
        return torch_vm_push(vm, value);
    }
    char printable[2][TOOL_PRINTABLE_BYTES];
    return tool_fail(
        vm->err, "%s: byte %zu: names %s.%s, which is not on the list of what may be read; nothing was run",
        vm->place, (size_t)(vm->op - vm->start), tool_printable(module.data, module.size, printable[0]),
        tool_printable(name.data, name.size, printable[1]));
}

/* An integer that is not negative. */
static bool natural(const torch_value *value, uint64_t *number)
{
    if (!value || value->kind != TORCH_INT || value->as.integer < 0) return false;
    *number = (uint64_t)value->as.integer;
    return true;
}

static bool naturals(const torch_value *value, uint64_t numbers[SOURCE_MAX_RANK], int *count)
{
    if (value->kind != TORCH_TUPLE || value->as.items.count > SOURCE_MAX_RANK) return false;
    for (size_t i = 0; i < value->as.items.count; i++) {
        if (!natural(value->as.items.at[i], &numbers[i])) return false;
    }
    *count = (int)value->as.items.count;
    return true;
}

/* Whether every element lies inside the storage.  Sets tensor->count, which is refused where it is larger
 * than the storage's: elements that share memory could ask for any amount of it. */
static bool fits(torch_tensor *tensor)
{
    const uint64_t room = tensor->storage->count;
    uint64_t last = tensor->offset;
    tensor->count = 1;
    for (int i = 0; i < tensor->rank; i++) {
        if (tensor->dims[i] == 0) {
            tensor->count = 0;
            return true;
        }
    }
    for (int i = 0; i < tensor->rank; i++) {
        const uint64_t steps = tensor->dims[i] - 1;
        if (tensor->dims[i] > room / tensor->count) return false;
        tensor->count *= tensor->dims[i];
        if (last > room || (steps && tensor->strides[i] > (room - last) / steps)) return false;
        last += steps * tensor->strides[i];
    }
    return last < room;
}

/* storage, offset, size, stride, requires_grad, hooks[, metadata] */
static bool make_tensor(torch_vm *vm, const torch_items *args)
{
    torch_value *value = torch_vm_new(vm, TORCH_TENSOR);
    torch_tensor *tensor = torch_arena_alloc(vm->arena, sizeof *tensor);
    if (!value || !tensor) return torch_vm_no_memory(vm);
    int strides;
    if (args->count < 5 || args->count > 7 || args->at[0]->kind != TORCH_STORAGE ||
        !natural(args->at[1], &tensor->offset) || !naturals(args->at[2], tensor->dims, &tensor->rank) ||
        !naturals(args->at[3], tensor->strides, &strides) || strides != tensor->rank) {
        return torch_vm_fail(vm, "a tensor's description is malformed");
    }
    tensor->storage = &args->at[0]->as.storage;
    if (!fits(tensor)) return torch_vm_fail(vm, "a tensor reaches outside its storage");
    value->as.tensor = tensor;
    return torch_vm_push(vm, value);
}

/* OrderedDict() or Counter(mapping).  The counter shares the mapping's items, which don't change any more. */
static bool make_dict(torch_vm *vm, const torch_items *args)
{
    torch_value *value = torch_vm_new(vm, TORCH_DICT);
    if (!value) return false;
    if (args->count > 1 || (args->count == 1 && args->at[0]->kind != TORCH_DICT)) {
        return torch_vm_fail(vm, "a dictionary made from something other than a dictionary");
    }
    if (args->count == 1) {
        value->as.items = args->at[0]->as.items;
        value->as.items.room = value->as.items.count; /* the next item moves it to memory of its own */
    }
    return torch_vm_push(vm, value);
}

static bool make_object(torch_vm *vm, const torch_class *type, const torch_items *args)
{
    torch_value *value = torch_vm_new(vm, TORCH_OBJECT);
    if (!value) return false;
    if (args->count) return torch_vm_fail(vm, "an object made with arguments");
    value->as.object.type = type;
    return torch_vm_push(vm, value);
}

bool torch_vm_reduce(torch_vm *vm)
{
    torch_value *args = torch_vm_pop(vm), *callee = args ? torch_vm_pop(vm) : NULL;
    if (!callee) return false;
    if (callee->kind != TORCH_CLASS || args->kind != TORCH_TUPLE) {
        return torch_vm_fail(vm, "calls something that is no function");
    }
    switch (callee->as.type->call) {
    case TORCH_CALL_DICT:
        return make_dict(vm, &args->as.items);
    case TORCH_CALL_TENSOR:
        return make_tensor(vm, &args->as.items);
    case TORCH_CALL_PARAMETER:
        if (args->as.items.count != 3 || args->as.items.at[0]->kind != TORCH_TENSOR) {
            return torch_vm_fail(vm, "a parameter's description is malformed");
        }
        return torch_vm_push(vm, args->as.items.at[0]);
    case TORCH_CALL_VOCABULARY:
        return make_object(vm, callee->as.type, &args->as.items);
    case TORCH_CALL_NUMPY_TYPE:
        return torch_vm_numpy_type(vm, &args->as.items);
    case TORCH_CALL_NUMPY_SCALAR:
        return torch_vm_numpy_scalar(vm, &args->as.items);
    case TORCH_CALL_LATIN1:
        return torch_vm_latin1(vm, &args->as.items);
    case TORCH_CALL_STORAGE:
        break;
    }
    return torch_vm_fail(vm, "makes a storage outside of a tensor");
}

bool torch_vm_newobj(torch_vm *vm)
{
    torch_value *args = torch_vm_pop(vm), *type = args ? torch_vm_pop(vm) : NULL;
    if (!type) return false;
    if (type->kind != TORCH_CLASS || args->kind != TORCH_TUPLE) {
        return torch_vm_fail(vm, "makes an object of something that is no class");
    }
    if (type->as.type->call == TORCH_CALL_DICT) return make_dict(vm, &args->as.items);
    if (type->as.type->call == TORCH_CALL_VOCABULARY) return make_object(vm, type->as.type, &args->as.items);
    return torch_vm_fail(vm, "makes an object of something that is no class");
}

bool torch_vm_build(torch_vm *vm)
{
    torch_value *state = torch_vm_pop(vm), *value = state ? torch_vm_top(vm) : NULL;
    if (!value) return false;
    if (value->kind == TORCH_NUMPY_TYPE) return torch_vm_numpy_state(vm, value, state);
    if (state->kind != TORCH_DICT) return torch_vm_fail(vm, "an object's state is no dictionary");
    if (value->kind == TORCH_DICT) return true; /* a state dict's _metadata: of no use here */
    if (value->kind != TORCH_OBJECT) return torch_vm_fail(vm, "gives a state to something that is no object");
    value->as.object.state = state;
    return true;
}

enum { MAX_KEY = 32 }; /* of a storage; torch.save counts them: "0", "1", ... */

/* Keys become parts of names in the archive: letters, digits and underscores only. */
static bool is_key(torch_text text)
{
    if (text.size == 0 || text.size > MAX_KEY) return false;
    for (size_t i = 0; i < text.size; i++) {
        const char c = text.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_')) {
            return false;
        }
    }
    return true;
}

/* ('storage', class, key, location, count) */
bool torch_vm_persistent(torch_vm *vm)
{
    const torch_value *id = torch_vm_pop(vm);
    torch_value *value = id ? torch_vm_new(vm, TORCH_STORAGE) : NULL;
    if (!value) return false;
    const torch_items *items = &id->as.items;
    uint64_t count;
    if (id->kind != TORCH_TUPLE || items->count != 5 || !torch_text_is(items->at[0], "storage") ||
        items->at[1]->kind != TORCH_CLASS || items->at[1]->as.type->call != TORCH_CALL_STORAGE ||
        items->at[2]->kind != TORCH_TEXT || items->at[3]->kind != TORCH_TEXT ||
        !natural(items->at[4], &count)) {
        return torch_vm_fail(vm, "a storage's description is malformed");
    }
    if (!is_key(items->at[2]->as.text)) return torch_vm_fail(vm, "a storage's key is malformed");
    value->as.storage.key = items->at[2]->as.text;
    value->as.storage.dtype = items->at[1]->as.type->dtype;
    value->as.storage.count = count;
    return torch_vm_push(vm, value);
}
