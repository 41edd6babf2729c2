/* BMP by leptonica, which is loaded for it.  Leptonica takes pixels of 16 and 32 bits for something else than
 * they are, so only those of 1, 4, 8 and 24 bits are read. */
#include "tools/common/picture_decoders.h"

#if TOOL_WITH_BMP

#include <pthread.h>
#include <stdio.h>

#include <leptonica/allheaders.h>

#include "tools/common/loaded.h"

#if LIBLEPT_MAJOR_VERSION > 1 || LIBLEPT_MINOR_VERSION >= 83
#define LIBRARY "libleptonica.so.6"
#else
#define LIBRARY "liblept.so.5"
#endif
#if defined(__APPLE__)
#undef LIBRARY
#define LIBRARY "libleptonica.6.dylib"
#endif

enum {
    FILE_HEADER = 14,
    INFO_HEADER = 40,    /* the shortest one that is read; later versions are longer and begin with it */
    PIXEL_BYTES = 3 + 8, /* ours, and leptonica's: as stored, and as words of 32 bits */
    WORD_BYTES = 4,      /* every row is whole words of 32 bits */
    LARGE = 64 * 1024,   /* bytes; no header with its palette is as large */
};

#define FUNCTIONS(each)                                                                            \
    each(pixReadMemBmp) each(pixConvertTo32) each(pixDestroy) each(pixGetWidth) each(pixGetHeight) \
        each(pixGetWpl) each(pixGetData) each(setMsgSeverity)

typedef struct lept_functions {
    FUNCTIONS(TOOL_LOADED_FIELD)
} lept_functions;

/* ---- leptonica, once for the process ---- */

static lept_functions f;
static bool loaded;

static void load(void)
{
    static const char *const names[] = {FUNCTIONS(TOOL_LOADED_NAME) NULL};
    loaded = tool_load(LIBRARY, names, &f);
    if (loaded) (void)f.setMsgSeverity(L_SEVERITY_NONE);
}

/* ---- the header ---- */

static uint32_t get16(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8;
}

static uint32_t get32(const uint8_t *from)
{
    return get16(from) | get16(from + 2) << 16;
}

/* "its WHAT (VALUE) is not read" */
static bool not_read(const picture_job *job, const char *what, uint32_t value)
{
    char text[64];
    (void)snprintf(text, sizeof text, "its %s (%u) is not read", what, (unsigned)value);
    return picture_refused(job, text);
}

/* Everything that leptonica is to find in the header is checked before it reads the file. */
static bool read_header(const picture_job *job, uint32_t *width, uint32_t *height)
{
    const uint8_t *data = job->source->data;
    const size_t size = job->source->size;
    if (size < FILE_HEADER + INFO_HEADER) return picture_damaged(job, "it ends too early");
    const uint32_t start = get32(data + 10), info = get32(data + 14), bits = get16(data + 28),
                   compression = get32(data + 30);
    *width = get32(data + 18);
    *height = get32(data + 22);
    if (*height > INT32_MAX) *height = 0 - *height; /* a negative number: rows from top to bottom */
    if (info < INFO_HEADER) return not_read(job, "header size", info);
    if (compression != 0) return not_read(job, "compression", compression);
    if (bits != 1 && bits != 4 && bits != 8 && bits != 24) {
        return not_read(job, "number of bits a pixel", bits);
    }
    if (start >= LARGE || info > start - FILE_HEADER || start < FILE_HEADER + INFO_HEADER) {
        return picture_damaged(job, "its header is broken");
    }
    if (*width == 0 || *height == 0) return picture_damaged(job, "it has no pixels");
    const uint64_t row = ((uint64_t)*width * bits + 31) / 32 * WORD_BYTES;
    return (start <= size && row <= (size - start) / *height) || picture_damaged(job, "it ends too early");
}

/* ---- decoding ---- */

/* Takes the colours out of words whose highest byte is red. */
static void take_colours(PIX *words, const picture *p, uint8_t *rgb)
{
    const uint32_t *row = f.pixGetData(words);
    for (int y = 0; y < p->height; y++, row += f.pixGetWpl(words), rgb += p->stride) {
        for (int x = 0; x < p->width; x++) {
            rgb[3 * x] = (uint8_t)(row[x] >> L_RED_SHIFT);
            rgb[3 * x + 1] = (uint8_t)(row[x] >> L_GREEN_SHIFT);
            rgb[3 * x + 2] = (uint8_t)(row[x] >> L_BLUE_SHIFT);
        }
    }
}

bool picture_decode_bmp(picture_job *job, picture *p)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (pthread_once(&once, load) != 0 || !loaded) return picture_refused(job, LIBRARY " is not installed");
    uint32_t width = 0, height = 0;
    if (!read_header(job, &width, &height)) return false;
    if (!picture_reserve(job, width, height, PIXEL_BYTES, 0)) return false;
    uint8_t *rgb = picture_room(job, p, width, height, 3);
    if (!rgb) return false;
    PIX *stored = f.pixReadMemBmp(job->source->data, job->source->size);
    PIX *words = stored ? f.pixConvertTo32(stored) : NULL;
    const bool ok = words && f.pixGetWidth(words) == p->width && f.pixGetHeight(words) == p->height;
    if (ok) take_colours(words, p, rgb);
    f.pixDestroy(&words);
    f.pixDestroy(&stored);
    return ok || picture_damaged(job, "its data is broken");
}

#endif
