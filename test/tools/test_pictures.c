/* Tests of tools/common/pictures.h: the pictures of test/pictures against the pixels that Pillow made of them
 * (test/reference/make_pictures.py), damaged ones, and limits.  Nothing here may write to standard error. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "test/fixture.h"
#include "tools/common/images.h"
#include "tools/common/pictures.h"
#include "tools/common/session.h"

static const char folder[] = "test/pictures";
static const picture_limits roomy = {.memory = (size_t)64 << 20, .pixels = 1 << 22};

enum { MOST_BYTES = 65536, NAME_BYTES = 320 };

static bool is_built(const char *format)
{
    if (strcmp(format, "WebP") == 0) return TOOL_WITH_WEBP;
    if (strcmp(format, "HEIC or AVIF") == 0) return TOOL_WITH_HEIF;
    if (strcmp(format, "GIF") == 0) return TOOL_WITH_GIF;
    if (strcmp(format, "TIFF") == 0) return TOOL_WITH_TIFF;
    if (strcmp(format, "BMP") == 0) return TOOL_WITH_BMP;
    return false;
}

static tool_text read_file(const char *name, const char *ending)
{
    char path[NAME_BYTES];
    tool_text text;
    tool_error err = {{0}};
    (void)snprintf(path, sizeof path, "%s/%s%s", folder, name, ending);
    if (!tool_text_read(&text, path, MOST_BYTES, &err)) fail_msg("%s", err.message);
    return text;
}

/* Bytes of this very size, so that AddressSanitizer sees each one behind them. */
static uint8_t *copy_of(const void *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    return copy;
}

/* Decodes, reads every pixel, and frees.  What a failure says must name the file. */
static bool survives(const void *data, size_t size, char *message)
{
    picture p;
    tool_error err = {{0}};
    const picture_source source = {.name = "a file", .data = data, .size = size};
    const bool ok = picture_decode(&p, &source, &roomy, &err);
    unsigned sum = 0;
    for (int y = 0; ok && y < p.height; y++) {
        for (int x = 0; x < p.width * 3; x++) sum += p.rgb[y * p.stride + x];
    }
    if (ok) {
        assert_true(sum <= (unsigned)p.width * (unsigned)p.height * 3 * 255);
        picture_free(&p);
    } else {
        assert_memory_equal(err.message, "a file: ", 8);
    }
    assert_null(p.rgb);
    assert_null(p.owner);
    if (message) (void)snprintf(message, sizeof err.message, "%s", err.message);
    return ok;
}

/* ---- the files ---- */

typedef void each_file(const char *name, const tool_text *file, const char *format);

/* Calls `each` for every picture of the folder whose decoder was built in; returns how many there were. */
static int for_all(each_file *each)
{
    DIR *dir = opendir(folder);
    int count = 0;
    assert_non_null(dir);
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name, *ending = strrchr(name, '.');
        if (name[0] == '.' || !ending || strcmp(ending, ".rgb") == 0) continue;
        tool_text file = read_file(name, "");
        const char *format = picture_format(file.data, file.size);
        if (!format) fail_msg("%s: of no known format", name);
        if (is_built(format)) each(name, &file, format);
        tool_text_free(&file);
        count++;
    }
    (void)closedir(dir);
    return count;
}

static void hold_file(const char *name, const tool_text *file, const char *format)
{
    /* libheif keeps RGB as YCbCr even in a lossless file, and rounds both ways */
    const int most = strcmp(format, "HEIC or AVIF") == 0 ? 1 : 0;
    tool_text want = read_file(name, ".rgb");
    tool_error err = {{0}};
    picture p;
    const picture_source source = {.name = name, .data = (uint8_t *)file->data, .size = file->size};
    if (!picture_decode(&p, &source, &roomy, &err)) fail_msg("%s", err.message);
    if (want.size != (size_t)p.width * (size_t)p.height * 3) {
        fail_msg("%s: has %d x %d pixels", name, p.width, p.height);
    }
    const uint8_t *wanted = (uint8_t *)want.data;
    for (int y = 0; y < p.height; y++, wanted += p.width * 3) {
        for (int x = 0; x < p.width * 3; x++) {
            const int got = p.rgb[y * p.stride + x];
            if (abs(got - wanted[x]) <= most) continue;
            fail_msg("%s: row %d, pixel %d, colour %d: %d instead of %d", name, y, x / 3, x % 3, got,
                     wanted[x]);
        }
    }
    tool_text_free(&want);
    picture_free(&p);
}

static void are_pillows(void **state)
{
    (void)state;
    assert_in_range(for_all(hold_file), 30, 100);
}

/* Both ends of the limits: one pixel or byte less and the picture is refused before it is decoded. */
static void hold_limits(const char *name, const tool_text *file, const char *format)
{
    (void)format;
    picture p;
    tool_error err = {{0}};
    char want[NAME_BYTES];
    const picture_source source = {.name = name, .data = (uint8_t *)file->data, .size = file->size};
    if (!picture_decode(&p, &source, &roomy, &err)) fail_msg("%s", err.message);
    const uint64_t pixels = (uint64_t)p.width * (uint64_t)p.height;
    picture_free(&p);
    const picture_limits exact = {.memory = roomy.memory, .pixels = pixels},
                         fewer = {.memory = roomy.memory, .pixels = pixels - 1},
                         less = {.memory = (size_t)pixels * 3 - 1, .pixels = roomy.pixels};
    /* a small HEIC is part of an image of 64 x 64 pixels, which counts */
    if (strcmp(name, "lossless.heic") != 0 && !picture_decode(&p, &source, &exact, &err)) {
        fail_msg("%s", err.message);
    }
    picture_free(&p);
    assert_false(picture_decode(&p, &source, &fewer, &err));
    (void)snprintf(want, sizeof want, "the limit is %d (--max-pixels)", (int)pixels - 1);
    assert_non_null(strstr(err.message, want));
    err.message[0] = '\0';
    assert_false(picture_decode(&p, &source, &less, &err));
    assert_non_null(strstr(err.message, "(--max-memory)"));
    assert_memory_equal(err.message, name, strlen(name));
}

static void have_limits(void **state)
{
    (void)state;
    assert_in_range(for_all(hold_limits), 30, 100);
}

/* ---- shared memory ---- */

static void note_claim(void *user, size_t bytes)
{
    size_t *claimed = user;
    assert_int_equal(*claimed, 0);
    *claimed = bytes;
}

/* What decoding takes is told once, before, and is no less than the pixels and no more than the limit. */
static void hold_claim(const char *name, const tool_text *file, const char *format)
{
    (void)format;
    picture p;
    tool_error err = {{0}};
    size_t claimed = 0;
    const picture_claim claim = {note_claim, &claimed};
    const picture_source source = {
        .name = name, .data = (uint8_t *)file->data, .size = file->size, .claim = &claim};
    if (!picture_decode(&p, &source, &roomy, &err)) fail_msg("%s", err.message);
    assert_in_range(claimed, (size_t)p.width * (size_t)p.height * 3, roomy.memory);
    picture_free(&p);
    const picture_limits less = {.memory = claimed - 1, .pixels = roomy.pixels};
    claimed = 0;
    assert_false(picture_decode(&p, &source, &less, &err));
    assert_int_equal(claimed, 0);
}

static void claim_memory(void **state)
{
    (void)state;
    assert_in_range(for_all(hold_claim), 30, 100);
}

#if TOOL_WITH_HEIF
/* libheif reads a copy of the file, which is memory as the pixels are. */
static void whole_file_counts(void **state)
{
    (void)state;
    enum { MORE = 1 << 20 };
    tool_text file = read_file("lossless.avif", "");
    picture p;
    tool_error err = {{0}};
    size_t claimed = 0;
    const picture_claim claim = {note_claim, &claimed};
    uint8_t *data = calloc(file.size + MORE, 1);
    assert_non_null(data);
    memcpy(data, file.data, file.size);
    memcpy(data + file.size, "\0\x10\0\0free", 8); /* a box of MORE bytes that says nothing */
    const picture_source source = {.name = "a file", .data = data, .size = file.size + MORE, .claim = &claim};
    if (!picture_decode(&p, &source, &roomy, &err)) fail_msg("%s", err.message);
    assert_in_range(claimed, file.size + MORE, roomy.memory);
    picture_free(&p);
    free(data);
    tool_text_free(&file);
}
#endif

/* ---- damaged ---- */

static void cut_file(const char *name, const tool_text *file, const char *format)
{
    const size_t step = strcmp(format, "HEIC or AVIF") == 0 ? 5 : 1;
    size_t read = 0;
    for (size_t size = 12; size < file->size; size += step) {
        uint8_t *data = copy_of(file->data, size);
        if (survives(data, size, NULL)) read++;
        free(data);
    }
    /* what a picture has behind its pixels may be missing, such as the frames that follow, and no more */
    if (read > file->size / 2 && strncmp(name, "moving", 6) != 0) {
        fail_msg("%s: %zu of its beginnings are read", name, read);
    }
}

static void cut_anywhere(void **state)
{
    (void)state;
    assert_in_range(for_all(cut_file), 30, 100);
}

static void flip_file(const char *name, const tool_text *file, const char *format)
{
    /* HEVC and AV1 take milliseconds */
    const bool slow = strcmp(format, "HEIC or AVIF") == 0;
    static const uint8_t few[] = {0xFF, 0}, many[] = {0x01, 0x10, 0x80, 0xFF, 0};
    (void)name;
    for (const uint8_t *flip = slow ? few : many; *flip; flip++) {
        for (size_t i = 0; i < file->size; i += slow ? 5 : 1) {
            uint8_t *data = copy_of(file->data, file->size);
            data[i] ^= *flip;
            if (picture_is_foreign(data, file->size)) (void)survives(data, file->size, NULL);
            free(data);
        }
    }
}

static void flipped_anywhere(void **state)
{
    (void)state;
    assert_in_range(for_all(flip_file), 30, 100);
}

/* ---- what is what ---- */

static void told_from_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *format;
        bool foreign;
    } cases[] = {
        {"\xFF\xD8\xFF\xE0........", "JPEG", false},
        {"\x89PNG\r\n\x1A\n....", "PNG", false},
        {"RIFF....WEBP", "WebP", true},
        {"....ftypheic", "HEIC or AVIF", true},
        {"....ftypmif1", "HEIC or AVIF", true},
        {"....ftypavif", "HEIC or AVIF", true},
        {"GIF87a......", "GIF", true},
        {"GIF89a......", "GIF", true},
        {"II*\0........", "TIFF", true},
        {"MM\0*........", "TIFF", true},
        {"II+\0........", "TIFF", true},
        {"BM....\0\0\0\0..", "BMP", true},
        {"RIFF....WAVE", NULL, false},
        {"....ftypisom", NULL, false},
        {"....ftypqt  ", NULL, false},
        {"GIF88a......", NULL, false},
        {"BM..........", NULL, false},
        {"MM*\0........", NULL, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *data = copy_of(cases[i].bytes, PICTURE_MAGIC_BYTES);
        const char *format = picture_format(data, PICTURE_MAGIC_BYTES);
        if (cases[i].format) {
            assert_non_null(format);
            assert_string_equal(format, cases[i].format);
        } else {
            assert_null(format);
        }
        assert_int_equal(picture_is_foreign(data, PICTURE_MAGIC_BYTES), cases[i].foreign);
        free(data);
        for (size_t size = 0; size < PICTURE_MAGIC_BYTES; size++) { /* and nothing is read behind the end */
            data = copy_of(cases[i].bytes, size);
            (void)picture_format(data, size);
            free(data);
        }
    }
    assert_true(tool_is_picture("test/pictures/lossy.webp"));
    assert_true(tool_is_picture("test/pictures/lossless.avif"));
    assert_false(tool_is_picture("test/pictures/lossy.webp.rgb"));
}

/* A build that lacks a decoder knows the format, and says what was left out. */
static void left_out(void **state)
{
    (void)state;
    static const char *const cases[][3] = {{"RIFF....WEBP", "WebP", "WEBP=0"},
                                           {"....ftypheic", "HEIC or AVIF", "HEIF=0"},
                                           {"GIF89a......", "GIF", "GIF=0"},
                                           {"II*\0........", "TIFF", "TIFF=0"},
                                           {"BM....\0\0\0\0..", "BMP", "BMP=0"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char message[1024];
        assert_false(survives(cases[i][0], PICTURE_MAGIC_BYTES, message));
        assert_non_null(strstr(message, cases[i][1]));
        const bool says_so = strstr(message, cases[i][2]) != NULL;
        assert_int_equal(says_so, !is_built(cases[i][1]));
    }
}

/* ---- orientation ---- */

static void lying(void **state)
{
    (void)state;
    static const char *const names[] = {"turned6.webp", "turned5.tif", "turned8.tif"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tool_text file = read_file(names[i], "");
        const picture_source source = {
            .name = names[i], .data = (uint8_t *)file.data, .size = file.size, .no_exif = true};
        picture p;
        if (is_built(picture_format(file.data, file.size))) {
            assert_true(picture_decode(&p, &source, &roomy, NULL));
            assert_int_equal(p.width, 20); /* upright it would be 13 */
            assert_int_equal(p.height, 13);
            picture_free(&p);
        }
        tool_text_free(&file);
    }
}

/* ---- hostile sizes ---- */

static void put16(uint8_t *to, unsigned value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

/* Finds a field of a little-endian TIFF and sets its value, or the first one of several. */
static void set_field(uint8_t *tiff, unsigned tag, uint32_t value)
{
    uint8_t *entry = tiff + (tiff[4] | tiff[5] << 8) + 2;
    while ((entry[0] | entry[1] << 8) != (int)tag) entry += 12;
    put16(entry + 2, 4);
    put16(entry + 8, value & 0xFFFF);
    put16(entry + 10, value >> 16);
}

/* Files of a kilobyte whose header promises what would take gigabytes, or hours. */
static void promise_much(void **state)
{
    (void)state;
    char message[1024];
    tool_text file;
#if TOOL_WITH_GIF
    file = read_file("plain.gif", "");
    put16((uint8_t *)file.data + 6, 65535);
    put16((uint8_t *)file.data + 8, 65535);
    assert_false(survives(file.data, file.size, message));
    assert_non_null(strstr(message, "65535 x 65535 pixels, the limit is"));
    tool_text_free(&file);
#endif
#if TOOL_WITH_TIFF
    file = read_file("plain.tif", "");
    set_field((uint8_t *)file.data, 257, 4000000000u); /* the height */
    assert_false(survives(file.data, file.size, message));
    tool_text_free(&file);
    file = read_file("tiles.tif", "");
    set_field((uint8_t *)file.data, 322, 1 << 30); /* a tile's width */
    assert_false(survives(file.data, file.size, message));
    assert_non_null(strstr(message, "memory than the limit"));
    tool_text_free(&file);
    file = read_file("tiles.tif", "");
    set_field((uint8_t *)file.data, 322, 1 << 20); /* high tiles, each for one row */
    set_field((uint8_t *)file.data, 323, 1);
    set_field((uint8_t *)file.data, 256, 1);
    set_field((uint8_t *)file.data, 257, 60000);
    assert_false(survives(file.data, file.size, message));
    assert_non_null(strstr(message, "many more pixels than the limit"));
    tool_text_free(&file);
    file = read_file("plain.tif", "");
    set_field((uint8_t *)file.data, 259, 34925); /* LZMA */
    assert_false(survives(file.data, file.size, message));
    assert_non_null(strstr(message, "its compression (34925) is not read"));
    tool_text_free(&file);
#endif
#if TOOL_WITH_BMP
    file = read_file("plain.bmp", "");
    put16((uint8_t *)file.data + 20, 16384); /* the width's upper half */
    assert_false(survives(file.data, file.size, message));
    assert_non_null(strstr(message, "it ends too early"));
    put16((uint8_t *)file.data + 20, 0);
    static const struct {
        unsigned at, value;
        const char *reason;
    } unread[] = {
        {14, 12, "its header size (12) is not read"},
        {28, 16, "its number of bits a pixel (16) is not read"},
        {28, 32, "its number of bits a pixel (32) is not read"},
        {30, 1, "its compression (1) is not read"}, /* RLE */
        {10, 53, "its header is broken"},
        {18, 0, "it has no pixels"},
    };
    for (size_t i = 0; i < sizeof unread / sizeof *unread; i++) {
        uint8_t *data = copy_of(file.data, file.size);
        put16(data + unread[i].at, unread[i].value);
        assert_false(survives(data, file.size, message));
        assert_non_null(strstr(message, unread[i].reason));
        free(data);
    }
    tool_text_free(&file);
#endif
    (void)message, (void)file;
}

#if TOOL_WITH_HEIF
/* The boxes of a HEIF file, as they are being written. */
typedef struct boxes {
    uint8_t data[4096];
    size_t size;
} boxes;

static void put(boxes *b, uint32_t value, size_t bytes)
{
    assert_true(b->size + bytes <= sizeof b->data);
    while (bytes > 0) b->data[b->size++] = (uint8_t)(value >> 8 * --bytes);
}

/* Returns where the box begins, for end_box. */
static size_t begin_box(boxes *b, const char *type)
{
    const size_t start = b->size;
    put(b, 0, 4);
    for (int i = 0; i < 4; i++) put(b, (uint8_t)type[i], 1);
    return start;
}

static void end_box(boxes *b, size_t start)
{
    const size_t end = b->size;
    b->size = start;
    put(b, (uint32_t)(end - start), 4);
    b->size = end;
}

/* Items 1 and 2 have side x side pixels.  Item 2 is made of item 1, `times` times, and item 3 of `part`. */
static void make_heif(boxes *b, uint32_t side, unsigned times, unsigned part)
{
    *b = (boxes){.size = 0};
    const size_t ftyp = begin_box(b, "ftyp");
    for (int i = 0; i < 3; i++) put(b, i == 1 ? 0 : 0x68656963 /* heic */, 4);
    end_box(b, ftyp);
    const size_t meta = begin_box(b, "meta");
    put(b, 0, 4);
    const size_t iprp = begin_box(b, "iprp"), ipco = begin_box(b, "ipco"), ispe = begin_box(b, "ispe");
    put(b, 0, 4);
    put(b, side, 4);
    put(b, side, 4);
    end_box(b, ispe);
    end_box(b, ipco);
    const size_t ipma = begin_box(b, "ipma");
    put(b, 0, 4);
    put(b, 2, 4);
    for (unsigned item = 1; item <= 2; item++) {
        put(b, item, 2);
        put(b, 1, 1);
        put(b, 1, 1);
    }
    end_box(b, ipma);
    end_box(b, iprp);
    const size_t iref = begin_box(b, "iref");
    put(b, 0, 4);
    for (unsigned item = 2; item <= 3; item++) {
        const unsigned count = item == 2 ? times : 1;
        const size_t dimg = begin_box(b, "dimg");
        put(b, item, 2);
        put(b, count, 2);
        for (unsigned i = 0; i < count; i++) put(b, item == 2 ? 1 : part, 2);
        end_box(b, dimg);
    }
    end_box(b, iref);
    end_box(b, meta);
}

/* What a HEIF file is made of is counted before anything is decoded. */
static void many_parts(void **state)
{
    (void)state;
    static const struct {
        uint32_t side;
        unsigned times, part;
        const char *reason;
    } cases[] = {
        {3000, 1, 1, "3000 x 3000 pixels, the limit is"},
        {2000, 10, 1, "its parts hold many more pixels than the limit"},
        {10, 1, 2, "parts of it are made of parts themselves"},
        {10, 1, 9, "a part of it has no size"},
        {10, 1, 1, "HEIC or AVIF image: "}, /* these boxes are not enough for libheif */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        boxes b;
        char message[1024];
        make_heif(&b, cases[i].side, cases[i].times, cases[i].part);
        assert_false(survives(b.data, b.size, message));
        if (!strstr(message, cases[i].reason)) fail_msg("%s, not: %s", message, cases[i].reason);
        for (size_t size = 12; size < b.size; size++) {
            uint8_t *data = copy_of(b.data, size);
            assert_false(survives(data, size, NULL));
            free(data);
        }
    }
}

/* The coded image says its size, too, and libheif believes that one. */
static void small_promise(void **state)
{
    (void)state;
    tool_text file = read_file("lossless.avif", "");
    const picture_limits few = {.memory = 4096, .pixels = 100};
    const picture_source source = {.name = "a file", .data = (uint8_t *)file.data, .size = file.size};
    tool_error err = {{0}};
    picture p;
    size_t at = 0;
    while (memcmp(file.data + at, "ispe", 4) != 0) at++;
    file.data[at + 11] = file.data[at + 15] = 10;
    assert_false(picture_decode(&p, &source, &few, &err));
    assert_string_equal(err.message, "a file: has 20 x 13 pixels, the limit is 100 (--max-pixels)");
    tool_text_free(&file);
}
#endif

/* ---- in a session ---- */

/* Slopes of width x height as an uncompressed TIFF of one strip; free() it. */
static uint8_t *grey_tiff(uint32_t width, uint32_t height, size_t *size)
{
    static const unsigned tags[][2] = {{256, 0}, {257, 0}, {258, 8}, {259, 1}, {262, 1},
                                       {273, 0}, {277, 1}, {278, 0}, {279, 0}};
    enum { FIELDS = sizeof tags / sizeof *tags, HEAD = 8 + 2 + 12 * FIELDS + 4 };
    *size = HEAD + (size_t)width * height;
    uint8_t *tiff = calloc(*size, 1);
    assert_non_null(tiff);
    memcpy(tiff, "II*\0\x08", 5);
    put16(tiff + 8, FIELDS);
    for (unsigned i = 0; i < FIELDS; i++) {
        put16(tiff + 10 + 12 * i, tags[i][0]);
        tiff[10 + 12 * i + 4] = 1;
        set_field(tiff, tags[i][0], tags[i][1]);
    }
    set_field(tiff, 256, width);
    set_field(tiff, 257, height);
    set_field(tiff, 273, HEAD);
    set_field(tiff, 278, height);
    set_field(tiff, 279, width * height);
    for (size_t i = HEAD; i < *size; i++) tiff[i] = (uint8_t)i;
    return tiff;
}

static void in_a_session(void **state)
{
    (void)state;
    fixture fix;
    tool_session session;
    tool_error err = {{0}};
    caption_session_options options;
    assert_true(fixture_open(&fix, NULL));
    caption_model_info info;
    caption_model_get_info(fix.model, &info);
    const size_t bytes = (size_t)info.input_size * (size_t)info.input_size * 3;
    caption_session_options_init(&options);
    options.max_pixels = 1000000;
    assert_true(tool_session_begin(&session, fix.model, &options, &err));
    /* the pixels are the library's own */
    static const char *const names[] = {"lossless.webp", "plain.gif", "planes.tif", "plain.bmp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tool_text file = read_file(names[i], ""), rgb = read_file(names[i], ".rgb");
        if (is_built(picture_format(file.data, file.size))) {
            if (!tool_session_load(&session, names[i], file.data, file.size, &err)) {
                fail_msg("%s", err.message);
            }
            uint8_t *got = copy_of(caption_slot_pixels(session.session, 0), bytes);
            const caption_pixel_view view = {.rgb = (uint8_t *)rgb.data, .width = 20, .height = 13};
            assert_int_equal(caption_load_pixels(session.session, 0, &view, NULL), CAPTION_OK);
            assert_memory_equal(got, caption_slot_pixels(session.session, 0), bytes);
            free(got);
        }
        tool_text_free(&file);
        tool_text_free(&rgb);
    }
#if TOOL_WITH_TIFF
    static const uint32_t sizes[][2] = {{1, 65535}, {65535, 1}, {1000, 1000}, {15, 65535}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size;
        uint8_t *tiff = grey_tiff(sizes[i][0], sizes[i][1], &size);
        if (!tool_session_load(&session, "slopes", tiff, size, &err)) fail_msg("%s", err.message);
        free(tiff);
    }
    size_t size;
    uint8_t *tiff = grey_tiff(1001, 1000, &size);
    assert_false(tool_session_load(&session, "slopes", tiff, size, &err));
    assert_string_equal(err.message, "slopes: has 1001 x 1000 pixels, the limit is 1000000 (--max-pixels)");
    free(tiff);
    tiff = grey_tiff(1, 65536, &size);
    err.message[0] = '\0';
    assert_false(tool_session_load(&session, "slopes", tiff, size, &err));
    assert_string_equal(err.message, "slopes: has 1 x 65536 pixels, a side may have 65535");
    free(tiff);
#endif
    tool_session_end(&session);
    fixture_close(&fix);
}

/* ---- silence ---- */

static FILE *said;
static int real_stderr;

/* Decoders that print would do so to standard error. */
static int listen(void **state)
{
    (void)state;
    said = tmpfile();
    real_stderr = dup(STDERR_FILENO);
    return said && real_stderr >= 0 && dup2(fileno(said), STDERR_FILENO) >= 0 ? 0 : -1;
}

static int stop_listening(void **state)
{
    (void)state;
    const bool ok = dup2(real_stderr, STDERR_FILENO) >= 0;
    (void)close(real_stderr);
    char text[400] = "";
    rewind(said);
    const size_t got = fread(text, 1, sizeof text - 1, said);
    (void)fclose(said);
    if (got) (void)fprintf(stderr, "a decoder said: %s\n", text);
    return ok && got == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(told_from_bytes),
        cmocka_unit_test(left_out),
        cmocka_unit_test_setup_teardown(are_pillows, listen, stop_listening),
        cmocka_unit_test_setup_teardown(have_limits, listen, stop_listening),
        cmocka_unit_test_setup_teardown(claim_memory, listen, stop_listening),
        cmocka_unit_test_setup_teardown(lying, listen, stop_listening),
        cmocka_unit_test_setup_teardown(cut_anywhere, listen, stop_listening),
        cmocka_unit_test_setup_teardown(flipped_anywhere, listen, stop_listening),
        cmocka_unit_test_setup_teardown(promise_much, listen, stop_listening),
#if TOOL_WITH_HEIF
        cmocka_unit_test_setup_teardown(whole_file_counts, listen, stop_listening),
        cmocka_unit_test_setup_teardown(many_parts, listen, stop_listening),
        cmocka_unit_test_setup_teardown(small_promise, listen, stop_listening),
#endif
        cmocka_unit_test(in_a_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
