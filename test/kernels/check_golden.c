/* check_golden.c - results that have the same bits everywhere, as hashes.  Other checks compare the levels of
 * one build with each other and tell whether results are right.  This one compares builds: compilers, and
 * machines of 32 and of 64 bits.  A hash changes only where a definition in kernels.h or real.h does. */
#include "test/kernels/check_support.h"

#include <string.h>

#include "kernels/real.h"

enum { ROWS = 3, UNITS = 37, POSITIONS = 21, LOGITS = 1003, NUMBERS = 1 << 14 };

#define START 0x811C9DC5u /* the hash of nothing */

/* FNV-1a over words.  All NaN count as one. */
static uint32_t hash_words(uint32_t hash, uint32_t word)
{
    for (int i = 0; i < 4; i++, word >>= 8) hash = (hash ^ (word & 0xFFu)) * 0x01000193u;
    return hash;
}

static uint32_t hash_floats(uint32_t hash, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = 0x7FC00000u;
        if (x[i] == x[i]) memcpy(&bits, &x[i], sizeof bits);
        hash = hash_words(hash, bits);
    }
    return hash;
}

static void expect(const char *what, uint32_t got, uint32_t want)
{
    if (got != want) check_fail("%s: the hash is 0x%08X, not 0x%08X", what, (unsigned)got, (unsigned)want);
}

/* Floats of every sign and exponent through f, the gates of a cell whose other gates are 0. */
static void check_functions(const cptk_kernels *k)
{
    float *x = check_buffer(4 * NUMBERS, 0), *zeros = check_buffer(4 * NUMBERS, 0);
    float *h = check_buffer(NUMBERS, 0), *c = check_buffer(NUMBERS, 0);
    memset(x, 0, 4 * NUMBERS * sizeof *x);
    memset(zeros, 0, 4 * NUMBERS * sizeof *zeros);
    float *input =
        x + 3 * NUMBERS; /* the output gate of an LSTM: c is 0.5 then, and h = sigmoid(x) tanh(0.5) */
    for (uint32_t i = 0; i < NUMBERS; i++) {
        const uint32_t bits = i << 18 | (i * 0x9E3779B9u) >> 14;
        memcpy(&input[i], &bits, sizeof bits);
        c[i] = 1;
    }
    const cptk_gates args = {.x = x, .h_in = zeros, .c = c, .h_out = h, .c_out = c, .rows = 1, .n = NUMBERS};
    k->lstm_f32(&args);
    expect("sigmoid", hash_floats(START, h, NUMBERS), 0x072F4743);
    k->tanh_f32(input, NUMBERS);
    expect("tanh", hash_floats(START, input, NUMBERS), 0x249429E3);
    check_release("golden");
}

static void check_cell_states(const cptk_kernels *k)
{
    enum { COUNT = ROWS * UNITS };
    float *x = check_buffer(4 * COUNT, 1), *hw = check_buffer(4 * COUNT, 2);
    float *h = check_buffer(COUNT, 3), *c = check_buffer(COUNT, 4);
    check_fill(x, 4 * COUNT, -6, 6);
    check_fill(hw, 4 * COUNT, -2, 2);
    check_fill(h, COUNT, -1, 1);
    check_fill(c, COUNT, -3, 3);
    const cptk_gates args = {
        .x = x, .h_in = hw, .h = h, .c = c, .h_out = h, .c_out = c, .rows = ROWS, .n = UNITS};
    k->gru_f32(&args);
    expect("gru", hash_floats(START, h, COUNT), 0x217D49EF);
    k->lstm_f32(&args);
    expect("lstm", hash_floats(hash_floats(START, h, COUNT), c, COUNT), 0xFFCDAFE5);
    check_release("golden");
}

static void check_weights(const cptk_kernels *k)
{
    float *enc = check_buffer(POSITIONS * UNITS, 1), *dec = check_buffer(UNITS, 2),
          *v = check_buffer(UNITS, 3);
    float *alpha = check_buffer(POSITIONS, 4), *out = check_buffer(UNITS, 5);
    check_fill(enc, POSITIONS * UNITS, -2, 2);
    check_fill(dec, UNITS, -2, 2);
    check_fill(v, UNITS, -2, 2);
    check_fill(out, UNITS, -1, 1);
    const cptk_attention attention = {
        .enc = enc, .dec = dec, .v = v, .bias = 0.25f, .alpha = alpha, .positions = POSITIONS, .n = UNITS};
    k->attention_f32(&attention);
    expect("attention", hash_floats(START, alpha, POSITIONS), 0x7565606E);
    const cptk_weighted_rows rows = {
        .weight = alpha, .in = enc, .out = out, .stride = UNITS, .rows = 1, .terms = POSITIONS, .n = UNITS};
    k->weighted_rows_f32(&rows);
    expect("weighted_rows", hash_floats(START, out, UNITS), 0xEB5E0DE9);
    k->mean_rows_f32(enc, out, POSITIONS, UNITS);
    expect("mean_rows", hash_floats(START, out, UNITS), 0x05B7957B);
    check_release("golden");
}

static void check_logits(const cptk_kernels *k)
{
    float *x = check_buffer(LOGITS, 1), value[5], lse = 0;
    int index[5];
    uint32_t hash = START;
    for (int range = 1; range <= 1000; range *= 10) {
        check_fill(x, LOGITS, (float)-range, (float)range);
        k->top_lse_f32(x, LOGITS, 5, index, value, &lse);
        hash = hash_floats(hash_floats(hash, value, 5), &lse, 1);
        for (int i = 0; i < 5; i++) hash = hash_words(hash, (uint32_t)index[i]);
    }
    expect("top_lse", hash, 0xCA9E5CC9);
    uint32_t pairs[(LOGITS + 1) / 2];
    cptk_rounded rounded;
    k->round_i16(x, LOGITS, pairs, &rounded);
    hash = hash_floats(START, (const float[]){rounded.scale, rounded.length, rounded.moved}, 3);
    for (int i = 0; i < (LOGITS + 1) / 2; i++) hash = hash_words(hash, pairs[i]);
    expect("round_i16", hash, 0xD11ADF23);
    check_release("golden");
}

static uint32_t hash_double(uint32_t hash, double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return hash_words(hash_words(hash, (uint32_t)bits), (uint32_t)(bits >> 32));
}

static void check_doubles(void)
{
    uint32_t of_exp = START, of_log = START, of_power = START;
    for (int i = 1; i <= 3000; i++) {
        of_exp = hash_double(of_exp, cptk_exp((i - 1500) * 0.4937));
        of_log = hash_double(of_log, cptk_log(i * 0.00137));
        of_power = hash_double(of_power, cptk_power(i, (i % 97) / 9.7));
    }
    expect("exp of doubles", of_exp, 0xBA78A59F);
    expect("log of doubles", of_log, 0x12DBFB42);
    expect("power of doubles", of_power, 0xDD561692);
}

void check_golden(const cptk_kernels *k, const cptk_kernels *c)
{
    (void)c;
    check_begin(k->name); /* the random numbers start again, whatever was checked before */
    check_functions(k);
    check_cell_states(k);
    check_weights(k);
    check_logits(k);
    check_doubles();
}
