/* Tars written; see tar_out.h. */
#include "tools/batch/tar_out.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, NAME_BYTES = 100, SUM_AT = 148, SUM_BYTES = 8, TYPE_AT = 156 };

/* Digits in base 8 with leading zeros, and a zero byte. */
static void put_octal(char *field, size_t bytes, uint64_t value)
{
    field[bytes - 1] = '\0';
    for (size_t i = bytes - 1; i-- > 0; value /= 8) field[i] = (char)('0' + value % 8);
}

static void put_padding(FILE *stream, size_t size)
{
    static const char zeros[BLOCK];
    if (size % BLOCK) (void)fwrite(zeros, 1, BLOCK - size % BLOCK, stream);
}

/* type: '0' a file, 'x' records for the member behind */
static void put_block(FILE *stream, const batch_tar_entry *entry, char type)
{
    char block[BLOCK] = {0};
    const size_t length = strlen(entry->name);
    memcpy(block, entry->name, length < NAME_BYTES ? length : NAME_BYTES);
    put_octal(block + 100, 8, entry->mode & 07777);
    put_octal(block + 108, 8, 0); /* nobody's: the owner is who unpacks it */
    put_octal(block + 116, 8, 0);
    put_octal(block + 124, 12, entry->size);
    put_octal(block + 136, 12, entry->mtime > 0 ? (uint64_t)entry->mtime : 0);
    memset(block + SUM_AT, ' ', SUM_BYTES);
    block[TYPE_AT] = type;
    memcpy(block + 257,
           "ustar\0"
           "00",
           8);
    unsigned sum = 0;
    for (int i = 0; i < BLOCK; i++) sum += (unsigned char)block[i];
    put_octal(block + SUM_AT, 7, sum);
    (void)fwrite(block, 1, BLOCK, stream);
}

/* A record "LENGTH path=NAME\n", whose length counts its own digits. */
static void put_long_name(FILE *stream, const batch_tar_entry *entry)
{
    const size_t rest = strlen(" path=\n") + strlen(entry->name);
    size_t length = rest + 1;
    for (char digits[24]; length < rest + (size_t)snprintf(digits, sizeof digits, "%zu", length);) length++;
    const batch_tar_entry records = {.name = "PaxHeaders/name", .mode = 0644, .size = length};
    put_block(stream, &records, 'x');
    (void)fprintf(stream, "%zu path=%s\n", length, entry->name);
    put_padding(stream, length);
}

void batch_tar_put(FILE *stream, const batch_tar_entry *entry)
{
    if (strlen(entry->name) > NAME_BYTES) put_long_name(stream, entry);
    put_block(stream, entry, '0');
    if (entry->size) (void)fwrite(entry->data, 1, entry->size, stream);
    put_padding(stream, entry->size);
}

void batch_tar_put_end(FILE *stream)
{
    static const char zeros[2 * BLOCK];
    (void)fwrite(zeros, 1, sizeof zeros, stream);
}
