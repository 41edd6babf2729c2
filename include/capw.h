/* capw.h - the structures of a .capw model file, version 1.
 *
 * This header is for programs that read or write such files.  Programs that only caption images need
 * <caption.h> alone.  docs/format.md describes the same in words.
 * All numbers are little-endian.  Offsets are bytes from the start of the file.
 *
 *   header           64 bytes
 *   tensor records   tensor_count x 128 bytes
 *   metadata         metadata_count entries: u32 key bytes, u32 value bytes (both with their final NUL), the
 *                    key, the value, zeros up to a multiple of 4
 *   vocabulary       u32 offset[word_count + 1] into the characters that follow, then every word with its
 *                    NUL; offset[word_count] is the number of characters
 *   zeros            up to data_offset
 *   tensor data      each tensor at a multiple of 64, in the order of the records
 */
#ifndef CAPW_H
#define CAPW_H

#include <stdint.h>

#define CAPW_MAGIC "\211CAPW\r\n\n" /* 8 bytes; a copy in text mode damages them, so it is noticed */
#define CAPW_VERSION 1u
#define CAPW_ALIGN 64u         /* every tensor starts at a multiple of this */
#define CAPW_NAME_BYTES 64u    /* a tensor's name with its NUL */
#define CAPW_PANEL 16u         /* outputs that lie side by side in a panel */
#define CAPW_QUAD 4u           /* inputs of an output that lie side by side in a tensor of quads */
#define CAPW_PAIRS_MOST 16383  /* largest magnitude in a tensor of pairs: 8 products fit an int32 */
#define CAPW_QUADS_DEPTH 65536 /* most taps x inputs of an output in a tensor of quads: sums fit an int32 */
#define CAPW_MAX_DIM 67108864u /* 2^26: products of two sizes stay far from overflow of 64 bits */
#define CAPW_MAX_TENSORS 4096u
#define CAPW_MAX_METADATA 1024u
#define CAPW_MAX_WORDS 16777216u

typedef struct capw_header {
    unsigned char magic[8];
    uint32_t version;
    uint32_t tensor_count;
    uint64_t file_size;
    uint64_t metadata_offset;
    uint32_t metadata_count;
    uint32_t word_count;
    uint64_t vocabulary_offset;
    uint64_t data_offset; /* a multiple of 64 */
    uint32_t tables_crc;  /* CRC-32 (zlib's) of the bytes from 64 up to data_offset */
    uint32_t header_crc;  /* CRC-32 of the 60 bytes before this field */
} capw_header;

/* The type of a tensor's elements.  Layouts say which types they may hold.  float16 and bfloat16 are
 * reserved.
 */
typedef enum capw_dtype {
    CAPW_FLOAT32 = 0,
    CAPW_FLOAT16 = 1,
    CAPW_BFLOAT16 = 2,
    CAPW_INT8 = 3,
    CAPW_INT16 = 4,
    CAPW_UINT8 = 5
} capw_dtype;

/* The order in which elements lie.  O is the number of outputs, I of inputs. */
typedef enum capw_layout {
    CAPW_ROWS = 0, /* float32 or uint8, row-major, as dims say */
    CAPW_PANELS =
        1, /* dims [O, ...rest] of float32: stored [ceil(O/16), ...rest, 16]; outputs from O on are zero */
    CAPW_WINOGRAD =
        2, /* dims [O, 3, 3, I] of float32, transformed for F(4x4, 3x3): stored [36, ceil(O/16), I, 16] */
    CAPW_PAIRS = 3, /* dims [O, I] of int16: stored [ceil(O/16), ceil(I/2), 16, 2]; outputs from O on and
                       inputs from I on are zero; no magnitude exceeds CAPW_PAIRS_MOST */
    CAPW_WINOGRAD2 =
        4, /* dims [O, 3, 3, I] of float32, transformed for F(2x2, 3x3): stored [16, ceil(O/16), I, 16] */
    CAPW_QUADS = 5 /* dims [O, ...taps, I] of int8 or uint8: stored [ceil(O/16), ...taps, ceil(I/4), 16, 4];
                      outputs from O on and inputs from I on are zero */
} capw_layout;

typedef struct capw_tensor {
    char name[CAPW_NAME_BYTES]; /* ends in NUL, rest zero */
    uint32_t dtype;             /* capw_dtype */
    uint32_t layout;            /* capw_layout */
    uint32_t rank;              /* 1..4 */
    uint32_t crc;               /* CRC-32 of the tensor's bytes */
    uint32_t dims[4];           /* logical shape; dims[rank..] are 0 */
    uint64_t offset;            /* a multiple of 64 */
    uint64_t bytes;             /* as stored, with the layout's padding */
    unsigned char reserved[16]; /* zero */
} capw_tensor;

#endif
