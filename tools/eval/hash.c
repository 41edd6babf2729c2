/* SipHash-2-4 (J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF", 2012); see hash.h. */
#include "tools/eval/hash.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

eval_hash_key eval_hash_random(void)
{
    eval_hash_key key = {{0, 0}};
#if defined(__linux__)
    if (getrandom(&key, sizeof key, 0) == (ssize_t)sizeof key) return key;
#else
    if (getentropy(&key, sizeof key) == 0) return key;
#endif
    /* a kernel without random numbers: what a file's author can't know */
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    key.word[0] = ((uint64_t)now.tv_sec << 30) ^ (uint64_t)now.tv_nsec;
    key.word[1] = ((uint64_t)getpid() << 32) ^ (uint64_t)(uintptr_t)&key;
    return key;
}

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void mix(uint64_t v[4], int rounds)
{
    for (int i = 0; i < rounds; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static uint64_t load_bytes(const unsigned char *p, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) value |= (uint64_t)p[i] << (8 * i);
    return value;
}

static void absorb(uint64_t v[4], uint64_t value)
{
    v[3] ^= value;
    mix(v, 2);
    v[0] ^= value;
}

uint64_t eval_hash(const eval_hash_key *key, const void *text, size_t length)
{
    const unsigned char *p = text;
    uint64_t v[4] = {
        key->word[0] ^ 0x736f6d6570736575u,
        key->word[1] ^ 0x646f72616e646f6du,
        key->word[0] ^ 0x6c7967656e657261u,
        key->word[1] ^ 0x7465646279746573u,
    };
    size_t left = length;
    for (; left >= 8; left -= 8, p += 8) absorb(v, load_bytes(p, 8));
    absorb(v, load_bytes(p, left) | (uint64_t)length << 56);
    v[2] ^= 0xff;
    mix(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
