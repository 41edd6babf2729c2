/* archives.c - hostile tars, plain and compressed, and pictures that the tools alone read; see attack.h. */
#include <dirent.h>
#include <stdlib.h>
#include <zlib.h>

#include "test/attack/attack.h"
#include "test/fixture.h"

enum { BLOCK = 512, MOST_PICTURES = 100, PATH_BYTES = 4096 };

/* ---- pictures ---- */

static const char pictures[] = "test/pictures";

static int is_picture(const struct dirent *entry)
{
    const char *ending = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && (!ending || strcmp(ending, ".rgb") != 0);
}

/* One of the pictures of test/pictures: WebP, GIF, TIFF, BMP, HEIC, AVIF. */
static void put_picture(bytes *out, dice *d)
{
    struct dirent **entries;
    char path[PATH_BYTES];
    const int count = scandir(pictures, &entries, is_picture, alphasort);
    if (count < 1) abort();
    const size_t chosen = roll_below(d, (size_t)count);
    (void)snprintf(path, sizeof path, "%s/%s", pictures, entries[chosen]->d_name);
    FILE *file = fopen(path, "rb");
    unsigned char piece[4096];
    if (!file) abort();
    for (size_t got; (got = fread(piece, 1, sizeof piece, file)) > 0;) put(out, piece, got);
    (void)fclose(file);
    for (int i = 0; i < count; i++) free(entries[i]);
    free(entries);
}

void attack_picture(bytes *out, dice *d)
{
    put_picture(out, d);
    const size_t head = out->size < 400 ? out->size : 400;
    if (one_in(d, 3)) { /* a number of the header */
        unsigned char number[4];
        const uint64_t value = roll_edge(d);
        for (int i = 0; i < 4; i++) number[i] = (unsigned char)(value >> 8 * i);
        splice(out, roll_below(d, head), one_in(d, 2) ? 2 : 4, number, one_in(d, 2) ? 2 : 4);
    }
    if (!one_in(d, 6)) damage(out, d);
}

/* ---- tars ---- */

static void set_octal(unsigned char *field, size_t size, uint64_t value)
{
    field[size - 1] = '\0';
    for (size_t i = size - 1; i-- > 0; value >>= 3) field[i] = (unsigned char)('0' + (value & 7));
}

/* A number that octal digits can't say, as GNU writes it. */
static void set_binary(unsigned char *field, size_t size, uint64_t value)
{
    for (size_t i = size; i-- > 0; value >>= 8) field[i] = (unsigned char)(value & 255);
    field[0] |= 0x80;
}

static void seal(unsigned char *head)
{
    unsigned sum = 0;
    memset(head + 148, ' ', 8);
    for (int i = 0; i < BLOCK; i++) sum += head[i];
    set_octal(head + 148, 7, sum);
}

static void put_padding(bytes *out)
{
    static const unsigned char zeros[BLOCK] = {0};
    put(out, zeros, (BLOCK - out->size % BLOCK) % BLOCK);
}

/* A field of 100 bytes, which may have no end. */
static void put_name(unsigned char *field, const char *name)
{
    const size_t length = strlen(name);
    memcpy(field, name, length < 100 ? length : 100);
}

/* What a member is: '0' a file, '1' and '2' links, '3' to '6' devices, folders and FIFOs, 'L' and 'K' long
 * names, 'S' a sparse file of GNU, 'x' and 'g' records of POSIX. */
static void put_member(bytes *out, dice *d, char type, const char *name, const bytes *data)
{
    static const uint64_t claims[] = {UINT64_C(100) << 30, UINT64_C(8) << 30, INT64_MAX, 1u << 28, 0};
    unsigned char head[BLOCK] = {0};
    put_name(head, name);
    set_octal(head + 100, 8, one_in(d, 10) ? roll_edge(d) : 0644);
    const bool lies = one_in(d, 6);
    const uint64_t size = lies ? claims[roll_below(d, sizeof claims / sizeof claims[0])] : data->size;
    if (lies) {
        set_binary(head + 124, 12, size);
    } else {
        set_octal(head + 124, 12, size);
    }
    set_octal(head + 136, 12, roll_edge(d));
    head[156] = (unsigned char)type;
    if (type == '1' || type == '2') put_name(head + 157, one_in(d, 2) ? name : "/etc/passwd");
    memcpy(head + 257,
           type == 'S' ? "ustar  "
                       : "ustar\0"
                         "00",
           8);
    if (type == 'S') { /* one piece, and then 100 GB of nothing */
        set_octal(head + 386, 12, one_in(d, 2) ? 0 : roll_edge(d));
        set_octal(head + 398, 12, data->size);
        set_binary(head + 483, 12, one_in(d, 2) ? UINT64_C(100) << 30 : roll_edge(d));
    }
    seal(head);
    if (one_in(d, 15)) head[roll_below(d, BLOCK)] ^= 1;
    put(out, head, sizeof head);
    put_bytes(out, data);
    put_padding(out);
}

/* "27 path=what it is called\n", with lengths that may be wrong. */
static void put_record(bytes *out, dice *d)
{
    static const char *const keys[] = {"path",           "linkpath",         "size",  "GNU.sparse.realsize",
                                       "GNU.sparse.map", "GNU.sparse.major", "mtime", "hdrcharset"};
    char number[32];
    const char *key = keys[roll_below(d, sizeof keys / sizeof keys[0])], *value = roll_text(d);
    if (one_in(d, 2)) {
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)roll_edge(d));
        value = number;
    }
    const size_t size = strlen(key) + strlen(value) + 3;
    char length[32];
    (void)snprintf(length, sizeof length, "%zu ",
                   one_in(d, 5) ? (size_t)roll_edge(d) : size + (size > 97 ? 3 : 2));
    put_text(out, length);
    put_text(out, key);
    put_text(out, "=");
    put_text(out, value);
    put_text(out, "\n");
}

static void put_data(bytes *data, dice *d)
{
    size_t size;
    const size_t kind = roll_below(d, 6);
    if (kind == 0) {
        put_text(data, roll_text(d));
    } else if (kind == 1) {
        put_picture(data, d);
    } else if (kind == 2) {
        attack_jpeg(data, d);
    } else {
        unsigned char *image = fixture_jpeg((uint32_t)roll_below(d, 100), &size);
        if (!image) abort();
        put(data, image, size);
        free(image);
    }
}

static void put_any(bytes *out, dice *d, size_t number)
{
    static const char types[] = "00000000012345678LKSSxgVMDN";
    static const char *const endings[] = {".jpg", ".jpg", ".txt", ".json", "", ".tar", ".JPEG"};
    char name[160];
    bytes data = {0};
    const char type = types[roll_below(d, sizeof types - 1)];
    (void)snprintf(name, sizeof name, "%.100s%zu%s",
                   one_in(d, 4)   ? roll_text(d)
                   : one_in(d, 8) ? "../../"
                                  : "",
                   number / 2, endings[roll_below(d, sizeof endings / sizeof endings[0])]);
    if (type == 'x' || type == 'g') {
        for (size_t i = roll_below(d, 4); i > 0; i--) put_record(&data, d);
    } else if (type == 'L' || type == 'K') {
        for (size_t i = one_in(d, 4) ? 5000 : 1; i > 0; i--) put_text(&data, name);
    } else {
        put_data(&data, d);
    }
    put_member(out, d, type, name, &data);
    free_bytes(&data);
}

void attack_tar(bytes *out, dice *d)
{
    static const unsigned char end[2 * BLOCK] = {0};
    for (size_t i = 0, count = roll_below(d, 16); i < count; i++) put_any(out, d, i);
    if (!one_in(d, 3)) put(out, end, sizeof end);
    if (one_in(d, 3)) damage(out, d);
}

/* The same in gzip, whose end may be missing and whose data may be damaged; now and then a bomb. */
void attack_compressed_tar(bytes *out, dice *d)
{
    bytes plain = {0};
    attack_tar(&plain, d);
    for (size_t i = one_in(d, 10) ? 1 << 16 : 0; i > 0; i--) {
        put(&plain, (const unsigned char[BLOCK]){0}, BLOCK);
    }
    z_stream z;
    memset(&z, 0, sizeof z);
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    const size_t room = deflateBound(&z, (uLong)plain.size);
    unsigned char *packed = malloc(room);
    if (!packed) abort();
    z.next_in = plain.at;
    z.avail_in = (uInt)plain.size;
    z.next_out = packed;
    z.avail_out = (uInt)room;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
    put(out, packed, room - z.avail_out);
    (void)deflateEnd(&z);
    free(packed);
    free_bytes(&plain);
    if (one_in(d, 2)) damage(out, d);
}
