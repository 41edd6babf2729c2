/* N-grams by an open-addressing hash table; see gram_table.h. */
#include "tools/eval/gram_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/grow.h"
#include "tools/eval/hash.h"

enum { FIRST_SLOTS = 1 << 12 };

typedef struct entry {
    uint32_t before, word;
    uint32_t last; /* 1 + the last document that was noted; 0 = none */
    uint32_t documents : 30, order : 2;
} entry;

struct eval_grams {
    entry *entries;
    size_t count, capacity;
    uint32_t *slots; /* EVAL_NO_GRAM = empty; at most three quarters full */
    size_t n_slots;  /* a power of two */
    eval_hash_key key;
};

static uint32_t *make_slots(size_t n)
{
    uint32_t *slots = n <= SIZE_MAX / sizeof *slots ? malloc(n * sizeof *slots) : NULL;
    if (slots) memset(slots, 0xFF, n * sizeof *slots);
    return slots;
}

eval_grams *eval_grams_create(void)
{
    eval_grams *grams = calloc(1, sizeof *grams);
    if (!grams) return NULL;
    grams->key = eval_hash_random();
    grams->n_slots = FIRST_SLOTS;
    grams->slots = make_slots(FIRST_SLOTS);
    if (!grams->slots) eval_grams_free(&grams);
    return grams;
}

void eval_grams_free(eval_grams **grams)
{
    if (!grams || !*grams) return;
    free((*grams)->entries);
    free((*grams)->slots);
    free(*grams);
    *grams = NULL;
}

/* The slot that holds the n-gram, or the empty one where it belongs. */
static size_t find_slot(const eval_grams *grams, uint32_t before, uint32_t word)
{
    const uint32_t pair[2] = {before, word};
    size_t at = (size_t)eval_hash(&grams->key, pair, sizeof pair) & (grams->n_slots - 1);
    while (grams->slots[at] != EVAL_NO_GRAM) {
        const entry *e = &grams->entries[grams->slots[at]];
        if (e->before == before && e->word == word) break;
        at = (at + 1) & (grams->n_slots - 1);
    }
    return at;
}

static bool double_slots(eval_grams *grams)
{
    uint32_t *slots = make_slots(grams->n_slots * 2);
    if (!slots) return false;
    free(grams->slots);
    grams->slots = slots;
    grams->n_slots *= 2;
    for (size_t i = 0; i < grams->count; i++) {
        slots[find_slot(grams, grams->entries[i].before, grams->entries[i].word)] = (uint32_t)i;
    }
    return true;
}

uint32_t eval_grams_add(eval_grams *grams, uint32_t before, uint32_t word)
{
    size_t at = find_slot(grams, before, word);
    if (grams->slots[at] != EVAL_NO_GRAM) return grams->slots[at];
    if (grams->count >= EVAL_NO_GRAM) return EVAL_NO_GRAM;
    if (grams->count >= grams->n_slots / 4 * 3) {
        if (!double_slots(grams)) return EVAL_NO_GRAM;
        at = find_slot(grams, before, word);
    }
    entry *entries = tool_grow(grams->entries, &grams->capacity, grams->count + 1, sizeof *entries);
    if (!entries) return EVAL_NO_GRAM;
    grams->entries = entries;
    const uint32_t order = before == EVAL_NO_GRAM ? 0 : (entries[before].order + 1u) % EVAL_ORDERS;
    entries[grams->count] = (entry){.before = before, .word = word, .order = order & 3};
    grams->slots[at] = (uint32_t)grams->count;
    return (uint32_t)grams->count++;
}

uint32_t eval_grams_find(const eval_grams *grams, uint32_t before, uint32_t word)
{
    return grams->slots[find_slot(grams, before, word)];
}

size_t eval_grams_order(const eval_grams *grams, uint32_t gram)
{
    return grams->entries[gram].order;
}

void eval_grams_note(eval_grams *grams, uint32_t gram, size_t document)
{
    entry *e = &grams->entries[gram];
    if (e->last == document + 1) return;
    e->last = (uint32_t)(document + 1);
    e->documents = (e->documents + 1) & 0x3FFFFFFF;
}

size_t eval_grams_documents(const eval_grams *grams, uint32_t gram)
{
    return grams->entries[gram].documents;
}
