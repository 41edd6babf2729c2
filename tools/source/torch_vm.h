/* The state of the pickle machine.
 *
 * Three files share it: torch_pickle.c runs the opcodes, torch_calls.c and torch_numpy.c know what may be
 * named and called.  No other file includes this header. */
#ifndef TOOLS_SOURCE_TORCH_VM_H
#define TOOLS_SOURCE_TORCH_VM_H

#include "tools/source/torch_value.h"

typedef struct torch_vm {
    const unsigned char *start, *at, *end;
    const unsigned char *op; /* the current opcode, for messages */
    torch_value **stack;
    size_t depth, room;
    size_t *marks; /* [mark_count] depths of the stack where containers began */
    size_t mark_count;
    torch_value **memo; /* [memo_room] values to be used again, NULL where none was put */
    size_t memo_room, memo_count;
    torch_arena *arena;
    torch_value *none;
    const char *place;
    tool_error *err;
    bool stopped;
} torch_vm;

/* "place: byte N: reason"; returns false. */
bool torch_vm_fail(torch_vm *vm, const char *reason);

/* The same where memory was refused: by the machine, or because the pickle takes more than any sensible one.
 */
bool torch_vm_no_memory(torch_vm *vm);

/* A fresh value, or NULL and an error. */
torch_value *torch_vm_new(torch_vm *vm, torch_kind kind);

bool torch_vm_push(torch_vm *vm, torch_value *value);

/* Takes the top value off.  NULL and an error if nothing lies above the last mark. */
torch_value *torch_vm_pop(torch_vm *vm);

/* The same, but the value stays where it is. */
torch_value *torch_vm_top(torch_vm *vm);

/* torch_calls.c: pushes what a name stands for; the opcodes REDUCE, NEWOBJ, BUILD and BINPERSID. */
bool torch_vm_global(torch_vm *vm, torch_text module, torch_text name);
bool torch_vm_reduce(torch_vm *vm);
bool torch_vm_newobj(torch_vm *vm);
bool torch_vm_build(torch_vm *vm);
bool torch_vm_persistent(torch_vm *vm);

/* torch_numpy.c: push what numpy.dtype, multiarray.scalar and _codecs.encode return; set a dtype's state. */
bool torch_vm_numpy_type(torch_vm *vm, const torch_items *args);
bool torch_vm_numpy_scalar(torch_vm *vm, const torch_items *args);
bool torch_vm_latin1(torch_vm *vm, const torch_items *args);
bool torch_vm_numpy_state(torch_vm *vm, torch_value *type, const torch_value *state);

#endif
