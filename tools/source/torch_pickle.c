/* The pickle machine: opcodes, stack, memo; see pickle.h.  Called by checkpoint.c and the vocabulary reader.
 * Every count is compared with the bytes that are left before it is believed. */
#include "tools/source/torch_pickle.h"

#include <stdlib.h>
#include <string.h>

#include "tools/common/text.h"
#include "tools/source/torch_vm.h"

enum { MAX_STACK = 1 << 22, MAX_MARKS = 1000, MAX_PROTOCOL = 5 };

#define MAX_FILE ((size_t)64 << 20)

bool torch_vm_fail(torch_vm *vm, const char *reason)
{
    return tool_fail(vm->err, "%s: byte %zu: %s", vm->place, (size_t)(vm->op - vm->start), reason);
}

torch_value *torch_vm_new(torch_vm *vm, torch_kind kind)
{
    torch_value *value = torch_arena_alloc(vm->arena, sizeof *value);
    if (value) value->kind = kind;
    if (!value) (void)torch_vm_fail(vm, "it takes too much memory");
    return value;
}

bool torch_vm_push(torch_vm *vm, torch_value *value)
{
    if (vm->depth == vm->room) {
        const size_t room = vm->room ? vm->room * 2 : 1024;
        torch_value **grown = room <= MAX_STACK ? realloc(vm->stack, room * sizeof *grown) : NULL;
        if (!grown) return torch_vm_fail(vm, "it takes too much memory");
        vm->stack = grown;
        vm->room = room;
    }
    vm->stack[vm->depth++] = value;
    return true;
}

static size_t floor_of(const torch_vm *vm)
{
    return vm->mark_count ? vm->marks[vm->mark_count - 1] : 0;
}

torch_value *torch_vm_top(torch_vm *vm)
{
    if (vm->depth > floor_of(vm)) return vm->stack[vm->depth - 1];
    (void)torch_vm_fail(vm, "takes a value where there is none");
    return NULL;
}

torch_value *torch_vm_pop(torch_vm *vm)
{
    torch_value *value = torch_vm_top(vm);
    if (value) vm->depth--;
    return value;
}

/* `size` bytes of the pickle, or NULL at its end. */
static const unsigned char *take(torch_vm *vm, uint64_t size)
{
    const unsigned char *p = vm->at;
    if (size > (size_t)(vm->end - vm->at)) {
        (void)torch_vm_fail(vm, "truncated");
        return NULL;
    }
    vm->at += size;
    return p;
}

/* A little-endian number of 1 to 8 bytes. */
static bool number(torch_vm *vm, size_t size, uint64_t *value)
{
    const unsigned char *p = take(vm, size);
    if (!p) return false;
    for (*value = 0; size-- > 0;) *value = *value << 8 | p[size];
    return true;
}

/* ---- numbers and texts ---- */

static bool push_int(torch_vm *vm, int64_t integer)
{
    torch_value *value = torch_vm_new(vm, TORCH_INT);
    if (!value) return false;
    value->as.integer = integer;
    return torch_vm_push(vm, value);
}

static bool op_int(torch_vm *vm)
{
    const size_t size = *vm->op == 'K' ? 1 : *vm->op == 'M' ? 2 : 4;
    uint64_t bits;
    if (!number(vm, size, &bits)) return false;
    if (size == 4 && bits > INT32_MAX) return push_int(vm, (int64_t)bits - ((int64_t)1 << 32));
    return push_int(vm, (int64_t)bits);
}

/* LONG1, LONG4: two's complement of any size */
static bool op_long(torch_vm *vm)
{
    uint64_t size, bits = 0;
    if (!number(vm, *vm->op == 0x8a ? 1 : 4, &size)) return false;
    const unsigned char *p = take(vm, size);
    if (!p) return false;
    if (size > 8) return torch_vm_fail(vm, "an integer of more than 64 bits");
    if (size && p[size - 1] & 0x80) bits = ~(uint64_t)0;
    for (uint64_t i = size; i-- > 0;) bits = bits << 8 | p[i];
    return push_int(vm, bits <= INT64_MAX ? (int64_t)bits : -(int64_t)~bits - 1);
}

static bool op_float(torch_vm *vm)
{
    const unsigned char *p = take(vm, 8);
    torch_value *value = torch_vm_new(vm, TORCH_FLOAT);
    uint64_t bits = 0;
    if (!p || !value) return false;
    for (int i = 0; i < 8; i++) bits = bits << 8 | p[i];
    memcpy(&value->as.real, &bits, sizeof bits);
    return torch_vm_push(vm, value);
}

static bool op_constant(torch_vm *vm)
{
    if (*vm->op == 'N') return torch_vm_push(vm, vm->none);
    torch_value *value = torch_vm_new(vm, TORCH_BOOL);
    if (!value) return false;
    value->as.truth = *vm->op == 0x88;
    return torch_vm_push(vm, value);
}

static bool push_text(torch_vm *vm, torch_kind kind, size_t length_bytes)
{
    torch_value *value = torch_vm_new(vm, kind);
    uint64_t size;
    if (!value || !number(vm, length_bytes, &size)) return false;
    const unsigned char *p = take(vm, size);
    if (!p) return false;
    value->as.text.data = (const char *)p;
    value->as.text.size = (size_t)size;
    return torch_vm_push(vm, value);
}

static bool op_text(torch_vm *vm)
{
    return push_text(vm, TORCH_TEXT, *vm->op == 0x8c ? 1 : *vm->op == 'X' ? 4 : 8);
}

static bool op_bytes(torch_vm *vm)
{
    return push_text(vm, TORCH_BYTES, *vm->op == 'C' ? 1 : *vm->op == 'B' ? 4 : 8);
}

/* ---- stack and memo ---- */

static bool op_mark(torch_vm *vm)
{
    if (vm->mark_count == MAX_MARKS) return torch_vm_fail(vm, "nested too deeply");
    vm->marks[vm->mark_count++] = vm->depth;
    return true;
}

/* Everything above the last mark, which is removed; the values stay valid until the next push. */
static bool pop_mark(torch_vm *vm, torch_value ***values, size_t *count)
{
    if (!vm->mark_count) return torch_vm_fail(vm, "takes a mark where there is none");
    vm->mark_count--;
    *count = vm->depth - vm->marks[vm->mark_count];
    vm->depth = vm->marks[vm->mark_count];
    *values = vm->stack + vm->depth;
    return true;
}

static bool op_pop(torch_vm *vm)
{
    torch_value **values = NULL;
    size_t count = 0;
    if (*vm->op == '1' || (vm->mark_count && vm->depth == floor_of(vm))) return pop_mark(vm, &values, &count);
    return torch_vm_pop(vm) != NULL;
}

static bool op_dup(torch_vm *vm)
{
    torch_value *value = torch_vm_top(vm);
    return value && torch_vm_push(vm, value);
}

static bool memo_put(torch_vm *vm, uint64_t index)
{
    torch_value *value = torch_vm_top(vm);
    if (!value) return false;
    if (index >= (uint64_t)(vm->end - vm->start)) return torch_vm_fail(vm, "an absurd memo index");
    if (index >= vm->memo_room) {
        const size_t room = (size_t)index * 2 + 256;
        torch_value **grown = realloc(vm->memo, room * sizeof *grown);
        if (!grown) return torch_vm_fail(vm, "it takes too much memory");
        memset(grown + vm->memo_room, 0, (room - vm->memo_room) * sizeof *grown);
        vm->memo = grown;
        vm->memo_room = room;
    }
    if (!vm->memo[index]) vm->memo_count++;
    vm->memo[index] = value;
    return true;
}

static bool op_put(torch_vm *vm)
{
    uint64_t index = vm->memo_count;
    if (*vm->op != 0x94 && !number(vm, *vm->op == 'q' ? 1 : 4, &index)) return false;
    return memo_put(vm, index);
}

static bool op_get(torch_vm *vm)
{
    uint64_t index;
    if (!number(vm, *vm->op == 'h' ? 1 : 4, &index)) return false;
    if (index >= vm->memo_room || !vm->memo[index]) {
        return torch_vm_fail(vm, "uses a memo that was never set");
    }
    return torch_vm_push(vm, vm->memo[index]);
}

/* ---- containers ---- */

static bool push_empty(torch_vm *vm, torch_kind kind)
{
    torch_value *value = torch_vm_new(vm, kind);
    return value && torch_vm_push(vm, value);
}

static bool op_empty(torch_vm *vm)
{
    return push_empty(vm, *vm->op == ')'   ? TORCH_TUPLE
                          : *vm->op == ']' ? TORCH_LIST
                          : *vm->op == '}' ? TORCH_DICT
                                           : TORCH_SET);
}

static bool add_items(torch_vm *vm, torch_value *to, torch_value **values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!torch_items_push(vm->arena, &to->as.items, values[i])) {
            return torch_vm_fail(vm, "it takes too much memory");
        }
    }
    return true;
}

/* TUPLE, LIST, DICT, FROZENSET: everything since the mark */
static bool op_collect(torch_vm *vm)
{
    torch_value *value = torch_vm_new(vm, *vm->op == 't'   ? TORCH_TUPLE
                                          : *vm->op == 'l' ? TORCH_LIST
                                          : *vm->op == 'd' ? TORCH_DICT
                                                           : TORCH_SET);
    torch_value **values = NULL;
    size_t count = 0;
    if (!value || !pop_mark(vm, &values, &count)) return false;
    if (value->kind == TORCH_DICT && count % 2) return torch_vm_fail(vm, "a key without a value");
    return add_items(vm, value, values, count) && torch_vm_push(vm, value);
}

/* TUPLE1, TUPLE2, TUPLE3 */
static bool op_tuple(torch_vm *vm)
{
    const size_t count = (size_t)(*vm->op - 0x84);
    torch_value *value = torch_vm_new(vm, TORCH_TUPLE);
    if (!value) return false;
    if (vm->depth - floor_of(vm) < count) return torch_vm_fail(vm, "takes a value where there is none");
    vm->depth -= count;
    return add_items(vm, value, vm->stack + vm->depth, count) && torch_vm_push(vm, value);
}

static bool add_to(torch_vm *vm, torch_kind kind, torch_value **values, size_t count)
{
    torch_value *to = torch_vm_top(vm);
    if (!to) return false;
    if (to->kind != kind) return torch_vm_fail(vm, "adds items to something of another kind");
    if (kind == TORCH_DICT && count % 2) return torch_vm_fail(vm, "a key without a value");
    return add_items(vm, to, values, count);
}

/* APPEND, SETITEM */
static bool op_add_one(torch_vm *vm)
{
    const size_t count = *vm->op == 'a' ? 1 : 2;
    if (vm->depth - floor_of(vm) < count) return torch_vm_fail(vm, "takes a value where there is none");
    vm->depth -= count;
    return add_to(vm, count == 1 ? TORCH_LIST : TORCH_DICT, vm->stack + vm->depth, count);
}

/* APPENDS, SETITEMS, ADDITEMS */
static bool op_add_many(torch_vm *vm)
{
    torch_value **values = NULL;
    size_t count = 0;
    return pop_mark(vm, &values, &count) && add_to(vm,
                                                   *vm->op == 'e'   ? TORCH_LIST
                                                   : *vm->op == 'u' ? TORCH_DICT
                                                                    : TORCH_SET,
                                                   values, count);
}

/* ---- names ---- */

static bool line(torch_vm *vm, torch_text *text)
{
    const unsigned char *newline = memchr(vm->at, '\n', (size_t)(vm->end - vm->at));
    if (!newline) return torch_vm_fail(vm, "truncated");
    text->data = (const char *)vm->at;
    text->size = (size_t)(newline - vm->at);
    vm->at = newline + 1;
    return true;
}

static bool op_global(torch_vm *vm)
{
    torch_text module, name;
    return line(vm, &module) && line(vm, &name) && torch_vm_global(vm, module, name);
}

static bool op_stack_global(torch_vm *vm)
{
    torch_value *name = torch_vm_pop(vm), *module = name ? torch_vm_pop(vm) : NULL;
    if (!module) return false;
    if (name->kind != TORCH_TEXT || module->kind != TORCH_TEXT) {
        return torch_vm_fail(vm, "names something by what is no text");
    }
    return torch_vm_global(vm, module->as.text, name->as.text);
}

/* ---- the whole ---- */

static bool op_protocol(torch_vm *vm)
{
    uint64_t protocol;
    if (!number(vm, 1, &protocol)) return false;
    if (protocol < 2 || protocol > MAX_PROTOCOL) {
        return torch_vm_fail(vm, "a pickle protocol other than 2 to 5");
    }
    return true;
}

/* A frame only promises that so many bytes follow. */
static bool op_frame(torch_vm *vm)
{
    uint64_t size;
    if (!number(vm, 8, &size)) return false;
    return size <= (size_t)(vm->end - vm->at) || torch_vm_fail(vm, "truncated");
}

static bool op_stop(torch_vm *vm)
{
    if (vm->depth != 1 || vm->mark_count) return torch_vm_fail(vm, "ends with values left over");
    vm->stopped = true;
    return true;
}

typedef bool (*op_fn)(torch_vm *vm);

static const op_fn operations[256] = {
    [0x80] = op_protocol,
    [0x95] = op_frame,
    ['.'] = op_stop,
    ['K'] = op_int,
    ['M'] = op_int,
    ['J'] = op_int,
    [0x8a] = op_long,
    [0x8b] = op_long,
    ['G'] = op_float,
    ['N'] = op_constant,
    [0x88] = op_constant,
    [0x89] = op_constant,
    [0x8c] = op_text,
    ['X'] = op_text,
    [0x8d] = op_text,
    ['C'] = op_bytes,
    ['B'] = op_bytes,
    [0x8e] = op_bytes,
    ['('] = op_mark,
    ['0'] = op_pop,
    ['1'] = op_pop,
    ['2'] = op_dup,
    ['q'] = op_put,
    ['r'] = op_put,
    [0x94] = op_put,
    ['h'] = op_get,
    ['j'] = op_get,
    [')'] = op_empty,
    [']'] = op_empty,
    ['}'] = op_empty,
    [0x8f] = op_empty,
    ['t'] = op_collect,
    ['l'] = op_collect,
    ['d'] = op_collect,
    [0x91] = op_collect,
    [0x85] = op_tuple,
    [0x86] = op_tuple,
    [0x87] = op_tuple,
    ['a'] = op_add_one,
    ['s'] = op_add_one,
    ['e'] = op_add_many,
    ['u'] = op_add_many,
    [0x90] = op_add_many,
    ['c'] = op_global,
    [0x93] = op_stack_global,
    ['R'] = torch_vm_reduce,
    [0x81] = torch_vm_newobj,
    ['b'] = torch_vm_build,
    ['Q'] = torch_vm_persistent,
};

static bool run(torch_vm *vm)
{
    if (vm->at == vm->end) return torch_vm_fail(vm, "it is empty");
    if (*vm->at != 0x80) return torch_vm_fail(vm, "no pickle of protocol 2 to 5");
    while (!vm->stopped) {
        const unsigned char *op = vm->at;
        vm->op = op;
        if (!take(vm, 1)) return false;
        if (!operations[*op]) {
            return tool_fail(vm->err, "%s: byte %zu: opcode 0x%02x is not supported", vm->place,
                             (size_t)(op - vm->start), *op);
        }
        if (!operations[*op](vm)) return false;
    }
    vm->op = vm->at;
    if (vm->at != vm->end) return torch_vm_fail(vm, "something follows the end of the pickle");
    return true;
}

bool torch_pickle_parse(torch_pickle *pickle, unsigned char *bytes, size_t size, const char *place,
                        tool_error *err)
{
    torch_vm vm = {0};
    bool ok = false;
    memset(pickle, 0, sizeof *pickle);
    pickle->bytes = bytes;
    vm.start = vm.at = vm.op = bytes;
    vm.end = bytes + size;
    vm.place = place;
    vm.err = err;
    vm.arena = &pickle->arena;
    vm.marks = malloc(MAX_MARKS * sizeof *vm.marks);
    vm.none = torch_vm_new(&vm, TORCH_NONE);
    if (!vm.marks) {
        (void)torch_vm_fail(&vm, "out of memory");
    } else {
        ok = vm.none && run(&vm);
    }
    if (ok) pickle->root = vm.stack[0];
    free(vm.stack);
    free(vm.marks);
    free(vm.memo);
    return ok;
}

bool torch_pickle_open(torch_pickle *pickle, const char *path, tool_error *err)
{
    memset(pickle, 0, sizeof *pickle);
    tool_text text;
    if (!tool_text_read(&text, path, MAX_FILE, err)) return false;
    return torch_pickle_parse(pickle, (unsigned char *)text.data, text.size, path, err);
}

void torch_pickle_free(torch_pickle *pickle)
{
    torch_arena_free(&pickle->arena);
    free(pickle->bytes);
    memset(pickle, 0, sizeof *pickle);
}
