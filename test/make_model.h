/* make_model.h - small random models, built in memory straight from capw.h's layout.
 *
 * Of the library it uses the tables of lib/format alone, which test_layouts compares with values worked out
 * by hand; everything else is written here once more, so that both can't be wrong in the same way.  The same
 * options give the same bytes on every machine. */
#ifndef TEST_MAKE_MODEL_H
#define TEST_MAKE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <caption.h>
#include <capw.h>

typedef struct make_model_options {
    caption_kind kind;
    caption_rnn rnn;
    int layers; /* recurrent layers; attention: 1 */
    int width;  /* the stem's channels; features have 32 times as many */
    int embed, hidden, attention;
    int vocabulary; /* words, the four special ones included */
    int input;      /* the image's side; multiple of 32 */
    int winograd;   /* 1: second copies of the stride-1 3x3 weights, 2: all for F(4x4, 3x3) */
    bool coarse;    /* fc.weight in int16 too */
    bool int8;      /* an int8 model; then there are no second copies, and words are not shuffled */
    bool fine;      /* int8: with the tensors that complete weights */
    int shuffle; /* 0, or a number without a common divisor with `vocabulary`: the same model, but each word
                    has another id, the special ones too */
    uint32_t seed;
} make_model_options;

/* Attention GRU, width 2, everything else about as small. */
void make_model_defaults(make_model_options *options);

/* The bytes of a model file, 64-byte aligned; free() them.  NULL when memory runs out. */
unsigned char *make_model(const make_model_options *options, size_t *size);

/* Puts right the checksums of the tables and the header, after changing them on purpose. */
void make_model_seal(unsigned char *data);

/* The record of a tensor, or NULL. */
capw_tensor *make_model_find(unsigned char *data, const char *name);

/* zlib's CRC-32. */
uint32_t make_model_crc(const void *data, size_t size);

#endif
