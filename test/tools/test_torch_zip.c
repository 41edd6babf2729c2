/* Tests of tools/source/torch_zip: archives built here, then damaged in every way a checkpoint may be. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "test/tools/torch_maker.h"
#include "tools/source/torch_zip.h"

static char path[64];

/* Offsets inside the plain archive of make(): entry "n/a" = "alpha", entry "n/b" = 100 bytes */
enum { FIRST_DATA = 64, SECOND_HEADER = 69, SECOND_DATA = 128, DIRECTORY = 228, RECORD = 46 + 3 };

static void make(zip_maker *z, bool plain)
{
    memset(z, 0, sizeof *z);
    z->plain = plain;
    unsigned char b[100];
    for (size_t i = 0; i < sizeof b; i++) b[i] = (unsigned char)(i * 7);
    zip_add(z, "n/a", "alpha", 5);
    zip_add(z, "n/b", b, sizeof b);
    zip_end(z);
}

/* Opens the archive and reads both entries; true if all of it worked and the data are right. */
static bool read_all(const bytes *archive, tool_error *err)
{
    unsigned char *a = NULL;
    err->message[0] = '\0';
    write_file(path, archive->at, archive->size);
    torch_zip zip;
    bool ok = torch_zip_open(&zip, path, err);
    torch_zip_entry *entry;
    if (ok) {
        entry = torch_zip_find(&zip, "n/a");
        ok = entry && (a = torch_zip_read(&zip, entry, 5, err)) != NULL;
        if (ok) assert_memory_equal(a, "alpha", 6);
        free(a);
    }
    if (ok) {
        entry = torch_zip_find(&zip, "n/b");
        unsigned char part[100];
        ok = entry && torch_zip_read_at(&zip, entry, 10, part, 90, err) &&
             torch_zip_read_at(&zip, entry, 0, part, 100, err);
        for (size_t i = 0; ok && i < sizeof part; i++) assert_int_equal(part[i], (unsigned char)(i * 7));
    }
    torch_zip_close(&zip);
    return ok;
}

static void assert_refused(const bytes *archive, const char *part)
{
    tool_error err = {{0}};
    assert_false(read_all(archive, &err));
    if (!strstr(err.message, part)) fail_msg("\"%s\" does not say \"%s\"", err.message, part);
}

static void reads_both_kinds(void **state)
{
    tool_error err = {{0}};
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        zip_maker z;
        make(&z, plain != 0);
        if (plain) assert_int_equal(memcmp(z.out.at + DIRECTORY, "PK\1\2", 4), 0);
        if (!read_all(&z.out, &err)) fail_msg("%s", err.message);
        zip_free(&z);
    }
}

static void reads_beyond_limits(void **state)
{
    tool_error err = {{0}};
    (void)state;
    zip_maker z;
    make(&z, true);
    write_file(path, z.out.at, z.out.size);
    torch_zip zip;
    assert_true(torch_zip_open(&zip, path, &err));
    assert_null(torch_zip_find(&zip, "n/c"));
    assert_null(torch_zip_find(&zip, "n"));
    assert_null(torch_zip_read(&zip, torch_zip_find(&zip, "n/a"), 4, &err));
    assert_non_null(strstr(err.message, "n/a: it is absurdly large"));
    err.message[0] = '\0';
    unsigned char byte[8];
    assert_false(torch_zip_read_at(&zip, torch_zip_find(&zip, "n/a"), 3, byte, 3, &err));
    assert_false(torch_zip_read_at(&zip, torch_zip_find(&zip, "n/a"), 6, byte, 0, &err));
    assert_true(torch_zip_read_at(&zip, torch_zip_find(&zip, "n/a"), 3, byte, 2, NULL));
    assert_memory_equal(byte, "ha", 2);
    torch_zip_close(&zip);
    zip_free(&z);
}

static void truncated_anywhere(void **state)
{
    tool_error err = {{0}};
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        zip_maker z;
        make(&z, plain != 0);
        for (size_t size = 0; size < z.out.size; size++) {
            bytes shorter = {z.out.at, size, size};
            if (read_all(&shorter, &err)) fail_msg("read, though truncated to %zu bytes", size);
            assert_non_null(strstr(err.message, path));
        }
        put_op(&z.out, 0);
        assert_refused(&z.out, "something was appended");
        zip_free(&z);
    }
}

/* Whatever byte changes: an error, or the same data. */
static void flipped_anywhere(void **state)
{
    tool_error err = {{0}};
    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        zip_maker z;
        make(&z, plain != 0);
        for (size_t at = 0; at < z.out.size; at++) {
            for (int bit = 0; bit < 8; bit += 7) {
                z.out.at[at] ^= (unsigned char)(1 << bit);
                (void)read_all(&z.out, &err); /* compares what it reads */
                z.out.at[at] ^= (unsigned char)(1 << bit);
            }
        }
        zip_free(&z);
    }
}

/* One field of the plain archive changed */
static const struct damage {
    size_t offset;
    uint64_t value;
    size_t size;
    const char *message;
} damages[] = {
    {DIRECTORY + 8, 1, 2, "n/a: it is encrypted"},
    {DIRECTORY + 10, 8, 2, "n/a: it is compressed"},
    {DIRECTORY + 16, 1, 4, "n/a: its local header has another checksum"},
    {DIRECTORY + 20, 4, 4, "n/a: its two sizes disagree"},
    {DIRECTORY + 34, 3, 2, "several parts"},
    {DIRECTORY + 42, SECOND_HEADER, 4, "n/a: its local header is missing or names another entry"},
    {DIRECTORY + 42, 0x7FFFFFFF, 4, "n/a: its offset lies outside the file"},
    {DIRECTORY + 24, 0xFFFFFFFF, 4, "n/a: its zip64 field is missing"},
    {DIRECTORY + 46, '\n', 1, "control characters"},
    {DIRECTORY + 28, 0, 2, "name is empty"},
    {DIRECTORY + 28, 60000, 2, "runs past its end"},
    {DIRECTORY + RECORD, 'Q', 1, "a record is damaged"},
    {FIRST_DATA, 'A', 1, "n/a: its checksum is wrong"},
    {SECOND_DATA + 99, 0, 1, "n/b: its checksum is wrong"},
    {14, 1, 4, "n/a: its local header has another checksum"},
    {18, 1, 4, "n/a: its local header has another size"},
    {6, 1, 2, "n/a: its local header disagrees"},
    {28, 65535, 2, "n/a: its data lie outside the file"},
    {30, 'm', 1, "n/a: its local header is missing or names another entry"},
};

static void damaged_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        zip_maker z;
        make(&z, true);
        set_number(&z.out, damages[i].offset, damages[i].value, damages[i].size);
        assert_refused(&z.out, damages[i].message);
        zip_free(&z);
    }
}

static void damaged_ends(void **state)
{
    static const struct damage ends[] = {
        /* offset, value, its bytes, message */
        {8, 3, 2, "several parts"},
        {10, 1, 2, "several parts"},
        {12, 3, 4, "central directory is not where it should be"},
        {16, 0x7FFFFFFF, 4, "central directory is not where it should be"},
        {20, 7, 2, "no end record"},
    };
    (void)state;
    zip_maker z;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        make(&z, true);
        set_number(&z.out, z.out.size - 22 + ends[i].offset, ends[i].value, ends[i].size);
        assert_refused(&z.out, ends[i].message);
        zip_free(&z);
    }
    make(&z, true); /* one entry fewer than there are, both counts */
    set_number(&z.out, z.out.size - 22 + 8, 0x00010001, 4);
    assert_refused(&z.out, "holds more than its entries");
    set_number(&z.out, z.out.size - 22 + 8, 0xFFFEFFFE, 4);
    assert_refused(&z.out, "absurd number of entries");
    set_number(&z.out, z.out.size - 22 + 8, 0, 4);
    assert_refused(&z.out, "the archive is empty");
    zip_free(&z);
}

static void damaged_zip64(void **state)
{
    static const struct damage ends[] = {
        /* offset back from the end, value, its bytes, message; the zip64 record begins at 98, the locator at
           42 */
        {98 - 4, 45, 8, "not found where its locator"},   {98 - 16, 1, 4, "several parts"},
        {98 - 24, 5, 8, "two entry counts disagree"},     {98 - 40, 5, 8, "disagrees with the end record"},
        {98 - 48, 5, 8, "disagrees with the end record"}, {42 - 8, ~(uint64_t)0, 8, "outside the file"},
        {42 - 8, 3, 8, "not found where its locator"},    {42 - 16, 9, 4, "several parts"},
    };
    (void)state;
    zip_maker z;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        make(&z, false);
        set_number(&z.out, z.out.size - ends[i].offset, ends[i].value, ends[i].size);
        assert_refused(&z.out, ends[i].message);
        zip_free(&z);
    }
    make(&z, false); /* the 32-bit record may give up */
    set_number(&z.out, z.out.size - 22 + 8, 0xFFFFFFFF, 4);
    set_number(&z.out, z.out.size - 22 + 12, ~(uint64_t)0, 8);
    {
        tool_error err = {{0}};
        if (!read_all(&z.out, &err)) fail_msg("%s", err.message);
    }
    zip_free(&z);
}

/* An archive whose sizes and offsets all stand in zip64 fields.  The directory's first record is 46 bytes,
 * the name and the field: type, size, then size, stored size and offset in 8 bytes each. */
enum { WIDE_FIELD = 46 + 3, WIDE_RECORD = WIDE_FIELD + 28 };

static void make_wide(zip_maker *z)
{
    memset(z, 0, sizeof *z);
    z->wide = true;
    unsigned char b[100];
    for (size_t i = 0; i < sizeof b; i++) b[i] = (unsigned char)(i * 7);
    zip_add(z, "n/a", "alpha", 5);
    zip_add(z, "n/b", b, sizeof b);
    zip_end(z);
}

static void reads_zip64_fields(void **state)
{
    tool_error err = {{0}};
    (void)state;
    zip_maker z;
    make_wide(&z);
    const size_t directory = z.out.size - z.directory.size - 98;
    assert_int_equal(memcmp(z.out.at + directory, "PK\1\2", 4), 0);
    if (!read_all(&z.out, &err)) fail_msg("%s", err.message);

    /* another field before it; only the number that the record lacks */
    memcpy(z.out.at + directory + WIDE_FIELD, "FB\0\0\1\0\24\0\5\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0", 28);
    set_number(&z.out, directory + 42, 0, 4);
    if (!read_all(&z.out, &err)) fail_msg("%s", err.message);

    /* behind all it needs, the field may hold more: APPNOTE has a fourth number */
    memcpy(z.out.at + directory + WIDE_FIELD, "\1\0\30\0\5\0\0\0\0\0\0\0\377\377\377\377\377\377\377\377",
           20);
    set_number(&z.out, directory + 20, 5, 4);
    if (!read_all(&z.out, &err)) fail_msg("%s", err.message);
    zip_free(&z);
}

static void damaged_zip64_fields(void **state)
{
    static const struct damage fields[] = {
        /* offset into the first record, value, its bytes, message */
        {WIDE_FIELD, 2, 2, "n/a: its zip64 field is missing or damaged"},
        {WIDE_FIELD + 2, 23, 2, "n/a: its zip64 field is missing or damaged"},
        {WIDE_FIELD + 2, 25, 2, "n/a: its zip64 field is missing or damaged"},
        {30, 0, 2, "n/a: its zip64 field is missing or damaged"}, /* the record has no field */
        {WIDE_FIELD + 4, 6, 8, "n/a: its two sizes disagree"},
        {WIDE_FIELD + 4, (uint64_t)1 << 32 | 5, 8, "n/a: its two sizes disagree"},
        {WIDE_FIELD + 20, ~(uint64_t)0, 8, "n/a: its offset lies outside the file"},
        {WIDE_FIELD + 20, (uint64_t)1 << 32, 8, "n/a: its offset lies outside the file"},
        {WIDE_FIELD + 20, 1, 8, "n/a: its local header is missing or names another entry"},
    };
    (void)state;
    zip_maker z;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        make_wide(&z);
        const size_t directory = z.out.size - z.directory.size - 98;
        set_number(&z.out, directory + fields[i].offset, fields[i].value, fields[i].size);
        assert_refused(&z.out, fields[i].message);
        zip_free(&z);
    }
    /* both sizes, so that they agree with each other and not with the file */
    static const uint64_t sizes[] = {(uint64_t)1 << 32 | 5, ~(uint64_t)0, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        make_wide(&z);
        const size_t directory = z.out.size - z.directory.size - 98;
        set_number(&z.out, directory + WIDE_FIELD + 4, sizes[i], 8);
        set_number(&z.out, directory + WIDE_FIELD + 12, sizes[i], 8);
        assert_refused(&z.out, "n/a: its data lie outside the file");
        zip_free(&z);
    }
}

/* More than 4 GiB, most of it a hole: an entry that is not read, and behind it one that is. */
static void reads_behind_4_gib(void **state)
{
    const uint64_t hole = (uint64_t)9 << 29;
    tool_error err = {{0}};
    (void)state;
    if (sizeof(off_t) < 8) skip(); /* this system has no such files */
    zip_maker front, back;
    memset(&front, 0, sizeof front);
    memset(&back, 0, sizeof back);
    front.wide = back.wide = true;
    zip_add(&front, "n/hole", "", 0);
    zip_add(&back, "n/b", "behind", 6);
    const size_t header = front.out.size, first = front.directory.size, added = back.out.size;
    const uint64_t at = header + hole, directory = at + added;
    const size_t local = 30 + 6 + 4, central = 46 + 6 + 4; /* where the numbers of the fields begin */
    set_number(&front.out, local, hole, 8);
    set_number(&front.out, local + 8, hole, 8);
    set_number(&front.directory, central, hole, 8);
    set_number(&front.directory, central + 8, hole, 8);
    set_number(&back.directory, 46 + 3 + 4 + 16, at, 8);
    put(&front.directory, back.directory.at, back.directory.size);
    assert_true(front.directory.size > first);

    /* zip_end wrote where the directory would be without the hole */
    zip_maker end;
    memset(&end, 0, sizeof end);
    end.wide = true;
    end.entries = 2;
    put(&end.directory, front.directory.at, front.directory.size);
    zip_end(&end);
    set_number(&end.out, end.directory.size + 48, directory, 8);
    set_number(&end.out, end.directory.size + 56 + 8, directory + end.directory.size, 8);

    write_file(path, front.out.at, front.out.size);
    const int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    const bool room = pwrite(fd, back.out.at, added, (off_t)at) == (ssize_t)added &&
                      pwrite(fd, end.out.at, end.out.size, (off_t)directory) == (ssize_t)end.out.size;
    assert_int_equal(close(fd), 0);
    if (room) {
        torch_zip zip;
        if (!torch_zip_open(&zip, path, &err)) fail_msg("%s", err.message);
        assert_true(torch_zip_find(&zip, "n/hole")->size == hole);
        unsigned char *data = torch_zip_read(&zip, torch_zip_find(&zip, "n/b"), 6, &err);
        if (!data) fail_msg("%s", err.message);
        assert_memory_equal(data, "behind", 7);
        free(data);
        torch_zip_close(&zip);
    }
    zip_free(&front);
    zip_free(&back);
    zip_free(&end);
    if (!room) skip(); /* a file system without holes or large files */
}

/* The second record made to point at the first entry, under the first one's name or with its own. */
static void overlaps_and_duplicates(void **state)
{
    (void)state;
    zip_maker z;
    memset(&z, 0, sizeof z);
    z.plain = true;
    zip_add(&z, "n/a", "alpha", 5);
    zip_add(&z, "n/a", "alpha", 5);
    zip_end(&z);
    assert_refused(&z.out, "n/a: two entries have this name");
    zip_free(&z);

    make(&z, true); /* the second record is a copy of the first */
    memcpy(z.out.at + DIRECTORY + RECORD, z.out.at + DIRECTORY, RECORD);
    assert_refused(&z.out, "n/a: it overlaps n/a");
    zip_free(&z);

    memset(&z, 0, sizeof z); /* an entry inside another one's data */
    z.plain = true;
    {
        zip_maker inner;
        memset(&inner, 0, sizeof inner);
        inner.plain = true;
        zip_add(&inner, "n/b", "12345", 5);
        zip_add(&z, "n/a", inner.out.at, inner.out.size);
        set_number(&inner.directory, 42, 64, 4);
        put(&z.directory, inner.directory.at, inner.directory.size);
        z.entries = 2;
        zip_end(&z);
        zip_free(&inner);
    }
    assert_refused(&z.out, "n/b: it overlaps n/a");
    zip_free(&z);
}

static void wrong_descriptor(void **state)
{
    (void)state;
    zip_maker z;
    make(&z, false);
    z.out.at[FIRST_DATA + 5 + 4] ^= 1;
    assert_refused(&z.out, "n/a: the descriptor behind it disagrees");
    zip_free(&z);
}

/* A descriptor without its signature, and one with 64-bit sizes, are allowed. */
static void odd_descriptors(void **state)
{
    (void)state;
    for (int wide = 0; wide < 2; wide++) {
        tool_error err = {{0}};
        bytes archive = {0};
        zip_maker z;
        memset(&z, 0, sizeof z);
        zip_add(&z, "n/a", "alpha", 5);
        put(&archive, z.out.at, FIRST_DATA + 5);
        if (wide) put(&archive, "PK\7\10", 4);
        put_number(&archive, crc32_z(0, (const unsigned char *)"alpha", 5), 4);
        put_number(&archive, 5, wide ? 8 : 4);
        put_number(&archive, 5, wide ? 8 : 4);
        const size_t directory = archive.size;
        put(&archive, z.directory.at, z.directory.size);
        put(&archive, "PK\5\6\0\0\0\0\1\0\1\0", 12);
        put_number(&archive, z.directory.size, 4);
        put_number(&archive, directory, 4);
        put_number(&archive, 0, 2);
        write_file(path, archive.at, archive.size);
        torch_zip zip;
        if (!torch_zip_open(&zip, path, &err)) fail_msg("%s", err.message);
        torch_zip_close(&zip);
        free_bytes(&archive);
        zip_free(&z);
    }
}

static void not_archives(void **state)
{
    static const struct {
        const char *data;
        size_t size;
        const char *message;
    } files[] = {
        {"", 0, "the file is empty"},
        {"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15, "before PyTorch 1.6"},
        {"\x89PNG\r\n", 6, "not a checkpoint"},
        {"PK", 2, "truncated"},
    };
    tool_error err = {{0}};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        bytes data = {(unsigned char *)(uintptr_t)files[i].data, files[i].size, files[i].size};
        assert_refused(&data, files[i].message);
    }
    torch_zip zip;
    assert_false(torch_zip_open(&zip, "/", &err));
    assert_string_equal(err.message, "/: is a folder");
    torch_zip_close(&zip);
    err.message[0] = '\0';
    assert_false(torch_zip_open(&zip, "/nowhere/at.all", &err));
    assert_string_equal(err.message, "/nowhere/at.all: No such file or directory");
    torch_zip_close(&zip);
    err.message[0] = '\0';
    assert_false(torch_zip_open(&zip, "/dev/null", &err));
    assert_non_null(strstr(err.message, "not a regular file"));
    torch_zip_close(&zip);
}

static int make_path(void **state)
{
    (void)state;
    strcpy(path, "/tmp/test_torch_zip_XXXXXX");
    const int file = mkstemp(path);
    return file >= 0 ? close(file) : -1;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_both_kinds),   cmocka_unit_test(reads_beyond_limits),
        cmocka_unit_test(truncated_anywhere), cmocka_unit_test(flipped_anywhere),
        cmocka_unit_test(damaged_fields),     cmocka_unit_test(damaged_ends),
        cmocka_unit_test(damaged_zip64),      cmocka_unit_test(overlaps_and_duplicates),
        cmocka_unit_test(reads_zip64_fields), cmocka_unit_test(damaged_zip64_fields),
        cmocka_unit_test(reads_behind_4_gib), cmocka_unit_test(wrong_descriptor),
        cmocka_unit_test(odd_descriptors),    cmocka_unit_test(not_archives),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
