/* The pickle machine: opcodes, stack and memo; see torch_pickle.h.
 *
 * Every count is compared with the bytes that are left before it is believed. */
#include "tools/source/torch_pickle.h"

#include <stdlib.h>
#include <string.h>

#include "tools/common/grow.h"
#include "tools/common/text.h"
#include "tools/source/torch_vm.h"

enum {
    MAX_STACK = 1 << 22, /* values; a dict of a million words is pushed a thousand items at a time */
    MAX_MARKS = 1000,    /* nested containers; Python's own pickler gives up at its recursion limit of 1000 */
    MIN_PROTOCOL = 2,    /* what torch.save writes */
    MAX_PROTOCOL = 5,    /* the newest there is */
};

/* The opcodes that are read, by the names of Python's pickle module. */
enum {
    OP_STOP = '.',
    OP_BININT1 = 'K',
    OP_BININT2 = 'M',
    OP_BININT = 'J',
    OP_BINFLOAT = 'G',
    OP_NONE = 'N',
    OP_BINUNICODE = 'X',
    OP_SHORT_BINBYTES = 'C',
    OP_BINBYTES = 'B',
    OP_MARK = '(',
    OP_POP = '0',
    OP_POP_MARK = '1',
    OP_DUP = '2',
    OP_BINPUT = 'q',
    OP_LONG_BINPUT = 'r',
    OP_BINGET = 'h',
    OP_LONG_BINGET = 'j',
    OP_EMPTY_TUPLE = ')',
    OP_EMPTY_LIST = ']',
    OP_EMPTY_DICT = '}',
    OP_TUPLE = 't',
    OP_LIST = 'l',
    OP_DICT = 'd',
    OP_APPEND = 'a',
    OP_SETITEM = 's',
    OP_APPENDS = 'e',
    OP_SETITEMS = 'u',
    OP_GLOBAL = 'c',
    OP_REDUCE = 'R',
    OP_BUILD = 'b',
    OP_BINPERSID = 'Q',
    OP_PROTO = 0x80,
    OP_NEWOBJ = 0x81,
    OP_TUPLE1 = 0x85,
    OP_TUPLE2 = 0x86,
    OP_TUPLE3 = 0x87,
    OP_NEWTRUE = 0x88,
    OP_NEWFALSE = 0x89,
    OP_LONG1 = 0x8a,
    OP_LONG4 = 0x8b,
    OP_SHORT_BINUNICODE = 0x8c,
    OP_BINUNICODE8 = 0x8d,
    OP_BINBYTES8 = 0x8e,
    OP_EMPTY_SET = 0x8f,
    OP_ADDITEMS = 0x90,
    OP_FROZENSET = 0x91,
    OP_STACK_GLOBAL = 0x93,
    OP_MEMOIZE = 0x94,
    OP_FRAME = 0x95,
};

bool torch_vm_fail(torch_vm *vm, const char *reason)
{
    return tool_fail(vm->err, "%s: byte %zu: %s", vm->place, (size_t)(vm->op - vm->start), reason);
}

bool torch_vm_no_memory(torch_vm *vm)
{
    return torch_vm_fail(vm, vm->arena->full ? "it takes too much memory" : "out of memory");
}

torch_value *torch_vm_new(torch_vm *vm, torch_kind kind)
{
    torch_value *value = torch_arena_alloc(vm->arena, sizeof *value);
    if (value) value->kind = kind;
    if (!value) (void)torch_vm_no_memory(vm);
    return value;
}

bool torch_vm_push(torch_vm *vm, torch_value *value)
{
    if (vm->depth == vm->room) {
        if (vm->depth == MAX_STACK) return torch_vm_fail(vm, "it takes too much memory");
        torch_value **grown = tool_grow(vm->stack, &vm->room, vm->depth + 1, sizeof *grown);
        if (!grown) return torch_vm_no_memory(vm);
        vm->stack = grown;
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
    const size_t size = *vm->op == OP_BININT1 ? 1 : *vm->op == OP_BININT2 ? 2 : 4;
    uint64_t bits;
    if (!number(vm, size, &bits)) return false;
    if (size == 4 && bits > INT32_MAX) return push_int(vm, (int64_t)bits - ((int64_t)1 << 32));
    return push_int(vm, (int64_t)bits);
}

/* LONG1, LONG4: two's complement of any size */
static bool op_long(torch_vm *vm)
{
    uint64_t size, bits = 0;
    if (!number(vm, *vm->op == OP_LONG1 ? 1 : 4, &size)) return false;
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
    if (*vm->op == OP_NONE) return torch_vm_push(vm, vm->none);
    torch_value *value = torch_vm_new(vm, TORCH_BOOL);
    if (!value) return false;
    value->as.truth = *vm->op == OP_NEWTRUE;
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
    return push_text(vm, TORCH_TEXT, *vm->op == OP_SHORT_BINUNICODE ? 1 : *vm->op == OP_BINUNICODE ? 4 : 8);
}

static bool op_bytes(torch_vm *vm)
{
    return push_text(vm, TORCH_BYTES, *vm->op == OP_SHORT_BINBYTES ? 1 : *vm->op == OP_BINBYTES ? 4 : 8);
}

/* ---- stack and memo ---- */

static bool op_mark(torch_vm *vm)
{
    if (vm->mark_count == MAX_MARKS) return torch_vm_fail(vm, "nested too deeply");
    vm->marks[vm->mark_count++] = vm->depth;
    return true;
}

/* Takes off the last mark and everything above it.  *values [count] stays valid until the next push. */
static bool pop_mark(torch_vm *vm, torch_value ***values, size_t *count)
{
    if (!vm->mark_count) return torch_vm_fail(vm, "takes a mark where there is none");
    vm->mark_count--;
    *count = vm->depth - vm->marks[vm->mark_count];
    vm->depth = vm->marks[vm->mark_count];
    *values = vm->stack ? vm->stack + vm->depth : NULL; /* nothing was pushed yet */
    return true;
}

static bool op_pop(torch_vm *vm)
{
    torch_value **values = NULL;
    size_t count = 0;
    if (*vm->op == OP_POP_MARK || (vm->mark_count && vm->depth == floor_of(vm))) {
        return pop_mark(vm, &values, &count);
    }
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
        const size_t before = vm->memo_room;
        torch_value **grown = tool_grow(vm->memo, &vm->memo_room, (size_t)index + 1, sizeof *grown);
        if (!grown) return torch_vm_no_memory(vm);
        memset(grown + before, 0, (vm->memo_room - before) * sizeof *grown);
        vm->memo = grown;
    }
    if (!vm->memo[index]) vm->memo_count++;
    vm->memo[index] = value;
    return true;
}

static bool op_put(torch_vm *vm)
{
    uint64_t index = vm->memo_count;
    if (*vm->op != OP_MEMOIZE && !number(vm, *vm->op == OP_BINPUT ? 1 : 4, &index)) return false;
    return memo_put(vm, index);
}

static bool op_get(torch_vm *vm)
{
    uint64_t index;
    if (!number(vm, *vm->op == OP_BINGET ? 1 : 4, &index)) return false;
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
    return push_empty(vm, *vm->op == OP_EMPTY_TUPLE  ? TORCH_TUPLE
                          : *vm->op == OP_EMPTY_LIST ? TORCH_LIST
                          : *vm->op == OP_EMPTY_DICT ? TORCH_DICT
                                                     : TORCH_SET);
}

static bool add_items(torch_vm *vm, torch_value *to, torch_value **values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!torch_items_push(vm->arena, &to->as.items, values[i])) {
            return torch_vm_no_memory(vm);
        }
    }
    return true;
}

/* TUPLE, LIST, DICT, FROZENSET: everything since the mark */
static bool op_collect(torch_vm *vm)
{
    torch_value *value = torch_vm_new(vm, *vm->op == OP_TUPLE  ? TORCH_TUPLE
                                          : *vm->op == OP_LIST ? TORCH_LIST
                                          : *vm->op == OP_DICT ? TORCH_DICT
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
    const size_t count = (size_t)(*vm->op - OP_TUPLE1) + 1;
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
    const size_t count = *vm->op == OP_APPEND ? 1 : 2;
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
                                                   *vm->op == OP_APPENDS    ? TORCH_LIST
                                                   : *vm->op == OP_SETITEMS ? TORCH_DICT
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

/* ---- begin and end ---- */

static bool op_protocol(torch_vm *vm)
{
    uint64_t protocol;
    if (!number(vm, 1, &protocol)) return false;
    if (protocol < MIN_PROTOCOL || protocol > MAX_PROTOCOL) {
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
    [OP_PROTO] = op_protocol,
    [OP_FRAME] = op_frame,
    [OP_STOP] = op_stop,
    [OP_BININT1] = op_int,
    [OP_BININT2] = op_int,
    [OP_BININT] = op_int,
    [OP_LONG1] = op_long,
    [OP_LONG4] = op_long,
    [OP_BINFLOAT] = op_float,
    [OP_NONE] = op_constant,
    [OP_NEWTRUE] = op_constant,
    [OP_NEWFALSE] = op_constant,
    [OP_SHORT_BINUNICODE] = op_text,
    [OP_BINUNICODE] = op_text,
    [OP_BINUNICODE8] = op_text,
    [OP_SHORT_BINBYTES] = op_bytes,
    [OP_BINBYTES] = op_bytes,
    [OP_BINBYTES8] = op_bytes,
    [OP_MARK] = op_mark,
    [OP_POP] = op_pop,
    [OP_POP_MARK] = op_pop,
    [OP_DUP] = op_dup,
    [OP_BINPUT] = op_put,
    [OP_LONG_BINPUT] = op_put,
    [OP_MEMOIZE] = op_put,
    [OP_BINGET] = op_get,
    [OP_LONG_BINGET] = op_get,
    [OP_EMPTY_TUPLE] = op_empty,
    [OP_EMPTY_LIST] = op_empty,
    [OP_EMPTY_DICT] = op_empty,
    [OP_EMPTY_SET] = op_empty,
    [OP_TUPLE] = op_collect,
    [OP_LIST] = op_collect,
    [OP_DICT] = op_collect,
    [OP_FROZENSET] = op_collect,
    [OP_TUPLE1] = op_tuple,
    [OP_TUPLE2] = op_tuple,
    [OP_TUPLE3] = op_tuple,
    [OP_APPEND] = op_add_one,
    [OP_SETITEM] = op_add_one,
    [OP_APPENDS] = op_add_many,
    [OP_SETITEMS] = op_add_many,
    [OP_ADDITEMS] = op_add_many,
    [OP_GLOBAL] = op_global,
    [OP_STACK_GLOBAL] = op_stack_global,
    [OP_REDUCE] = torch_vm_reduce,
    [OP_NEWOBJ] = torch_vm_newobj,
    [OP_BUILD] = torch_vm_build,
    [OP_BINPERSID] = torch_vm_persistent,
};

static bool run(torch_vm *vm)
{
    if (vm->at == vm->end) return torch_vm_fail(vm, "it is empty");
    if (*vm->at != OP_PROTO) return torch_vm_fail(vm, "no pickle of protocol 2 to 5");
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
    memset(pickle, 0, sizeof *pickle);
    pickle->bytes = bytes;
    torch_vm vm = {
        .start = bytes,
        .at = bytes,
        .op = bytes,
        .end = bytes + size,
        .place = place,
        .err = err,
        .arena = &pickle->arena,
        .marks = malloc(MAX_MARKS * sizeof *vm.marks),
    };
    vm.none = torch_vm_new(&vm, TORCH_NONE);
    if (!vm.marks) (void)torch_vm_fail(&vm, "out of memory");
    const bool ok = vm.marks && vm.none && run(&vm);
    if (ok) pickle->root = vm.stack[0];
    free(vm.stack);
    free(vm.marks);
    free(vm.memo);
    return ok;
}

void torch_pickle_free(torch_pickle *pickle)
{
    torch_arena_free(&pickle->arena);
    free(pickle->bytes);
    memset(pickle, 0, sizeof *pickle);
}
