/* Values of a pickle and the arena they live in; see torch_value.h. */
#include "tools/source/torch_value.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_BYTES = 1 << 18, /* a small checkpoint's pickle fits into one block */
    ALIGNMENT = 16,        /* enough for every value */
    ARENA_LIMIT = 1 << 29, /* bytes; a vocabulary of a million words needs a third of it */
    FIRST_ROOM = 8,        /* items of a container */
};

struct torch_block {
    struct torch_block *next;
    size_t padding; /* keeps what follows aligned */
};

void *torch_arena_alloc(torch_arena *arena, size_t size)
{
    if (size > ARENA_LIMIT) arena->full = true;
    if (arena->full) return NULL;
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!arena->blocks || size > arena->size - arena->used) {
        const size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
        if (room > ARENA_LIMIT - arena->total) arena->full = true;
        if (arena->full) return NULL;
        struct torch_block *block = calloc(1, sizeof *block + room);
        if (!block) return NULL;
        block->next = arena->blocks;
        arena->blocks = block;
        arena->used = 0;
        arena->size = room;
        arena->total += room;
    }
    unsigned char *p = (unsigned char *)(arena->blocks + 1) + arena->used;
    arena->used += size;
    return p;
}

void torch_arena_free(torch_arena *arena)
{
    while (arena->blocks) {
        struct torch_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    memset(arena, 0, sizeof *arena);
}

bool torch_items_push(torch_arena *arena, torch_items *items, torch_value *value)
{
    if (items->count == items->room) {
        const size_t room = items->room ? items->room * 2 : FIRST_ROOM;
        torch_value **grown = torch_arena_alloc(arena, room * sizeof *grown);
        if (!grown) return false;
        if (items->count) memcpy(grown, items->at, items->count * sizeof *grown);
        items->at = grown;
        items->room = room;
    }
    items->at[items->count++] = value;
    return true;
}

const char *torch_kind_name(const torch_value *value)
{
    static const char *const names[] = {"None",  "bool",   "int",     "float",  "str",
                                        "bytes", "tuple",  "list",    "set",    "dict",
                                        "class", "object", "storage", "tensor", "dtype"};
    return value ? names[value->kind] : "nothing";
}

bool torch_text_is(const torch_value *value, const char *text)
{
    return value && value->kind == TORCH_TEXT && value->as.text.size == strlen(text) &&
           memcmp(value->as.text.data, text, value->as.text.size) == 0;
}

const torch_value *torch_dict_get(const torch_value *dict, const char *key)
{
    if (!dict || dict->kind != TORCH_DICT) return NULL;
    for (size_t i = dict->as.items.count; i >= 2; i -= 2) {
        if (torch_text_is(dict->as.items.at[i - 2], key)) return dict->as.items.at[i - 1];
    }
    return NULL;
}
