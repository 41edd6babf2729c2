/* String numbering by an open-addressing hash table; see word_table.h. */
#include "tools/eval/word_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/grow.h"
#include "tools/eval/hash.h"

enum { BLOCK_BYTES = 1 << 16, FIRST_SLOTS = 1 << 12 };

typedef struct block {
    struct block *next;
    size_t used, room;
    char bytes[];
} block;

typedef struct entry {
    const char *text;
    uint32_t length, hash;
} entry;

struct eval_table {
    block *blocks; /* the newest first */
    entry *entries;
    size_t count, capacity;
    uint32_t *slots; /* EVAL_NO_WORD = empty; at most half full */
    size_t n_slots;  /* a power of two */
    eval_hash_key key;
};

eval_table *eval_table_create(void)
{
    eval_table *words = calloc(1, sizeof *words);
    if (!words) return NULL;
    words->key = eval_hash_random();
    words->n_slots = FIRST_SLOTS;
    words->slots = malloc(words->n_slots * sizeof *words->slots);
    if (!words->slots) {
        free(words);
        return NULL;
    }
    memset(words->slots, 0xFF, words->n_slots * sizeof *words->slots);
    return words;
}

void eval_table_free(eval_table **words)
{
    if (!words || !*words) return;
    for (block *b = (*words)->blocks; b;) {
        block *next = b->next;
        free(b);
        b = next;
    }
    free((*words)->entries);
    free((*words)->slots);
    free(*words);
    *words = NULL;
}

size_t eval_table_count(const eval_table *words)
{
    return words->count;
}

/* The slot that holds the string, or the empty one where it belongs. */
static size_t find_slot(const eval_table *words, const void *text, size_t length, uint32_t hash)
{
    size_t at = (size_t)hash & (words->n_slots - 1);
    while (words->slots[at] != EVAL_NO_WORD) {
        const entry *e = &words->entries[words->slots[at]];
        if (e->hash == hash && e->length == length && memcmp(e->text, text, length) == 0) break;
        at = (at + 1) & (words->n_slots - 1);
    }
    return at;
}

static bool double_slots(eval_table *words)
{
    const size_t n = words->n_slots * 2;
    if (n > SIZE_MAX / sizeof *words->slots) return false;
    uint32_t *slots = malloc(n * sizeof *slots);
    if (!slots) return false;
    memset(slots, 0xFF, n * sizeof *slots);
    for (size_t i = 0; i < words->count; i++) {
        size_t at = (size_t)words->entries[i].hash & (n - 1);
        while (slots[at] != EVAL_NO_WORD) at = (at + 1) & (n - 1);
        slots[at] = (uint32_t)i;
    }
    free(words->slots);
    words->slots = slots;
    words->n_slots = n;
    return true;
}

static char *keep_text(eval_table *words, const void *text, size_t length)
{
    block *b = words->blocks;
    if (length >= UINT32_MAX) return NULL;
    if (!b || b->room - b->used <= length) {
        const size_t room = length < BLOCK_BYTES ? BLOCK_BYTES : length + 1;
        b = malloc(sizeof *b + room);
        if (!b) return NULL;
        b->next = words->blocks;
        b->used = 0;
        b->room = room;
        words->blocks = b;
    }
    char *kept = b->bytes + b->used;
    if (length) memcpy(kept, text, length);
    kept[length] = '\0';
    b->used += length + 1;
    return kept;
}

uint32_t eval_table_add(eval_table *words, const void *text, size_t length)
{
    const uint32_t hash = (uint32_t)eval_hash(&words->key, text, length);
    size_t at = find_slot(words, text, length, hash);
    if (words->slots[at] != EVAL_NO_WORD) return words->slots[at];
    if (words->count >= EVAL_NO_WORD) return EVAL_NO_WORD;
    if (words->count * 2 >= words->n_slots) {
        if (!double_slots(words)) return EVAL_NO_WORD;
        at = find_slot(words, text, length, hash);
    }
    entry *entries = tool_grow(words->entries, &words->capacity, words->count + 1, sizeof *entries);
    if (!entries) return EVAL_NO_WORD;
    words->entries = entries;
    entries[words->count].text = keep_text(words, text, length);
    if (!entries[words->count].text) return EVAL_NO_WORD;
    entries[words->count].length = (uint32_t)length;
    entries[words->count].hash = hash;
    words->slots[at] = (uint32_t)words->count;
    return (uint32_t)words->count++;
}

uint32_t eval_table_find(const eval_table *words, const void *text, size_t length)
{
    const uint32_t hash = (uint32_t)eval_hash(&words->key, text, length);
    return words->slots[find_slot(words, text, length, hash)];
}

const char *eval_table_text(const eval_table *words, uint32_t id)
{
    return words->entries[id].text;
}

size_t eval_table_length(const eval_table *words, uint32_t id)
{
    return words->entries[id].length;
}
