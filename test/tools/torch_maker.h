/* Builds what torch.save and pickle write, byte by byte, for the tests of tools/source and tools/convert.
 *
 * Everything is static.  Nothing here uses the readers that it tests. */
#ifndef TEST_TORCH_MAKER_H
#define TEST_TORCH_MAKER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* ---- bytes ---- */

typedef struct bytes {
    unsigned char *at;
    size_t size, room;
} bytes;

static inline void put(bytes *b, const void *data, size_t size)
{
    if (b->size + size > b->room) {
        b->room = (b->size + size) * 2 + 64;
        b->at = realloc(b->at, b->room);
        if (!b->at) abort();
    }
    if (size) memcpy(b->at + b->size, data, size);
    b->size += size;
}

static inline void put_number(bytes *b, uint64_t value, size_t size)
{
    unsigned char p[16] = {0};
    for (size_t i = 0; i < size && i < 8; i++) p[i] = (unsigned char)(value >> (8 * i) & 255);
    put(b, p, size); /* size is at most 16 */
}

static inline void set_number(bytes *b, size_t offset, uint64_t value, size_t size)
{

    for (size_t i = 0; i < size; i++) b->at[offset + i] = (unsigned char)(value >> (8 * i) & 255);
}

static inline void put_op(bytes *b, int op)
{
    put_number(b, (uint64_t)op, 1);
}

static inline void free_bytes(bytes *b)
{
    free(b->at);
    memset(b, 0, sizeof *b);
}

static inline void write_file(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");

    if (!f || (size && fwrite(data, 1, size, f) != size)) abort();
    if (fclose(f) != 0) abort();
}

/* ---- pickles ---- */

static inline void pk_text(bytes *b, const char *text)
{
    put_op(b, 'X');
    put_number(b, strlen(text), 4);
    put(b, text, strlen(text));
}

static inline void pk_int(bytes *b, int64_t value)
{
    put_op(b, 0x8a);
    put_op(b, 8);
    put_number(b, (uint64_t)value, 8);
}

static inline void pk_float(bytes *b, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_op(b, 'G');
    for (int i = 7; i >= 0; i--) put_number(b, bits >> (8 * i), 1);
}

static inline void pk_global(bytes *b, const char *module, const char *name)
{
    put_op(b, 'c');
    put(b, module, strlen(module));
    put_op(b, '\n');
    put(b, name, strlen(name));
    put_op(b, '\n');
}

/* A NumPy scalar as pickles of protocol 2 have it: type "f8", order "<", its bytes. */
static inline void pk_scalar(bytes *b, const char *type, const char *order, const void *data, size_t size)
{
    const unsigned char *p = data;
    size_t high = 0;
    pk_global(b, "numpy.core.multiarray", "scalar");
    pk_global(b, "numpy", "dtype");
    pk_text(b, type);
    put(b, "\x89\x88\x87R(K\3", 7);
    pk_text(b, order);
    put(b, "NNNJ\xFF\xFF\xFF\xFFJ\xFF\xFF\xFF\xFFK\0tb", 17);
    pk_global(b, "_codecs", "encode");
    for (size_t i = 0; i < size; i++) high += p[i] > 0x7F;
    put_op(b, 'X');
    put_number(b, size + high, 4);
    for (size_t i = 0; i < size; i++) {
        if (p[i] > 0x7F) put_op(b, 0xC0 | p[i] >> 6);
        put_op(b, p[i] > 0x7F ? 0x80 | (p[i] & 0x3F) : p[i]);
    }
    pk_text(b, "latin1");
    put(b, "\x86R\x86R", 4);
}

static inline void pk_begin(bytes *b)
{
    put(b, "\x80\x02", 2);
}

typedef struct tensor_spec {
    const char *type; /* "FloatStorage" */
    const char *key;  /* of the storage */
    int64_t count;    /* of the storage */
    int64_t offset;
    int rank;
    int64_t dims[4], strides[4];
} tensor_spec;

static inline void pk_tensor(bytes *b, const tensor_spec *t)
{

    pk_global(b, "torch._utils", "_rebuild_tensor_v2");
    put(b, "((", 2);
    pk_text(b, "storage");
    pk_global(b, "torch", t->type);
    pk_text(b, t->key);
    pk_text(b, "cuda:0");
    pk_int(b, t->count);
    put(b, "tQ", 2);
    pk_int(b, t->offset);
    put_op(b, '(');
    for (int i = 0; i < t->rank; i++) pk_int(b, t->dims[i]);
    put(b, "t(", 2);
    for (int i = 0; i < t->rank; i++) pk_int(b, t->strides[i]);
    put(b, "t\x89", 2);
    pk_global(b, "collections", "OrderedDict");
    put(b, ")RtR", 4);
}

/* ---- zip archives ---- */

typedef struct zip_maker {
    bytes out, directory;
    unsigned entries;
    bool plain; /* without descriptors and zip64 records, as other programs write archives */
    bool wide;  /* sizes and offsets stand in 64 bits, as in an archive of more than 4 GiB */
} zip_maker;

/* The largest number, which means "see the zip64 field", or the value. */
static inline uint64_t zip_narrow(const zip_maker *z, uint64_t value)
{
    return z->wide ? 0xFFFFFFFF : value;
}

/* The zip64 field: its type, its size and its numbers. */
static inline void zip_put_wide(bytes *b, const uint64_t *numbers, size_t count)
{
    put_number(b, 1, 2);
    put_number(b, count * 8, 2);
    for (size_t i = 0; i < count; i++) put_number(b, numbers[i], 8);
}

static inline void zip_add(zip_maker *z, const char *name, const void *data, size_t size)
{
    static const unsigned char zeros[64];
    const uint32_t crc = (uint32_t)crc32_z(0, data, size);
    const bool later = !z->plain && !z->wide; /* checksum and sizes stand behind the data */
    const size_t header = z->out.size, wide = z->wide ? 20 : 0;
    const size_t pad = (64 - (header + 30 + strlen(name) + wide + 4) % 64) % 64;
    const uint64_t numbers[3] = {size, size, header};
    put(&z->out, "PK\3\4", 4);
    put_number(&z->out, 0, 2);
    put_number(&z->out, later ? 0x0808 : 0, 2);
    put_number(&z->out, 0, 6);
    put_number(&z->out, later ? 0 : crc, 4);
    put_number(&z->out, later ? 0 : zip_narrow(z, size), 4);
    put_number(&z->out, later ? 0 : zip_narrow(z, size), 4);
    put_number(&z->out, strlen(name), 2);
    put_number(&z->out, wide + 4 + pad, 2);
    put(&z->out, name, strlen(name));
    if (wide) zip_put_wide(&z->out, numbers, 2);
    put(&z->out, "FB", 2);
    put_number(&z->out, pad, 2);
    put(&z->out, zeros, pad);
    put(&z->out, data, size);
    if (later) {
        put(&z->out, "PK\7\10", 4);
        put_number(&z->out, crc, 4);
        put_number(&z->out, size, 4);
        put_number(&z->out, size, 4);
    }
    put(&z->directory, "PK\1\2", 4);
    put_number(&z->directory, 0, 4);
    put_number(&z->directory, later ? 0x0808 : 0, 2);
    put_number(&z->directory, 0, 6);
    put_number(&z->directory, crc, 4);
    put_number(&z->directory, zip_narrow(z, size), 4);
    put_number(&z->directory, zip_narrow(z, size), 4);
    put_number(&z->directory, strlen(name), 2);
    put_number(&z->directory, wide ? 28 : 0, 2);
    put_number(&z->directory, 0, 10);
    put_number(&z->directory, zip_narrow(z, header), 4);
    put(&z->directory, name, strlen(name));
    if (wide) zip_put_wide(&z->directory, numbers, 3);
    z->entries++;
}

/* Appends the directory and the end records; z->out is the archive. */
static inline void zip_end(zip_maker *z)
{
    const size_t directory = z->out.size, end = directory + z->directory.size;
    put(&z->out, z->directory.at, z->directory.size);
    if (!z->plain) {
        put(&z->out, "PK\6\6", 4);
        put_number(&z->out, 44, 8);
        put_number(&z->out, 0x031E, 2);
        put_number(&z->out, 45, 2);
        put_number(&z->out, 0, 8);
        put_number(&z->out, z->entries, 8);
        put_number(&z->out, z->entries, 8);
        put_number(&z->out, z->directory.size, 8);
        put_number(&z->out, directory, 8);
        put(&z->out, "PK\6\7", 4);
        put_number(&z->out, 0, 4);
        put_number(&z->out, end, 8);
        put_number(&z->out, 1, 4);
    }
    put(&z->out, "PK\5\6", 4);
    put_number(&z->out, 0, 4);
    put_number(&z->out, zip_narrow(z, z->entries), 2);
    put_number(&z->out, zip_narrow(z, z->entries), 2);
    put_number(&z->out, zip_narrow(z, z->directory.size), 4);
    put_number(&z->out, zip_narrow(z, directory), 4);
    put_number(&z->out, 0, 2);
}

static inline void zip_free(zip_maker *z)
{
    free_bytes(&z->out);
    free_bytes(&z->directory);
    memset(z, 0, sizeof *z);
}

#endif
