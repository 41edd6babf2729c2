/* Zip archives as torch.save writes them; see torch_zip.h.
 *
 * No offset or size is used before it was compared with what the file holds.  The numbers behind `p +` and
 * `record +` are offsets of fields in the records of PKWARE's APPNOTE.TXT, section 4.3. */
#include "tools/source/torch_zip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Sizes of records, without names and other parts of variable length. */
enum {
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    CENTRAL_BYTES = 46,
    LOCAL_BYTES = 30,
};

enum {
    COMMENT_MAX = 65535,     /* bytes that may follow the end record */
    MAX_ENTRIES = 1 << 20,   /* an entry for each tensor: far more than any network has */
    MAX_DIRECTORY = 1 << 26, /* bytes: 64 for each of so many entries */
    MAX_NAME = 512,          /* bytes; torch.save's names have about thirty */
    CHUNK = 1 << 18,         /* bytes that stay in cache between reading and summing */
};

enum { FLAG_ENCRYPTED = 1, FLAG_DESCRIPTOR = 8 };

typedef struct end_record {
    uint64_t start; /* where the end records begin: the directory must end there */
    uint64_t entries, directory_size, directory;
} end_record;

static uint32_t get16(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t get32(const unsigned char *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static uint64_t get64(const unsigned char *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static bool bad(const torch_zip *zip, const char *place, const char *reason, tool_error *err)
{
    return tool_fail(err, "%s: %s: %s", zip->input.path, place, reason);
}

/* ---- the end records ---- */

static bool read_end64(const torch_zip *zip, uint64_t locator_at, end_record *end, tool_error *err)
{
    unsigned char locator[LOCATOR_BYTES];
    if (!source_input_read(&zip->input, locator_at, locator, sizeof locator, err)) return false;
    const uint64_t at = get64(locator + 8);
    if (locator_at < END64_BYTES || at > locator_at - END64_BYTES) {
        return bad(zip, "zip64 end record", "its offset lies outside the file", err);
    }
    unsigned char record[END64_BYTES];
    if (!source_input_read(&zip->input, at, record, sizeof record, err)) return false;
    if (memcmp(record, "PK\6\6", 4) != 0 || get64(record + 4) != locator_at - at - 12) {
        return bad(zip, "zip64 end record", "not found where its locator says", err);
    }
    if (get32(locator + 4) != 0 || get32(locator + 16) > 1 || get32(record + 16) != 0 ||
        get32(record + 20) != 0) {
        return bad(zip, "zip64 end record", "archives of several parts are not supported", err);
    }
    if (get64(record + 24) != get64(record + 32)) {
        return bad(zip, "zip64 end record", "its two entry counts disagree", err);
    }
    /* the 32-bit record must say the same, or hold the largest number, which means "see the other record" */
    if ((end->entries != 0xFFFF && end->entries != get64(record + 32)) ||
        (end->directory_size != 0xFFFFFFFF && end->directory_size != get64(record + 40)) ||
        (end->directory != 0xFFFFFFFF && end->directory != get64(record + 48))) {
        return bad(zip, "zip64 end record", "disagrees with the end record", err);
    }
    end->start = at;
    end->entries = get64(record + 32);
    end->directory_size = get64(record + 40);
    end->directory = get64(record + 48);
    return true;
}

/* Offset of the end record inside the file's last `size` bytes, size if there is none. */
static size_t find_end(const unsigned char *tail, size_t size)
{
    for (size_t at = size - END_BYTES + 1; at-- > 0;) {
        if (memcmp(tail + at, "PK\5\6", 4) == 0 && get16(tail + at + 20) == size - at - END_BYTES) return at;
    }
    return size;
}

static bool parse_end(const torch_zip *zip, const unsigned char *record, end_record *end, tool_error *err)
{
    if (get16(record + 4) != 0 || get16(record + 6) != 0 || get16(record + 8) != get16(record + 10)) {
        return bad(zip, "zip end record", "archives of several parts are not supported", err);
    }
    end->entries = get16(record + 10);
    end->directory_size = get32(record + 12);
    end->directory = get32(record + 16);
    if (end->start >= LOCATOR_BYTES) {
        const uint64_t at = end->start - LOCATOR_BYTES;
        unsigned char locator[4];
        if (!source_input_read(&zip->input, at, locator, sizeof locator, err)) return false;
        if (memcmp(locator, "PK\6\7", 4) == 0 && !read_end64(zip, at, end, err)) return false;
    }
    if (end->directory > end->start || end->directory_size != end->start - end->directory) {
        return bad(zip, "zip end record", "the central directory is not where it should be", err);
    }
    if (end->entries == 0) return bad(zip, "zip end record", "the archive is empty", err);
    if (end->entries > MAX_ENTRIES || end->directory_size > MAX_DIRECTORY ||
        end->entries > end->directory_size / CENTRAL_BYTES) {
        return bad(zip, "zip end record", "absurd number of entries", err);
    }
    return true;
}

static bool read_end(const torch_zip *zip, end_record *end, tool_error *err)
{
    const size_t size =
        zip->input.size < END_BYTES + COMMENT_MAX ? (size_t)zip->input.size : END_BYTES + COMMENT_MAX;
    unsigned char *tail = malloc(size);
    bool ok = false;
    if (!tail) return bad(zip, "zip", "out of memory", err);
    if (source_input_read(&zip->input, zip->input.size - size, tail, size, err)) {
        const size_t at = find_end(tail, size);
        end->start = zip->input.size - size + at;
        if (at == size) {
            (void)bad(zip, "zip", "no end record: the file is truncated or something was appended", err);
        } else {
            ok = parse_end(zip, tail + at, end, err);
        }
    }
    free(tail);
    return ok;
}

/* ---- the central directory ---- */

/* Values that don't fit into 32 bits are 0xFFFFFFFF in the record: they are replaced by those of the zip64
 * field among the extra fields.  False if the field is missing or too short. */
static bool apply_zip64(const unsigned char *extra, size_t size, uint64_t *const values[], size_t count)
{
    size_t wanted = 0;
    for (size_t i = 0; i < count; i++) wanted += *values[i] == 0xFFFFFFFF;
    if (!wanted) return true;
    while (size >= 4) {
        const size_t field = get16(extra + 2);
        if (field > size - 4) return false;
        if (get16(extra) == 1) {
            if (field < wanted * 8) return false;
            extra += 4;
            for (size_t i = 0; i < count; i++) {
                if (*values[i] != 0xFFFFFFFF) continue;
                *values[i] = get64(extra);
                extra += 8;
            }
            return true;
        }
        extra += 4 + field;
        size -= 4 + field;
    }
    return false;
}

static bool plain_name(const char *name, size_t size)
{
    if (size == 0 || size > MAX_NAME) return false;
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7F) return false;
    }
    return true;
}

/* Reads one record of the directory.  `name` has room for its name and a zero byte.  Returns the record's
 * size; 0 and an error on failure. */
static size_t parse_central(torch_zip *zip, torch_zip_entry *entry, const unsigned char *p, size_t left,
                            char *name, tool_error *err)
{
    if (left < CENTRAL_BYTES || memcmp(p, "PK\1\2", 4) != 0) {
        return bad(zip, "zip directory", "a record is damaged", err);
    }
    const size_t name_size = get16(p + 28);
    const size_t extra_size = get16(p + 30);
    const size_t size = CENTRAL_BYTES + name_size + extra_size + get16(p + 32);
    if (size > left) return bad(zip, "zip directory", "a record runs past its end", err);
    if (!plain_name((const char *)p + CENTRAL_BYTES, name_size)) {
        return bad(zip, "zip directory", "an entry's name is empty, too long or holds control characters",
                   err);
    }
    memcpy(name, p + CENTRAL_BYTES, name_size);
    name[name_size] = '\0';
    entry->name = name;
    entry->flags = get16(p + 8);
    entry->crc = get32(p + 16);
    uint64_t stored = get32(p + 20);
    entry->size = get32(p + 24);
    entry->header = get32(p + 42);
    if (get16(p + 10) != 0) return bad(zip, name, "it is compressed; torch.save stores its entries", err);
    if (entry->flags & FLAG_ENCRYPTED) return bad(zip, name, "it is encrypted", err);
    if (get16(p + 34) != 0 && get16(p + 34) != 0xFFFF) {
        return bad(zip, name, "archives of several parts are not supported", err);
    }
    uint64_t *const values[3] = {&entry->size, &stored, &entry->header};
    if (!apply_zip64(p + CENTRAL_BYTES + name_size, extra_size, values, 3)) {
        return bad(zip, name, "its zip64 field is missing or damaged", err);
    }
    if (stored != entry->size) return bad(zip, name, "its two sizes disagree", err);
    return size;
}

static bool parse_directory(torch_zip *zip, const end_record *end, const unsigned char *p, tool_error *err)
{
    size_t left = (size_t)end->directory_size;
    char *name = zip->names;
    for (size_t i = 0; i < zip->count; i++) {
        const size_t size = parse_central(zip, &zip->entries[i], p, left, name, err);
        if (!size) return false;
        name += strlen(name) + 1;
        p += size;
        left -= size;
    }
    if (left) return bad(zip, "zip directory", "holds more than its entries", err);
    return true;
}

/* ---- local headers ---- */

/* The optional record behind the data: checksum and sizes once more, 32 or 64 bits, signed or not. */
static bool check_descriptor(const torch_zip *zip, torch_zip_entry *entry, uint64_t limit, tool_error *err)
{
    unsigned char p[24] = {0};
    const size_t got = limit - entry->end < sizeof p ? (size_t)(limit - entry->end) : sizeof p;
    if (!source_input_read(&zip->input, entry->end, p, got, err)) return false;
    const size_t at = memcmp(p, "PK\7\10", 4) == 0 ? 4 : 0;
    if (got >= at + 12 && get32(p + at) == entry->crc) {
        const bool wide =
            got >= at + 20 && get64(p + at + 4) == entry->size && get64(p + at + 12) == entry->size;
        if (wide || (get32(p + at + 4) == entry->size && get32(p + at + 8) == entry->size)) {
            entry->end += at + (wide ? 20 : 12);
            return true;
        }
    }
    return bad(zip, entry->name, "the descriptor behind it disagrees with the directory", err);
}

static bool check_local(const torch_zip *zip, torch_zip_entry *entry, uint64_t limit, tool_error *err)
{
    const size_t name_size = strlen(entry->name), fixed = LOCAL_BYTES + name_size;
    if (entry->header > limit || fixed > limit - entry->header) {
        return bad(zip, entry->name, "its offset lies outside the file", err);
    }
    unsigned char p[LOCAL_BYTES + MAX_NAME];
    if (!source_input_read(&zip->input, entry->header, p, fixed, err)) return false;
    if (memcmp(p, "PK\3\4", 4) != 0 || get16(p + 26) != name_size ||
        memcmp(p + 30, entry->name, name_size) != 0) {
        return bad(zip, entry->name, "its local header is missing or names another entry", err);
    }
    entry->data = entry->header + fixed + get16(p + 28);
    if (entry->data > limit || entry->size > limit - entry->data) {
        return bad(zip, entry->name, "its data lie outside the file", err);
    }
    entry->end = entry->data + entry->size;
    const bool later = (entry->flags & FLAG_DESCRIPTOR) != 0;
    if (get16(p + 6) != entry->flags || get16(p + 8) != 0) {
        return bad(zip, entry->name, "its local header disagrees with the directory", err);
    }
    if (!(later && get32(p + 14) == 0) && get32(p + 14) != entry->crc) {
        return bad(zip, entry->name, "its local header has another checksum", err);
    }
    if (!(later && get32(p + 18) == 0 && get32(p + 22) == 0)) {
        const uint64_t stored = get32(p + 18), size = get32(p + 22);
        if ((stored != 0xFFFFFFFF && stored != entry->size) || (size != 0xFFFFFFFF && size != entry->size)) {
            return bad(zip, entry->name, "its local header has another size", err);
        }
    }
    return !later || check_descriptor(zip, entry, limit, err);
}

static int by_header(const void *a, const void *b)
{
    const torch_zip_entry *x = a, *y = b;
    return x->header < y->header ? -1 : x->header > y->header;
}

static int by_name(const void *a, const void *b)
{
    const torch_zip_entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static bool check_entries(torch_zip *zip, const end_record *end, tool_error *err)
{
    qsort(zip->entries, zip->count, sizeof *zip->entries, by_header);
    for (size_t i = 0; i < zip->count; i++) {
        torch_zip_entry *entry = &zip->entries[i];
        if (!check_local(zip, entry, end->directory, err)) return false;
        if (i && entry->header < entry[-1].end) {
            return tool_fail(err, "%s: %s: it overlaps %s", zip->input.path, entry->name, entry[-1].name);
        }
    }
    qsort(zip->entries, zip->count, sizeof *zip->entries, by_name);
    for (size_t i = 1; i < zip->count; i++) {
        if (strcmp(zip->entries[i].name, zip->entries[i - 1].name) == 0) {
            return bad(zip, zip->entries[i].name, "two entries have this name", err);
        }
    }
    return true;
}

static bool read_directory(torch_zip *zip, const end_record *end, tool_error *err)
{
    unsigned char *bytes = malloc((size_t)end->directory_size);
    zip->count = (size_t)end->entries;
    zip->entries = calloc(zip->count, sizeof *zip->entries);
    zip->names = malloc((size_t)end->directory_size); /* every record is longer than its name with a NUL */
    bool ok = bytes && zip->entries && zip->names;
    if (!ok) (void)bad(zip, "zip directory", "out of memory", err);
    ok = ok && source_input_read(&zip->input, end->directory, bytes, (size_t)end->directory_size, err) &&
         parse_directory(zip, end, bytes, err) && check_entries(zip, end, err);
    free(bytes);
    return ok;
}

/* How torch.save began a file before PyTorch 1.6: a pickle of a magic number. */
static const unsigned char old_start[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc};

static bool starts_with(const unsigned char *start, size_t size, const void *wanted, size_t wanted_size)
{
    return size >= wanted_size && memcmp(start, wanted, wanted_size) == 0;
}

bool torch_zip_knows(const unsigned char *start, size_t size)
{
    return starts_with(start, size, "PK", 2) || starts_with(start, size, old_start, sizeof old_start);
}

static bool check_start(const torch_zip *zip, tool_error *err)
{
    unsigned char start[sizeof old_start];
    const size_t size = zip->input.size < sizeof start ? (size_t)zip->input.size : sizeof start;
    if (!source_input_read(&zip->input, 0, start, size, err)) return false;
    if (starts_with(start, size, old_start, sizeof old_start)) {
        return bad(zip, "checkpoint",
                   "written by torch.save before PyTorch 1.6; load it and save it again with a newer PyTorch",
                   err);
    }
    if (!torch_zip_knows(start, size)) {
        return bad(zip, "checkpoint", "not a checkpoint: torch.save writes zip archives, and this is not one",
                   err);
    }
    return zip->input.size >= END_BYTES || bad(zip, "zip", "truncated", err);
}

bool torch_zip_open(torch_zip *zip, const char *path, tool_error *err)
{
    end_record end = {0};
    memset(zip, 0, sizeof *zip);
    return source_input_open(&zip->input, path, err) && check_start(zip, err) && read_end(zip, &end, err) &&
           read_directory(zip, &end, err);
}

void torch_zip_close(torch_zip *zip)
{
    source_input_close(&zip->input);
    free(zip->entries);
    free(zip->names);
    memset(zip, 0, sizeof *zip);
}

torch_zip_entry *torch_zip_find(const torch_zip *zip, const char *name)
{
    torch_zip_entry key = {0};
    key.name = name;
    return bsearch(&key, zip->entries, zip->count, sizeof *zip->entries, by_name);
}

/* ---- data ---- */

/* Reads and sums the whole entry: into `whole` ([size] bytes), or just through a buffer. */
static bool check_data(const torch_zip *zip, torch_zip_entry *entry, unsigned char *whole, tool_error *err)
{
    unsigned char *chunk = whole ? NULL : malloc(CHUNK);
    uLong crc = crc32_z(0, NULL, 0);
    bool ok = whole || chunk;
    if (!ok) (void)bad(zip, entry->name, "out of memory", err);
    for (uint64_t at = 0; ok && at < entry->size; at += CHUNK) {
        const size_t part = entry->size - at < CHUNK ? (size_t)(entry->size - at) : CHUNK;
        unsigned char *to = whole ? whole + at : chunk;
        ok = source_input_read(&zip->input, entry->data + at, to, part, err);
        if (ok) crc = crc32_z(crc, to, part);
    }
    free(chunk);
    if (ok && crc != entry->crc) {
        return bad(zip, entry->name, "its checksum is wrong: the file is damaged", err);
    }
    if (ok) atomic_store(&entry->checked, true);
    return ok;
}

unsigned char *torch_zip_read(const torch_zip *zip, torch_zip_entry *entry, uint64_t limit, tool_error *err)
{
    if (entry->size > limit) {
        (void)bad(zip, entry->name, "it is absurdly large", err);
        return NULL;
    }
    unsigned char *data = malloc((size_t)entry->size + 1);
    if (!data) {
        (void)bad(zip, entry->name, "out of memory", err);
    } else if (!check_data(zip, entry, data, err)) {
        free(data);
        data = NULL;
    } else {
        data[entry->size] = 0;
    }
    return data;
}

bool torch_zip_read_at(const torch_zip *zip, torch_zip_entry *entry, uint64_t offset, void *buffer,
                       size_t size, tool_error *err)
{
    if (offset > entry->size || size > entry->size - offset) {
        return bad(zip, entry->name, "a read past its end", err);
    }
    if (!atomic_load(&entry->checked)) {
        if (offset == 0 && size == entry->size) return check_data(zip, entry, buffer, err);
        if (!check_data(zip, entry, NULL, err)) return false;
    }
    return source_input_read(&zip->input, entry->data + offset, buffer, size, err);
}
