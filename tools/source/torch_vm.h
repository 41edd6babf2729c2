/* The pickle machine's state, shared by pickle.c (opcodes), calls.c and numpy.c (what may be named and
 * called). Nobody else includes this. */
#ifndef TOOLS_TORCH_VM_H
#define TOOLS_TORCH_VM_H

#include "tools/source/torch_value.h"

typedef struct torch_vm {
    const unsigned char *start, *at, *end;
    const unsigned char *op; /* the current opcode, for messages */
    torch_value **stack;
    size_t depth, room;
    size_t *marks; /* stack depths */
    size_t mark_count;
    torch_value **memo; /* NULL where nothing was put */
    size_t memo_room, memo_count;
    torch_arena *arena;
    torch_value *none;
    const char *place;
    tool_error *err;
    bool stopped;
} torch_vm;

/* "place: byte N: reason"; returns false. */
bool torch_vm_fail(torch_vm *vm, const char *reason);

/* A fresh value, or NULL and an error. */
torch_value *torch_vm_new(torch_vm *vm, torch_kind kind);

bool torch_vm_push(torch_vm *vm, torch_value *value);

/* The top value taken off; NULL and an error where the stack or the part above its mark is empty. */
torch_value *torch_vm_pop(torch_vm *vm);

/* The top value left in place. */
torch_value *torch_vm_top(torch_vm *vm);

/* calls.c: push the global of this name; the opcodes REDUCE, NEWOBJ, BUILD, BINPERSID. */
bool torch_vm_global(torch_vm *vm, torch_text module, torch_text name);
bool torch_vm_reduce(torch_vm *vm);
bool torch_vm_newobj(torch_vm *vm);
bool torch_vm_build(torch_vm *vm);
bool torch_vm_persistent(torch_vm *vm);

/* numpy.c: what calling numpy.dtype, multiarray.scalar and _codecs.encode pushes; a dtype's state. */
bool torch_vm_numpy_type(torch_vm *vm, const torch_items *args);
bool torch_vm_numpy_scalar(torch_vm *vm, const torch_items *args);
bool torch_vm_latin1(torch_vm *vm, const torch_items *args);
bool torch_vm_numpy_state(torch_vm *vm, torch_value *type, const torch_value *state);

#endif
