/* A hash of bytes with a secret key, so that nobody can prepare a file whose strings all collide.
 *
 * The key changes where a table keeps its entries, and never what a table answers. */
#ifndef TOOLS_EVAL_HASH_H
#define TOOLS_EVAL_HASH_H

#include <stddef.h>
#include <stdint.h>

typedef struct eval_hash_key {
    uint64_t word[2];
} eval_hash_key;

/* Another key at each call, from the system's random numbers. */
eval_hash_key eval_hash_random(void);

/* SipHash-2-4. */
uint64_t eval_hash(const eval_hash_key *key, const void *text, size_t length);

#endif
